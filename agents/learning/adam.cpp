#include "agents/learning/adam.hpp"

#include <algorithm>
#include <cmath>

#include "agents/native/kernels/kernels.hpp"
#include "agents/native/subnormals.hpp"

namespace impsweep {

Adam::Adam(const AdamConfig& config, const RegularisationConfig& regularisation, std::size_t arena_size)
    : config_(config), regularisation_(regularisation), first_(arena_size, 0.0f), second_(arena_size, 0.0f) {}

float Adam::clip_and_step(Network& network, double learning_rate, double clip_norm) {
  const FlushSubnormals flush;
  const Kernels& k = kernels();
  const std::span<float> parameters = network.parameters(), gradients = network.gradients();
  const auto decay = static_cast<float>(regularisation_.weight_decay);
  const L2Mode mode = regularisation_.l2_mode;
  if (decay != 0 && mode == L2Mode::kLoss)
    for (std::size_t i = 0; i < gradients.size(); ++i) gradients[i] += decay * parameters[i];

  const float norm = std::sqrt(k.squared_norm(gradients.data(), gradients.size()));
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const AdamArguments arguments = {
      .learning_rate_over_correction1 =
          static_cast<float>(learning_rate / (1.0 - std::pow(config_.beta1, t))),
      .inverse_sqrt_correction2 = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(config_.beta2, t))),
      .beta1 = static_cast<float>(config_.beta1),
      .beta2 = static_cast<float>(config_.beta2),
      .epsilon = static_cast<float>(config_.epsilon),
      .one_minus_beta1 = static_cast<float>(1.0 - config_.beta1),
      .one_minus_beta2 = static_cast<float>(1.0 - config_.beta2),
      .gradient_scale = std::min(1.0f, static_cast<float>(clip_norm) / (norm + 1e-6f)),
      .gradient_decay = mode == L2Mode::kAdamL2 ? decay : 0.0f,
      .parameter_decay = mode == L2Mode::kAdamW ? static_cast<float>(learning_rate * decay) : 0.0f};
  k.adam(arguments, gradients.size(), parameters.data(), gradients.data(), first_.data(), second_.data());
  network.parameters_changed();
  return norm;
}

void Adam::scatter(const Network& network, DenseMoments& moments) const {
  network.scatter(first_, moments.first);
  network.scatter(second_, moments.second);
}

void Adam::resize(Network& network) {
  first_.assign(network.gradients().size(), 0.0f);
  second_.assign(first_.size(), 0.0f);
}

void Adam::gather(Network& network, const DenseMoments& moments) {
  resize(network);
  network.gather(moments.first, first_);
  network.gather(moments.second, second_);
}

}  // namespace impsweep
