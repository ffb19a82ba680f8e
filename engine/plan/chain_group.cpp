#include "engine/plan/chain_group.hpp"

#include <algorithm>
#include <span>

namespace impsweep {

ChainGroup group_of(const Chain& chain) {
  return {chain.task, chain.algorithm, chain.network, chain.variant};
}

std::vector<TrainingId> digests_of(const Plan& plan, const Chain& chain) {
  std::vector<TrainingId> digests;
  for (const TrainingIndex training : chain.rounds) digests.push_back(plan.trainings[training].digest);
  return digests;
}

bool joins(std::vector<TrainingId>& known, const std::vector<TrainingId>& digests) {
  const std::size_t common = std::min(known.size(), digests.size());
  if (!std::ranges::equal(std::span(known).first(common), std::span(digests).first(common))) return false;
  if (digests.size() > common) known = digests;
  return true;
}

}  // namespace impsweep
