// Policies draw what their distribution says, from the streams of their columns.
#include "agents/acting/policy.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "agents/config/cloning_config.hpp"
#include "agents/learning/cloning.hpp"
#include "agents/native/native_network.hpp"

using namespace impsweep;

namespace {

// One layer without weights: the outputs are these biases, whatever is observed.
struct ConstantNetwork {
  ModelSpec model;
  NativeNetwork network;
  ConstantNetwork(std::vector<float> outputs, std::vector<float> log_std)
      : model{.parts = {{.name = "actor", .sizes = {1, static_cast<int>(outputs.size())}}},
              .log_std = static_cast<int>(log_std.size())},
        network(model, {}, {.max_batch = 16}) {
    std::vector<float> parameters(outputs.size(), 0.0f);
    parameters.insert(parameters.end(), outputs.begin(), outputs.end());
    parameters.insert(parameters.end(), log_std.begin(), log_std.end());
    network.gather(parameters, network.parameters());
  }
};

}  // namespace

TEST_CASE("normal numbers have the moments of the normal distribution") {
  Stream stream("normal");
  constexpr int kCount = 200000;
  double sum = 0, squares = 0, fourth = 0, beyond = 0;
  for (int i = 0; i < kCount; ++i) {
    const double z = draw_normal(stream);
    sum += z;
    squares += z * z;
    fourth += z * z * z * z;
    beyond += z > 1.959963985;
  }
  CHECK(std::abs(sum / kCount) < 0.01);  // 4.5 standard errors each
  CHECK(std::abs(squares / kCount - 1) < 0.015);
  CHECK(std::abs(fourth / kCount - 3) < 0.1);
  CHECK(std::abs(beyond / kCount - 0.025) < 0.0016);
}

TEST_CASE("a Gaussian policy acts with its mean and its own deviation, column by column") {
  ConstantNetwork constant({0.3f, -0.8f}, {std::log(0.5f), std::log(0.1f)});
  const auto policy = make_policy(2, true, 3);
  const ObservationColumns observation(1, 0, 3);
  std::vector<Stream> streams = {Stream("a"), Stream("b"), Stream("a")};
  const std::vector<std::int32_t> straight = {0, 1, 2};
  double mean[2] = {0, 0}, squares[2] = {0, 0};
  constexpr int kCount = 20000;
  for (int i = 0; i < kCount; ++i) {
    policy->act(constant.network, 0, 3, observation, streams.data(), straight.data());
    const ActionBatch actions = policy->actions();
    for (int d = 0; d < 2; ++d) {
      const float* row = actions.continuous + d * actions.stride;
      REQUIRE(row[0] == row[2]);  // equal streams
      mean[d] += row[1] / double{kCount};
      squares[d] += row[1] * row[1] / double{kCount};
    }
  }
  CHECK(std::abs(mean[0] - 0.3) < 0.016);
  CHECK(std::abs(mean[1] + 0.8) < 0.004);
  CHECK(std::abs(std::sqrt(squares[0] - mean[0] * mean[0]) - 0.5) < 0.012);
  CHECK(std::abs(std::sqrt(squares[1] - mean[1] * mean[1]) - 0.1) < 0.003);

  Samples samples(4, 1, 1, 2, true);
  for (int i = 0; i < 4; ++i) policy->record(1, samples, i);
  policy->complete(samples);
  const ActionBatch actions = policy->actions();
  double expected = 0;
  for (int d = 0; d < 2; ++d) {
    const double deviation = std::exp(double{samples.log_std[static_cast<std::size_t>(d)]});
    const double z =
        (actions.continuous[d * actions.stride + 1] - samples.mean[d * samples.stride]) / deviation;
    expected -= std::log(deviation) + 0.5 * z * z;
  }
  CHECK(samples.log_likelihood[3] == doctest::Approx(expected).epsilon(1e-5));
}

TEST_CASE("a softmax policy draws by inversion of one uniform per column") {
  ConstantNetwork constant({std::log(0.2f), std::log(0.5f), std::log(0.3f)}, {});
  const auto policy = make_policy(3, false, 2);
  const ObservationColumns observation(1, 0, 2);
  std::vector<Stream> streams = {Stream("x"), Stream("y")}, twins = streams;
  const std::vector<std::int32_t> crossed = {1, 0};
  for (int i = 0; i < 1000; ++i) {
    policy->act(constant.network, 0, 2, observation, streams.data(), crossed.data());
    for (int c = 0; c < 2; ++c) {
      const double u = twins[static_cast<std::size_t>(crossed[static_cast<std::size_t>(c)])].uniform();
      CHECK(policy->actions().discrete[c] == (u < 0.2 ? 0 : u < 0.7 ? 1 : 2));
    }
  }
}

TEST_CASE("an epsilon-greedy policy takes the first of the best actions, or any") {
  ConstantNetwork constant({0.0f, 2.0f, 2.0f}, {});
  const ObservationColumns observation(1, 0, 1);
  std::vector<Stream> streams = {Stream("greedy")};
  const std::int32_t own = 0;
  EpsilonGreedyPolicy policy(3, 1, 0.0);
  policy.act(constant.network, 0, 1, observation, streams.data(), &own);
  CHECK(policy.actions().discrete[0] == 1);
  policy.set_epsilon(0.3);
  std::vector<int> times(3, 0);
  for (int i = 0; i < 3000; ++i) {
    policy.act(constant.network, 0, 1, observation, streams.data(), &own);
    ++times[static_cast<std::size_t>(policy.actions().discrete[0])];
  }
  CHECK(times[0] == doctest::Approx(300).epsilon(0.2));
  CHECK(times[2] == doctest::Approx(300).epsilon(0.2));
}

TEST_CASE("cloning brings a Gaussian student to its teacher's mean and deviation") {
  const ModelSpec model = {.parts = {{.name = "actor", .sizes = {2, 8, 2}, .tanh_output = true}},
                           .log_std = 2};
  NativeNetwork student(model, {}, {.max_batch = 64});
  Stream stream("student");
  std::vector<float> parameters(parameter_count(model), 0.0f);
  for (float& parameter : std::span(parameters).first(parameters.size() - 2))
    parameter = static_cast<float>(stream.uniform() - 0.5);
  student.gather(parameters, student.parameters());
  Samples samples(64, 1, 2, 2, true);
  for (int i = 0; i < 64; ++i) {
    for (int f = 0; f < 2; ++f)
      samples.observation[i * samples.observation_stride + f] = static_cast<float>(stream.uniform());
    samples.mean[i] = 0.5f;
    samples.mean[samples.stride + i] = -0.25f;
  }
  samples.log_std = {-1.0f, 0.5f};
  AgentConfig config;
  config.options<PolicyCloningConfig>().learning_rate = 1e-2;
  CloningLearner learner(student, model, config, MinibatchPlan(64, 2), 1);
  std::vector<std::int32_t> order(64);
  UpdateReport report;
  for (int epoch = 0; epoch < 400; ++epoch) {
    shuffle(stream, order.data(), 64);
    for (int m = 0; m < 2; ++m) report = learner.learn_minibatch(samples, order.data() + m * 32);
  }
  CHECK(report.loss < 1e-3);
  student.scatter(student.parameters(), parameters);
  CHECK(parameters[parameters.size() - 2] == doctest::Approx(-1).epsilon(0.02));
  CHECK(parameters[parameters.size() - 1] == doctest::Approx(0.5).epsilon(0.02));
}
