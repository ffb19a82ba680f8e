#include "engine/imp/compact.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace impsweep {
namespace {

using Flags = std::vector<std::uint8_t>;

// A layer by its units: outputs of a full layer, filters of a convolution; what it reads are those of the
// layer before, each of which is `width` columns of a row of the weight.
struct Layer {
  const Tensor* weight = nullptr;
  const Tensor* bias = nullptr;
  const ConvolutionSpec* convolution = nullptr;
  std::size_t inputs = 0, outputs = 0, width = 1;
};

// One network: its layers, and for each row of units between them, inputs first, what becomes of it.
struct Part {
  const MlpSpec* spec = nullptr;
  std::vector<Layer> layers;
  std::vector<Flags> reached, needed, kept;
  std::vector<std::vector<double>> constant;  // value of a unit that no input reaches
};

class Compaction {
 public:
  Compaction(const ModelSpec& model, std::span<const float> parameters, std::span<const std::uint8_t> mask)
      : model_(model), tensors_(tensors_of(model)), parameters_(parameters), mask_(mask) {
    for (std::size_t p = 0; p < model.parts.size(); ++p) parts_.push_back(layers_of(p));
    for (Part& part : parts_) look_forward(part);
    for (std::size_t p = parts_.size(); p-- > 0;) look_back(parts_[p]);  // heads before their trunk
    choose();
  }

  CompactNetwork result() const {
    CompactNetwork small;
    small.model = small_model();
    for (const Tensor& tensor : tensors_of(small.model)) {
      const std::vector<float> values = tensor.part < 0    ? beside_networks(tensor)
                                        : tensor.is_weight ? weights(layer_of(tensor))
                                                           : biases(layer_of(tensor));
      small.parameters.insert(small.parameters.end(), values.begin(), values.end());
    }
    small.inputs = inputs_;
    return small;
  }

 private:
  struct Place {
    const Part* part = nullptr;
    std::size_t layer = 0;
  };

  Part layers_of(std::size_t index) const {
    Part part;
    part.spec = &model_.parts[index];
    const std::size_t count = part.spec->sizes.size() - 1;
    part.layers.resize(count);
    for (const Tensor& tensor : tensors_)
      if (tensor.part == static_cast<int>(index))
        (tensor.is_weight ? part.layers[static_cast<std::size_t>(tensor.layer)].weight
                          : part.layers[static_cast<std::size_t>(tensor.layer)].bias) = &tensor;
    for (std::size_t l = 0; l < count; ++l) {
      Layer& layer = part.layers[l];
      const bool is_convolution = l < part.spec->convolutions.size();
      if (is_convolution) layer.convolution = &part.spec->convolutions[l];
      layer.outputs = static_cast<std::size_t>(layer.weight->shape[0]);
      layer.inputs = l > 0 ? part.layers[l - 1].outputs : static_cast<std::size_t>(layer.weight->shape[1]);
      layer.width = layer.weight->size / (layer.outputs * layer.inputs);
    }
    return part;
  }

  // The weight as it acts.
  double value(const Tensor& tensor, std::size_t i) const {
    return mask_[tensor.offset + i] != 0 ? static_cast<double>(parameters_[tensor.offset + i]) : 0.0;
  }

  bool connects(const Layer& layer, std::size_t out, std::size_t in) const {
    const std::size_t first = layer.weight->offset + (out * layer.inputs + in) * layer.width;
    for (std::size_t i = first; i < first + layer.width; ++i)
      if (mask_[i] != 0) return true;
    return false;
  }

  // What the weights from one unit come to if it has the same value everywhere.
  double sum_from(const Layer& layer, std::size_t out, std::size_t in) const {
    double sum = 0;
    for (std::size_t i = 0; i < layer.width; ++i)
      sum += value(*layer.weight, (out * layer.inputs + in) * layer.width + i);
    return sum;
  }

  void look_forward(Part& part) const {
    if (part.spec->trunk) {  // a head begins with what the trunk's last hidden layer has
      const Part& trunk = parts_[static_cast<std::size_t>(*part.spec->trunk)];
      part.reached.push_back(trunk.reached[trunk.layers.size() - 1]);
      part.constant.push_back(trunk.constant[trunk.layers.size() - 1]);
    } else {
      part.reached.emplace_back(part.layers.front().inputs, std::uint8_t{1});
      part.constant.emplace_back(part.layers.front().inputs, 0.0);
    }
    for (std::size_t l = 0; l < part.layers.size(); ++l) {
      const Layer& layer = part.layers[l];
      const bool has_edges = layer.convolution != nullptr && layer.convolution->padding > 0;
      Flags reached(layer.outputs, 0);
      std::vector<double> constant(layer.outputs);
      for (std::size_t out = 0; out < layer.outputs; ++out) {
        double sum = value(*layer.bias, out);
        for (std::size_t in = 0; in < layer.inputs; ++in) {
          if (!connects(layer, out, in)) continue;
          if (part.reached[l][in] != 0 || has_edges)
            reached[out] = 1;
          else
            sum += part.constant[l][in] * sum_from(layer, out, in);
        }
        constant[out] = activated(*part.spec, l, sum);
      }
      part.reached.push_back(std::move(reached));
      part.constant.push_back(std::move(constant));
    }
  }

  static double activated(const MlpSpec& spec, std::size_t layer, double sum) {
    if (layer + 2 == spec.sizes.size()) return sum;  // outputs are never taken for constants
    return spec.activation == Activation::kTanh ? std::tanh(sum) : std::max(sum, 0.0);
  }

  void look_back(Part& part) {
    part.needed.resize(part.layers.size() + 1);
    part.needed.back().assign(part.layers.back().outputs, 1);
    for (std::size_t l = part.layers.size(); l-- > 0;) {
      const Layer& layer = part.layers[l];
      Flags& needed = part.needed[l];
      needed.assign(layer.inputs, 0);
      if (l + 1 == part.layers.size())
        for (const Part& head : parts_)
          if (head.spec->trunk && &parts_[static_cast<std::size_t>(*head.spec->trunk)] == &part)
            needed = head.needed.front();
      for (std::size_t in = 0; in < layer.inputs; ++in)
        for (std::size_t out = 0; out < layer.outputs && needed[in] == 0; ++out)
          if (part.needed[l + 1][out] != 0 && connects(layer, out, in)) needed[in] = 1;
    }
  }

  static void keep_one(Flags& flags) {
    if (std::ranges::none_of(flags, [](std::uint8_t flag) { return flag != 0; })) flags.front() = 1;
  }

  void choose() {
    for (const Part& part : parts_) {
      if (part.spec->trunk) continue;
      inputs_.resize(std::max(inputs_.size(), part.needed.front().size()), 0);
      for (std::size_t i = 0; i < part.needed.front().size(); ++i) inputs_[i] |= part.needed.front()[i];
    }
    keep_one(inputs_);
    channels_ = inputs_;
    for (Part& part : parts_) {
      if (part.spec->trunk) {
        const Part& trunk = parts_[static_cast<std::size_t>(*part.spec->trunk)];
        part.kept.push_back(trunk.kept[trunk.layers.size() - 1]);
      } else {
        part.kept.push_back(channels_);
      }
      for (std::size_t l = 1; l < part.layers.size(); ++l) {
        const Layer& behind = part.layers[l];
        const bool has_edges = behind.convolution != nullptr && behind.convolution->padding > 0;
        Flags kept(behind.inputs);
        for (std::size_t unit = 0; unit < kept.size(); ++unit)
          kept[unit] = part.needed[l][unit] != 0 && (part.reached[l][unit] != 0 || has_edges) ? 1 : 0;
        keep_one(kept);
        part.kept.push_back(std::move(kept));
      }
      part.kept.emplace_back(part.layers.back().outputs, std::uint8_t{1});
    }
    // From channels of a board to its features.
    const ConvolutionSpec* board =
        model_.parts.front().convolutions.empty() ? nullptr : &model_.parts.front().convolutions.front();
    if (board == nullptr) return;
    const auto cells = static_cast<std::size_t>(board->rows) * static_cast<std::size_t>(board->columns);
    inputs_.assign(channels_.size() * cells, 0);
    for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i] = channels_[i / cells];
  }

  static int count(const Flags& flags) {
    return static_cast<int>(std::ranges::count(flags, std::uint8_t{1}));
  }

  ModelSpec small_model() const {
    ModelSpec small = model_;
    if (small.observation_moments > 0) small.observation_moments = count(inputs_);
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      MlpSpec& spec = small.parts[p];
      const Part& part = parts_[p];
      spec.connected_inputs = 0;
      for (std::size_t l = 0; l < part.kept.size(); ++l) spec.sizes[l] = count(part.kept[l]);
      for (std::size_t l = 0; l < spec.convolutions.size(); ++l) {
        ConvolutionSpec& convolution = spec.convolutions[l];
        convolution.channels = count(part.kept[l]);
        convolution.filters = count(part.kept[l + 1]);
        spec.sizes[l] = convolution.channels * convolution.rows * convolution.columns;
        spec.sizes[l + 1] = convolution.filters * convolution.positions();
      }
    }
    return small;
  }

  Place layer_of(const Tensor& tensor) const {
    return {&parts_[static_cast<std::size_t>(tensor.part)], static_cast<std::size_t>(tensor.layer)};
  }

  std::vector<float> weights(const Place& place) const {
    const Layer& layer = place.part->layers[place.layer];
    std::vector<float> values;
    for (std::size_t out = 0; out < layer.outputs; ++out)
      for (std::size_t in = 0; in < layer.inputs; ++in)
        if (place.part->kept[place.layer + 1][out] != 0 && place.part->kept[place.layer][in] != 0)
          for (std::size_t i = 0; i < layer.width; ++i)
            values.push_back(
                static_cast<float>(value(*layer.weight, (out * layer.inputs + in) * layer.width + i)));
    return values;
  }

  std::vector<float> biases(const Place& place) const {
    const Layer& layer = place.part->layers[place.layer];
    std::vector<float> values;
    for (std::size_t out = 0; out < layer.outputs; ++out) {
      if (place.part->kept[place.layer + 1][out] == 0) continue;
      double bias = value(*layer.bias, out);
      for (std::size_t in = 0; in < layer.inputs; ++in)
        if (place.part->kept[place.layer][in] == 0 && place.part->reached[place.layer][in] == 0)
          bias += place.part->constant[place.layer][in] * sum_from(layer, out, in);
      values.push_back(static_cast<float>(bias));
    }
    return values;
  }

  // log_std and moments of the inputs that are left.
  std::vector<float> beside_networks(const Tensor& tensor) const {
    const Tensor& whole = *std::ranges::find(tensors_, tensor.name, &Tensor::name);
    std::vector<float> values;
    for (std::size_t i = 0; i < whole.size; ++i)
      if (tensor.size == whole.size || inputs_[i] != 0) values.push_back(parameters_[whole.offset + i]);
    return values;
  }

  const ModelSpec& model_;
  std::vector<Tensor> tensors_;
  std::span<const float> parameters_;
  std::span<const std::uint8_t> mask_;
  std::vector<Part> parts_;
  Flags inputs_, channels_;  // of the observation; the same unless it is a board
};

}  // namespace

CompactNetwork compact(const ModelSpec& model, std::span<const float> parameters,
                       std::span<const std::uint8_t> mask) {
  if (parameters.size() != parameter_count(model) || mask.size() != parameters.size())
    throw std::invalid_argument("parameters and mask do not fit the model");
  return Compaction(model, parameters, mask).result();
}

}  // namespace impsweep
