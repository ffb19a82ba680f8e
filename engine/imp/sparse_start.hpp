// engine/imp/sparse_start.hpp - what a training begins with whose mask changes while it learns (sparse.*):
//
//   gradual     everything is kept; each layer is to be pruned to its own count
//   SET, RigL   each layer keeps its count from the start, drawn at random, at the initial values
//
// Counts are those of Erdős-Rényi with kernels (distribution.hpp), and add up to the round's exactly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/config/sparse_config.hpp"
#include "agents/sparsity/changing_mask.hpp"
#include "engine/imp/pruning.hpp"
#include "engine/imp/streams.hpp"

namespace impsweep {

// How far the training goes, in gradient steps.
struct TrainingLength {
  std::int64_t steps = 0;
  std::int64_t last_change = 0;  // the latest at which the mask can change
  bool has_rollouts = false;     // a change may wait for one
};

struct SparseInputs {
  const ModelSpec* model = nullptr;
  const std::vector<Tensor>* tensors = nullptr;  // of the model
  std::span<const std::size_t> prunable;         // indices into tensors
  std::span<const std::uint8_t> available;       // [parameter_count], 0 at weights of inputs taken away
  std::span<const float> initial;                // [parameter_count]
  std::int64_t kept = 0;                         // prunable weights in the end
  TrainingLength length;
};

struct SparseStart {
  Mask mask;
  std::vector<float> parameters;  // 0 at pruned places
  MaskPlan plan;
};

// What each prunable tensor keeps. Throws std::invalid_argument if they cannot keep so many, or not one each.
std::vector<std::int64_t> sparse_counts(const std::vector<Tensor>&, std::span<const std::size_t> prunable,
                                        std::span<const std::uint8_t> available, std::int64_t kept);

SparseStart start_sparse(const SparseConfig&, const SparseInputs&, const StreamNames&);

}  // namespace impsweep
