#include "agents/network/derivatives.hpp"

#include <algorithm>
#include <cstddef>

namespace impsweep {
namespace {

using Places = std::vector<std::vector<std::size_t>>;  // [part][layer] offset of the weight

struct Layout {
  Places weight, bias;
};

Layout layout_of(const ModelSpec& model) {
  Layout layout;
  layout.weight.resize(model.parts.size());
  layout.bias.resize(model.parts.size());
  for (const Tensor& tensor : tensors_of(model))
    if (tensor.part >= 0)
      (tensor.is_weight ? layout.weight : layout.bias)[static_cast<std::size_t>(tensor.part)].push_back(
          tensor.offset);
  return layout;
}

// One layer's sums: visit(output, weight, input) for every product that enters an output, by their places.
template <class Visit>
void for_each_product(const MlpSpec& part, std::size_t layer, Visit visit) {
  const auto inputs = static_cast<std::size_t>(part.sizes[layer]);
  const auto outputs = static_cast<std::size_t>(part.sizes[layer + 1]);
  if (layer >= part.convolutions.size()) {
    for (std::size_t o = 0; o < outputs; ++o)
      for (std::size_t i = 0; i < inputs; ++i) visit(o, o * inputs + i, i);
    return;
  }
  const ConvolutionSpec& c = part.convolutions[layer];
  std::size_t output = 0;
  for (int filter = 0; filter < c.filters; ++filter)
    for (int row = 0; row < c.map_rows(); ++row)
      for (int column = 0; column < c.map_columns(); ++column, ++output)
        for (int channel = 0; channel < c.channels; ++channel)
          for (int y = 0; y < c.kernel; ++y)
            for (int x = 0; x < c.kernel; ++x) {
              const int from_row = row * c.stride + y - c.padding;
              const int from_column = column * c.stride + x - c.padding;
              if (from_row < 0 || from_row >= c.rows || from_column < 0 || from_column >= c.columns) continue;
              visit(output,
                    static_cast<std::size_t>(((filter * c.channels + channel) * c.kernel + y) * c.kernel + x),
                    static_cast<std::size_t>((channel * c.rows + from_row) * c.columns + from_column));
            }
}

// Outputs that share a bias.
std::size_t bias_of(const MlpSpec& part, std::size_t layer, std::size_t output) {
  return layer < part.convolutions.size()
             ? output / static_cast<std::size_t>(part.convolutions[layer].positions())
             : output;
}

// Both passes of all parts over one sample.
template <class S>
class Passes {
 public:
  Passes(const ModelSpec& model, std::span<const S> parameters, bool is_linear)
      : model_(model), layout_(layout_of(model)), parameters_(parameters), is_linear_(is_linear) {
    for (const MlpSpec& part : model.parts) {
      activations_.emplace_back();
      for (const int units : part.sizes) activations_.back().emplace_back(static_cast<std::size_t>(units));
      outputs_.resize(outputs_.size() + static_cast<std::size_t>(part.sizes.back()));
    }
    gradients_ = activations_;
  }

  std::span<const S> forward(auto observation) {
    std::size_t place = 0;
    for (std::size_t p = 0; p < model_.parts.size(); ++p) {
      const MlpSpec& part = model_.parts[p];
      auto& values = activations_[p];
      if (part.trunk)
        values[0] = trunk_of(part, activations_);
      else
        for (std::size_t i = 0; i < values[0].size(); ++i) values[0][i] = S(double{observation(i)});
      for (std::size_t layer = 0; layer + 1 < part.sizes.size(); ++layer) {
        const S* weight = parameters_.data() + layout_.weight[p][layer];
        const S* bias = parameters_.data() + layout_.bias[p][layer];
        for (std::size_t o = 0; o < values[layer + 1].size(); ++o)
          values[layer + 1][o] = bias[bias_of(part, layer, o)];
        for_each_product(part, layer, [&](std::size_t o, std::size_t w, std::size_t i) {
          values[layer + 1][o] += weight[w] * values[layer][i];
        });
        if (!is_linear_) activate(part, layer, values[layer + 1]);
      }
      place = static_cast<std::size_t>(
          std::ranges::copy(values.back(), outputs_.begin() + static_cast<std::ptrdiff_t>(place)).out -
          outputs_.begin());
    }
    return outputs_;
  }

  // Adds the sample's part of the gradient. Heads come behind their trunk, so parts are taken from the last.
  void backward(std::span<const S> output_gradient, std::span<S> target) {
    std::size_t end = output_gradient.size();
    for (auto& part : gradients_)
      for (auto& layer : part) std::ranges::fill(layer, S(0.0));
    for (std::size_t p = model_.parts.size(); p-- > 0;) {
      const MlpSpec& part = model_.parts[p];
      auto& slopes = gradients_[p];
      end -= slopes.back().size();
      std::ranges::copy(output_gradient.subspan(end, slopes.back().size()), slopes.back().begin());
      for (std::size_t layer = part.sizes.size() - 1; layer-- > 0;) {
        if (!is_linear_) through_activation(part, layer, activations_[p][layer + 1], slopes[layer + 1]);
        const S* weight = parameters_.data() + layout_.weight[p][layer];
        S* weight_target = target.data() + layout_.weight[p][layer];
        S* bias_target = target.data() + layout_.bias[p][layer];
        for (std::size_t o = 0; o < slopes[layer + 1].size(); ++o)
          bias_target[bias_of(part, layer, o)] += slopes[layer + 1][o];
        const bool needs_inputs = layer > 0 || part.trunk;
        for_each_product(part, layer, [&](std::size_t o, std::size_t w, std::size_t i) {
          weight_target[w] += slopes[layer + 1][o] * activations_[p][layer][i];
          if (needs_inputs) slopes[layer][i] += slopes[layer + 1][o] * weight[w];
        });
      }
      if (!part.trunk) continue;
      std::vector<S>& hidden = trunk_of(part, gradients_);
      for (std::size_t i = 0; i < hidden.size(); ++i) hidden[i] += slopes[0][i];
    }
  }

 private:
  // The last hidden layer of the part that a head stands on.
  static std::vector<S>& trunk_of(const MlpSpec& head, std::vector<std::vector<std::vector<S>>>& layers) {
    auto& trunk = layers[static_cast<std::size_t>(*head.trunk)];
    return trunk[trunk.size() - 2];
  }

  static bool is_tanh(const MlpSpec& part, std::size_t layer) {
    const bool is_output = layer + 2 == part.sizes.size();
    return is_output ? part.tanh_output : part.activation == Activation::kTanh;
  }
  static bool is_relu(const MlpSpec& part, std::size_t layer) {
    return layer + 2 < part.sizes.size() && part.activation == Activation::kRelu;
  }

  static void activate(const MlpSpec& part, std::size_t layer, std::vector<S>& values) {
    using std::tanh;
    if (is_tanh(part, layer))
      for (S& value : values) value = tanh(value);
    else if (is_relu(part, layer))
      for (S& value : values) value = value_of(value) > 0 ? value : S(0.0);
  }

  static void through_activation(const MlpSpec& part, std::size_t layer, const std::vector<S>& values,
                                 std::vector<S>& slopes) {
    for (std::size_t o = 0; o < values.size(); ++o) {
      if (is_tanh(part, layer))
        slopes[o] = slopes[o] * (S(1.0) - values[o] * values[o]);
      else if (is_relu(part, layer) && !(value_of(values[o]) > 0))
        slopes[o] = S(0.0);
    }
  }

  const ModelSpec& model_;
  Layout layout_;
  std::span<const S> parameters_;
  bool is_linear_;
  std::vector<std::vector<std::vector<S>>> activations_, gradients_;  // [part][layer][unit]
  std::vector<S> outputs_;
};

template <class S>
std::vector<S> gradient_of(const ModelSpec& model, std::span<const S> parameters, const BatchLoss& loss) {
  Passes<S> passes(model, parameters, false);
  std::vector<S> gradient(parameters.size()), of_outputs;
  const std::size_t features = loss.observations.size() / static_cast<std::size_t>(loss.samples);
  for (int sample = 0; sample < loss.samples; ++sample) {
    const float* observation = loss.observations.data() + static_cast<std::size_t>(sample) * features;
    const std::span<const S> outputs = passes.forward([&](std::size_t i) { return observation[i]; });
    of_outputs.assign(outputs.size(), S(0.0));
    loss.of_outputs->gradient(sample, outputs, std::span<S>(of_outputs));
    passes.backward(of_outputs, gradient);
  }
  return gradient;
}

}  // namespace

std::vector<double> loss_gradient(const ModelSpec& model, std::span<const float> parameters,
                                  const BatchLoss& loss) {
  const std::vector<double> exact(parameters.begin(), parameters.end());
  return gradient_of<double>(model, exact, loss);
}

std::vector<double> curvature_times(const ModelSpec& model, std::span<const float> parameters,
                                    const BatchLoss& loss, std::span<const double> direction) {
  std::vector<Dual> dual;
  dual.reserve(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) dual.emplace_back(parameters[i], direction[i]);
  std::vector<double> product;
  product.reserve(parameters.size());
  for (const Dual& slope : gradient_of<Dual>(model, dual, loss)) product.push_back(slope.tangent);
  return product;
}

std::vector<double> outputs_for(const ModelSpec& model, std::span<const float> parameters,
                                std::span<const float> observation) {
  const std::vector<double> exact(parameters.begin(), parameters.end());
  Passes<double> passes(model, exact, false);
  const std::span<const double> outputs = passes.forward([&](std::size_t i) { return observation[i]; });
  return {outputs.begin(), outputs.end()};
}

std::vector<double> linear_flow(const ModelSpec& model, std::span<const double> parameters) {
  Passes<double> passes(model, parameters, true);
  const std::size_t outputs = passes.forward([](std::size_t) { return 1.0f; }).size();
  std::vector<double> flow(parameters.size());
  passes.backward(std::vector<double>(outputs, 1.0), flow);
  return flow;
}

}  // namespace impsweep
