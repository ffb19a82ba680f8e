// agents/network/initialisation.hpp - initial parameters, by the scheme network.init (section 4.2 of the
// paper).
//
//   scheme              weights                           input-layer weights
//   kaiming             U(+-1/sqrt(fan_in))               the same (PyTorch's default for linear layers)
//   kaiming_in_scaled   U(+-1/sqrt(fan_in))               the same, times network.input_scale
//   xavier              U(+-sqrt(6/(fan_in + fan_out)))   the same
//   he                  U(+-sqrt(6/fan_in))               the same
//
// Biases are U(+-1/sqrt(fan_in)) under every scheme, log_std is 0. Each tensor has a stream of its own, so
// two models share the draws of the tensors that they have in common, and schemes differ by a factor only.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/network/network.hpp"

namespace impsweep {

// Name of the random stream that a tensor is drawn from.
using TensorStreamName = std::function<std::string(std::string_view tensor)>;

// Half width of the uniform distribution that a tensor is drawn from; 0 for log_std.
double initial_bound(const Tensor&, const NetworkConfig&);

// [parameter_count] in dense order. Drawn and scaled in double, rounded once.
std::vector<float> initial_parameters(const ModelSpec&, const NetworkConfig&, const TensorStreamName&);

}  // namespace impsweep
