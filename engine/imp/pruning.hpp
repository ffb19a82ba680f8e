// engine/imp/pruning.hpp - which weights a round removes (section 3.1 of the paper).
//
// Prunable are the weight matrices of the actor, or of actor and critic; biases only on request, log_std
// never. All of them stand in one ranking by magnitude.
//
//   exact      q = round_half_even(fraction * n) of the n remaining weights, the smallest; ties go by
//              (order of the tensors, flat index), the earlier first. PyTorch's global_unstructured does the
//              same.
//   quantile   threshold = quantile 1 - (1 - fraction)^prunings of |w| over all entries, pruned ones counted
//              as 0, interpolated linearly; weights below it go.
//
// Masks and weights are [parameter_count] in the dense order of agents/network/network.hpp; masks hold 1 =
// kept and are 1 at everything that is not prunable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agents/network/network.hpp"
#include "engine/imp/imp_config.hpp"

namespace impsweep {

using Mask = std::vector<std::uint8_t>;

// Indices into `tensors`, in dense order.
std::vector<std::size_t> prunable_tensors(const std::vector<Tensor>& tensors, const ModelSpec&,
                                          const ImpConfig&);

// The same from names, in the order given, which is then the order of the ranking's ties. Throws
// std::invalid_argument for a name that no tensor has.
std::vector<std::size_t> tensors_by_name(const std::vector<Tensor>& tensors,
                                         std::span<const std::string> names);

// Number of entries of these tensors, and how many of them each mask keeps, tensor by tensor.
std::int64_t entry_count(const std::vector<Tensor>& tensors, std::span<const std::size_t> prunable);
std::vector<std::int64_t> kept_per_tensor(const std::vector<Tensor>& tensors,
                                          std::span<const std::size_t> prunable,
                                          std::span<const std::uint8_t> mask);

// Nearest integer, halves to the even one.
std::int64_t round_half_even(double);

// The exact rule. `mask` loses the removed entries. O(number of prunable entries).
void prune_exact(std::span<const float> weights, const std::vector<Tensor>& tensors,
                 std::span<const std::size_t> prunable, double fraction, Mask& mask);

// The quantile rule; `prunings` counts this one, so it is the number of the round that follows.
void prune_quantile(std::span<const float> weights, const std::vector<Tensor>& tensors,
                    std::span<const std::size_t> prunable, double fraction, int prunings, Mask& mask);

// The mask of round `next_round` from weights and mask of the round before, by the configured rule.
Mask pruned_mask(std::span<const float> weights, std::span<const std::uint8_t> mask,
                 const std::vector<Tensor>& tensors, std::span<const std::size_t> prunable, const ImpConfig&,
                 int next_round);

// The same for a density that is given.
std::int64_t kept_at(std::int64_t entries, double density);

// How many of `entries` are left after this many prunings; under the quantile rule, if no two magnitudes are
// equal.
std::int64_t kept_after(std::int64_t entries, double fraction, int prunings, PruneRule);

}  // namespace impsweep
