// Networks that start with a convolution: the native backend against LibTorch and against single sums.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "agents/config/paper_defaults.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/dropout.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/native_network.hpp"
#include "agents/network/initialisation.hpp"
#include "agents/network/model.hpp"
#include "tests/agents/random_arrays.hpp"
#include "tests/agents/torch/torch_fixture.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

TaskInfo board_task(int channels, int rows, int columns) {
  TaskInfo task;
  task.name = "board";
  task.rows = rows;
  task.columns = columns;
  task.observation_size = channels * rows * columns;
  task.actions = 6;
  return task;
}

ModelSpec cnn_of(const TaskInfo& task, const NetworkConfig& network) {
  const ModelShape shape{task.observation_size, task.actions};
  return with_convolutions(value_model(shape, network, false), task, network);
}

ModelSpec cnn_model(const TaskInfo& task, Activation activation, std::int64_t filters, std::int64_t kernel) {
  AgentConfig config;
  config.network.architecture = Architecture::kCnn;
  config.network.filters = filters;
  config.network.kernel = kernel;
  config.network.hidden = {24, 10};
  config.network.activation = activation;
  return cnn_of(task, config.network);
}

struct PassResult {
  std::vector<float> outputs, gradients;
};

// Passes through all parts; `seed` is the gradient with respect to the outputs of the widest.
PassResult run(Network& network, const ModelSpec& model, int batch, const std::vector<float>& parameters,
               const AlignedFloats& input, const AlignedFloats& seed) {
  const int stride = round_up_to_lanes(batch), parts = static_cast<int>(model.parts.size());
  network.gather(parameters, network.parameters());
  network.parameters_changed();
  PassResult result;
  for (int part = 0; part < parts; ++part) {
    const int outputs = model.parts[static_cast<std::size_t>(part)].sizes.back();
    AlignedFloats y(static_cast<std::size_t>(outputs * stride));
    network.forward(part, batch, {input.data(), stride}, {y.data(), stride});
    for (int a = 0; a < outputs; ++a)
      result.outputs.insert(result.outputs.end(), y.begin() + a * stride, y.begin() + a * stride + batch);
  }
  for (int part = parts; part-- > 0;) network.backward(part, batch, {seed.data(), stride});
  result.gradients.resize(parameters.size());
  network.scatter(network.gradients(), result.gradients);
  return result;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(double{a[i]} - b[i]));
  return largest;
}

void check_alike(const PassResult& ours, const PassResult& theirs, const std::vector<std::uint8_t>& mask,
                 double largest_gap_of_gradients) {
  CHECK(distance(ours.outputs, theirs.outputs) < 1e-5);
  CHECK(distance(ours.gradients, theirs.gradients) < largest_gap_of_gradients);
  for (std::size_t i = 0; i < mask.size(); ++i)
    if (mask[i] == 0) REQUIRE(ours.gradients[i] == 0.0f);
}

// Two convolutions, then two layers, the second of which `critic` reads too, against LibTorch: outputs,
// gradients and inference, with and without dropout, under masks from full to empty.
void compare_with_libtorch(const ConvolutionSpec& first, const ConvolutionSpec& second, Activation activation,
                           MlpSpec critic) {
  constexpr int kActions = 5;
  Stream stream("trunk");
  const int cells = first.channels * first.rows * first.columns;
  const MlpSpec actor{.name = "actor",
                      .sizes = {cells, first.filters * first.positions(), second.filters * second.positions(),
                                20, 17, kActions},
                      .activation = activation,
                      .convolutions = {first, second}};
  critic.activation = activation;
  const ModelSpec model{.parts = {actor, critic}};
  for (const double density : {1.0, 0.5, 0.2, 0.0}) {
    for (const int batch : {1, 16, 37}) {
      for (const double dropout : {0.0, 0.5}) {
        CAPTURE(density);
        CAPTURE(batch);
        const std::vector<std::uint8_t> mask = random_mask(stream, model, density);
        const std::vector<float> parameters = random_values(stream, mask.size(), 0.2);
        const int stride = round_up_to_lanes(batch);
        AlignedFloats input(static_cast<std::size_t>(cells * stride), 0.0f),
            seed(static_cast<std::size_t>(kActions * stride), 0.0f);
        for (float& value : input) value = static_cast<float>(stream.uniform());
        for (float& value : seed) value = static_cast<float>(stream.uniform() - 0.5);
        NativeNetwork native(model, mask, {.max_batch = batch});
        const auto torch = make_torch_network(model, mask, {.max_batch = batch});
        CHECK(native.input_size(1) == cells);
        CHECK(torch->input_size(1) == cells);
        Dropout dropped(model, dropout, batch, Stream("drops")), theirs_dropped = dropped;
        dropped.set(native);
        theirs_dropped.set(*torch);
        const PassResult ours = run(native, model, batch, parameters, input, seed),
                         theirs = run(*torch, model, batch, parameters, input, seed);
        check_alike(ours, theirs, mask, 2e-4);

        // Inference has the bits of forward passes, in any order of the parts.
        dropped.clear(native);
        theirs_dropped.clear(*torch);
        const PassResult plain = run(native, model, batch, parameters, input, seed);
        for (const int part : {1, 0}) {
          const int outputs = part == 0 ? kActions : 1, place = part == 0 ? 0 : kActions * batch;
          AlignedFloats y(static_cast<std::size_t>(outputs * stride)), z = y;
          native.infer(part, batch, {input.data(), stride}, {y.data(), stride});
          torch->infer(part, batch, {input.data(), stride}, {z.data(), stride});
          for (int a = 0; a < outputs; ++a) {
            for (int b = 0; b < batch; ++b) {
              REQUIRE(y[a * stride + b] == plain.outputs[static_cast<std::size_t>(place + a * batch + b)]);
              REQUIRE(std::abs(z[a * stride + b] - y[a * stride + b]) < 1e-5);
            }
          }
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("the paper's network for MinAtar has its tensors, bounds and counts") {
  AgentConfig config;
  config.network.architecture = Architecture::kCnn;
  config.network.hidden = paper_cnn_hidden();
  const ModelSpec model = cnn_of(board_task(4, 10, 10), config.network);
  CHECK(model.parts[0].sizes == std::vector<int>{400, 1024, 128, 64, 6});
  const std::vector<Tensor> tensors = tensors_of(model);
  CHECK(tensors[0].name == "q/0/weight");
  CHECK(tensors[0].shape == std::vector<int>{16, 4, 3, 3});
  CHECK(tensors[1].shape == std::vector<int>{16});
  CHECK(tensors[2].shape == std::vector<int>{128, 1024});
  CHECK(initial_bound(tensors[0], config.network) == doctest::Approx(1.0 / 6));
  CHECK(initial_bound(tensors[1], config.network) == doctest::Approx(1.0 / 6));
  std::size_t weights = 0;
  for (const Tensor& tensor : tensors) weights += tensor.is_weight ? tensor.size : 0;
  CHECK(weights == 140'224);
  CHECK(parameter_count(model) == 140'224 + 214);
  CHECK_THROWS_AS(cnn_of(board_task(4, 0, 0), config.network), std::invalid_argument);
}

TEST_CASE("one filter at one place") {
  const ModelSpec model = {.parts = {{.name = "q",
                                      .sizes = {2 * 3 * 4, 1 * 2 * 3, 6},
                                      .convolutions = {ConvolutionSpec{2, 3, 4, 1, 2}}}}};
  NativeNetwork network(model, {}, {.max_batch = 1});
  std::vector<float> parameters = {1, 2, 3, 4, 10, 20, 30, 40, 0.5f};
  for (int i = 0; i < 36; ++i) parameters.push_back(i % 7 == 0 ? 1.0f : 0.0f);  // shows the map as it is
  parameters.insert(parameters.end(), 6, 0.0f);
  network.gather(parameters, network.parameters());
  AlignedFloats input(24 * 16, 0.0f), output(6 * 16);
  for (int i = 0; i < 24; ++i) input[i * 16] = static_cast<float>(i);
  network.infer(0, 1, {input.data(), 16}, {output.data(), 16});
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 3; ++x) {
      const auto at = [&](int channel, int dy, int dx) { return channel * 12 + (y + dy) * 4 + x + dx; };
      const int expected = at(0, 0, 0) + 2 * at(0, 0, 1) + 3 * at(0, 1, 0) + 4 * at(0, 1, 1) +
                           10 * at(1, 0, 0) + 20 * at(1, 0, 1) + 30 * at(1, 1, 0) + 40 * at(1, 1, 1);
      CHECK(output[(y * 3 + x) * 16] == static_cast<float>(expected) + 0.5f);
    }
  }
}

TEST_CASE("convolutions: outputs and gradients agree with LibTorch's" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("convolution");
  const TaskInfo task = board_task(3, 7, 6);
  for (const Activation activation : {Activation::kRelu, Activation::kTanh}) {
    for (const std::int64_t kernel : {1, 2, 3}) {
      const ModelSpec model = cnn_model(task, activation, 5, kernel);
      for (const double density : {1.0, 0.3, 0.0}) {
        for (const int batch : {1, 16, 37}) {
          const std::vector<std::uint8_t> mask = random_mask(stream, model, density);
          const std::vector<float> parameters = random_values(stream, mask.size(), 0.4);
          const auto stride = static_cast<std::size_t>(round_up_to_lanes(batch));
          AlignedFloats input(126 * stride), seed(6 * stride);
          for (float& value : input) value = static_cast<float>(stream.uniform() < 0.3);
          for (float& value : seed) value = static_cast<float>(stream.uniform() - 0.5);
          NativeNetwork native(model, mask, {.max_batch = batch});
          CHECK(native.input_size(0) == 126);
          const auto torch = make_torch_network(model, mask, {.max_batch = batch});
          const PassResult ours = run(native, model, batch, parameters, input, seed),
                           theirs = run(*torch, model, batch, parameters, input, seed);
          check_alike(ours, theirs, mask, 2e-5);
        }
      }
    }
  }
}

TEST_CASE("the paper's network for Atari has its tensors, bounds and counts") {
  const AlgorithmInfo& ppo = *find_algorithm("ppo", *find_task("atari-breakout"));
  TaskInfo task = board_task(4, 104, 80);
  for (const auto& [actions, weights] :
       {std::pair{4, 1'783'808u}, {6, 1'784'832u}, {9, 1'786'368u}, {18, 1'790'976u}}) {
    task.actions = actions;
    const AgentConfig config = paper_defaults("atari-breakout", "ppo");
    const ModelSpec model = model_on_task(ppo, task, config);
    CHECK(model.parts[0].sizes == std::vector<int>{33'280, 7600, 3456, 512, actions});
    CHECK(model.parts[1].sizes == std::vector<int>{512, 1});
    std::size_t prunable = 0, head = 0, biases = 0;
    for (const Tensor& tensor : tensors_of(model))
      (!tensor.is_weight ? biases : tensor.part == 0 ? prunable : head) += tensor.size;
    CHECK(prunable == weights);
    CHECK(head == 512);
    CHECK(biases == 560u + static_cast<unsigned>(actions) + 1);
    CHECK(initial_bound(tensors_of(model)[2], config.network) == doctest::Approx(1.0 / 16));
    CHECK(smallest_board(config.network) == 12);
  }
  task.rows = 11;
  CHECK_THROWS_AS(model_on_task(ppo, task, paper_defaults("atari-breakout", "ppo")), std::invalid_argument);
}

TEST_CASE("strides, padding and shared trunks: outputs and gradients agree with LibTorch's" *
          doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  // Small kernels, with places left over at the edges; and large ones, which are dense under full masks.
  const ConvolutionSpec small_first{
      .channels = 2, .rows = 15, .columns = 12, .filters = 3, .kernel = 4, .stride = 3},
      small_second{
          .channels = 3, .rows = 4, .columns = 3, .filters = 4, .kernel = 2, .stride = 2, .padding = 1},
      large_first{
          .channels = 8, .rows = 11, .columns = 9, .filters = 5, .kernel = 4, .stride = 2, .padding = 1},
      large_second{.channels = 5, .rows = 5, .columns = 4, .filters = 18, .kernel = 6, .padding = 2};
  REQUIRE(small_first.positions() == 12);
  REQUIRE(small_second.positions() == 6);
  REQUIRE(large_first.positions() == 20);
  REQUIRE(large_second.positions() == 12);
  const auto form = [](const ConvolutionSpec& spec, double density) {
    std::vector<std::uint8_t> keep(
        static_cast<std::size_t>(spec.filters * spec.channels * spec.kernel * spec.kernel));
    std::fill_n(keep.begin(), density * static_cast<double>(keep.size()), std::uint8_t{1});
    return ConvolutionLayer(spec, keep, true, 16).is_dense();
  };
  REQUIRE_FALSE(form(small_first, 1));
  REQUIRE(form(large_first, 0.5));
  REQUIRE(form(large_second, 0.5));
  REQUIRE_FALSE(form(large_second, 0.2));
  const MlpSpec head{.name = "critic", .sizes = {17, 1}, .trunk = 0};
  const MlpSpec deep_head{.name = "critic", .sizes = {17, 9, 1}, .trunk = 0};
  for (const Activation activation : {Activation::kRelu, Activation::kTanh}) {
    compare_with_libtorch(small_first, small_second, activation, head);
    compare_with_libtorch(small_first, small_second, activation, deep_head);
    compare_with_libtorch(large_first, large_second, activation, head);
  }
}

TEST_CASE("heads stand on the last hidden layer of an earlier part") {
  const MlpSpec actor{.name = "actor", .sizes = {4, 8, 2}};
  const auto with = [&](const MlpSpec& critic) {
    NativeNetwork(ModelSpec{.parts = {actor, critic}}, {}, {});
  };
  CHECK_NOTHROW(with({.name = "critic", .sizes = {8, 1}, .trunk = 0}));
  CHECK_THROWS_AS(with({.name = "critic", .sizes = {7, 1}, .trunk = 0}), std::invalid_argument);
  CHECK_THROWS_AS(with({.name = "critic", .sizes = {8, 1}, .trunk = 1}), std::invalid_argument);
}
