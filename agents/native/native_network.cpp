#include "agents/native/native_network.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "agents/native/activation.hpp"
#include "agents/native/subnormals.hpp"

namespace impsweep {
namespace {

// Few samples leave most lanes of a feature-major batch empty; by samples, output units fill them.
bool wastes_lanes(int batch) {
  return round_up_to_lanes(batch) * 4 > batch * 5;
}

}  // namespace

void NativeNetwork::set_hidden_factors(int part_index, ConstBatch factors) {
  CompiledPart& part = parts_[part_index];
  part.factors = factors;
  if (factors.data != nullptr) part.dropped.resize(part.activation.size());
  for (std::size_t level = 1; level + 1 < part.dropped.size(); ++level)
    part.dropped[level].resize(part.activation[level].size());
}

// values [units of the level that matter][spread_stride(columns)], level >= 1.
void NativeNetwork::multiply_factors(const CompiledPart& part, std::size_t level, int columns,
                                     float* values) {
  const auto stride = static_cast<std::size_t>(spread_stride(columns));
  std::ptrdiff_t first = part.convolutions.units();
  for (std::size_t l = 1; l < level; ++l) first += part.spec.sizes[l];
  for (std::size_t unit = 0; unit < part.units[level].size(); ++unit)
    kernels().multiply(values + unit * stride,
                       part.factors.data + (first + part.units[level][unit]) * part.factors.stride,
                       static_cast<std::size_t>(columns));
}

void NativeNetwork::gather(std::span<const float> dense, std::span<float> arena) const {
  std::fill(arena.begin(), arena.end(), 0.0f);
  for (const Entry& entry : entries_)
    if (entry.arena < arena.size()) arena[entry.arena] = dense[entry.dense];
}

void NativeNetwork::scatter(std::span<const float> arena, std::span<float> dense) const {
  std::fill(dense.begin(), dense.end(), 0.0f);
  for (const Entry& entry : entries_)
    if (entry.arena < arena.size()) dense[entry.dense] = arena[entry.arena];
}

Epilogue NativeNetwork::activation_of(const CompiledPart& part, std::size_t layer) const {
  if (layer + 1 == part.layers.size()) return part.spec.tanh_output ? Epilogue::kTanh : Epilogue::kNone;
  return epilogue_of(part.spec.activation);
}

// What a part sees of observations. It outlives the part's pass.
ConstBatch NativeNetwork::normalised(int part, int batch, ConstBatch observations) {
  if (moments_ == 0) return observations;
  AlignedFloats& buffer = parts_[parts_[part].trunk.value_or(part)].normalised;
  const float* const mean = parameters_.data() + moments_offset_;
  const float* const variance = mean + moments_;
  const int stride = round_up_to_lanes(batch);
  for (int f = 0; f < moments_; ++f) {
    const float shift = mean[f], scale = static_cast<float>(1 / std::sqrt(variance[f] + kVarianceFloor));
    const float* const x = observations.data + static_cast<std::ptrdiff_t>(f) * observations.stride;
    float* const y = buffer.data() + static_cast<std::ptrdiff_t>(f) * stride;
    for (int b = 0; b < batch; ++b) {
      const float value = (x[b] - shift) * scale;
      const float not_above = value > kObservationClip ? kObservationClip : value;
      y[b] = not_above < -kObservationClip ? -kObservationClip : not_above;
    }
    std::fill(y + batch, y + stride, 0.0f);
  }
  return {buffer.data(), stride};
}

// Columns between the batch and the next multiple of sixteen must be finite: they are zero.
void NativeNetwork::load(CompiledPart& part, int batch, ConstBatch inputs) const {
  const int columns = round_up_to_lanes(batch);
  const auto stride = static_cast<std::size_t>(spread_stride(columns));
  const std::vector<int>& units = part.units.front();
  for (std::size_t f = 0; f < units.size(); ++f) {
    float* row = part.activation.front().data() + f * stride;
    std::memcpy(row, inputs.data + static_cast<std::ptrdiff_t>(units[f]) * inputs.stride,
                static_cast<std::size_t>(batch) * sizeof(float));
    std::fill(row + batch, row + columns, 0.0f);
  }
  part.is_active = false;
}

void NativeNetwork::load(CompiledPart& part, int batch, const ActiveBatch& inputs) const {
  part.active = inputs;
  if (!part.place_of_input.empty()) {
    part.active_begin.assign(1, 0);
    part.active_feature.clear();
    for (int b = 0; b < batch; ++b) {
      for (std::uint32_t e = inputs.begin[b]; e < inputs.begin[b + 1]; ++e)
        if (const int place = part.place_of_input[inputs.feature[e]]; place >= 0)
          part.active_feature.push_back(static_cast<std::uint16_t>(place));
      part.active_begin.push_back(static_cast<std::uint32_t>(part.active_feature.size()));
    }
    part.active = {part.active_begin.data(), part.active_feature.data()};
  }
  part.is_active = part.layers.front().form() == LayerForm::kByInput;
  if (part.is_active) return;
  const auto stride = static_cast<std::size_t>(spread_stride(round_up_to_lanes(batch)));
  float* dense = part.activation.front().data();
  std::fill_n(dense, part.units.front().size() * stride, 0.0f);
  for (int b = 0; b < batch; ++b)
    for (std::uint32_t e = part.active.begin[b]; e < part.active.begin[b + 1]; ++e)
      dense[part.active.feature[e] * stride + static_cast<std::size_t>(b)] = 1.0f;
}

// Through the convolutions, if there are any, to the inputs of the other layers.
template <class Inputs>
void NativeNetwork::load(CompiledPart& part, int batch, const Inputs& inputs, Pass pass) const {
  if (part.convolutions.empty()) return load(part, batch, inputs);
  const int columns = round_up_to_lanes(batch);
  part.convolutions.load(batch, inputs);
  const ConstBatch factors = pass == Pass::kForward ? part.factors : ConstBatch{};
  load(part, batch, ConstBatch{part.convolutions.forward(columns, parameters_.data(), factors), columns});
}

// From the gradients of the maps that matter, in part.next_delta.
void NativeNetwork::backward_into_convolutions(CompiledPart& part, int columns) {
  const std::ptrdiff_t stride = spread_stride(columns);
  AlignedFloats& maps = part.convolutions.map_gradient();
  std::fill(maps.begin(), maps.end(), 0.0f);
  for (std::size_t i = 0; i < part.units.front().size(); ++i)
    std::copy_n(part.next_delta.begin() + static_cast<std::ptrdiff_t>(i) * stride, columns,
                maps.begin() + static_cast<std::ptrdiff_t>(part.units.front()[i]) * columns);
  part.convolutions.backward(columns, parameters_.data(), part.is_dropped ? part.factors : ConstBatch{},
                             gradients_.data());
}

// From the trunk's last pass to the inputs of a head.
void NativeNetwork::load_from_trunk(CompiledPart& head, int batch) const {
  const CompiledPart& trunk = parts_[static_cast<std::size_t>(*head.trunk)];
  const int columns = round_up_to_lanes(batch);
  const std::ptrdiff_t stride = spread_stride(columns);
  const std::size_t level = trunk.layers.size() - 1;
  const AlignedFloats& hidden = trunk.is_dropped ? trunk.dropped[level] : trunk.activation[level];
  for (std::size_t i = 0; i < head.place_in_trunk.size(); ++i)
    std::copy_n(hidden.begin() + head.place_in_trunk[i] * stride, columns,
                head.activation.front().begin() + static_cast<std::ptrdiff_t>(i) * stride);
  head.is_active = false;
}

// Adds them to those with respect to the trunk's last hidden layer, in next_delta.
void NativeNetwork::take_gradients_of_heads(int part, int columns) {
  AlignedFloats& gradient = parts_[static_cast<std::size_t>(part)].next_delta;
  const std::ptrdiff_t stride = spread_stride(columns);
  for (CompiledPart& head : parts_) {
    if (head.trunk != part || !head.has_trunk_gradient) continue;
    for (std::size_t i = 0; i < head.place_in_trunk.size(); ++i)
      for (std::ptrdiff_t b = 0; b < columns; ++b)
        gradient[head.place_in_trunk[i] * stride + b] +=
            head.trunk_gradient[static_cast<std::ptrdiff_t>(i) * stride + b];
    head.has_trunk_gradient = false;
  }
}

// Counting sort of the active features: samples of each feature, ascending.
void NativeNetwork::list_by_feature(CompiledPart& part, int batch) {
  const std::size_t features = part.units.front().size();
  const std::uint32_t first = part.active.begin[0], last = part.active.begin[batch];
  part.feature_begin.assign(features + 1, 0);
  part.feature_sample.resize(last - first);
  for (std::uint32_t e = first; e < last; ++e) ++part.feature_begin[part.active.feature[e] + std::size_t{1}];
  for (std::size_t f = 0; f < features; ++f) part.feature_begin[f + 1] += part.feature_begin[f];
  part.next_sample.assign(part.feature_begin.begin(), part.feature_begin.end());
  for (int b = 0; b < batch; ++b)
    for (std::uint32_t e = part.active.begin[b]; e < part.active.begin[b + 1]; ++e)
      part.feature_sample[part.next_sample[part.active.feature[e]]++] = static_cast<std::uint16_t>(b);
}

// Passes through the layers by features or by samples, whatever suits each layer and the size of the batch.
void NativeNetwork::run_inference(CompiledPart& part, int batch, MutableBatch outputs) const {
  const Kernels& k = kernels();
  const int columns = round_up_to_lanes(batch), stride = spread_stride(columns);
  const bool few = wastes_lanes(batch);
  bool by_samples = false;
  for (std::size_t l = 0; l < part.layers.size(); ++l) {
    const MaskedLayer& layer = part.layers[l];
    const float* weight = parameters_.data() + part.weight[l];
    const float* bias = parameters_.data() + part.bias[l];
    const Epilogue epilogue = activation_of(part, l);
    const int padded_in = round_up_to_lanes(layer.in());
    if (l == 0 && part.is_active) {
      layer.forward_active(weight, bias, batch, part.active, part.next_samples.data(), epilogue);
      std::swap(part.samples, part.next_samples);
      by_samples = true;
    } else if (few && layer.form() == LayerForm::kByInput) {
      if (!by_samples)
        k.transpose(layer.in(), batch, part.activation[l].data(), stride, part.samples.data(), padded_in);
      layer.forward_samples(weight, bias, batch, part.samples.data(), padded_in, part.next_samples.data(),
                            epilogue);
      std::swap(part.samples, part.next_samples);
      by_samples = true;
    } else {
      if (by_samples)
        k.transpose(batch, layer.in(), part.samples.data(), padded_in, part.activation[l].data(), stride);
      layer.forward(weight, bias, columns, part.activation[l].data(), part.activation[l + 1].data(),
                    epilogue);
      by_samples = false;
    }
  }
  const int padded_out = part.layers.back().padded_out();
  for (int o = 0; o < part.spec.sizes.back(); ++o) {
    float* target = outputs.data + static_cast<std::ptrdiff_t>(o) * outputs.stride;
    if (by_samples)
      for (int b = 0; b < batch; ++b) target[b] = part.samples[static_cast<std::size_t>(b) * padded_out + o];
    else
      std::memcpy(target, part.activation.back().data() + static_cast<std::size_t>(o) * stride,
                  static_cast<std::size_t>(batch) * sizeof(float));
  }
}

// The first `count` layers, by features, with activations kept.
void NativeNetwork::run_layers(CompiledPart& part, int batch, std::size_t count) const {
  const int columns = round_up_to_lanes(batch), stride = spread_stride(columns);
  for (std::size_t l = 0; l < count; ++l) {
    const MaskedLayer& layer = part.layers[l];
    const float* weight = parameters_.data() + part.weight[l];
    const float* bias = parameters_.data() + part.bias[l];
    float* output = part.activation[l + 1].data();
    if (l == 0 && part.is_active) {
      layer.forward_active(weight, bias, batch, part.active, part.samples.data(), activation_of(part, l));
      kernels().transpose(batch, layer.out(), part.samples.data(), layer.padded_out(), output, stride);
    } else {
      const float* inputs = part.is_dropped && l > 0 ? part.dropped[l].data() : part.activation[l].data();
      layer.forward(weight, bias, columns, inputs, output, activation_of(part, l));
    }
    if (part.is_dropped && l + 1 < part.layers.size()) {
      std::copy_n(output, layer.out() * stride, part.dropped[l + 1].begin());
      multiply_factors(part, l + 1, columns, part.dropped[l + 1].data());
    }
  }
}

void NativeNetwork::write_outputs(const CompiledPart& part, int batch, MutableBatch outputs) {
  const int stride = spread_stride(round_up_to_lanes(batch));
  for (int o = 0; o < part.spec.sizes.back(); ++o)
    std::memcpy(outputs.data + static_cast<std::ptrdiff_t>(o) * outputs.stride,
                part.activation.back().data() + static_cast<std::size_t>(o) * stride,
                static_cast<std::size_t>(batch) * sizeof(float));
}

template <class Inputs>
void NativeNetwork::infer_from(CompiledPart& part, int batch, const Inputs& inputs, MutableBatch outputs) {
  const FlushSubnormals flush;
  if (part.trunk) {
    CompiledPart& trunk = parts_[static_cast<std::size_t>(*part.trunk)];
    load(trunk, batch, inputs, Pass::kInfer);
    trunk.is_dropped = false;
    run_layers(trunk, batch, trunk.layers.size() - 1);
    load_from_trunk(part, batch);
  } else {
    load(part, batch, inputs, Pass::kInfer);
  }
  run_inference(part, batch, outputs);
}

template <class Inputs>
void NativeNetwork::forward_from(CompiledPart& part, int batch, const Inputs& inputs, MutableBatch outputs) {
  const FlushSubnormals flush;
  if (part.trunk)
    load_from_trunk(part, batch);
  else
    load(part, batch, inputs, Pass::kForward);
  part.is_dropped = part.factors.data != nullptr;
  run_layers(part, batch, part.layers.size());
  write_outputs(part, batch, outputs);
}

void NativeNetwork::infer(int part, int batch, ConstBatch inputs, MutableBatch outputs) {
  infer_from(parts_[part], batch, normalised(part, batch, inputs), outputs);
}

void NativeNetwork::forward(int part, int batch, ConstBatch inputs, MutableBatch outputs) {
  if (!parts_[part].trunk) inputs = normalised(part, batch, inputs);  // a head does not look at them
  forward_from(parts_[part], batch, inputs, outputs);
}

void NativeNetwork::infer_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs) {
  if (moments_ > 0) return Network::infer_active(part, batch, inputs, outputs);
  infer_from(parts_[part], batch, inputs, outputs);
}

void NativeNetwork::forward_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs) {
  if (moments_ > 0) return Network::forward_active(part, batch, inputs, outputs);
  forward_from(parts_[part], batch, inputs, outputs);
}

void NativeNetwork::backward(int part_index, int batch, ConstBatch output_gradients) {
  const FlushSubnormals flush;
  const Kernels& k = kernels();
  CompiledPart& part = parts_[part_index];
  const int columns = round_up_to_lanes(batch), stride = spread_stride(columns);
  const bool tanh_output = part.spec.tanh_output;
  for (int o = 0; o < part.spec.sizes.back(); ++o) {
    float* row = part.delta.data() + static_cast<std::size_t>(o) * stride;
    const float* source = output_gradients.data + static_cast<std::ptrdiff_t>(o) * output_gradients.stride;
    const float* y = part.activation.back().data() + static_cast<std::size_t>(o) * stride;
    for (int b = 0; b < batch; ++b) row[b] = tanh_output ? source[b] * (1.0f - y[b] * y[b]) : source[b];
    std::fill(row + batch, row + columns, 0.0f);
  }
  for (std::size_t l = part.layers.size(); l-- > 0;) {
    const MaskedLayer& layer = part.layers[l];
    float* bias_gradient = gradients_.data() + part.bias[l];
    float* weight_gradient = gradients_.data() + part.weight[l];
    k.row_sums(layer.out(), columns, part.delta.data(), stride, bias_gradient);
    if (!part.keep_bias[l].empty())
      k.multiply(bias_gradient, part.keep_bias[l].data(), part.keep_bias[l].size());
    if (l == 0 && part.is_active) {
      list_by_feature(part, batch);
      layer.weight_gradient_active(columns, part.delta.data(),
                                   {part.feature_begin.data(), part.feature_sample.data()},
                                   part.scratch.data(), weight_gradient);
      break;
    }
    const float* inputs = part.is_dropped && l > 0 ? part.dropped[l].data() : part.activation[l].data();
    const float* weight = parameters_.data() + part.weight[l];
    const auto pass_back = [&](AlignedFloats& target, Epilogue derivative) {
      layer.gradients(weight, columns, part.delta.data(), inputs, part.scratch.data(), weight_gradient,
                      target.data(), derivative, part.activation[l].data());
    };
    if (l == 0) {
      if (part.trunk) {
        pass_back(part.trunk_gradient, Epilogue::kNone);
        part.has_trunk_gradient = true;
      } else if (!part.convolutions.empty()) {
        pass_back(part.next_delta, Epilogue::kNone);
        backward_into_convolutions(part, columns);
      } else {
        layer.weight_gradient(columns, part.delta.data(), inputs, part.scratch.data(), weight_gradient);
      }
      break;
    }
    if (l + 1 == part.layers.size() && has_heads(part_index)) {
      pass_back(part.next_delta, Epilogue::kNone);
      take_gradients_of_heads(part_index, columns);
      apply_derivative(part.spec.activation, part.activation[l],
                       static_cast<std::size_t>(layer.in()) * stride, part.next_delta);
    } else {
      pass_back(part.next_delta, derivative_of(part.spec.activation));
    }
    if (part.is_dropped) multiply_factors(part, l, columns, part.next_delta.data());
    std::swap(part.delta, part.next_delta);
  }
}

std::unique_ptr<Network> make_native_network(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                             NetworkOptions options) {
  return std::make_unique<NativeNetwork>(spec, mask, options);
}

}  // namespace impsweep
