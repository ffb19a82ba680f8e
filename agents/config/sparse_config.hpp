// agents/config/sparse_config.hpp - the options of masks that change while an agent learns (agents/sparsity).
//
// Where a job does not give them, interval, fraction, start and end are those of the methods' sources for the
// kind of algorithm: published_sparsity() below.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

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

struct SparseConfig {
  SparseMethod method = SparseMethod::kNone;
  std::vector<double> density = {0.05};
  std::int64_t interval = 1000;
  double fraction = 0.3;
  double start = 0.2;
  double end = 0.8;
  SparseAlign align = SparseAlign::kRollout;
  SparseGrowth grow = SparseGrowth::kZero;

  template <class V>
  void visit(V& v) {
    v("sparse.method", method, kAny,
      "masks that change while learning: gradual magnitude pruning, set, rigl; none: a fixed mask");
    v("sparse.density", density, Range{1e-6, 1},
      "parts of the prunable weights left in the end, one for each round of the chain");
    v("sparse.interval", interval, kAtLeastOne, "gradient steps between two changes of the mask");
    v("sparse.fraction", fraction, kFraction,
      "set, rigl: part of a layer's weights that is exchanged at first; it falls by a cosine to 0");
    v("sparse.start", start, Range{0, 0.99}, "gradual: part of the training before anything is pruned");
    v("sparse.end", end, Range{0.01, 0.99}, "part of the training after which the mask stays as it is");
    v("sparse.align", align, kAny,
      "PPO: rollout puts a change off to the first step on the next rollout; update does not");
    v("sparse.grow", grow, kAny, "set, rigl: weights come as zeros, or with their initial values");
  }
};

// Kinds of algorithms for which the sources give numbers.
enum class SparseSource { kPpo, kClassicDqn, kImageDqn };

// Interval, fraction and end of the sources, for a training of so many gradient steps: Graesser et al. 2022
// (PPO on MuJoCo, DQN on classic control and on Atari); gradual pruning as in Obando-Ceron et al. 2024, every
// 1,000 steps or 1,500 times in all, whatever is more often.
SparseConfig published_sparsity(SparseMethod, SparseSource, std::int64_t steps);

}  // namespace impsweep
