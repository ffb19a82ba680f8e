// engine/imp/distribution.hpp - how a number of weights is divided among layers.
//
//   distribution   raw density p of a fully connected layer        of filters, in channels, kernel h x w
//   uniform        1                                               1
//   er             (in + out) / (in out)                           (in + out) / (in out)
//   erk            the same                                        (in + out + h + w) / (in out h w)
//
// A layer keeps the part eps p of its weights, with one eps for all, so that they keep the budget together
// (Mocanu et al. 2018; Evci et al. 2020, appendix A). Layers that would keep more than there is keep all of
// it, and eps is solved again for the others. Pinned layers keep all from the start. Under "global" layers
// have no counts of their own: they follow from one ranking.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/imp/imp_config.hpp"

namespace impsweep {

struct LayerRoom {
  double raw_density = 1;    // p, of raw_density()
  std::int64_t weights = 0;  // of the layer; its density is a part of them
  std::int64_t most = 0;     // that it can keep, at most `weights`: in later rounds, what is left of it
  bool pinned = false;       // keeps `most`
};

// p of a weight [out, in] or [filters, channels, kernel, kernel].
double raw_density(Distribution, std::span<const int> shape);

// What each layer keeps of a budget of weights, in real numbers that add up to it. Throws
// std::invalid_argument if the budget is more than all layers can keep, or less than the pinned ones do.
std::vector<double> layer_shares(std::span<const LayerRoom>, double budget);

// The same in whole numbers that add up to `kept` exactly: shares rounded down, the rest to the largest
// fractions, of equal ones to the earlier layer; and a layer that can keep a weight keeps at least one.
// Throws std::invalid_argument if that cannot be.
std::vector<std::int64_t> layer_counts(std::span<const LayerRoom>, std::span<const double> shares,
                                       std::int64_t kept);

}  // namespace impsweep
