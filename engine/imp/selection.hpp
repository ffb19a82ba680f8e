// engine/imp/selection.hpp - the weights that a round keeps, given a score for each: exactly so many, and of
// equal scores those that come later in the order of the tensors and flat positions, as in pruning.hpp.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/imp/distribution.hpp"
#include "engine/imp/pruning.hpp"

namespace impsweep {

// Whether imp.keep_layers names the tensor's layer.
bool is_kept_layer(const ModelSpec&, const Tensor&, const ImpConfig&);

// Tensors that share one ranking, by their indices, and how many of their weights are kept together.
struct Ranking {
  std::vector<std::size_t> tensors;
  std::int64_t kept = 0;
};

// How `kept` weights are divided, by imp.distribution and imp.keep_layers, where `mask` says what is left.
// `available`: 0 at weights that there never were. `by_network`: without a distribution each network (what
// shares a trunk is one) keeps the same part of its weights. Throws std::invalid_argument if they do not fit.
std::vector<Ranking> rankings(const ModelSpec&, const std::vector<Tensor>&,
                              std::span<const std::size_t> prunable, const ImpConfig&,
                              std::span<const std::uint8_t> available, std::span<const std::uint8_t> mask,
                              std::int64_t kept, bool by_network = false);

// Takes from `mask` all but the `kept` highest scores of each ranking. Scores are [parameter_count]; those of
// weights that are gone do not count. Throws std::invalid_argument if a score is no finite number.
void keep_highest(std::span<const double> score, const std::vector<Tensor>&, std::span<const Ranking>,
                  Mask& mask);

}  // namespace impsweep
