#include "engine/plan/doubts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/job/external_task.hpp"

namespace impsweep {
namespace {

// Steps that are rounded up, as trainings end with a whole iteration: "cartpole ppo 80000 to 80128, ...".
std::string roundings(const Plan& plan) {
  constexpr std::size_t kNamed = 4;
  std::vector<std::string> all;
  for (const Settings& settings : plan.settings) {
    const std::int64_t whole = algorithm_of(settings).work(settings.agent).steps_per_iteration;
    const std::int64_t steps = settings.agent.sampler.steps, played = (steps + whole - 1) / whole * whole;
    std::string text = fmt::format("{} {} {} to {}", settings.task, settings.algorithm, steps, played);
    if (played != steps && std::ranges::count(all, text) == 0) all.push_back(std::move(text));
  }
  if (all.empty()) return {};
  const std::size_t more = all.size() > kNamed ? all.size() - kNamed : 0;
  all.resize(all.size() - more);
  return fmt::format("'rl.steps' is rounded up to whole iterations: {}{}", fmt::join(all, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

// Masks that would change, if the training went on for long enough.
std::string idle_sparsity(const Settings& settings) {
  const SparseConfig& sparse = settings.sparse;
  if (sparse.method != SparseMethod::kSet && sparse.method != SparseMethod::kRigl) return {};
  const std::int64_t steps =
      planned_updates(algorithm_of(settings).work(settings.agent), settings.agent.sampler.steps);
  if (static_cast<double>(sparse.interval) < sparse.end * static_cast<double>(steps)) return {};
  return fmt::format(
      "{} {}: the mask never changes: 'sparse.interval' = {} is not within the part 'sparse.end' = {} of {} "
      "gradient steps; lower it",
      settings.task, settings.algorithm, sparse.interval, sparse.end, steps);
}

}  // namespace

std::vector<std::string> doubts_about(const Plan& plan) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& doubt) {
    if (!doubt.empty() && std::ranges::count(all, doubt) == 0) all.push_back(doubt);
  };
  add(roundings(plan));
  for (const Settings& settings : plan.settings) {
    const AlgorithmInfo& algorithm = algorithm_of(settings);
    if (!is_reproducible(settings))
      add(fmt::format(
          "{}: not reproducible: equal seeds and actions give other episodes, so that results cannot be "
          "computed again, and trainings that are stopped start again",
          settings.task));
    add(idle_sparsity(settings));
    if (algorithm.doubts == nullptr) continue;
    for (const std::string& doubt : algorithm.doubts(settings.agent, ""))
      add(fmt::format("{} {}: {}", settings.task, settings.algorithm, doubt));
  }
  return all;
}

}  // namespace impsweep
