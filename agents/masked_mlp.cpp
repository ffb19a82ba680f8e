#include "agents/masked_mlp.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace impsweep {
namespace {

constexpr std::uint32_t kNoPlace = std::numeric_limits<std::uint32_t>::max();

std::size_t padded(std::size_t n) {
  return (n + kLanes - 1) / kLanes * kLanes;
}

Epilogue activation_of(const MlpSpec& spec, std::size_t layer, std::size_t layers) {
  const bool last = layer + 1 == layers;
  if (last) return spec.tanh_output ? Epilogue::kTanh : Epilogue::kNone;
  return spec.activation == Activation::kRelu ? Epilogue::kRelu : Epilogue::kTanh;
}

Epilogue derivative_of(Epilogue activation) {
  return activation == Epilogue::kRelu   ? Epilogue::kReluDerivative
         : activation == Epilogue::kTanh ? Epilogue::kTanhDerivative
                                         : Epilogue::kNone;
}

}  // namespace

SparseRows NativeNetwork::Layer::by_row() const {
  return {.rows = out, .row_begin = row_begin.data(), .index = column_index.data(), .position = nullptr};
}

SparseRows NativeNetwork::Layer::by_column() const {
  return {.rows = in,
          .row_begin = column_begin.data(),
          .index = row_index.data(),
          .position = row_position.data()};
}

SparseRows NativeNetwork::Layer::by_shared_row() const {
  return {.rows = out,
          .row_begin = row_begin.data(),
          .index = column_index.data(),
          .position = row_position.data()};
}

// place[i]: where weight i stands among the kept ones; kNoPlace if it is pruned.
void NativeNetwork::compile_convolution(Layer& layer, const ConvolutionSpec& spec,
                                        const std::vector<std::uint32_t>& place) {
  layer.filters = spec.filters;
  layer.positions = spec.positions();
  const int positions_per_row = spec.columns - spec.kernel + 1;
  layer.row_begin.push_back(0);
  for (int row = 0; row < layer.out; ++row) {
    const int filter = row / layer.positions, position = row % layer.positions;
    const int top = position / positions_per_row, left = position % positions_per_row;
    std::size_t weight =
        static_cast<std::size_t>(filter) * (place.size() / static_cast<std::size_t>(spec.filters));
    for (int channel = 0; channel < spec.channels; ++channel) {
      for (int y = 0; y < spec.kernel; ++y) {
        for (int x = 0; x < spec.kernel; ++x, ++weight) {
          if (place[weight] == kNoPlace) continue;
          const int input = (channel * spec.rows + top + y) * spec.columns + left + x;
          layer.column_index.push_back(static_cast<std::uint16_t>(input));
          layer.row_position.push_back(place[weight]);
        }
      }
    }
    layer.row_begin.push_back(static_cast<std::uint32_t>(layer.column_index.size()));
  }
  layer.row_bias.resize(static_cast<std::size_t>(layer.out));
  layer.row_gradient.resize(static_cast<std::size_t>(layer.out));
  layer.entry_gradient.resize(layer.column_index.size());
}

void NativeNetwork::convolution_forward(Layer& layer, int columns, const float* inputs, float* outputs,
                                        Epilogue epilogue) const {
  for (int filter = 0; filter < layer.filters; ++filter)
    std::fill_n(layer.row_bias.begin() + static_cast<std::ptrdiff_t>(filter) * layer.positions,
                layer.positions, parameters_[layer.bias + static_cast<std::size_t>(filter)]);
  kernels().sparse({.pattern = layer.by_shared_row(),
                    .weight = parameters_.data() + layer.weight,
                    .columns = columns,
                    .b = inputs,
                    .b_stride = columns,
                    .bias = layer.row_bias.data(),
                    .c = outputs,
                    .c_stride = columns,
                    .epilogue = epilogue});
}

// Sums over the batch, then over the positions in their order.
void NativeNetwork::convolution_gradients(Layer& layer, int columns, const float* delta,
                                          const float* inputs) {
  const Kernels& k = kernels();
  k.row_sums(layer.out, columns, delta, columns, layer.row_gradient.data());
  k.sparse_weight_gradient(layer.by_row(), columns, delta, columns, inputs, columns,
                           layer.entry_gradient.data());
  float* weight = gradients_.data() + layer.weight;
  float* bias = gradients_.data() + layer.bias;
  std::fill_n(weight, layer.kept, 0.0f);
  std::fill_n(bias, layer.filters, 0.0f);
  for (std::size_t e = 0; e < layer.entry_gradient.size(); ++e)
    weight[layer.row_position[e]] += layer.entry_gradient[e];
  for (int row = 0; row < layer.out; ++row) bias[row / layer.positions] += layer.row_gradient[row];
  if (!layer.keep_bias.empty()) k.multiply(bias, layer.keep_bias.data(), layer.keep_bias.size());
}

NativeNetwork::NativeNetwork(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                             NetworkOptions options)
    : max_columns_(round_up_to_lanes(options.max_batch)) {
  const std::vector<Tensor> tensors = tensors_of(spec);
  dense_size_ = parameter_count(spec);
  if (!mask.empty() && mask.size() != dense_size_)
    throw std::invalid_argument("mask and model differ in size");
  if (dense_size_ > std::numeric_limits<std::uint32_t>::max()) throw std::invalid_argument("model too large");
  parts_.resize(spec.parts.size());
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    parts_[p].spec = spec.parts[p];
    compile(parts_[p], static_cast<int>(p), tensors, mask);
  }
  log_std_offset_ = arena_size_;
  if (spec.log_std > 0) {
    const Tensor& tensor = tensors.back();
    for (std::size_t i = 0; i < tensor.size; ++i)
      entries_.push_back(
          {static_cast<std::uint32_t>(tensor.offset + i), static_cast<std::uint32_t>(arena_size_ + i)});
    arena_size_ += padded(tensor.size);
  }
  parameters_.assign(arena_size_, 0.0f);
  gradients_.assign(arena_size_, 0.0f);
}

void NativeNetwork::compile(Part& part, int part_index, const std::vector<Tensor>& tensors,
                            std::span<const std::uint8_t> mask) {
  const auto kept = [&](std::size_t dense) { return mask.empty() || mask[dense] != 0; };
  const auto place = [&](std::size_t dense, std::size_t arena) {
    entries_.push_back({static_cast<std::uint32_t>(dense), static_cast<std::uint32_t>(arena)});
  };
  int widest = 0, widest_input = 0;
  for (const int size : part.spec.sizes) {
    if (size > std::numeric_limits<std::uint16_t>::max())
      throw std::invalid_argument("layers are limited to 65535 units");
    part.activation.emplace_back(static_cast<std::size_t>(size) * max_columns_, 0.0f);
    widest = std::max(widest, size);
  }
  for (const Tensor& tensor : tensors) {
    if (tensor.part != part_index) continue;
    if (!tensor.is_weight) {
      Layer& layer = part.layers.back();
      layer.bias = arena_size_;
      layer.keep_bias.assign(padded(tensor.size), 0.0f);
      bool masked = false;
      for (std::size_t i = 0; i < tensor.size; ++i) {
        if (!kept(tensor.offset + i)) {
          masked = true;
          continue;
        }
        place(tensor.offset + i, arena_size_ + i);
        layer.keep_bias[i] = 1.0f;
      }
      if (!masked) layer.keep_bias.clear();
      arena_size_ += padded(tensor.size);
      continue;
    }
    Layer& layer = part.layers.emplace_back();
    layer.out = part.spec.sizes[static_cast<std::size_t>(tensor.layer) + 1];
    layer.in = part.spec.sizes[static_cast<std::size_t>(tensor.layer)];
    layer.weight = arena_size_;
    std::size_t count = 0;
    for (std::size_t i = 0; i < tensor.size; ++i) count += kept(tensor.offset + i);
    if (tensor.layer == 0 && part.spec.convolution) {
      layer.form = LayerForm::kConvolution;
      std::vector<std::uint32_t> places(tensor.size, kNoPlace);
      for (std::size_t i = 0; i < tensor.size; ++i) {
        if (!kept(tensor.offset + i)) continue;
        places[i] = static_cast<std::uint32_t>(layer.kept);
        place(tensor.offset + i, arena_size_ + layer.kept++);
      }
      compile_convolution(layer, *part.spec.convolution, places);
      arena_size_ += padded(layer.kept);
      continue;
    }
    layer.masked = count < tensor.size;
    layer.form = static_cast<double>(count) > kDenseAbove * static_cast<double>(tensor.size)
                     ? LayerForm::kDense
                     : LayerForm::kSparse;
    layer.kept = layer.form == LayerForm::kDense ? tensor.size : count;
    if (layer.form == LayerForm::kDense) {
      widest_input = std::max(widest_input, layer.in);
      if (layer.masked) layer.keep.assign(padded(tensor.size), 0.0f);
      for (std::size_t i = 0; i < tensor.size; ++i) {
        if (!kept(tensor.offset + i)) continue;
        place(tensor.offset + i, arena_size_ + i);
        if (layer.masked) layer.keep[i] = 1.0f;
      }
    } else {
      layer.row_begin.push_back(0);
      layer.column_begin.assign(static_cast<std::size_t>(layer.in) + 1, 0);
      for (int o = 0; o < layer.out; ++o) {
        for (int i = 0; i < layer.in; ++i) {
          const std::size_t dense = tensor.offset + static_cast<std::size_t>(o) * layer.in + i;
          if (!kept(dense)) continue;
          place(dense, arena_size_ + layer.column_index.size());
          layer.column_index.push_back(static_cast<std::uint16_t>(i));
          ++layer.column_begin[i + 1];
        }
        layer.row_begin.push_back(static_cast<std::uint32_t>(layer.column_index.size()));
      }
      for (int i = 0; i < layer.in; ++i) layer.column_begin[i + 1] += layer.column_begin[i];
      layer.row_index.resize(count);
      layer.row_position.resize(count);
      std::vector<std::uint32_t> next(layer.column_begin.begin(), layer.column_begin.end() - 1);
      for (int o = 0; o < layer.out; ++o) {
        for (std::uint32_t e = layer.row_begin[o]; e < layer.row_begin[o + 1]; ++e) {
          const std::uint32_t slot = next[layer.column_index[e]]++;
          layer.row_index[slot] = static_cast<std::uint16_t>(o);
          layer.row_position[slot] = e;
        }
      }
    }
    arena_size_ += padded(layer.kept);
  }
  part.delta.assign(static_cast<std::size_t>(widest) * max_columns_, 0.0f);
  part.next_delta.assign(static_cast<std::size_t>(widest) * max_columns_, 0.0f);
  part.transposed_stride = round_up_to_lanes(widest_input);
  part.transposed.assign(static_cast<std::size_t>(part.transposed_stride) * max_columns_, 0.0f);
}

void NativeNetwork::gather(std::span<const float> dense, std::span<float> arena) const {
  std::fill(arena.begin(), arena.end(), 0.0f);
  for (const Entry& entry : entries_) arena[entry.arena] = dense[entry.dense];
}

void NativeNetwork::scatter(std::span<const float> arena, std::span<float> dense) const {
  std::fill(dense.begin(), dense.end(), 0.0f);
  for (const Entry& entry : entries_) dense[entry.dense] = arena[entry.arena];
}

void NativeNetwork::set_hidden_factors(int part_index, ConstBatch factors) {
  Part& part = parts_[part_index];
  part.factors = factors;
  if (factors.data != nullptr) part.dropped.resize(part.activation.size());
  for (std::size_t l = 1; l + 1 < part.dropped.size(); ++l) part.dropped[l].resize(part.activation[l].size());
}

const float* NativeNetwork::Part::factors_of(std::size_t hidden_layer) const {
  std::ptrdiff_t units = 0;
  for (std::size_t l = 1; l < hidden_layer; ++l) units += spec.sizes[l];
  return factors.data + units * factors.stride;
}

// values [units of the layer][columns].
void NativeNetwork::multiply_factors(const Part& part, std::size_t hidden_layer, int columns, float* values) {
  const float* factors = part.factors_of(hidden_layer);
  for (int unit = 0; unit < part.spec.sizes[hidden_layer]; ++unit)
    kernels().multiply(values + static_cast<std::ptrdiff_t>(unit) * columns,
                       factors + static_cast<std::ptrdiff_t>(unit) * part.factors.stride,
                       static_cast<std::size_t>(columns));
}

void NativeNetwork::run_layers(Part& part, int batch, ConstBatch inputs, MutableBatch outputs) {
  const Kernels& k = kernels();
  const int columns = round_up_to_lanes(batch);
  // Columns between the batch and the next multiple of sixteen must be finite: they are zero.
  for (int f = 0; f < part.spec.sizes.front(); ++f) {
    float* row = part.activation[0].data() + static_cast<std::size_t>(f) * columns;
    std::memcpy(row, inputs.data + static_cast<std::ptrdiff_t>(f) * inputs.stride,
                static_cast<std::size_t>(batch) * sizeof(float));
    std::fill(row + batch, row + columns, 0.0f);
  }
  for (std::size_t l = 0; l < part.layers.size(); ++l) {
    Layer& layer = part.layers[l];
    const Epilogue epilogue = activation_of(part.spec, l, part.layers.size());
    if (layer.form == LayerForm::kConvolution) {
      convolution_forward(layer, columns, part.activation[l].data(), part.activation[l + 1].data(), epilogue);
    } else if (layer.form == LayerForm::kDense) {
      k.gemm({.rows = layer.out,
              .depth = layer.in,
              .columns = columns,
              .a = &parameters_[layer.weight],
              .a_row = layer.in,
              .a_depth = 1,
              .b = part.inputs_of(l),
              .b_stride = columns,
              .bias = &parameters_[layer.bias],
              .c = part.activation[l + 1].data(),
              .c_stride = columns,
              .epilogue = epilogue});
    } else {
      k.sparse({.pattern = layer.by_row(),
                .weight = parameters_.data() + layer.weight,
                .columns = columns,
                .b = part.inputs_of(l),
                .b_stride = columns,
                .bias = &parameters_[layer.bias],
                .c = part.activation[l + 1].data(),
                .c_stride = columns,
                .epilogue = epilogue});
    }
    if (part.factors.data != nullptr && l + 1 < part.layers.size()) {
      const std::size_t count = static_cast<std::size_t>(layer.out) * static_cast<std::size_t>(columns);
      std::copy_n(part.activation[l + 1].begin(), count, part.dropped[l + 1].begin());
      multiply_factors(part, l + 1, columns, part.dropped[l + 1].data());
    }
  }
  for (int o = 0; o < part.spec.sizes.back(); ++o)
    std::memcpy(outputs.data + static_cast<std::ptrdiff_t>(o) * outputs.stride,
                part.activation.back().data() + static_cast<std::size_t>(o) * columns,
                static_cast<std::size_t>(batch) * sizeof(float));
}

void NativeNetwork::infer(int part, int batch, ConstBatch inputs, MutableBatch outputs) {
  run_layers(parts_[part], batch, inputs, outputs);
}

void NativeNetwork::forward(int part, int batch, ConstBatch inputs, MutableBatch outputs) {
  run_layers(parts_[part], batch, inputs, outputs);
}

void NativeNetwork::backward(int part_index, int batch, ConstBatch output_gradients) {
  const Kernels& k = kernels();
  Part& part = parts_[part_index];
  const int columns = round_up_to_lanes(batch);
  const std::size_t layers = part.layers.size();
  const bool tanh_output = part.spec.tanh_output;
  for (int o = 0; o < part.spec.sizes.back(); ++o) {
    float* row = part.delta.data() + static_cast<std::size_t>(o) * columns;
    const float* source = output_gradients.data + static_cast<std::ptrdiff_t>(o) * output_gradients.stride;
    const float* y = part.activation.back().data() + static_cast<std::size_t>(o) * columns;
    for (int b = 0; b < batch; ++b) row[b] = tanh_output ? source[b] * (1.0f - y[b] * y[b]) : source[b];
    std::fill(row + batch, row + columns, 0.0f);
  }
  for (std::size_t l = layers; l-- > 0;) {
    Layer& layer = part.layers[l];
    const float* inputs = part.inputs_of(l);
    if (layer.form == LayerForm::kConvolution) {  // always the first layer
      convolution_gradients(layer, columns, part.delta.data(), inputs);
      break;
    }
    float* weight_gradient = gradients_.data() + layer.weight;
    k.row_sums(layer.out, columns, part.delta.data(), columns, &gradients_[layer.bias]);
    if (!layer.keep_bias.empty())
      k.multiply(&gradients_[layer.bias], layer.keep_bias.data(), layer.keep_bias.size());
    if (layer.form == LayerForm::kDense) {
      k.transpose(layer.in, columns, inputs, columns, part.transposed.data(), part.transposed_stride);
      k.gemm({.rows = layer.out,
              .depth = batch,
              .columns = layer.in,
              .a = part.delta.data(),
              .a_row = columns,
              .a_depth = 1,
              .b = part.transposed.data(),
              .b_stride = part.transposed_stride,
              .c = weight_gradient,
              .c_stride = layer.in,
              .stored_columns = layer.in});
      if (layer.masked) k.multiply(weight_gradient, layer.keep.data(), layer.keep.size());
    } else {
      k.sparse_weight_gradient(layer.by_row(), columns, part.delta.data(), columns, inputs, columns,
                               weight_gradient);
    }
    if (l == 0) break;
    const Epilogue derivative = derivative_of(activation_of(part.spec, l - 1, layers));
    if (layer.form == LayerForm::kDense) {
      k.gemm({.rows = layer.in,
              .depth = layer.out,
              .columns = columns,
              .a = &parameters_[layer.weight],
              .a_row = 1,
              .a_depth = layer.in,
              .b = part.delta.data(),
              .b_stride = columns,
              .c = part.next_delta.data(),
              .c_stride = columns,
              .epilogue = derivative,
              .activation = part.activation[l].data()});
    } else {
      k.sparse({.pattern = layer.by_column(),
                .weight = parameters_.data() + layer.weight,
                .columns = columns,
                .b = part.delta.data(),
                .b_stride = columns,
                .c = part.next_delta.data(),
                .c_stride = columns,
                .epilogue = derivative,
                .activation = part.activation[l].data()});
    }
    if (part.factors.data != nullptr) multiply_factors(part, l, columns, part.next_delta.data());
    std::swap(part.delta, part.next_delta);
  }
}

std::unique_ptr<Network> make_native_network(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                             NetworkOptions options) {
  return std::make_unique<NativeNetwork>(spec, mask, options);
}

}  // namespace impsweep
