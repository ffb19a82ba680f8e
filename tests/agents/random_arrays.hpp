// tests/agents/random_arrays.hpp - numbers and masks for kernels, networks and losses.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/network/network.hpp"
#include "envs/random.hpp"

namespace impsweep::testing {

// Uniform between -bound and bound.
inline std::vector<float> random_values(Stream& stream, std::size_t size, double bound = 1) {
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(bound * (2 * stream.uniform() - 1));
  return values;
}

// [rows][batch] to [rows][stride] as kernels want it. What stands behind the batch must not matter.
inline AlignedFloats widened(const std::vector<float>& values, int rows, int batch) {
  const int stride = round_up_to_lanes(batch);
  AlignedFloats wide(static_cast<std::size_t>(rows * stride), 0.7f);
  for (int r = 0; r < rows; ++r) std::copy_n(&values[r * batch], batch, &wide[r * stride]);
  return wide;
}

// Every weight is kept with this probability, biases and log_std always.
inline std::vector<std::uint8_t> random_mask(Stream& stream, const ModelSpec& model, double density) {
  std::vector<std::uint8_t> mask;
  for (const Tensor& tensor : tensors_of(model))
    for (std::size_t i = 0; i < tensor.size; ++i)
      mask.push_back(!tensor.is_weight || stream.uniform() < density);
  return mask;
}

// The instruction sets that this processor has, the scalar twin first.
inline std::vector<const Kernels*> usable_kernels() {
  std::vector<const Kernels*> all;
  for (const char* name : {"scalar", "avx2", "avx512"})
    if (const Kernels* k = find_kernels(name)) all.push_back(k);
  return all;
}

}  // namespace impsweep::testing
