#include "engine/imp/effective.hpp"

#include <algorithm>
#include <optional>

namespace impsweep {
namespace {

// A layer of a network: what leads to it, and which of its tensors.
struct Layer {
  const Tensor* weight = nullptr;
  const Tensor* bias = nullptr;
  const ConvolutionSpec* convolution = nullptr;
  int inputs = 0, outputs = 0;
  bool is_own = true;  // of the part itself, not of the trunk that it stands on
};

std::vector<Layer> own_layers(const ModelSpec& model, const std::vector<Tensor>& tensors, int part) {
  const MlpSpec& spec = model.parts[static_cast<std::size_t>(part)];
  std::vector<Layer> layers(spec.sizes.size() - 1);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    layers[l].inputs = spec.sizes[l];
    layers[l].outputs = spec.sizes[l + 1];
    if (l < spec.convolutions.size()) layers[l].convolution = &spec.convolutions[l];
  }
  for (const Tensor& tensor : tensors) {
    if (tensor.part != part) continue;
    Layer& layer = layers[static_cast<std::size_t>(tensor.layer)];
    (tensor.is_weight ? layer.weight : layer.bias) = &tensor;
  }
  return layers;
}

// From the observation to the outputs of a part.
std::vector<Layer> layers_of(const ModelSpec& model, const std::vector<Tensor>& tensors, int part) {
  std::vector<Layer> layers;
  if (const std::optional<int> trunk = model.parts[static_cast<std::size_t>(part)].trunk) {
    layers = own_layers(model, tensors, *trunk);
    layers.pop_back();  // the trunk's own head
    for (Layer& layer : layers) layer.is_own = false;
  }
  const std::vector<Layer> own = own_layers(model, tensors, part);
  layers.insert(layers.end(), own.begin(), own.end());
  return layers;
}

// Calls visit(input unit, output unit, entry of the weight) for every connection of the layer.
template <class Visit>
void for_each_connection(const Layer& layer, Visit&& visit) {
  if (layer.convolution == nullptr) {
    for (int out = 0; out < layer.outputs; ++out)
      for (int in = 0; in < layer.inputs; ++in)
        visit(in, out, static_cast<std::size_t>(out) * static_cast<std::size_t>(layer.inputs) + in);
    return;
  }
  const ConvolutionSpec& c = *layer.convolution;
  std::size_t entry = 0;
  for (int filter = 0; filter < c.filters; ++filter)
    for (int channel = 0; channel < c.channels; ++channel)
      for (int y = 0; y < c.kernel; ++y)
        for (int x = 0; x < c.kernel; ++x, ++entry)
          for (int position = 0; position < c.positions(); ++position) {
            const int row = position / c.map_columns() * c.stride + y - c.padding;
            const int column = position % c.map_columns() * c.stride + x - c.padding;
            if (row < 0 || row >= c.rows || column < 0 || column >= c.columns) continue;
            visit((channel * c.rows + row) * c.columns + column, filter * c.positions() + position, entry);
          }
}

using Units = std::vector<std::uint8_t>;

// What an input reaches, layer by layer: [layers + 1][units].
std::vector<Units> reached(const std::vector<Layer>& layers, std::span<const std::uint8_t> mask) {
  std::vector<Units> units;
  units.emplace_back(static_cast<std::size_t>(layers.front().inputs), std::uint8_t{1});
  for (const Layer& layer : layers) {
    Units next(static_cast<std::size_t>(layer.outputs), 0);
    for_each_connection(layer, [&](int in, int out, std::size_t entry) {
      next[static_cast<std::size_t>(out)] |=
          mask[layer.weight->offset + entry] & units.back()[static_cast<std::size_t>(in)];
    });
    units.push_back(std::move(next));
  }
  return units;
}

// What an output depends on, layer by layer.
std::vector<Units> needed(const std::vector<Layer>& layers, std::span<const std::uint8_t> mask) {
  std::vector<Units> units(layers.size() + 1);
  units.back().assign(static_cast<std::size_t>(layers.back().outputs), 1);
  for (std::size_t l = layers.size(); l-- > 0;) {
    const Layer& layer = layers[l];
    units[l].assign(static_cast<std::size_t>(layer.inputs), 0);
    for_each_connection(layer, [&](int in, int out, std::size_t entry) {
      units[l][static_cast<std::size_t>(in)] |=
          mask[layer.weight->offset + entry] & units[l + 1][static_cast<std::size_t>(out)];
    });
  }
  return units;
}

}  // namespace

Mask effective_parameters(const ModelSpec& model, const std::vector<Tensor>& tensors,
                          std::span<const std::uint8_t> mask) {
  Mask effective(mask.size(), 0);
  for (const Tensor& tensor : tensors)
    if (tensor.part < 0)
      std::copy_n(mask.begin() + static_cast<std::ptrdiff_t>(tensor.offset), tensor.size,
                  effective.begin() + static_cast<std::ptrdiff_t>(tensor.offset));
  for (int part = 0; part < static_cast<int>(model.parts.size()); ++part) {
    const std::vector<Layer> layers = layers_of(model, tensors, part);
    const std::vector<Units> from_inputs = reached(layers, mask), to_outputs = needed(layers, mask);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const Layer& layer = layers[l];
      if (!layer.is_own) continue;
      const std::size_t units_per_bias =
          static_cast<std::size_t>(layer.outputs) / static_cast<std::size_t>(layer.bias->size);
      for_each_connection(layer, [&](int in, int out, std::size_t entry) {
        effective[layer.weight->offset + entry] |= mask[layer.weight->offset + entry] &
                                                   from_inputs[l][static_cast<std::size_t>(in)] &
                                                   to_outputs[l + 1][static_cast<std::size_t>(out)];
      });
      for (std::size_t unit = 0; unit < static_cast<std::size_t>(layer.outputs); ++unit) {
        const std::size_t bias = layer.bias->offset + unit / units_per_bias;
        effective[bias] |= mask[bias] & from_inputs[l + 1][unit] & to_outputs[l + 1][unit];
      }
    }
  }
  return effective;
}

}  // namespace impsweep
