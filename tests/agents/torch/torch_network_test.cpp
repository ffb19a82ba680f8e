#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "agents/network/network.hpp"
#include "envs/random.hpp"
#include "tests/agents/random_arrays.hpp"
#include "tests/agents/torch/torch_fixture.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

// The model in plain double precision, straight from the definition in agents/network/network.hpp.
class PlainMlp {
 public:
  // Parameters of the part in dense order.
  PlainMlp(const MlpSpec& spec, std::span<const float> parameters)
      : spec_(spec), parameters_(parameters.begin(), parameters.end()) {}

  // One sample.
  std::vector<double> outputs(std::vector<double> x) const {
    activations_ = {x};
    std::size_t offset = 0;
    for (std::size_t layer = 0; layer + 1 < spec_.sizes.size(); ++layer) {
      const auto in = static_cast<std::size_t>(spec_.sizes[layer]),
                 out = static_cast<std::size_t>(spec_.sizes[layer + 1]);
      const bool last = layer + 2 == spec_.sizes.size();
      std::vector<double> y(out);
      for (std::size_t o = 0; o < out; ++o) {
        double sum = parameters_[offset + in * out + o];
        for (std::size_t i = 0; i < in; ++i) sum += parameters_[offset + o * in + i] * x[i];
        if (last)
          y[o] = spec_.tanh_output ? std::tanh(sum) : sum;
        else
          y[o] = spec_.activation == Activation::kTanh ? std::tanh(sum) : std::max(sum, 0.0);
      }
      offset += (in + 1) * out;
      x = y;
      activations_.push_back(x);
    }
    return x;
  }

  // Adds the gradients of sum_o output_gradient[o] * output[o] at the sample of the last outputs().
  void add_gradients(std::vector<double> output_gradient, std::vector<double>& gradients) const {
    std::size_t offset = parameters_.size();
    for (std::size_t layer = spec_.sizes.size() - 1; layer-- > 0;) {
      const auto in = static_cast<std::size_t>(spec_.sizes[layer]),
                 out = static_cast<std::size_t>(spec_.sizes[layer + 1]);
      const bool last = layer + 2 == spec_.sizes.size();
      const std::vector<double>&x = activations_[layer], &y = activations_[layer + 1];
      offset -= (in + 1) * out;
      std::vector<double> input_gradient(in);
      for (std::size_t o = 0; o < out; ++o) {
        const bool is_tanh = last ? spec_.tanh_output : spec_.activation == Activation::kTanh;
        double g = output_gradient[o];
        if (is_tanh) g *= 1 - y[o] * y[o];
        if (!last && !is_tanh && y[o] <= 0) g = 0;
        gradients[offset + in * out + o] += g;
        for (std::size_t i = 0; i < in; ++i) {
          gradients[offset + o * in + i] += g * x[i];
          input_gradient[i] += g * parameters_[offset + o * in + i];
        }
      }
      output_gradient = input_gradient;
    }
  }

 private:
  MlpSpec spec_;
  std::vector<double> parameters_;
  mutable std::vector<std::vector<double>> activations_;  // [layer][unit], inputs first
};

std::size_t size_of(const MlpSpec& part) {
  std::size_t size = 0;
  for (std::size_t layer = 0; layer + 1 < part.sizes.size(); ++layer)
    size += static_cast<std::size_t>((part.sizes[layer] + 1) * part.sizes[layer + 1]);
  return size;
}

const ModelSpec kModel = {
    {{"actor", {5, 17, 9, 3}, Activation::kTanh, true}, {"critic", {5, 13, 1}, Activation::kRelu, false}}, 3};

constexpr float kUntouched = -77;

}  // namespace

TEST_CASE("torch: outputs and gradients agree with plain double precision" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("torch network");
  for (const double density : {1.0, 0.4, 0.05})
    for (const int batch : {1, 2, 3, 7, 16, 33, 64, 70}) {
      CAPTURE(density);
      CAPTURE(batch);
      const auto columns = static_cast<std::size_t>(batch), stride = columns + 5;
      const auto mask = density < 1 ? random_mask(stream, kModel, density) : std::vector<std::uint8_t>();
      const auto network = make_torch_network(kModel, mask, {70});
      std::vector<float> dense = random_values(stream, parameter_count(kModel));
      network->gather(dense, network->parameters());
      network->parameters_changed();
      network->scatter(network->parameters(), dense);

      std::size_t begin = 0;
      for (int part = 0; part < 2; ++part) {
        const MlpSpec& spec = kModel.parts[static_cast<std::size_t>(part)];
        const auto in = static_cast<std::size_t>(spec.sizes.front()),
                   out = static_cast<std::size_t>(spec.sizes.back());
        const auto inputs = random_values(stream, in * stride),
                   output_gradients = random_values(stream, out * stride);
        std::vector<float> outputs(out * stride, kUntouched), inferred(out * stride, kUntouched);
        network->infer(part, batch, {inputs.data(), batch + 5}, {inferred.data(), batch + 5});
        network->forward(part, batch, {inputs.data(), batch + 5}, {outputs.data(), batch + 5});
        std::ranges::fill(network->gradients(), kUntouched);
        network->backward(part, batch, {output_gradients.data(), batch + 5});
        CHECK(inferred == outputs);

        const PlainMlp plain(spec, std::span(dense).subspan(begin, size_of(spec)));
        std::vector<double> gradients(size_of(spec));
        for (std::size_t b = 0; b < stride; ++b) {
          if (b >= columns) {
            for (std::size_t o = 0; o < out; ++o) CHECK(outputs[o * stride + b] == kUntouched);
            continue;
          }
          std::vector<double> x, g;
          for (std::size_t i = 0; i < in; ++i) x.push_back(inputs[i * stride + b]);
          for (std::size_t o = 0; o < out; ++o) g.push_back(output_gradients[o * stride + b]);
          const auto expected = plain.outputs(x);
          for (std::size_t o = 0; o < out; ++o)
            CHECK(std::abs(outputs[o * stride + b] - expected[o]) < 2e-6 * (1 + std::abs(expected[o])));
          plain.add_gradients(g, gradients);
        }
        for (std::size_t i = 0; i < network->gradients().size(); ++i) {
          const float found = network->gradients()[i];
          if (i < begin || i >= begin + gradients.size()) {
            CHECK(found == kUntouched);  // other parts and log_std are left alone
          } else if (!mask.empty() && mask[i] == 0) {
            CHECK(found == 0);
          } else {
            CHECK(std::abs(found - gradients[i - begin]) < 2e-6 * (10 + std::abs(gradients[i - begin])));
          }
        }
        begin += gradients.size();
      }
      CHECK(network->log_std_offset() == begin);
    }
}

TEST_CASE("torch: gradients agree with central differences of its own outputs" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  const ModelSpec model = {{{"q", {4, 6, 3}, Activation::kTanh, false}}, 0};
  Stream stream("central differences");
  const auto network = make_torch_network(model, {}, {});
  network->gather(random_values(stream, parameter_count(model)), network->parameters());
  const auto inputs = random_values(stream, 4 * 5), output_gradients = random_values(stream, 3 * 5);
  std::vector<float> outputs(3 * 5);
  const auto loss = [&] {
    network->parameters_changed();
    network->infer(0, 5, {inputs.data(), 5}, {outputs.data(), 5});
    double sum = 0;
    for (std::size_t i = 0; i < outputs.size(); ++i) sum += double{outputs[i]} * output_gradients[i];
    return sum;
  };
  network->forward(0, 5, {inputs.data(), 5}, {outputs.data(), 5});
  network->backward(0, 5, {output_gradients.data(), 5});
  for (std::size_t i = 0; i < parameter_count(model); ++i) {
    const float value = network->parameters()[i], h = 0.01f;
    network->parameters()[i] = value + h;
    const double above = loss();
    network->parameters()[i] = value - h;
    const double below = loss();
    network->parameters()[i] = value;
    CHECK(std::abs(network->gradients()[i] - (above - below) / (2 * h)) < 1e-3);
  }
}

TEST_CASE("torch: pruned places stay zero" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("pruned");
  const auto mask = random_mask(stream, kModel, 0.3);
  const auto network = make_torch_network(kModel, mask, {8});
  CHECK(network->parameters().size() == (mask.size() + 15) / 16 * 16);
  CHECK(std::ranges::all_of(network->parameters(), [](float value) { return value == 0; }));
  const std::vector<float> ones(mask.size(), 1.0f);
  std::vector<float> arena(network->parameters().size()), dense(mask.size(), kUntouched);
  network->gather(ones, arena);
  network->scatter(ones, dense);
  std::ranges::fill(network->parameters(), 1.0f);
  network->parameters_changed();
  for (std::size_t i = 0; i < mask.size(); ++i) {
    CHECK(arena[i] == mask[i]);
    CHECK(dense[i] == mask[i]);
    CHECK(network->parameters()[i] == mask[i]);
  }
}

TEST_CASE("torch: arenas are whole lanes with zeros at the end, for every remainder" *
          doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("whole lanes");
  for (int log_std = 0; log_std < 17; ++log_std) {
    CAPTURE(log_std);
    const ModelSpec model = {{{"actor", {3, 4, 2}, Activation::kRelu, false}}, log_std};
    const std::size_t count = parameter_count(model);
    const auto mask = log_std % 2 == 0 ? random_mask(stream, model, 0.5) : std::vector<std::uint8_t>();
    const auto network = make_torch_network(model, mask, {});
    const std::span<float> parameters = network->parameters(), gradients = network->gradients();
    REQUIRE(parameters.size() % 16 == 0);
    REQUIRE(parameters.size() - count < 16);
    REQUIRE(gradients.size() == parameters.size());
    network->gather(std::vector<float>(count, 1.0f), parameters);
    network->parameters_changed();
    const std::vector<float> inputs(3 * 5, 1.0f), output_gradients(2 * 5, 1.0f);
    std::vector<float> outputs(2 * 5);
    network->forward(0, 5, {inputs.data(), 5}, {outputs.data(), 5});
    network->backward(0, 5, {output_gradients.data(), 5});
    for (const std::span<float> arena : {parameters, gradients})
      CHECK(std::ranges::all_of(arena.subspan(count), [](float value) { return value == 0; }));
  }
}

TEST_CASE("torch: equal calls give equal bits" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("bits");
  const ModelSpec model = {{{"actor", {4, 128, 128, 2}, Activation::kRelu, false}}, 0};
  const auto first = make_torch_network(model, {}, {256}), second = make_torch_network(model, {}, {256});
  const auto parameters = random_values(stream, parameter_count(model), 0.1);
  const auto inputs = random_values(stream, 4 * 256), output_gradients = random_values(stream, 2 * 256);
  std::vector<std::vector<float>> results;
  for (Network* network : {first.get(), second.get()}) {
    std::vector<float> outputs(2 * 256);
    network->gather(parameters, network->parameters());
    network->parameters_changed();
    network->forward(0, 256, {inputs.data(), 256}, {outputs.data(), 256});
    network->backward(0, 256, {output_gradients.data(), 256});
    outputs.insert(outputs.end(), network->gradients().begin(), network->gradients().end());
    results.push_back(outputs);
  }
  CHECK(results[0] == results[1]);
}

TEST_CASE("torch: the numerics are pinned to one thread and a common instruction set" *
          doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  make_torch_network(kModel, {}, {});
  for (const char* name :
       {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE"}) {
    CAPTURE(name);
    CHECK(std::getenv(name) != nullptr);
  }
}

TEST_CASE("torch: a mask of another size is refused across the module's boundary" *
          doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  const std::vector<std::uint8_t> mask(7, 1);
  CHECK_THROWS_WITH_AS(make_torch_network(kModel, mask, {}),
                       "the mask has 7 entries, the model has 389 parameters", std::invalid_argument);
}
