// Classification of images: the loss and its updates against LibTorch and a plain computation, epochs, the
// test set, and sessions that stop and go on.
#include "agents/learning/supervised.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/learning/algorithm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "agents/config/supervised_config.hpp"
#include "agents/learning/session.hpp"
#include "agents/network/initialisation.hpp"
#include "agents/network/model.hpp"
#include "tests/agents/learning/whole_training.hpp"
#include "tests/agents/torch/torch_fixture.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

constexpr int kClasses = LabelledImages::kClasses;

// Images of 4 x 4 in which the pixel of the class's number is bright, with noise in all others.
LabelledImages made_up(Stream& stream, int count) {
  LabelledImages images;
  images.count = count;
  images.rows = images.columns = 4;
  for (int i = 0; i < count; ++i) {
    const auto label = static_cast<std::uint8_t>(stream.below(kClasses));
    images.labels.push_back(label);
    for (int p = 0; p < images.pixels_per_image(); ++p)
      images.pixels.push_back(
          static_cast<std::uint8_t>(p == label ? 200 + stream.below(50) : stream.below(120)));
  }
  return images;
}

TrainingRequest tiny_request() {
  Stream stream("digits that are made up");
  auto digits = std::make_shared<Digits>();
  digits->training = made_up(stream, 130);
  digits->test = made_up(stream, 77);
  TrainingRequest request;
  request.task = "digits";
  request.algorithm = find_algorithm("supervised", *find_task("digits"));
  request.config = paper_defaults("digits", "supervised");
  request.config.network.hidden = {12, 9};
  request.config.options<SupervisedConfig>().batch_size = 20;
  request.config.options<SupervisedConfig>().learning_rate = 0.01;
  request.config.sampler.steps = 6000;
  request.config.evaluation.interval = 1500;
  request.model = classifier_model({16, kClasses}, request.config.network);
  request.mask.assign(parameter_count(request.model), 1);
  request.mask[5] = request.mask[40] = 0;
  request.initial_parameters = initial_parameters(
      request.model, request.config.network, [](std::string_view tensor) { return std::string(tensor); });
  request.initial_parameters[5] = request.initial_parameters[40] = 0;
  request.stream_prefix = "test";
  request.data_set = std::move(digits);
  return request;
}

std::vector<float> dense_parameters(const ModelSpec& model, Network& network) {
  std::vector<float> dense(parameter_count(model));
  network.scatter(network.parameters(), dense);
  return dense;
}

// Mean of -log softmax(label), in double precision.
double plain_loss(const TrainingRequest& request, std::span<const std::int32_t> chosen) {
  const LabelledImages& images = request.data_set->training;
  double loss = 0;
  for (const std::int32_t image : chosen) {
    std::vector<double> values(16);
    for (int p = 0; p < 16; ++p) values[static_cast<std::size_t>(p)] = images.pixels[image * 16 + p] / 255.0;
    std::size_t at = 0;
    const std::vector<int>& sizes = request.model.parts[0].sizes;
    for (std::size_t layer = 0; layer + 1 < sizes.size(); ++layer) {
      const auto in = static_cast<std::size_t>(sizes[layer]),
                 out = static_cast<std::size_t>(sizes[layer + 1]);
      std::vector<double> next(out);
      for (std::size_t o = 0; o < out; ++o) {
        next[o] = request.initial_parameters[at + out * in + o];
        for (std::size_t i = 0; i < in; ++i)
          next[o] += request.initial_parameters[at + o * in + i] * values[i];
        if (layer + 2 < sizes.size()) next[o] = std::max(0.0, next[o]);
      }
      at += out * in + out;
      values = std::move(next);
    }
    double sum = 0;
    for (const double value : values) sum += std::exp(value);
    loss += std::log(sum) - values[images.labels[static_cast<std::size_t>(image)]];
  }
  return loss / static_cast<double>(chosen.size());
}

}  // namespace

TEST_CASE("supervised: the loss is the mean cross-entropy of the labels") {
  const TrainingRequest request = tiny_request();
  const auto network = make_native_network(request.model, request.mask, {.max_batch = 20});
  network->gather(request.initial_parameters, network->parameters());
  network->parameters_changed();
  SupervisedLearner learner(*network, request.config);
  std::vector<std::int32_t> chosen(20);
  std::iota(chosen.begin(), chosen.end(), 31);
  const double expected = plain_loss(request, chosen);
  CHECK(learner.learn(request.data_set->training, chosen).loss == doctest::Approx(expected).epsilon(1e-6));
  CHECK(learner.updates() == 1);
}

TEST_CASE("supervised: a hundred updates of the native and the LibTorch backend end alike" *
          doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  TrainingRequest request = tiny_request();
  request.config.network.activation = Activation::kTanh;  // rectified units could part at zero
  request.model = classifier_model({16, kClasses}, request.config.network);
  std::vector<std::vector<float>> results;
  for (const Backend backend : {Backend::kNative, Backend::kTorch}) {
    const auto network = make_network(backend, request.model, request.mask, {.max_batch = 20});
    network->gather(request.initial_parameters, network->parameters());
    network->parameters_changed();
    SupervisedLearner learner(*network, request.config);
    Stream stream("minibatches");
    for (int update = 0; update < 100; ++update) {
      std::vector<std::int32_t> chosen(20);
      for (std::int32_t& image : chosen) image = static_cast<std::int32_t>(stream.below(130));
      learner.learn(request.data_set->training, chosen);
    }
    results.push_back(dense_parameters(request.model, *network));
  }
  double gap = 0, moved = 0;
  for (std::size_t i = 0; i < results[0].size(); ++i) {
    gap = std::max(gap, std::abs(double{results[0][i]} - results[1][i]));
    moved = std::max(moved, std::abs(double{results[0][i]} - request.initial_parameters[i]));
  }
  CHECK(moved > 0.1);
  CHECK(gap < 1e-4);
  for (const std::vector<float>& parameters : results) {
    CHECK(parameters[5] == 0);
    CHECK(parameters[40] == 0);
  }
}

TEST_CASE("supervised: a session learns, tests the whole test set, and counts images") {
  const TrainingOutcome outcome = outcome_of(tiny_request());
  CHECK(outcome.env_steps == 6000);
  CHECK(outcome.updates == 300);
  CHECK(outcome.evaluation_episodes ==
        5 + 2);  // one at the start, four tests, the final and the best network
  REQUIRE(outcome.curve.size() == 5);
  CHECK(outcome.curve[1].step == 1500);
  CHECK(outcome.curve.back().returns.size() == 1);
  CHECK(outcome.best_return > 70);
  CHECK(outcome.curve.front().mean < 40);
  const double images = outcome.best_return / 100 * 77;
  CHECK(images == doctest::Approx(std::round(images)).epsilon(1e-6));
  CHECK(outcome.best_returns == std::vector<float>{static_cast<float>(outcome.best_return)});
  CHECK(outcome.best_parameters[5] == 0);
}

TEST_CASE("supervised: saved and loaded at any minibatch, a session ends with the same bits") {
  const std::vector<std::byte> expected = bytes_of(outcome_of(tiny_request()));
  for (const int stop : {1, 6, 7, 33})  // an epoch of 130 images has six minibatches of 20
    CHECK(bytes_of(outcome_after_restart(tiny_request(), stop)) == expected);
}

TEST_CASE(
    "supervised: the test set's accuracy depends on neither lanes nor episodes; a watcher sees it all") {
  const TrainingRequest request = tiny_request();
  const auto network = make_native_network(request.model, request.mask, {.max_batch = 64});
  network->gather(request.initial_parameters, network->parameters());
  network->parameters_changed();
  TestSetEvaluator narrow(request.data_set, 5), wide(request.data_set, 64);
  const std::vector<float> accuracy = narrow.play_episodes(*network, 0, 3, "a").returns;
  CHECK(accuracy.size() == 1);
  CHECK(accuracy == wide.play_episodes(*network, 0, 1000, "b").returns);
  int steps = 0, right = 0;
  wide.watch([&](const WatchedStep& step) {
    CHECK(step.observation[3] ==
          request.data_set->test.pixels[static_cast<std::size_t>(steps) * 16 + 3] / 255.0f);
    CHECK(std::ranges::max_element(step.outputs) - step.outputs.begin() == step.action);
    right += step.reward == 1;
    CHECK(step.ends == (++steps == 77));
  });
  wide.play_episodes(*network, 0, 1, "c");
  CHECK(steps == 77);
  CHECK(100.0f * static_cast<float>(right) / 77 == doctest::Approx(accuracy[0]));
}

TEST_CASE("supervised: a minibatch larger than the data set is refused") {
  TrainingRequest request = tiny_request();
  request.config.options<SupervisedConfig>().batch_size = 131;
  CHECK_THROWS_WITH_AS(TrainingSession{request},
                       "supervised.batch_size = 131 is more than the 130 images of the data set",
                       TrainingFailure);
}
