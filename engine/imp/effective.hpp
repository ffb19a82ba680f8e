// engine/imp/effective.hpp - which weights still carry anything. A mask counts what was not pruned; but a
// kept weight into a unit that no output depends on, or out of a unit that no input reaches, changes nothing.
//
// A weight, unit or input is effective if a path of kept weights leads from an input through it to an output.
// A unit that is reached by biases only is not: it is a constant. Each part of a model is looked at by itself
// (actor, critic, q); the layers of a shared trunk by paths to the head of its own part, the policy's.
// Convolutions are followed position by position.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/network/network.hpp"
#include "engine/imp/pruning.hpp"

namespace impsweep {

// [parameter_count], 1 = effective: kept weights on a path, and kept biases of units on one. log_std counts
// as it is masked. O(weights, times positions in convolutions).
Mask effective_parameters(const ModelSpec&, const std::vector<Tensor>&, std::span<const std::uint8_t> mask);

}  // namespace impsweep
