// agents/torch/module/torch_batch.hpp - for the sources of the LibTorch module only.
#pragma once

#include <torch/torch.h>

namespace impsweep {

// [features][stride] as a [batch, features] view; nothing is copied.
inline at::Tensor batch_view(const float* data, int features, int batch, int stride) {
  return torch::from_blob(const_cast<float*>(data), {features, batch}, {stride, 1}).t();
}

}  // namespace impsweep
