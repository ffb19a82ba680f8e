// engine/imp/compact.hpp - a pruned network as a smaller dense one that acts alike.
//
// A unit stays if a path of kept weights leads from an input through it to an output of its network or, in a
// trunk, of a head on it. A unit that no input reaches is a constant, and goes into the biases of the layer
// behind it; one that no output depends on goes without trace. Filters are looked at as wholes, and those
// before a padded convolution stay, as at its edges they are no constants. Inputs stay that any network
// reads. Where nothing would be left of a layer, its first unit stays.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/network/network.hpp"

namespace impsweep {

struct CompactNetwork {
  ModelSpec model;                   // the same networks, with fewer inputs and hidden units
  std::vector<float> parameters;     // [parameter_count of model]
  std::vector<std::uint8_t> inputs;  // 1 at the features of the observation that are left, in their order
};

// `parameters` and `mask` are [parameter_count] in dense order; outputs agree but for rounding. Throws
// std::invalid_argument if they do not fit the model.
CompactNetwork compact(const ModelSpec&, std::span<const float> parameters,
                       std::span<const std::uint8_t> mask);

}  // namespace impsweep
