// agents/torch/module/eager_parameters.hpp - the parameters of a program that has nothing but LibTorch, and
// its gradient steps: mask, norm clip, Adam.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/config/config.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

class EagerParameters {
 public:
  // In dense order; an empty mask keeps all.
  EagerParameters(const ModelSpec&, std::span<const std::uint8_t> mask, std::span<const float> parameters,
                  double learning_rate, const AdamConfig&, double clip_grad_norm);

  // Weight and bias of each layer, then log_std and the moments of observations, as views of the parameters.
  const std::vector<at::Tensor>& leaves() const { return leaves_; }

  // Down the gradient of the loss, which is a function of some of the leaves.
  void step(const at::Tensor& loss);

  at::Tensor copy() const { return parameters_.detach().clone(); }  // [parameter_count]
  std::vector<float> values() const;                                // the same

 private:
  at::Tensor parameters_, gradients_, keep_;  // [parameter_count]; keep_ only with a mask
  std::vector<at::Tensor> leaves_;
  double clip_grad_norm_;
  std::unique_ptr<torch::optim::Adam> optimizer_;
};

// The tensors of a model as views of its parameters in dense order.
std::vector<at::Tensor> views_of(const ModelSpec&, const at::Tensor& parameters);

}  // namespace impsweep
