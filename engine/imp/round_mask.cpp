#include "engine/imp/round_mask.hpp"

#include <numeric>

#include "engine/imp/units.hpp"

namespace impsweep {

bool prunes_plainly(const ImpConfig& imp) {
  return imp.criterion == Criterion::kMagnitude && imp.distribution == Distribution::kGlobal &&
         imp.unit == PruneUnit::kWeight && imp.keep_layers.empty();
}

Mask round_mask(const ScoreInputs& in, int round, std::int64_t kept) {
  const ImpConfig& imp = *in.imp;
  if (prunes_plainly(imp) && !imp.counts_are_given())
    return pruned_mask(in.weights, in.mask, *in.tensors, in.prunable, imp, round);
  if (imp.unit != PruneUnit::kWeight) return mask_by_units(in, kept);
  if (imp.counts_are_given()) return mask_by_criterion(in, kept);
  const std::vector<std::int64_t> left = kept_per_tensor(*in.tensors, in.prunable, in.mask);
  const std::int64_t all = std::accumulate(left.begin(), left.end(), std::int64_t{0});
  return mask_by_criterion(in, all - round_half_even(imp.prune_fraction * static_cast<double>(all)));
}

}  // namespace impsweep
