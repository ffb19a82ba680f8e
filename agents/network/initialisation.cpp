#include "agents/network/initialisation.hpp"

#include <cmath>

#include "envs/random.hpp"

namespace impsweep {

double initial_bound(const Tensor& tensor, const NetworkConfig& network) {
  if (tensor.layer < 0) return 0;
  const double kaiming = 1.0 / std::sqrt(static_cast<double>(tensor.fan_in));
  if (!tensor.is_weight) return kaiming;
  switch (network.init) {
    case Init::kKaiming:
      return kaiming;
    case Init::kKaimingInScaled:
      return tensor.reads_observation ? kaiming * network.input_scale : kaiming;
    case Init::kXavier:
      return std::sqrt(6.0 / (static_cast<double>(tensor.fan_in) + tensor.fan_out));
    case Init::kHe:
      return std::sqrt(6.0 / tensor.fan_in);
  }
  return kaiming;
}

std::vector<float> initial_parameters(const ModelSpec& model, const NetworkConfig& network,
                                      const TensorStreamName& stream_name) {
  std::vector<float> parameters;
  parameters.reserve(parameter_count(model));
  for (const Tensor& tensor : tensors_of(model)) {
    const double bound = initial_bound(tensor, network);
    if (bound == 0) {
      parameters.insert(parameters.end(), tensor.size, 0.0f);
      continue;
    }
    Stream stream(stream_name(tensor.name));
    for (std::size_t i = 0; i < tensor.size; ++i)
      parameters.push_back(static_cast<float>((2.0 * stream.uniform() - 1.0) * bound));
  }
  return parameters;
}

}  // namespace impsweep
