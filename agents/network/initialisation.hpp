// agents/network/initialisation.hpp - initial parameters, by the scheme network.init (section 4.2 of the
// paper).
//
//   scheme              weights                           input-layer weights
//   kaiming             U(+-1/sqrt(fan_in))               the same (PyTorch's default for linear layers)
//   kaiming_in_scaled   U(+-1/sqrt(fan_in))               the same, times network.input_scale
//   xavier              U(+-sqrt(6/(fan_in + fan_out)))   the same
//   he                  U(+-sqrt(6/fan_in))               the same
//   orthogonal          gain * Q                          the same (Saxe et al. 2014)
//
// Biases are U(+-1/sqrt(fan_in)) under every scheme but the last, where they are 0. Each tensor has a stream
// of its own, so two models share the draws of the tensors that they have in common, and the uniform schemes
// differ by a factor only.
//
// Q: a matrix of standard normal numbers, [out][in] (of a convolution [filters][channels * kernel * kernel]),
// made orthonormal: its rows or, if they are more, its columns, as torch.nn.init.orthogonal_ does. The gain
// is network.hidden_gain, of output layers network.actor_gain or network.output_gain.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/network/network.hpp"

namespace impsweep {

// Name of the random stream that a tensor is drawn from.
using TensorStreamName = std::function<std::string(std::string_view tensor)>;

// The largest value that a tensor can be drawn to have: half the width of its uniform distribution, or the
// gain of an orthogonal matrix. 0 where nothing is drawn.
double initial_bound(const Tensor&, const NetworkConfig&);

// The factor Q of matrix = Q R, [rows][columns] both, in its place: R is triangular with a positive diagonal.
// A matrix of fewer rows than columns is transposed first, and back. By Gram-Schmidt, each vector twice;
// 8 * rows * columns * min(rows, columns) operations.
void orthonormalise(std::vector<double>& matrix, std::size_t rows, std::size_t columns);

// [parameter_count] in dense order. Drawn and scaled in double, rounded once.
std::vector<float> initial_parameters(const ModelSpec&, const NetworkConfig&, const TensorStreamName&);

}  // namespace impsweep
