#include "agents/network/model.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace impsweep {
namespace {

MlpSpec mlp(std::string name, int inputs, int outputs, const NetworkConfig& network) {
  MlpSpec spec;
  spec.name = std::move(name);
  spec.activation = network.activation;
  spec.sizes.push_back(inputs);
  for (const std::int64_t units : network.hidden) spec.sizes.push_back(static_cast<int>(units));
  spec.sizes.push_back(outputs);
  return spec;
}

// The convolutions in front of every network; those behind the first see the maps of the one before.
std::vector<ConvolutionSpec> convolutions_of(const NetworkConfig& network) {
  if (network.architecture == Architecture::kCnn)
    return {{.filters = static_cast<int>(network.filters), .kernel = static_cast<int>(network.kernel)}};
  if (network.architecture == Architecture::kAtari)
    return {{.filters = 16, .kernel = 8, .stride = 4},
            {.filters = 32, .kernel = 4, .stride = 2, .padding = 1}};
  return {};
}

}  // namespace

int smallest_board(const NetworkConfig& network) {
  const std::vector<ConvolutionSpec> convolutions = convolutions_of(network);
  if (convolutions.empty()) return 0;
  int size = 1;
  for (std::size_t c = convolutions.size(); c-- > 0;)
    size = (size - 1) * convolutions[c].stride + convolutions[c].kernel - 2 * convolutions[c].padding;
  return size;
}

ModelSpec with_convolutions(ModelSpec model, const TaskInfo& task, const NetworkConfig& network) {
  std::vector<ConvolutionSpec> convolutions = convolutions_of(network);
  if (std::min(task.rows, task.columns) < smallest_board(network))
    throw std::invalid_argument("task '" + task.name + "' shows no board that the convolutions fit on");
  std::vector<int> sizes;
  int channels = convolutions.empty() ? 0 : task.observation_size / (task.rows * task.columns);
  int rows = task.rows, columns = task.columns;
  for (ConvolutionSpec& convolution : convolutions) {
    convolution.channels = std::exchange(channels, convolution.filters);
    convolution.rows = rows;
    convolution.columns = columns;
    rows = convolution.map_rows();
    columns = convolution.map_columns();
    sizes.push_back(convolution.filters * convolution.positions());
  }
  for (MlpSpec& part : model.parts) {
    if (part.trunk) continue;
    part.convolutions = convolutions;
    part.sizes.insert(part.sizes.begin() + 1, sizes.begin(), sizes.end());
  }
  return model;
}

bool learns_values(const ModelSpec& model) {
  return !model.parts.empty() && model.parts.front().name == "q";
}

ModelSpec policy_model(const ModelShape& shape, const NetworkConfig& network, bool with_critic) {
  ModelSpec model;
  model.parts.push_back(mlp("actor", shape.observation_size, shape.actions, network));
  model.parts.front().tanh_output = shape.continuous && network.tanh_mean;
  model.log_std = shape.continuous ? shape.actions : 0;
  if (!with_critic) return model;
  model.parts.push_back(mlp("critic", shape.observation_size, 1, network));
  if (network.shared_trunk) {
    model.parts.back().sizes = {static_cast<int>(network.hidden.back()), 1};
    model.parts.back().trunk = 0;
  }
  return model;
}

ModelSpec value_model(const ModelShape& shape, const NetworkConfig& network, bool dueling) {
  if (shape.continuous) throw std::invalid_argument("action values need a finite number of actions");
  ModelSpec model;
  model.parts.push_back(mlp("q", shape.observation_size, shape.actions, network));
  if (dueling) model.parts.push_back(mlp("value", shape.observation_size, 1, network));
  return model;
}

ModelSpec classifier_model(const ModelShape& shape, const NetworkConfig& network) {
  return {.parts = {mlp("classifier", shape.observation_size, shape.actions, network)}};
}

std::vector<Tensor> tensors_of(const ModelSpec& model) {
  std::vector<Tensor> tensors;
  std::size_t offset = 0;
  const auto append = [&](Tensor tensor) {
    tensor.size = 1;
    for (const int length : tensor.shape) tensor.size *= static_cast<std::size_t>(length);
    tensor.offset = offset;
    offset += tensor.size;
    tensors.push_back(std::move(tensor));
  };
  for (std::size_t part = 0; part < model.parts.size(); ++part) {
    const MlpSpec& spec = model.parts[part];
    for (std::size_t layer = 0; layer + 1 < spec.sizes.size(); ++layer) {
      Tensor weight;
      weight.part = static_cast<int>(part);
      weight.layer = static_cast<int>(layer);
      weight.shape = weight_shape(spec, layer);
      int kernel = 1;  // entries of one, PyTorch's receptive field
      for (std::size_t axis = 2; axis < weight.shape.size(); ++axis) kernel *= weight.shape[axis];
      weight.reads_observation = layer == 0 && !spec.trunk;
      weight.is_output = layer + 2 == spec.sizes.size();
      const bool restricted = weight.reads_observation && spec.connected_inputs > 0;
      weight.fan_in = restricted ? spec.connected_inputs : weight.shape[1] * kernel;
      weight.fan_out = weight.shape[0] * kernel;
      Tensor bias = weight;
      bias.shape = {weight.shape[0]};
      const std::string place = spec.name + "/" + std::to_string(layer);
      weight.name = place + "/weight";
      weight.is_weight = true;
      bias.name = place + "/bias";
      append(std::move(weight));
      append(std::move(bias));
    }
  }
  const auto append_vector = [&](const char* name, int length, double initial) {
    Tensor vector;
    vector.name = name;
    vector.shape = {length};
    vector.initial = static_cast<float>(initial);
    append(std::move(vector));
  };
  if (model.log_std > 0) append_vector("log_std", model.log_std, model.initial_log_std);
  if (model.observation_moments > 0) {
    append_vector("observation_mean", model.observation_moments, 0);
    append_vector("observation_variance", model.observation_moments, 1);
    append_vector("observation_count", 1, kInitialCount);
  }
  return tensors;
}

std::size_t parameter_count(const ModelSpec& model) {
  const std::vector<Tensor> tensors = tensors_of(model);
  return tensors.empty() ? 0 : tensors.back().offset + tensors.back().size;
}

}  // namespace impsweep
