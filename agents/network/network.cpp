#include "agents/network/network.hpp"

#include <algorithm>

namespace impsweep {

std::vector<int> weight_shape(const MlpSpec& spec, std::size_t layer) {
  if (layer >= spec.convolutions.size()) return {spec.sizes[layer + 1], spec.sizes[layer]};
  const ConvolutionSpec& c = spec.convolutions[layer];
  return {c.filters, c.channels, c.kernel, c.kernel};
}

ConstBatch Network::expand(int part, int batch, const ActiveBatch& inputs) {
  if (expanded_.size() <= static_cast<std::size_t>(part))
    expanded_.resize(static_cast<std::size_t>(part) + 1);
  std::vector<float>& dense = expanded_[static_cast<std::size_t>(part)];
  const auto columns = static_cast<std::size_t>(batch);
  dense.assign(static_cast<std::size_t>(input_size(part)) * columns, 0.0f);
  for (std::size_t b = 0; b < columns; ++b)
    for (std::uint32_t e = inputs.begin[b]; e < inputs.begin[b + 1]; ++e)
      dense[inputs.feature[e] * columns + b] = 1.0f;
  return {dense.data(), batch};
}

void Network::infer_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs) {
  infer(part, batch, expand(part, batch, inputs), outputs);
}

void Network::forward_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs) {
  forward(part, batch, expand(part, batch, inputs), outputs);
}

}  // namespace impsweep
