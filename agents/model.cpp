#include "agents/model.hpp"

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

}  // namespace

bool learns_values(const ModelSpec& model) {
  return !model.parts.empty() && model.parts.front().name == "q";
}

ModelSpec model_spec(int observation_size, int actions, bool continuous, std::string_view algorithm,
                     const AgentConfig& config, bool distils_values) {
  const bool cloning = algorithm == "bc";
  if (algorithm == "dqn" || (cloning && distils_values)) {
    if (continuous) throw std::invalid_argument("action values need a finite number of actions");
    ModelSpec model;
    model.parts.push_back(mlp("q", observation_size, actions, config.network));
    if (!cloning && config.dqn.dueling)
      model.parts.push_back(mlp("value", observation_size, 1, config.network));
    return model;
  }
  if (!cloning && algorithm != "ppo")
    throw std::invalid_argument("no model is defined for algorithm '" + std::string(algorithm) + "'");
  ModelSpec model;
  model.parts.push_back(mlp("actor", observation_size, actions, config.network));
  model.parts.front().tanh_output = continuous;
  if (!cloning || config.cloning.critic == CloningCritic::kDistill)
    model.parts.push_back(mlp("critic", observation_size, 1, config.network));
  model.log_std = continuous ? actions : 0;
  return model;
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
      weight.fan_in = spec.sizes[layer];
      weight.fan_out = spec.sizes[layer + 1];
      Tensor bias = weight;
      const std::string place = spec.name + "/" + std::to_string(layer);
      weight.name = place + "/weight";
      weight.is_weight = true;
      weight.shape = {weight.fan_out, weight.fan_in};
      bias.name = place + "/bias";
      bias.shape = {bias.fan_out};
      append(std::move(weight));
      append(std::move(bias));
    }
  }
  if (model.log_std > 0) {
    Tensor log_std;
    log_std.name = "log_std";
    log_std.shape = {model.log_std};
    append(std::move(log_std));
  }
  return tensors;
}

std::size_t parameter_count(const ModelSpec& model) {
  const std::vector<Tensor> tensors = tensors_of(model);
  return tensors.empty() ? 0 : tensors.back().offset + tensors.back().size;
}

}  // namespace impsweep
