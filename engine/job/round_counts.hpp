// engine/job/round_counts.hpp - how many weights the rounds of a chain keep, and whether that can be: what
// imp.* says of pruning, checked before anything is trained.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/imp/baseline.hpp"
#include "engine/job/settings.hpp"

namespace impsweep {

// Prunable weights left in rounds 0 .. rounds-1. Of a round whose mask is another chain's (imp.mask_from), as
// if it had pruned itself; of masks that change (sparse.*), in the end.
std::vector<std::int64_t> kept_by_round(const Settings&, int rounds);

// A point of the grid, as far as pruning is concerned.
struct PrunedPoint {
  const Settings& settings;
  std::span<const Baseline> baselines;
  int rounds = 0;
  const std::string& place;  // for messages
};

// Conditions on imp.*, and that something is left in every round. Throws InputError "place: ..." with the
// remedy.
void check_pruning(const PrunedPoint&);

}  // namespace impsweep
