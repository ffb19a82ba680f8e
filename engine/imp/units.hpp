// engine/imp/units.hpp - whole units as what goes at once: hidden neurons, inputs of the first layer, or
// filters of convolutions, the smallest norm first.
//
//   neuron   of a hidden layer without kernels: the weights into it, by whose norm it is ranked, and those
//            out of it
//   filter   of a convolution: the same
//   input    of a network, or channel where it begins with a convolution: the weights out of it, by their
//            norm
//
// Every layer has a ranking of its own, and keeps max(1, floor(units * density + 1/2)) of its units, so that
// it is known beforehand how many weights are left. Layers of imp.keep_layers lose none.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/imp/criterion.hpp"

namespace impsweep {

struct Unit {
  std::vector<std::size_t> ranked, others;  // positions of its weights, [parameter_count]
};

// [layer][unit]: what imp.unit names in the networks that may be pruned.
std::vector<std::vector<Unit>> units_of(const ModelSpec&, const std::vector<Tensor>&,
                                        std::span<const std::size_t> prunable, const ImpConfig&);

// Weights left if every layer keeps this part of its units.
std::int64_t weights_of_units(const ModelSpec&, const std::vector<Tensor>&,
                              std::span<const std::size_t> prunable, const ImpConfig&, double density);

// The mask that keeps the units whose weights are `kept`, a number of weights_of_units(). Throws
// std::invalid_argument if fewer units are left of a layer, or `mask` has holes of another kind.
Mask mask_by_units(const ScoreInputs&, std::int64_t kept);

}  // namespace impsweep
