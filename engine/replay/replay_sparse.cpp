#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/replay/sparse_methods.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

struct SparseMethod {
  std::string_view name;
  void (*drive)(const Hdf5File&, const std::string& group, OracleComparison&);
};

constexpr auto kMethods = std::to_array<SparseMethod>({
    {"distribution", replay_distribution},
    {"lamp", replay_lamp},
    {"snip", replay_snip},
    {"grasp", replay_grasp},
    {"synflow", replay_synflow},
    {"criterion", replay_criterion},
    {"sign-constant", replay_sign_constant},
    {"schedule-cubic", replay_cubic_schedule},
    {"schedule-cosine", replay_cosine_schedule},
    {"update-rigl", replay_rigl_update},
    {"update-set", replay_set_update},
});

}  // namespace

std::vector<std::string> sparse_method_names() {
  std::vector<std::string> names;
  for (const SparseMethod& method : kMethods) names.emplace_back(method.name);
  return names;
}

void replay_sparse_case(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  const std::string name = file.attribute_string(group, "method");
  const auto method = std::ranges::find(kMethods, name, &SparseMethod::name);
  if (method == kMethods.end())
    throw InputError("{}: {}: this version cannot drive the method '{}'; it knows {}", file.name(), group,
                     name, fmt::join(sparse_method_names(), ", "));
  method->drive(file, group, comparison);
}

}  // namespace impsweep
