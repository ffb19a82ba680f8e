// Derivatives against differences, and outputs against the backend that learns.
#include "agents/network/derivatives.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "agents/native/native_network.hpp"
#include "agents/network/initialisation.hpp"
#include "tests/agents/small_networks.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

std::vector<float> parameters_of(const ModelSpec& model) {
  return initial_parameters(model, {}, [](std::string_view tensor) { return std::string(tensor); });
}

// sum over samples of sum_k (a_k y_k + y_k^3 / 3), a_k = 1 + k / 10: its value is known, and its second
// derivatives do not vanish.
struct CubicLoss : DerivedLoss<CubicLoss> {
  template <class S>
  void write(int /*sample*/, std::span<const S> outputs, std::span<S> target) const {
    for (std::size_t k = 0; k < outputs.size(); ++k)
      target[k] = S(1 + 0.1 * static_cast<double>(k)) + outputs[k] * outputs[k];
  }
};

double value_of_cubic(const ModelSpec& model, std::span<const float> parameters, const BatchLoss& loss) {
  double sum = 0;
  const std::size_t features = loss.observations.size() / static_cast<std::size_t>(loss.samples);
  for (std::size_t sample = 0; sample < static_cast<std::size_t>(loss.samples); ++sample) {
    const std::vector<double> outputs =
        outputs_for(model, parameters, std::span(loss.observations).subspan(sample * features, features));
    for (std::size_t k = 0; k < outputs.size(); ++k)
      sum += (1 + 0.1 * static_cast<double>(k)) * outputs[k] + std::pow(outputs[k], 3) / 3;
  }
  return sum;
}

BatchLoss cubic_loss(const ModelSpec& model) {
  BatchLoss loss = made_up_loss(model);
  loss.samples = 4;
  loss.observations.resize(4 * static_cast<std::size_t>(model.parts.front().sizes.front()));
  loss.of_outputs = std::make_shared<CubicLoss>();
  return loss;
}

// f(parameter + h) - f(parameter - h), over the step that single precision makes of 2 h.
template <class Function>
auto difference(std::vector<float>& parameters, std::size_t at, Function function) {
  const float before = parameters[at];
  parameters[at] = before + 0.0009765625f;
  const double above = parameters[at];
  const auto upper = function();
  parameters[at] = before - 0.0009765625f;
  const double step = above - static_cast<double>(parameters[at]);
  const auto lower = function();
  parameters[at] = before;
  return std::tuple(upper, lower, step);
}

}  // namespace

TEST_CASE("outputs are those of the backend") {
  for (const auto& [name, model] : small_networks()) {
    CAPTURE(name);
    const std::vector<float> parameters = parameters_of(model);
    NativeNetwork network(model, {}, {.max_batch = 1});
    network.gather(parameters, network.parameters());
    network.parameters_changed();
    const BatchLoss loss = made_up_loss(model);
    const std::size_t features = loss.observations.size() / static_cast<std::size_t>(loss.samples);
    const std::vector<double> ours =
        outputs_for(model, parameters, std::span(loss.observations).first(features));
    std::vector<float> theirs;
    for (std::size_t part = 0; part < model.parts.size(); ++part) {
      std::vector<float> outputs(static_cast<std::size_t>(model.parts[part].sizes.back()));
      network.forward(static_cast<int>(part), 1, {loss.observations.data(), 1}, {outputs.data(), 1});
      theirs.insert(theirs.end(), outputs.begin(), outputs.end());
    }
    REQUIRE(ours.size() == theirs.size());
    for (std::size_t k = 0; k < ours.size(); ++k)
      CHECK(ours[k] == doctest::Approx(static_cast<double>(theirs[k])).epsilon(1e-5));
  }
}

TEST_CASE("the gradient is the slope of the loss, and curvature times a direction that of the gradient") {
  for (const auto& [name, model] : small_networks()) {
    CAPTURE(name);
    std::vector<float> parameters = parameters_of(model);
    const BatchLoss loss = cubic_loss(model);
    const std::vector<double> gradient = loss_gradient(model, parameters, loss);
    double largest = 0;
    for (std::size_t i = 0; i < parameters.size(); i += 7) {
      CAPTURE(i);
      const auto [above, below, step] =
          difference(parameters, i, [&] { return value_of_cubic(model, parameters, loss); });
      CHECK(gradient[i] == doctest::Approx((above - below) / step).epsilon(1e-3));
      largest = std::max(largest, std::abs(gradient[i]));
    }
    CHECK(largest > 0.1);
    for (std::size_t i = 0; i < parameters.size(); i += 31) {
      CAPTURE(i);
      std::vector<double> direction(parameters.size());
      direction[i] = 1;
      const std::vector<double> product = curvature_times(model, parameters, loss, direction);
      const auto [above, below, step] =
          difference(parameters, i, [&] { return loss_gradient(model, parameters, loss); });
      for (std::size_t k = 0; k < product.size(); ++k)
        CHECK(product[k] == doctest::Approx((above[k] - below[k]) / step).epsilon(1e-3).scale(1));
    }
  }
}

TEST_CASE("second derivatives are symmetric") {
  for (const auto& [name, model] : small_networks()) {
    CAPTURE(name);
    const std::vector<float> parameters = parameters_of(model);
    const BatchLoss loss = made_up_loss(model);
    std::vector<double> a(parameters.size()), b(parameters.size());
    Stream stream("directions");
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = stream.uniform() - 0.5, b[i] = stream.uniform() - 0.5;
    const std::vector<double> of_a = curvature_times(model, parameters, loss, a);
    const std::vector<double> of_b = curvature_times(model, parameters, loss, b);
    const double first = std::inner_product(b.begin(), b.end(), of_a.begin(), 0.0);
    CHECK(first == doctest::Approx(std::inner_product(a.begin(), a.end(), of_b.begin(), 0.0)).epsilon(1e-9));
    CHECK(std::abs(first) > 1e-6);
  }
}

TEST_CASE("the linear flow has no activations, and inputs of 1") {
  const ModelSpec model = {{{.name = "q", .sizes = {2, 1, 1}}}};
  // weights 2 and -3 into the unit with bias 0.5, 4 out of it
  const std::vector<double> parameters = {2, -3, 0.5, 4, 0.25};
  CHECK(linear_flow(model, parameters) == std::vector<double>{4, 4, 4, -0.5, 1});
}
