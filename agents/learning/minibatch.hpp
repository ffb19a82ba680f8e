// agents/learning/minibatch.hpp - how a rollout is cut into minibatches (rlpyt utils/misc.py:
// iterate_mb_idxs).
#pragma once

#include <cstddef>
#include <cstdint>

namespace impsweep {

// An epoch takes as many whole minibatches of floor(samples / minibatches) as fit, in the order of the
// permutation; the rest is dropped. 175 samples in 32 minibatches give size 5 and 35 minibatches.
struct MinibatchPlan {
  int size = 0;
  int per_epoch = 0;
  MinibatchPlan(int samples, std::int64_t minibatches)
      : size(static_cast<int>(samples / minibatches)), per_epoch(size > 0 ? samples / size : 0) {}
};

// target[r][j] = source[r][order[j]] for j < size.
inline void gather_columns(int rows, int size, const std::int32_t* order, const float* source,
                           std::ptrdiff_t source_stride, float* target, std::ptrdiff_t target_stride) {
  for (int r = 0; r < rows; ++r)
    for (int j = 0; j < size; ++j) target[r * target_stride + j] = source[r * source_stride + order[j]];
}

// The same of a single row.
inline void gather_row(int size, const std::int32_t* order, const float* source, float* target) {
  gather_columns(1, size, order, source, 0, target, 0);
}

}  // namespace impsweep
