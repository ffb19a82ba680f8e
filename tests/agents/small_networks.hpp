// tests/agents/small_networks.hpp - a network of every kind that can be pruned, and a loss for them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agents/learning/first_loss.hpp"
#include "agents/network/model.hpp"
#include "envs/random.hpp"

namespace impsweep::testing {

inline std::vector<std::pair<std::string, ModelSpec>> small_networks() {
  NetworkConfig apart, trunk, filters;
  apart.hidden = {13, 9};
  trunk.hidden = {13, 9};
  trunk.shared_trunk = true;
  trunk.activation = Activation::kTanh;
  filters.hidden = {10};
  filters.activation = Activation::kTanh;  // kernels meet too many kinks for differences
  ModelSpec convolution = value_model({2 * 5 * 5, 3}, filters, false);
  MlpSpec& part = convolution.parts.front();
  const ConvolutionSpec kernels{.channels = 2, .rows = 5, .columns = 5, .filters = 4, .kernel = 3};
  part.convolutions = {kernels};
  part.sizes.insert(part.sizes.begin() + 1, kernels.filters * kernels.positions());
  return {{"actor and critic", policy_model({6, 3}, apart, true)},
          {"shared trunk", policy_model({6, 3}, trunk, true)},
          {"Gaussian", policy_model({6, 2, true}, apart, true)},
          {"dueling", value_model({7, 4}, apart, true)},
          {"filters", convolution}};
}

// Cross-entropy over all outputs of all parts together, on random observations.
inline BatchLoss made_up_loss(const ModelSpec& model) {
  constexpr int kSamples = 20;
  int outputs = 0;
  for (const MlpSpec& part : model.parts) outputs += part.sizes.back();
  Stream stream("observations");
  BatchLoss loss{kSamples, {}, {}};
  std::vector<std::int32_t> labels;
  for (int i = 0; i < kSamples * model.parts.front().sizes.front(); ++i)
    loss.observations.push_back(static_cast<float>(2 * stream.uniform() - 1));
  for (int i = 0; i < kSamples; ++i) labels.push_back(static_cast<std::int32_t>(stream.below(outputs)));
  loss.of_outputs = classification_loss(labels, std::vector<double>(kSamples, 1.0 / kSamples), 1);
  return loss;
}

}  // namespace impsweep::testing
