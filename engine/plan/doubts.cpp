#include "engine/plan/doubts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace impsweep {
namespace {

// Trainings end with a whole iteration.
std::string rounding(const Settings& settings) {
  const std::int64_t whole = algorithm_of(settings).work(settings.agent).steps_per_iteration;
  const std::int64_t steps = settings.agent.sampler.steps, played = (steps + whole - 1) / whole * whole;
  if (played == steps) return {};
  return fmt::format("{} {}: 'rl.steps' = {} is rounded up to {}, whole iterations of {} steps",
                     settings.task, settings.algorithm, steps, played, whole);
}

}  // namespace

std::vector<std::string> doubts_about(const Plan& plan) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& doubt) {
    if (!doubt.empty() && std::ranges::count(all, doubt) == 0) all.push_back(doubt);
  };
  for (const Settings& settings : plan.settings) {
    add(rounding(settings));
    const AlgorithmInfo& algorithm = algorithm_of(settings);
    if (algorithm.doubts == nullptr) continue;
    for (const std::string& doubt : algorithm.doubts(settings.agent, ""))
      add(fmt::format("{} {}: {}", settings.task, settings.algorithm, doubt));
  }
  return all;
}

}  // namespace impsweep
