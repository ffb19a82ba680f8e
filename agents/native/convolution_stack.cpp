#include "agents/native/convolution_stack.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "agents/native/activation.hpp"

namespace impsweep {
namespace {

std::size_t whole_lanes(int count) {
  return static_cast<std::size_t>(round_up_to_lanes(count));
}

}  // namespace

const ConvolutionLayer& ConvolutionStack::add(const ConvolutionSpec& spec, std::vector<std::uint8_t> keep,
                                              const std::vector<std::uint8_t>& keep_bias, std::size_t first) {
  const bool is_first = empty();
  Layer& layer = layers_.emplace_back(
      ConvolutionLayer(spec, std::move(keep), !is_first, static_cast<int>(max_columns_)));
  layer.weight = first;
  layer.bias = first + layer.convolution.size();
  layer.keep_bias.assign(whole_lanes(spec.filters), 0.0f);
  std::ranges::copy(keep_bias, layer.keep_bias.begin());
  if (is_first) board_.assign(static_cast<std::size_t>(in()) * max_columns_, 0.0f);
  for (AlignedFloats* maps : {&layer.maps, &layer.delta})
    maps->assign(static_cast<std::size_t>(layer.convolution.out()) * max_columns_, 0.0f);
  return layer.convolution;
}

int ConvolutionStack::units() const {
  int units = 0;
  for (const Layer& layer : layers_) units += layer.convolution.out();
  return units;
}

std::size_t ConvolutionStack::end() const {
  return layers_.back().bias + layers_.back().keep_bias.size();
}

void ConvolutionStack::load(int batch, ConstBatch boards) {
  const int columns = round_up_to_lanes(batch);
  cells_ = boards.data;
  if (batch == columns && boards.stride == columns) return;
  cells_ = board_.data();
  for (int cell = 0; cell < in(); ++cell) {
    float* row = board_.data() + static_cast<std::ptrdiff_t>(cell) * columns;
    std::memcpy(row, boards.data + static_cast<std::ptrdiff_t>(cell) * boards.stride,
                static_cast<std::size_t>(batch) * sizeof(float));
    std::fill(row + batch, row + columns, 0.0f);
  }
}

void ConvolutionStack::load(int batch, const ActiveBatch& boards) {
  const std::size_t columns = whole_lanes(batch);
  cells_ = board_.data();
  std::fill_n(board_.data(), static_cast<std::size_t>(in()) * columns, 0.0f);
  for (int b = 0; b < batch; ++b)
    for (std::uint32_t e = boards.begin[b]; e < boards.begin[b + 1]; ++e)
      board_[boards.feature[e] * columns + static_cast<std::size_t>(b)] = 1.0f;
}

// values [outputs of the layer][columns]
void ConvolutionStack::multiply(std::size_t layer, ConstBatch factors, int columns, float* values) const {
  std::ptrdiff_t first = 0;
  for (std::size_t l = 0; l < layer; ++l) first += layers_[l].convolution.out();
  for (std::ptrdiff_t unit = 0; unit < layers_[layer].convolution.out(); ++unit)
    kernels().multiply(values + unit * columns, factors.data + (first + unit) * factors.stride,
                       static_cast<std::size_t>(columns));
}

const float* ConvolutionStack::forward(int columns, const float* arena, ConstBatch factors) {
  const float* inputs = cells_;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    Layer& layer = layers_[l];
    layer.convolution.forward(arena + layer.weight, arena + layer.bias, columns, inputs, layer.maps.data(),
                              epilogue_of(activation_));
    inputs = layer.maps.data();
    if (factors.data == nullptr) continue;
    layer.dropped.resize(layer.maps.size());
    std::copy_n(layer.maps.begin(), layer.convolution.out() * columns, layer.dropped.begin());
    multiply(l, factors, columns, layer.dropped.data());
    inputs = layer.dropped.data();
  }
  return inputs;
}

void ConvolutionStack::backward(int columns, const float* arena, ConstBatch factors, float* arena_gradient) {
  for (std::size_t l = layers_.size(); l-- > 0;) {
    Layer& layer = layers_[l];
    if (factors.data != nullptr) multiply(l, factors, columns, layer.delta.data());
    apply_derivative(activation_, layer.maps, static_cast<std::size_t>(layer.convolution.out()) * columns,
                     layer.delta);
    const float* inputs = cells_;
    if (l > 0) inputs = factors.data != nullptr ? layers_[l - 1].dropped.data() : layers_[l - 1].maps.data();
    layer.convolution.gradients(columns, layer.delta.data(), inputs, arena_gradient + layer.weight,
                                arena_gradient + layer.bias);
    kernels().multiply(arena_gradient + layer.bias, layer.keep_bias.data(), layer.keep_bias.size());
    if (l > 0)
      layer.convolution.input_gradient(arena + layer.weight, columns, layer.delta.data(),
                                       layers_[l - 1].delta.data());
  }
}

}  // namespace impsweep
