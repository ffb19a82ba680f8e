// agents/config/sparse_config.hpp - the options of masks that change while an agent learns (agents/sparsity).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agents/config/option_field.hpp"

namespace impsweep {

enum class SparseMethod { kNone, kGradual, kSet, kRigl };
constexpr auto enum_names(SparseMethod) {
  return std::array<std::string_view, 4>{"none", "gradual", "set", "rigl"};
}

enum class SparseAlign { kRollout, kUpdate };
constexpr auto enum_names(SparseAlign) {
  return std::array<std::string_view, 2>{"rollout", "update"};
}

enum class SparseGrowth { kZero, kInitial };
constexpr auto enum_names(SparseGrowth) {
  return std::array<std::string_view, 2>{"zero", "initial"};
}

}  // namespace impsweep
