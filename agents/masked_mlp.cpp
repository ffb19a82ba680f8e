#include "agents/masked_mlp.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace impsweep {
namespace {

std::size_t whole_lanes(std::size_t n) {
  return (n + kLanes - 1) / kLanes * kLanes;
}

// Few samples leave most lanes of a feature-major batch empty; by samples, output units fill them.
bool wastes_lanes(int batch) {
  return round_up_to_lanes(batch) * 4 > batch * 5;
}

// Units of every level - inputs, hidden layers, outputs - that a kept path connects with an output.
std::vector<std::vector<int>> units_that_matter(const MlpSpec& spec,
                                                const std::vector<const Tensor*>& weights,
                                                std::span<const std::uint8_t> mask) {
  std::vector<std::vector<int>> units(spec.sizes.size());
  units.back().resize(static_cast<std::size_t>(spec.sizes.back()));
  std::iota(units.back().begin(), units.back().end(), 0);
  for (std::size_t level = spec.sizes.size() - 1; level-- > 0;) {
    const std::size_t offset = weights[level]->offset;
    for (int i = 0; i < spec.sizes[level]; ++i) {
      const bool matters = std::ranges::any_of(units[level + 1], [&](int o) {
        return mask.empty() || mask[offset + static_cast<std::size_t>(o) * spec.sizes[level] + i] != 0;
      });
      if (matters) units[level].push_back(i);
    }
  }
  return units;
}

}  // namespace

NativeNetwork::NativeNetwork(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                             NetworkOptions options) {
  const std::vector<Tensor> tensors = tensors_of(spec);
  dense_size_ = parameter_count(spec);
  if (!mask.empty() && mask.size() != dense_size_)
    throw std::invalid_argument("mask and model differ in size");
  if (dense_size_ > std::numeric_limits<std::uint32_t>::max()) throw std::invalid_argument("model too large");
  parts_.resize(spec.parts.size());
  std::vector<std::uint32_t> parked;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    parts_[p].spec = spec.parts[p];
    compile(parts_[p], static_cast<int>(p), tensors, mask, options, parked);
  }
  log_std_offset_ = arena_size_;
  if (spec.log_std > 0) {
    const Tensor& tensor = tensors.back();
    for (std::size_t i = 0; i < tensor.size; ++i)
      entries_.push_back(
          {static_cast<std::uint32_t>(tensor.offset + i), static_cast<std::uint32_t>(arena_size_ + i)});
    arena_size_ += whole_lanes(tensor.size);
  }
  gradients_.assign(arena_size_, 0.0f);
  for (std::size_t i = 0; i < parked.size(); ++i)
    entries_.push_back({parked[i], static_cast<std::uint32_t>(arena_size_ + i)});
  parameters_.assign(arena_size_ + whole_lanes(parked.size()), 0.0f);
  std::ranges::sort(entries_, {}, &Entry::dense);
}

void NativeNetwork::compile(Part& part, int part_index, const std::vector<Tensor>& tensors,
                            std::span<const std::uint8_t> mask, const NetworkOptions& options,
                            std::vector<std::uint32_t>& parked) {
  const MlpSpec& spec = part.spec;
  const auto kept = [&](std::size_t dense) { return mask.empty() || mask[dense] != 0; };
  const auto place = [&](std::size_t dense, std::size_t arena) {
    entries_.push_back({static_cast<std::uint32_t>(dense), static_cast<std::uint32_t>(arena)});
  };
  std::vector<const Tensor*> weights, biases;
  for (const Tensor& tensor : tensors)
    if (tensor.part == part_index) (tensor.is_weight ? weights : biases).push_back(&tensor);
  for (const int size : spec.sizes)
    if (size > std::numeric_limits<std::uint16_t>::max())
      throw std::invalid_argument("layers are limited to 65535 units");
  if (spec.convolution) {
    compile_front(part, *weights.front(), *biases.front(), mask, round_up_to_lanes(options.max_batch));
    weights.erase(weights.begin());
    biases.erase(biases.begin());
  }

  if (options.remove_unreachable) {
    part.units = units_that_matter(spec, weights, mask);
  } else {
    for (const int size : spec.sizes) {
      part.units.emplace_back(static_cast<std::size_t>(size));
      std::iota(part.units.back().begin(), part.units.back().end(), 0);
    }
  }
  if (static_cast<int>(part.units.front().size()) < spec.sizes.front()) {
    part.place_of_input.assign(static_cast<std::size_t>(spec.sizes.front()), -1);
    for (std::size_t i = 0; i < part.units.front().size(); ++i)
      part.place_of_input[static_cast<std::size_t>(part.units.front()[i])] = static_cast<int>(i);
  }

  const auto max_columns = static_cast<std::size_t>(round_up_to_lanes(options.max_batch));
  std::size_t widest = 0, scratch = 0;
  for (const std::vector<int>& level : part.units) {
    part.activation.emplace_back(level.size() * max_columns, 0.0f);
    widest = std::max(widest, whole_lanes(level.size()));
  }
  for (std::size_t l = 0; l < weights.size(); ++l) {
    const std::vector<int>& in = part.units[l];
    const std::vector<int>& out = part.units[l + 1];
    const auto dense_of = [&](int o, int i) {
      return weights[l]->offset + static_cast<std::size_t>(out[static_cast<std::size_t>(o)]) * spec.sizes[l] +
             static_cast<std::size_t>(in[static_cast<std::size_t>(i)]);
    };
    std::vector<std::uint8_t> keep;
    keep.reserve(in.size() * out.size());
    for (int o = 0; o < static_cast<int>(out.size()); ++o)
      for (int i = 0; i < static_cast<int>(in.size()); ++i) keep.push_back(kept(dense_of(o, i)) ? 1 : 0);
    const double active_inputs =
        l == 0 && !part.front ? options.active_inputs * static_cast<double>(in.size()) / spec.sizes.front()
                              : 0;
    const MaskedLayer& layer = part.layers.emplace_back(static_cast<int>(in.size()),
                                                        static_cast<int>(out.size()), keep, active_inputs);
    part.weight.push_back(arena_size_);
    layer.for_each_kept([&](int o, int i, std::size_t entry) { place(dense_of(o, i), arena_size_ + entry); });
    arena_size_ += layer.size();
    scratch = std::max(scratch, layer.scratch_size(static_cast<int>(max_columns)));

    part.bias.push_back(arena_size_);
    AlignedFloats& keep_bias = part.keep_bias.emplace_back(whole_lanes(out.size()), 0.0f);
    std::size_t biases_kept = 0;
    for (std::size_t o = 0; o < out.size(); ++o) {
      const std::size_t dense = biases[l]->offset + static_cast<std::size_t>(out[o]);
      if (!kept(dense)) continue;
      place(dense, arena_size_ + o);
      keep_bias[o] = 1.0f;
      ++biases_kept;
    }
    if (biases_kept == out.size()) keep_bias.clear();
    arena_size_ += whole_lanes(out.size());

    // What the mask keeps but nothing depends on.
    std::vector<std::uint8_t> unit_matters(static_cast<std::size_t>(spec.sizes[l + 1]), 0);
    for (const int unit : out) unit_matters[static_cast<std::size_t>(unit)] = 1;
    for (std::size_t unit = 0; unit < unit_matters.size(); ++unit) {
      const std::size_t row = weights[l]->offset + unit * static_cast<std::size_t>(spec.sizes[l]);
      for (int i = 0; i < spec.sizes[l]; ++i)
        if (unit_matters[unit] == 0 && kept(row + static_cast<std::size_t>(i)))
          parked.push_back(static_cast<std::uint32_t>(row + static_cast<std::size_t>(i)));
      if (unit_matters[unit] == 0 && kept(biases[l]->offset + unit))
        parked.push_back(static_cast<std::uint32_t>(biases[l]->offset + unit));
    }
    effective_.trained += layer.kept();
    for (std::size_t i = 0; i < weights[l]->size; ++i)
      effective_.kept += kept(weights[l]->offset + i) ? 1 : 0;
  }
  for (AlignedFloats* buffer : {&part.delta, &part.next_delta, &part.samples, &part.next_samples})
    buffer->assign(widest * max_columns, 0.0f);
  part.scratch.assign(scratch, 0.0f);
}

void NativeNetwork::compile_front(Part& part, const Tensor& weight, const Tensor& bias,
                                  std::span<const std::uint8_t> mask, int max_columns) {
  const auto kept = [&](std::size_t dense) { return mask.empty() || mask[dense] != 0; };
  std::vector<std::uint8_t> keep(weight.size);
  for (std::size_t i = 0; i < weight.size; ++i) keep[i] = kept(weight.offset + i);
  part.front.emplace(ConvolutionLayer(*part.spec.convolution, keep));
  part.spec.convolution.reset();
  part.spec.sizes.erase(part.spec.sizes.begin());
  Front& front = *part.front;
  front.weight = arena_size_;
  for (const std::uint32_t i : front.layer.kept_weights())
    entries_.push_back(
        {static_cast<std::uint32_t>(weight.offset + i), static_cast<std::uint32_t>(arena_size_++)});
  arena_size_ = whole_lanes(arena_size_);
  front.bias = arena_size_;
  front.keep_bias.assign(whole_lanes(bias.size), 0.0f);
  for (std::size_t i = 0; i < bias.size; ++i) {
    if (!kept(bias.offset + i)) continue;
    front.keep_bias[i] = 1.0f;
    entries_.push_back(
        {static_cast<std::uint32_t>(bias.offset + i), static_cast<std::uint32_t>(arena_size_ + i)});
  }
  arena_size_ += whole_lanes(bias.size);
  effective_.kept += front.layer.kept();
  effective_.trained += front.layer.kept();
  const auto columns = static_cast<std::size_t>(max_columns);
  front.board.assign(static_cast<std::size_t>(front.layer.in()) * columns, 0.0f);
  for (AlignedFloats* maps : {&front.maps, &front.dropped, &front.delta})
    maps->assign(static_cast<std::size_t>(front.layer.out()) * columns, 0.0f);
}

void NativeNetwork::set_hidden_factors(int part_index, ConstBatch factors) {
  Part& part = parts_[part_index];
  part.factors = factors;
  if (factors.data != nullptr) part.dropped.resize(part.activation.size());
  for (std::size_t level = 1; level + 1 < part.dropped.size(); ++level)
    part.dropped[level].resize(part.activation[level].size());
}

// values [units of the level that matter][columns]; level 0 are the maps of a convolution, all of them.
void NativeNetwork::multiply_factors(const Part& part, std::size_t level, int columns, float* values) {
  std::ptrdiff_t first = part.front && level > 0 ? part.front->layer.out() : 0;
  for (std::size_t l = 1; l < level; ++l) first += part.spec.sizes[l];
  const int units = level == 0 ? part.front->layer.out() : static_cast<int>(part.units[level].size());
  for (int unit = 0; unit < units; ++unit) {
    const std::ptrdiff_t row =
        first + (level == 0 ? unit : part.units[level][static_cast<std::size_t>(unit)]);
    kernels().multiply(values + static_cast<std::ptrdiff_t>(unit) * columns,
                       part.factors.data + row * part.factors.stride, static_cast<std::size_t>(columns));
  }
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

Epilogue NativeNetwork::activation_of(const Part& part, std::size_t layer) const {
  if (layer + 1 == part.layers.size()) return part.spec.tanh_output ? Epilogue::kTanh : Epilogue::kNone;
  return part.spec.activation == Activation::kRelu ? Epilogue::kRelu : Epilogue::kTanh;
}

// Columns between the batch and the next multiple of sixteen must be finite: they are zero.
void NativeNetwork::load(Part& part, int batch, ConstBatch inputs) const {
  const int columns = round_up_to_lanes(batch);
  const std::vector<int>& units = part.units.front();
  for (std::size_t f = 0; f < units.size(); ++f) {
    float* row = part.activation.front().data() + f * static_cast<std::size_t>(columns);
    std::memcpy(row, inputs.data + static_cast<std::ptrdiff_t>(units[f]) * inputs.stride,
                static_cast<std::size_t>(batch) * sizeof(float));
    std::fill(row + batch, row + columns, 0.0f);
  }
  part.is_active = false;
}

void NativeNetwork::load(Part& part, int batch, const ActiveBatch& inputs) const {
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
  const auto columns = static_cast<std::size_t>(round_up_to_lanes(batch));
  float* dense = part.activation.front().data();
  std::fill_n(dense, part.units.front().size() * columns, 0.0f);
  for (int b = 0; b < batch; ++b)
    for (std::uint32_t e = part.active.begin[b]; e < part.active.begin[b + 1]; ++e)
      dense[part.active.feature[e] * columns + static_cast<std::size_t>(b)] = 1.0f;
}

void NativeNetwork::load(Part& part, int batch, ConstBatch inputs, Pass pass) const {
  if (!part.front) return load(part, batch, inputs);
  const int columns = round_up_to_lanes(batch);
  for (int cell = 0; cell < part.front->layer.in(); ++cell) {
    float* row = part.front->board.data() + static_cast<std::ptrdiff_t>(cell) * columns;
    std::memcpy(row, inputs.data + static_cast<std::ptrdiff_t>(cell) * inputs.stride,
                static_cast<std::size_t>(batch) * sizeof(float));
    std::fill(row + batch, row + columns, 0.0f);
  }
  run_front(part, batch, pass);
}

void NativeNetwork::load(Part& part, int batch, const ActiveBatch& inputs, Pass pass) const {
  if (!part.front) return load(part, batch, inputs);
  const auto columns = static_cast<std::size_t>(round_up_to_lanes(batch));
  float* board = part.front->board.data();
  std::fill_n(board, static_cast<std::size_t>(part.front->layer.in()) * columns, 0.0f);
  for (int b = 0; b < batch; ++b)
    for (std::uint32_t e = inputs.begin[b]; e < inputs.begin[b + 1]; ++e)
      board[inputs.feature[e] * columns + static_cast<std::size_t>(b)] = 1.0f;
  run_front(part, batch, pass);
}

// From the board to the inputs of the other layers.
void NativeNetwork::run_front(Part& part, int batch, Pass pass) const {
  Front& front = *part.front;
  const int columns = round_up_to_lanes(batch);
  front.layer.forward(parameters_.data() + front.weight, parameters_.data() + front.bias, columns,
                      front.board.data(), front.maps.data(),
                      part.spec.activation == Activation::kRelu ? Epilogue::kRelu : Epilogue::kTanh);
  if (pass == Pass::kInfer || part.factors.data == nullptr)
    return load(part, batch, ConstBatch{front.maps.data(), columns});
  std::copy_n(front.maps.begin(), front.layer.out() * columns, front.dropped.begin());
  multiply_factors(part, 0, columns, front.dropped.data());
  load(part, batch, ConstBatch{front.dropped.data(), columns});
}

// From the gradients of the layer behind, in part.delta.
void NativeNetwork::front_gradients(Part& part, int columns) {
  Front& front = *part.front;
  part.layers.front().input_gradient(parameters_.data() + part.weight.front(), columns, part.delta.data(),
                                     part.next_delta.data(), Epilogue::kNone, nullptr);
  std::fill(front.delta.begin(), front.delta.end(), 0.0f);
  for (std::size_t i = 0; i < part.units.front().size(); ++i)
    std::copy_n(part.next_delta.begin() + static_cast<std::ptrdiff_t>(i) * columns, columns,
                front.delta.begin() + static_cast<std::ptrdiff_t>(part.units.front()[i]) * columns);
  if (part.is_dropped) multiply_factors(part, 0, columns, front.delta.data());
  const bool relu = part.spec.activation == Activation::kRelu;
  for (int i = 0; i < front.layer.out() * columns; ++i) {
    const float y = front.maps[i];
    front.delta[i] = relu ? (y > 0.0f ? front.delta[i] : 0.0f) : front.delta[i] * (1.0f - y * y);
  }
  front.layer.gradients(columns, front.delta.data(), front.board.data(), gradients_.data() + front.weight,
                        gradients_.data() + front.bias);
  kernels().multiply(gradients_.data() + front.bias, front.keep_bias.data(), front.keep_bias.size());
}

// Counting sort of the active features: samples of each feature, ascending.
void NativeNetwork::list_by_feature(Part& part, int batch) {
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
void NativeNetwork::run_inference(Part& part, int batch, MutableBatch outputs) const {
  const Kernels& k = kernels();
  const int columns = round_up_to_lanes(batch);
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
        k.transpose(layer.in(), batch, part.activation[l].data(), columns, part.samples.data(), padded_in);
      layer.forward_samples(weight, bias, batch, part.samples.data(), padded_in, part.next_samples.data(),
                            epilogue);
      std::swap(part.samples, part.next_samples);
      by_samples = true;
    } else {
      if (by_samples)
        k.transpose(batch, layer.in(), part.samples.data(), padded_in, part.activation[l].data(), columns);
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
      std::memcpy(target, part.activation.back().data() + static_cast<std::size_t>(o) * columns,
                  static_cast<std::size_t>(batch) * sizeof(float));
  }
}

void NativeNetwork::run_forward(Part& part, int batch, MutableBatch outputs) const {
  const int columns = round_up_to_lanes(batch);
  part.is_dropped = part.factors.data != nullptr;
  for (std::size_t l = 0; l < part.layers.size(); ++l) {
    const MaskedLayer& layer = part.layers[l];
    const float* weight = parameters_.data() + part.weight[l];
    const float* bias = parameters_.data() + part.bias[l];
    float* output = part.activation[l + 1].data();
    if (l == 0 && part.is_active) {
      layer.forward_active(weight, bias, batch, part.active, part.samples.data(), activation_of(part, l));
      kernels().transpose(batch, layer.out(), part.samples.data(), layer.padded_out(), output, columns);
    } else {
      const float* inputs = part.is_dropped && l > 0 ? part.dropped[l].data() : part.activation[l].data();
      layer.forward(weight, bias, columns, inputs, output, activation_of(part, l));
    }
    if (part.is_dropped && l + 1 < part.layers.size()) {
      std::copy_n(output, layer.out() * columns, part.dropped[l + 1].begin());
      multiply_factors(part, l + 1, columns, part.dropped[l + 1].data());
    }
  }
  for (int o = 0; o < part.spec.sizes.back(); ++o)
    std::memcpy(outputs.data + static_cast<std::ptrdiff_t>(o) * outputs.stride,
                part.activation.back().data() + static_cast<std::size_t>(o) * columns,
                static_cast<std::size_t>(batch) * sizeof(float));
}

void NativeNetwork::infer(int part, int batch, ConstBatch inputs, MutableBatch outputs) {
  load(parts_[part], batch, inputs, Pass::kInfer);
  run_inference(parts_[part], batch, outputs);
}

void NativeNetwork::forward(int part, int batch, ConstBatch inputs, MutableBatch outputs) {
  load(parts_[part], batch, inputs, Pass::kForward);
  run_forward(parts_[part], batch, outputs);
}

void NativeNetwork::infer_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs) {
  load(parts_[part], batch, inputs, Pass::kInfer);
  run_inference(parts_[part], batch, outputs);
}

void NativeNetwork::forward_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs) {
  load(parts_[part], batch, inputs, Pass::kForward);
  run_forward(parts_[part], batch, outputs);
}

void NativeNetwork::backward(int part_index, int batch, ConstBatch output_gradients) {
  const Kernels& k = kernels();
  Part& part = parts_[part_index];
  const int columns = round_up_to_lanes(batch);
  const bool tanh_output = part.spec.tanh_output;
  for (int o = 0; o < part.spec.sizes.back(); ++o) {
    float* row = part.delta.data() + static_cast<std::size_t>(o) * columns;
    const float* source = output_gradients.data + static_cast<std::ptrdiff_t>(o) * output_gradients.stride;
    const float* y = part.activation.back().data() + static_cast<std::size_t>(o) * columns;
    for (int b = 0; b < batch; ++b) row[b] = tanh_output ? source[b] * (1.0f - y[b] * y[b]) : source[b];
    std::fill(row + batch, row + columns, 0.0f);
  }
  for (std::size_t l = part.layers.size(); l-- > 0;) {
    const MaskedLayer& layer = part.layers[l];
    float* bias_gradient = gradients_.data() + part.bias[l];
    float* weight_gradient = gradients_.data() + part.weight[l];
    k.row_sums(layer.out(), columns, part.delta.data(), columns, bias_gradient);
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
    layer.weight_gradient(columns, part.delta.data(), inputs, part.scratch.data(), weight_gradient);
    if (l == 0) {
      if (part.front) front_gradients(part, columns);
      break;
    }
    const Epilogue derivative =
        part.spec.activation == Activation::kRelu ? Epilogue::kReluDerivative : Epilogue::kTanhDerivative;
    layer.input_gradient(parameters_.data() + part.weight[l], columns, part.delta.data(),
                         part.next_delta.data(), derivative, part.activation[l].data());
    if (part.is_dropped) multiply_factors(part, l, columns, part.next_delta.data());
    std::swap(part.delta, part.next_delta);
  }
}

std::unique_ptr<Network> make_native_network(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                             NetworkOptions options) {
  return std::make_unique<NativeNetwork>(spec, mask, options);
}

}  // namespace impsweep
