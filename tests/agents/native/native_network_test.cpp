// The native backend against a plain double-precision perceptron with backpropagation, over odd sizes,
// batches and masks.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "agents/learning/adam.hpp"
#include "agents/native/aligned.hpp"
#include "agents/native/native_network.hpp"
#include "envs/random.hpp"

using namespace impsweep;

namespace {

struct Case {
  ModelSpec model;
  double density;
  int batch;
};

// Outputs and parameter gradients of one part, all in double. x [in][batch], dy [out][batch].
struct Reference {
  std::vector<double> outputs, gradient;  // gradient in dense order of the whole model
};

Reference reference(const ModelSpec& model, int part, const std::vector<float>& parameters,
                    const std::vector<std::uint8_t>& mask, int batch, const AlignedFloats& x, int stride,
                    const std::vector<double>& dy) {
  const MlpSpec& spec = model.parts[part];
  std::vector<const Tensor*> weights, biases;
  const std::vector<Tensor> tensors = tensors_of(model);
  for (const Tensor& t : tensors)
    if (t.part == part) (t.is_weight ? weights : biases).push_back(&t);
  const std::size_t layers = weights.size();
  std::vector<std::vector<double>> activation(layers + 1);
  for (int i = 0; i < spec.sizes[0]; ++i)
    for (int b = 0; b < batch; ++b) activation[0].push_back(x[i * stride + b]);
  const auto tanh_at = [&](std::size_t l) {
    return l + 1 == layers ? spec.tanh_output : spec.activation == Activation::kTanh;
  };
  for (std::size_t l = 0; l < layers; ++l) {
    const int in = spec.sizes[l], out = spec.sizes[l + 1];
    for (int o = 0; o < out; ++o) {
      for (int b = 0; b < batch; ++b) {
        double y = parameters[biases[l]->offset + o];
        for (int i = 0; i < in; ++i)
          y +=
              static_cast<double>(parameters[weights[l]->offset + o * in + i]) * activation[l][i * batch + b];
        if (tanh_at(l))
          y = std::tanh(y);
        else if (l + 1 < layers)
          y = std::max(y, 0.0);
        activation[l + 1].push_back(y);
      }
    }
  }
  Reference r{activation.back(), std::vector<double>(parameter_count(model), 0.0)};
  std::vector<double> delta = dy;
  for (std::size_t l = layers; l-- > 0;) {
    const int in = spec.sizes[l], out = spec.sizes[l + 1];
    for (std::size_t k = 0; k < delta.size(); ++k) {
      const double y = activation[l + 1][k];
      if (tanh_at(l))
        delta[k] *= 1 - y * y;
      else if (l + 1 < layers)
        delta[k] = y > 0 ? delta[k] : 0;
    }
    std::vector<double> before(static_cast<std::size_t>(in * batch), 0.0);
    for (int o = 0; o < out; ++o) {
      for (int b = 0; b < batch; ++b) r.gradient[biases[l]->offset + o] += delta[o * batch + b];
      for (int i = 0; i < in; ++i) {
        const std::size_t w = weights[l]->offset + o * in + i;
        for (int b = 0; b < batch; ++b) {
          if (mask[w] != 0) r.gradient[w] += delta[o * batch + b] * activation[l][i * batch + b];
          before[i * batch + b] += parameters[w] * delta[o * batch + b];
        }
      }
    }
    delta = before;
  }
  return r;
}

void check(const Case& c, Stream& stream) {
  const std::size_t count = parameter_count(c.model);
  std::vector<std::uint8_t> mask(count, 1);
  std::vector<float> parameters(count);
  for (const Tensor& t : tensors_of(c.model)) {
    for (std::size_t i = t.offset; i < t.offset + t.size; ++i) {
      mask[i] = !t.is_weight || stream.uniform() < c.density;
      parameters[i] = mask[i] != 0 ? static_cast<float>(stream.uniform() - 0.5) : 0.0f;
    }
  }
  NativeNetwork network(c.model, mask, {.max_batch = c.batch + 3});
  CHECK(network.parameters().size() % kLanes == 0);
  network.gather(parameters, network.parameters());
  std::vector<float> back(count);
  network.scatter(network.parameters(), back);
  CHECK(back == parameters);

  const int stride = c.batch + 5;  // callers may use any stride
  std::vector<double> want(count, 0.0);
  for (int part = 0; part < static_cast<int>(c.model.parts.size()); ++part) {
    const MlpSpec& spec = c.model.parts[part];
    AlignedFloats x(static_cast<std::size_t>(spec.sizes.front() * stride), NAN),
        y(spec.sizes.back() * stride, NAN), inferred = y, dy(spec.sizes.back() * stride, NAN);
    std::vector<double> dy_double;
    for (int i = 0; i < spec.sizes.front(); ++i)
      for (int b = 0; b < c.batch; ++b) x[i * stride + b] = static_cast<float>(2 * stream.uniform() - 1);
    for (int o = 0; o < spec.sizes.back(); ++o)
      for (int b = 0; b < c.batch; ++b)
        dy_double.push_back(dy[o * stride + b] = static_cast<float>(stream.uniform() - 0.5));
    network.infer(part, c.batch, {x.data(), stride}, {inferred.data(), stride});
    network.forward(part, c.batch, {x.data(), stride}, {y.data(), stride});
    network.backward(part, c.batch, {dy.data(), stride});
    const Reference r = reference(c.model, part, parameters, mask, c.batch, x, stride, dy_double);
    for (int o = 0; o < spec.sizes.back(); ++o) {
      for (int b = 0; b < c.batch; ++b) {
        CHECK(std::abs(y[o * stride + b] - r.outputs[o * c.batch + b]) < 1e-5);
        CHECK(y[o * stride + b] == inferred[o * stride + b]);
      }
    }
    for (std::size_t i = 0; i < count; ++i) want[i] += r.gradient[i];
  }
  // Parked parameters have no gradients: theirs are zero.
  std::vector<float> arena(network.parameters().size(), 0.0f), gradient(count);
  std::copy(network.gradients().begin(), network.gradients().end(), arena.begin());
  network.scatter(arena, gradient);
  double worst = 0;
  for (std::size_t i = 0; i < count; ++i) worst = std::max(worst, std::abs(gradient[i] - want[i]));
  CHECK(worst < 1e-4);
}

ModelSpec model(std::vector<int> actor, std::vector<int> critic, Activation activation, bool tanh_output) {
  return {
      .parts = {
          {.name = "actor", .sizes = std::move(actor), .activation = activation, .tanh_output = tanh_output},
          {.name = "critic", .sizes = std::move(critic), .activation = activation}}};
}

}  // namespace

TEST_CASE("native outputs and gradients agree with double-precision backpropagation") {
  Stream stream("native network");
  for (const double density : {0.0, 0.02, 0.3, 0.5, 0.8, 1.0})
    for (const int batch : {1, 4, 16, 33, 80}) {
      CAPTURE(density);
      CAPTURE(batch);
      check({model({4, 21, 18, 2}, {4, 21, 18, 1}, Activation::kRelu, false), density, batch}, stream);
      check({model({17, 9, 3}, {17, 1}, Activation::kTanh, true), density, batch}, stream);
    }
}

TEST_CASE("layers are dense above the break-even density and sparse below, by output where there are few") {
  const ModelSpec m = {.parts = {{.name = "q", .sizes = {10, 10, 10, 2}}}};
  std::vector<std::uint8_t> mask(parameter_count(m), 1);
  for (int i = 0; i < 20; ++i) mask[i] = 0;          // 80 of 100 kept
  for (int i = 110; i < 110 + 60; ++i) mask[i] = 0;  // 40 of 100 kept
  const NativeNetwork network(m, mask, {.remove_unreachable = false});
  CHECK(network.form(0, 0) == LayerForm::kByInput);
  CHECK(network.form(0, 1) == LayerForm::kSparse);
  CHECK(network.form(0, 2) == LayerForm::kByOutput);
}

TEST_CASE("what cannot matter is left out of training and keeps its value") {
  // Hidden unit 1 has no way out, hidden unit 2 no way in, input 2 is not used by any unit that matters.
  const ModelSpec m = {.parts = {{.name = "q", .sizes = {3, 3, 1}, .activation = Activation::kTanh}}};
  const std::vector<std::uint8_t> mask = {1, 1, 0,         /**/ 1, 1, 1, /**/ 0, 0, 0, /*biases*/ 1,
                                          1, 1, /*out*/ 1, 0,      1, 1};
  std::vector<float> parameters(mask.size());
  for (std::size_t i = 0; i < mask.size(); ++i)
    parameters[i] = mask[i] != 0 ? 0.1f * static_cast<float>(i + 1) : 0;
  NativeNetwork network(m, mask, {});
  CHECK(network.effective().kept == 7);
  CHECK(network.effective().trained == 4);
  CHECK(network.gradients().size() < network.parameters().size());
  network.gather(parameters, network.parameters());
  AlignedFloats x = {0.5f, -1.0f, NAN}, y(1), dy = {1.0f};
  network.forward(0, 1, {x.data(), 1}, {y.data(), 1});
  const double h0 = std::tanh(0.1 * 0.5 - 0.2 * 1.0 + 1.0), h2 = std::tanh(1.2);
  CHECK(y[0] == doctest::Approx(1.3 * h0 + 1.5 * h2 + 1.6).epsilon(1e-5));
  network.backward(0, 1, {dy.data(), 1});
  for (float& parameter : network.parameters().first(network.gradients().size())) parameter *= 2;
  std::vector<float> after(mask.size());
  network.scatter(network.parameters(), after);
  for (const int parked : {3, 4, 5, 10}) CHECK(after[parked] == parameters[parked]);
  for (const int trained : {0, 1, 9, 11, 12, 14, 15}) CHECK(after[trained] == 2 * parameters[trained]);
  // Gradients end before the parked parameters.
  network.scatter(network.gradients(), after);
  for (const int parked : {3, 4, 5, 10}) CHECK(after[parked] == 0);
  CHECK(after[15] == 1);
  network.gather(parameters, network.gradients());
}

TEST_CASE("leaving out changes a thousand updates by rounding only") {
  Stream stream("removal");
  const ModelSpec m = model({6, 40, 40, 3}, {6, 40, 40, 1}, Activation::kRelu, false);
  std::vector<std::uint8_t> mask;
  for (const Tensor& t : tensors_of(m))
    for (std::size_t i = 0; i < t.size; ++i) mask.push_back(!t.is_weight || stream.uniform() < 0.05);
  std::vector<float> start(mask.size());
  for (std::size_t i = 0; i < start.size(); ++i)
    start[i] = mask[i] != 0 ? static_cast<float>(stream.uniform() - 0.5) : 0.0f;
  const int batch = 32;
  AlignedFloats x(6 * batch), target(4 * batch);
  for (float& v : x) v = static_cast<float>(2 * stream.uniform() - 1);
  for (float& v : target) v = static_cast<float>(2 * stream.uniform() - 1);
  const auto train = [&](bool remove) {
    NativeNetwork network(m, mask, {.max_batch = batch, .remove_unreachable = remove});
    network.gather(start, network.parameters());
    Adam adam({}, {}, network.gradients().size());
    AlignedFloats y(3 * batch), dy(3 * batch);
    for (int update = 0; update < 1000; ++update) {
      for (int part = 0; part < 2; ++part) {
        const int outputs = m.parts[part].sizes.back();
        network.forward(part, batch, {x.data(), batch}, {y.data(), batch});
        for (int i = 0; i < outputs * batch; ++i) dy[i] = (y[i] - target[part * 3 * batch + i]) / batch;
        network.backward(part, batch, {dy.data(), batch});
      }
      adam.clip_and_step(network, 1e-3, 1.0);
    }
    std::vector<float> dense(start.size());
    network.scatter(network.parameters(), dense);
    CHECK((network.effective().trained < network.effective().kept) == remove);
    return dense;
  };
  const std::vector<float> without = train(true), with = train(false);
  double worst = 0;
  for (std::size_t i = 0; i < with.size(); ++i)
    worst = std::max(worst, std::abs(double{with[i]} - without[i]));
  CHECK(worst < 2e-5);
  CHECK(with != start);
}

TEST_CASE("binary inputs give the bits of the same inputs written out, at any density") {
  Stream stream("binary inputs");
  const ModelSpec m = {.parts = {{.name = "q", .sizes = {50, 37, 20, 5}}}};
  for (const double density : {0.05, 0.4, 1.0})
    for (const int batch : {1, 10, 33, 64}) {
      CAPTURE(density);
      CAPTURE(batch);
      std::vector<std::uint8_t> mask;
      for (const Tensor& t : tensors_of(m))
        for (std::size_t i = 0; i < t.size; ++i) mask.push_back(!t.is_weight || stream.uniform() < density);
      std::vector<float> parameters(mask.size());
      for (std::size_t i = 0; i < mask.size(); ++i)
        parameters[i] = mask[i] != 0 ? static_cast<float>(stream.uniform() - 0.5) : 0.0f;
      std::vector<std::uint32_t> begin = {0};
      std::vector<std::uint16_t> feature;
      AlignedFloats x(50 * 64, 0.0f), dy(5 * 64);
      for (int b = 0; b < batch; ++b) {
        for (int f = 0; f < 50; ++f)
          if (stream.uniform() < 0.2) {
            feature.push_back(static_cast<std::uint16_t>(f));
            x[f * 64 + b] = 1;
          }
        begin.push_back(static_cast<std::uint32_t>(feature.size()));
      }
      for (float& v : dy) v = static_cast<float>(stream.uniform() - 0.5);
      // One network takes its inputs as lists, one written out.
      NativeNetwork active(m, mask, {.max_batch = 64, .active_inputs = 10}),
          dense(m, mask, {.max_batch = 64});
      active.gather(parameters, active.parameters());
      dense.gather(parameters, dense.parameters());
      AlignedFloats y(5 * 64), y_active(5 * 64);
      dense.infer(0, batch, {x.data(), 64}, {y.data(), 64});
      active.infer_active(0, batch, {begin.data(), feature.data()}, {y_active.data(), 64});
      CHECK(y_active == y);
      dense.forward(0, batch, {x.data(), 64}, {y.data(), 64});
      dense.backward(0, batch, {dy.data(), 64});
      active.forward_active(0, batch, {begin.data(), feature.data()}, {y_active.data(), 64});
      active.backward(0, batch, {dy.data(), 64});
      CHECK(y_active == y);
      std::vector<float> gradient(mask.size()), gradient_active(mask.size());
      const auto scatter = [](NativeNetwork& network, std::vector<float>& dense_order) {
        std::vector<float> arena(network.parameters().size(), 0.0f);
        std::copy(network.gradients().begin(), network.gradients().end(), arena.begin());
        network.scatter(arena, dense_order);
      };
      scatter(dense, gradient);
      scatter(active, gradient_active);
      for (std::size_t i = 0; i < gradient.size(); ++i)
        CHECK(gradient_active[i] == doctest::Approx(gradient[i]).epsilon(1e-5));
    }
}

TEST_CASE("outputs of a sample do not depend on the batch around it") {
  Stream stream("independent columns");
  const ModelSpec m = model({6, 40, 40, 3}, {6, 1}, Activation::kRelu, false);
  NativeNetwork network(m, {}, {.max_batch = 128});
  std::vector<float> parameters(parameter_count(m));
  for (float& p : parameters) p = static_cast<float>(stream.uniform() - 0.5);
  network.gather(parameters, network.parameters());
  AlignedFloats x(6 * 128), all(3 * 128), alone(3);
  for (float& v : x) v = static_cast<float>(stream.uniform());
  network.infer(0, 128, {x.data(), 128}, {all.data(), 128});
  for (const int b : {0, 63, 127}) {
    network.infer(0, 1, {x.data() + b, 128}, {alone.data(), 1});
    for (int o = 0; o < 3; ++o) CHECK(alone[o] == all[o * 128 + b]);
  }
  for (const int few : {2, 4, 7, 16, 20, 41}) {
    AlignedFloats some(3 * 41);
    network.infer(0, few, {x.data() + 50, 128}, {some.data(), 41});
    for (int o = 0; o < 3; ++o)
      for (int b = 0; b < few; ++b) CHECK(some[o * 41 + b] == all[o * 128 + 50 + b]);
  }
}
