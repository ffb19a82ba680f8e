#include "agents/network/initialisation.hpp"

#include <array>
#include <cmath>
#include <span>

#include "envs/random.hpp"

namespace impsweep {
namespace {

// The gain of an orthogonal weight.
double gain_of(const Tensor& tensor, const NetworkConfig& network) {
  if (!tensor.is_output) return network.hidden_gain;
  return tensor.name.starts_with("actor/") ? network.actor_gain : network.output_gain;
}

// Eight partial sums: one alone would wait for each addition.
double dot(std::span<const double> a, std::span<const double> b) {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= a.size(); i += sums.size())
    for (std::size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += a[i + lane] * b[i + lane];
  double total = 0;
  for (const double sum : sums) total += sum;
  for (; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

// Rows of `length` are made orthonormal, one after the other.
void orthonormalise_rows(std::vector<double>& matrix, std::size_t rows, std::size_t length) {
  const auto row = [&](std::size_t r) { return std::span(matrix).subspan(r * length, length); };
  for (std::size_t r = 0; r < rows; ++r) {
    const std::span<double> vector = row(r);
    for (int pass = 0; pass < 2; ++pass)  // the second takes away what rounding left over
      for (std::size_t earlier = 0; earlier < r; ++earlier) {
        const std::span<const double> unit = row(earlier);
        const double part = dot(vector, unit);
        for (std::size_t i = 0; i < length; ++i) vector[i] -= part * unit[i];
      }
    const double norm = std::sqrt(dot(vector, vector));
    for (double& value : vector) value /= norm;
  }
}

std::vector<double> transposed(const std::vector<double>& matrix, std::size_t rows, std::size_t columns) {
  std::vector<double> result(matrix.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) result[c * rows + r] = matrix[r * columns + c];
  return result;
}

void append_orthogonal(const Tensor& tensor, double gain, Stream& stream, std::vector<float>& parameters) {
  const auto rows = static_cast<std::size_t>(tensor.shape[0]);
  std::vector<double> matrix(tensor.size);
  for (double& value : matrix) value = draw_normal(stream);
  orthonormalise(matrix, rows, tensor.size / rows);
  for (const double value : matrix) parameters.push_back(static_cast<float>(gain * value));
}

}  // namespace

void orthonormalise(std::vector<double>& matrix, std::size_t rows, std::size_t columns) {
  if (rows < columns) return orthonormalise_rows(matrix, rows, columns);
  matrix = transposed(matrix, rows, columns);
  orthonormalise_rows(matrix, columns, rows);
  matrix = transposed(matrix, columns, rows);
}

double initial_bound(const Tensor& tensor, const NetworkConfig& network) {
  if (tensor.layer < 0) return 0;
  const double kaiming = 1.0 / std::sqrt(static_cast<double>(tensor.fan_in));
  if (network.init == Init::kOrthogonal) return tensor.is_weight ? gain_of(tensor, network) : 0;
  if (!tensor.is_weight) return kaiming;
  switch (network.init) {
    case Init::kKaiming:
    case Init::kOrthogonal:
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
      parameters.insert(parameters.end(), tensor.size, tensor.initial);
      continue;
    }
    Stream stream(stream_name(tensor.name));
    if (network.init == Init::kOrthogonal) {
      append_orthogonal(tensor, bound, stream, parameters);
      continue;
    }
    for (std::size_t i = 0; i < tensor.size; ++i)
      parameters.push_back(static_cast<float>((2.0 * stream.uniform() - 1.0) * bound));
  }
  return parameters;
}

}  // namespace impsweep
