#include "engine/plan/longest_chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "io/human_text.hpp"

namespace impsweep {

LongestChain longest_chain(const Plan& plan, const CostModel& costs, const std::vector<bool>& done) {
  const CostClasses classes(plan);
  const std::vector<CostEstimate> estimates = classes.estimates(costs);
  // Seconds from the start of all to the end of each training, which comes after those that it depends on.
  std::vector<double> end(plan.trainings.size());
  std::vector<std::uint32_t> length(plan.trainings.size());
  std::optional<TrainingIndex> last;
  double work = 0;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    if (!done.empty() && done[i]) continue;
    for (const TrainingIndex dependency : plan.dependencies(i))
      if (end[dependency] > end[i]) {
        end[i] = end[dependency];
        length[i] = length[dependency];
      }
    const double seconds = estimates[classes[i]].seconds;
    work += seconds;
    end[i] += seconds;
    ++length[i];
    if (!last || end[i] > end[*last]) last = i;
  }
  if (!last) return {};
  constexpr double kMostRanks = 1e9;
  std::string name = training_name(plan, *last);
  if (const auto chain = plan.first_chain[*last]) name = plan.chains[*chain].name;
  return {.name = std::move(name),
          .trainings = length[*last],
          .seconds = end[*last],
          .ranks = static_cast<int>(std::min(std::ceil(work / end[*last]), kMostRanks))};
}

std::string to_text(const LongestChain& chain, int ranks) {
  if (chain.trainings == 0) return "";
  std::string text =
      fmt::format("longest     {}: {} training{}, {} one after the other", chain.name, chain.trainings,
                  chain.trainings == 1 ? "" : "s", rough_duration_text(chain.seconds));
  if (ranks <= chain.ranks) return text + "\n";
  return text + fmt::format(
                    "; more than {} rank{} end no sooner, only less in it does: fewer rounds, a larger "
                    "imp.prune_fraction, or --threads-per-rank where environments are slow\n",
                    chain.ranks, chain.ranks == 1 ? "" : "s");
}

nlohmann::ordered_json to_json(const LongestChain& chain) {
  return {{"name", chain.name},
          {"trainings", chain.trainings},
          {"seconds", chain.seconds},
          {"ranks", chain.ranks}};
}

}  // namespace impsweep
