// agents/sparsity/mask_update.hpp - one change of one layer's mask: which of its weights go, and which come.
//
//   gradual   the smallest go (Zhu & Gupta 2017)
//   SET       the smallest go, as many others come at random (Mocanu et al. 2018)
//   RigL      the smallest go, as many come where the gradient is largest (Evci et al. 2020)
//
// What comes is chosen among all weights that are pruned, those that have just gone included. Such a weight
// was never away: it keeps its value and its moments. Sizes are compared as absolute values; of equal ones
// the lower place in the tensor ([out][in], or [filter][channel][row][column]) stays, or comes.
//
// All arrays are those of one tensor, flat. Masks hold 1 = kept.
#pragma once

#include <cstdint>
#include <span>

#include "envs/random.hpp"

namespace impsweep {

std::int64_t kept_in(std::span<const std::uint8_t> mask);

// How many of `active` weights go: the fraction, rounded down. Products within a millionth of the next whole
// number count as that number.
std::int64_t drop_count(std::int64_t active, double fraction);

// Only the `count` largest of the weights that the mask keeps stay.
void keep_largest(std::span<const float> weights, std::int64_t count, std::span<std::uint8_t> mask);

// So many of the weights that the mask prunes, and `available` (empty: all) allows, come: those of the
// largest score, or any.
void grow_largest(std::span<const float> score, std::span<const std::uint8_t> available, std::int64_t count,
                  std::span<std::uint8_t> mask);
void grow_at_random(RandomSource&, std::span<const std::uint8_t> available, std::int64_t count,
                    std::span<std::uint8_t> mask);

}  // namespace impsweep
