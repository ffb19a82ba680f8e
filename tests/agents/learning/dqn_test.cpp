// The loss of DQN against LibTorch and across instruction sets, schedules, masks of both networks, and
// sessions that stop and go on.
#include "agents/learning/dqn.hpp"
#include "agents/config/cloning_config.hpp"
#include "agents/config/dqn_config.hpp"
#include "agents/learning/algorithm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "agents/learning/schedule.hpp"
#include "agents/learning/session.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/native_network.hpp"
#include "agents/torch/torch_oracle.hpp"
#include "tests/agents/learning/whole_training.hpp"
#include "tests/agents/random_arrays.hpp"
#include "tests/agents/torch/torch_fixture.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

struct QBatch {
  int actions, batch;
  std::vector<float> q, selector, value, returns, running, weight;
  std::vector<std::int32_t> action;

  QBatch(Stream& stream, int actions, int batch)
      : actions(actions),
        batch(batch),
        q(random_values(stream, actions * batch, 2)),
        selector(random_values(stream, actions * batch, 2)),
        value(random_values(stream, actions * batch, 2)),
        returns(random_values(stream, batch, 2)),
        running(static_cast<std::size_t>(batch), 1.0f),
        weight(random_values(stream, batch, 1)) {
    for (int b = 0; b < batch; ++b) {
      running[b] = stream.uniform() < 0.2 ? 0.0f : 1.0f;
      weight[b] = std::abs(weight[b]);
      action.push_back(static_cast<std::int32_t>(stream.below(actions)));
    }
    action.resize(static_cast<std::size_t>(round_up_to_lanes(batch)), 0);
  }

  // Loss, gradient and errors by one instruction set.
  float run(const Kernels& k, AlignedFloats& gradient, AlignedFloats& error) const {
    const AlignedFloats wide_q = widened(q, actions, batch),
                        wide_selector = widened(selector, actions, batch),
                        wide_value = widened(value, actions, batch), wide_return = widened(returns, 1, batch),
                        wide_running = widened(running, 1, batch), wide_weight = widened(weight, 1, batch);
    gradient.assign(wide_q.size(), -7.0f);
    error.assign(wide_return.size(), -7.0f);
    return k.q_loss({.actions = actions,
                     .batch = batch,
                     .q = wide_q.data(),
                     .next_selector = wide_selector.data(),
                     .next_value = wide_value.data(),
                     .stride = round_up_to_lanes(batch),
                     .action = action.data(),
                     .return_ = wide_return.data(),
                     .running = wide_running.data(),
                     .weight = wide_weight.data(),
                     .discount = 0.97f,
                     .delta = 0.8f,
                     .q_gradient = gradient.data(),
                     .td_abs_error = error.data()});
  }
};

// A batch whose observations, actions and rewards are random.
ReplayBatch random_batch(Stream& stream, int features, int actions, int size) {
  ReplayOptions options;
  options.features = features;
  ReplayBatch batch(options, size);
  for (int b = 0; b < size; ++b) {
    for (ObservationColumns* columns : {&batch.observation, &batch.next_observation})
      for (int f = 0; f < features; ++f)
        columns->dense().data[f * columns->dense().stride + b] = static_cast<float>(stream.uniform() - 0.5);
    batch.action[b] = static_cast<std::int32_t>(stream.below(actions));
    batch.return_[b] = static_cast<float>(stream.uniform());
    batch.weight[b] = static_cast<float>(stream.uniform());
    batch.done_n[b] = stream.uniform() < 0.3;
  }
  return batch;
}

TrainingRequest tiny_request(const char* algorithm, std::int64_t steps) {
  TrainingRequest request;
  request.task = "cartpole";
  // Values can be learned of any task with numbered actions; only which teachers there are depends on it.
  request.algorithm = find_algorithm(algorithm, *find_task("mazegrid"));
  request.config.sampler.steps = steps;
  request.config.sampler.batch_B = 3;
  request.config.sampler.batch_T = 5;
  request.config.evaluation = {.interval = 150, .episodes = 4, .reevaluation_episodes = 6};
  if (request.algorithm->has_teacher)
    request.config.own = ValueCloningConfig{.batch_size = 30, .replay_size = 100};
  else
    request.config.own = DqnConfig{.batch_size = 24,
                                   .replay_size = 200,
                                   .min_steps_learn = 60,
                                   .n_step = 2,
                                   .target_update_interval = 7,
                                   .epsilon_steps = 300};
  request.model.parts = {{.name = "q", .sizes = {4, 16, 2}}};
  Stream stream("tiny");
  give_parameters(request, stream);
  request.teacher_parameters = random_values(stream, request.mask.size(), 1);
  return request;
}

}  // namespace

TEST_CASE("the loss of DQN: equal bits on every instruction set, zeros beyond the batch") {
  Stream stream("q bits");
  for (const int batch : {1, 15, 16, 17, 64, 100}) {
    for (const int actions : {1, 2, 6}) {
      const QBatch data(stream, actions, batch);
      AlignedFloats gradient, error, other_gradient, other_error;
      const float loss = data.run(*find_kernels("scalar"), gradient, error);
      for (const char* name : {"avx2", "avx512"}) {
        if (find_kernels(name) == nullptr) continue;
        CAPTURE(name);
        const float other = data.run(*find_kernels(name), other_gradient, other_error);
        CHECK(std::memcmp(&loss, &other, sizeof loss) == 0);
        CHECK(std::memcmp(gradient.data(), other_gradient.data(), gradient.size() * sizeof(float)) == 0);
        CHECK(std::memcmp(error.data(), other_error.data(), error.size() * sizeof(float)) == 0);
      }
      const int stride = round_up_to_lanes(batch);
      for (int a = 0; a < actions; ++a)
        for (int b = batch; b < stride; ++b) CHECK(gradient[a * stride + b] == 0.0f);
    }
  }
}

TEST_CASE("the loss of DQN against LibTorch's derivative" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("q oracle");
  for (const int batch : {1, 3, 16, 64, 257}) {
    for (const int actions : {1, 2, 6}) {
      const QBatch data(stream, actions, batch);
      const OracleLoss oracle =
          torch_oracle().q_loss({.batch = batch,
                                 .actions = actions,
                                 .q = data.q,
                                 .next_selector = data.selector,
                                 .next_value = data.value,
                                 .action = std::span(data.action).first(static_cast<std::size_t>(batch)),
                                 .returns = data.returns,
                                 .running = data.running,
                                 .weight = data.weight,
                                 .discount = static_cast<double>(0.97f),
                                 .delta = static_cast<double>(0.8f)});
      AlignedFloats gradient, error;
      CHECK(data.run(kernels(), gradient, error) == doctest::Approx(oracle.loss).epsilon(1e-6));
      const int stride = round_up_to_lanes(batch);
      for (int a = 0; a < actions; ++a)
        for (int b = 0; b < batch; ++b)
          CHECK(std::abs(gradient[a * stride + b] - oracle.d_outputs[a * batch + b]) < 1e-6 / batch);
    }
  }
}

TEST_CASE("errors are limited to delta, and the target uses the action that the selector prefers") {
  // Two samples: the target of the first is 1 + 0.97 * 5, of the second, an end, 2.
  AlignedFloats q(32, 0.0f), selector(32, 0.0f), value(32, 0.0f), gradient(32), error(16);
  AlignedFloats returns(16, 0.0f), running(16, 0.0f), weight(16, 1.0f);
  std::vector<std::int32_t> action(16, 0);
  q[0] = 5.5f;
  q[16 + 1] = 2.25f;
  selector[16] = 1.0f;
  value[0] = -9.0f;
  value[16] = 5.0f;
  returns[0] = 1.0f;
  returns[1] = 2.0f;
  running[0] = 1.0f;
  weight[1] = 0.5f;
  action[1] = 1;
  const float loss = kernels().q_loss({.actions = 2,
                                       .batch = 2,
                                       .q = q.data(),
                                       .next_selector = selector.data(),
                                       .next_value = value.data(),
                                       .stride = 16,
                                       .action = action.data(),
                                       .return_ = returns.data(),
                                       .running = running.data(),
                                       .weight = weight.data(),
                                       .discount = 0.97f,
                                       .delta = 0.3f,
                                       .q_gradient = gradient.data(),
                                       .td_abs_error = error.data()});
  CHECK(error[0] == 0.3f);
  CHECK(error[1] == 0.25f);
  CHECK(gradient[0] == doctest::Approx(-0.3 / 2));
  CHECK(gradient[16 + 1] == doctest::Approx(0.5 * 0.25 / 2));
  CHECK(gradient[16] == 0.0f);
  CHECK(loss == doctest::Approx((0.3 * (0.35 - 0.15) + 0.5 * 0.5 * 0.0625) / 2).epsilon(1e-5));
}

TEST_CASE("schedules and the number of updates are rlpyt's") {
  CHECK(updates_per_iteration({.batch_size = 256, .replay_ratio = 4}, 320) == 5);
  CHECK(updates_per_iteration({.batch_size = 64, .replay_ratio = 4}, 16) == 1);
  CHECK(updates_per_iteration({.batch_size = 256, .replay_ratio = 4}, 32) == 1);  // 0.5, but at least one
  CHECK(updates_per_iteration({.batch_size = 2, .replay_ratio = 1}, 5) == 2);     // 2.5: half to even
  CHECK(line_at(0, 1.0, 10, 0.1, 20) == 1.0);
  CHECK(line_at(10, 1.0, 10, 0.1, 20) == 1.0);
  CHECK(line_at(15, 1.0, 10, 0.1, 20) == doctest::Approx(0.55).epsilon(1e-12));
  CHECK(line_at(20, 1.0, 10, 0.1, 20) == 0.1);
  CHECK(line_at(1000, 1.0, 10, 0.1, 20) == 0.1);
  CHECK(line_at(7, 1.0, 10, 0.1, 5) == 0.1);  // the end comes before the start
}

TEST_CASE("masks hold on both networks, and the target follows at its interval") {
  const ModelSpec model = {.parts = {{.name = "q", .sizes = {6, 20, 3}}}};
  std::vector<std::uint8_t> mask(parameter_count(model), 1);
  Stream stream("masked");
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i >= 120 && i < 140 ? 1 : stream.uniform() < 0.5;
  for (std::size_t i = 200; i < mask.size(); ++i) mask[i] = 1;
  AgentConfig config;
  config.options<DqnConfig>().batch_size = 40;
  config.options<DqnConfig>().target_update_interval = 3;
  NativeNetwork online(model, mask, {.max_batch = 40}), target(model, mask, {.max_batch = 40});
  const std::vector<float> initial = random_values(stream, mask.size(), 0.5);
  online.gather(initial, online.parameters());
  DqnLearner learner(online, target, model, config);
  learner.copy_to_target();
  for (int update = 1; update <= 7; ++update) {
    learner.learn(random_batch(stream, 6, 3, 40));
    const bool equal = std::ranges::equal(online.parameters(), target.parameters());
    CHECK(equal == (update % 3 == 0));
    for (const NativeNetwork* network : {&online, &target}) {
      std::vector<float> dense(mask.size());
      network->scatter(const_cast<NativeNetwork*>(network)->parameters(), dense);
      for (std::size_t i = 0; i < mask.size(); ++i)
        if (mask[i] == 0) REQUIRE(dense[i] == 0.0f);
    }
  }
}

TEST_CASE("dueling networks: values are V + A - mean A, gradients those of differences") {
  const ModelSpec model = {
      .parts = {{.name = "q", .sizes = {5, 12, 3}}, {.name = "value", .sizes = {5, 12, 1}}}};
  Stream stream("dueling");
  const auto count = static_cast<int>(parameter_count(model));
  AgentConfig config;
  config.options<DqnConfig>().batch_size = 8;
  config.options<DqnConfig>().dueling = true;
  config.options<DqnConfig>().delta_clip = 100;
  const ReplayBatch batch = random_batch(stream, 5, 3, 8);
  std::vector<float> parameters = random_values(stream, count, 0.6);
  const std::vector<float> target_parameters = random_values(stream, count, 0.6);
  NativeNetwork online(model, {}, {.max_batch = 8}), target(model, {}, {.max_batch = 8});
  target.gather(target_parameters, target.parameters());
  const auto loss_at = [&](const std::vector<float>& values, std::vector<float>* gradient) {
    online.gather(values, online.parameters());
    DqnLearner learner(online, target, model, config);
    const float loss = learner.learn(batch).loss;
    if (gradient != nullptr) {
      gradient->resize(values.size());
      online.scatter(online.gradients(), *gradient);
    }
    return static_cast<double>(loss);
  };
  std::vector<float> gradient;
  loss_at(parameters, &gradient);
  const float step = 2e-3f;
  for (std::size_t i = 0; i < parameters.size(); i += 5) {
    const float before = parameters[i];
    parameters[i] = before + step;
    const double above = loss_at(parameters, nullptr);
    parameters[i] = before - step;
    const double below = loss_at(parameters, nullptr);
    parameters[i] = before;
    CHECK(std::abs((above - below) / (2.0 * step) - gradient[i]) < 2e-3);
  }
}

TEST_CASE("a DQN session that is saved and loaded at any safe point ends with the same bits") {
  for (const bool prioritized : {true, false}) {
    TrainingRequest request = tiny_request("dqn", 600);
    request.config.options<DqnConfig>().prioritized = prioritized;
    const TrainingOutcome whole = outcome_of(request);
    CHECK(whole.env_steps == 600);
    CHECK(whole.updates == 36 * 2);  // 4 * 15 / 24 = 2.5, from iteration 4 on
    for (const auto& parameters : {whole.best_parameters, whole.final_parameters}) {
      CHECK(parameters[3] == 0.0f);
      CHECK(parameters[70] == 0.0f);
    }
    for (const int stop : {1, 4, 5, 17, 39})
      CHECK(bytes_of(outcome_after_restart(request, stop)) == bytes_of(whole));
  }
}

TEST_CASE("an iteration with a replay memory that is given up anywhere leaves the state before it") {
  TrainingRequest request = tiny_request("dqn", 600);
  request.config.options<DqnConfig>().min_steps_learn = 0;
  CHECK(check_first_iteration_given_up(request) == 5 + 2);  // before every time step and every update
  request = tiny_request("bc", 600);
  request.config.options<ValueCloningConfig>().batch_size = 10;
  CHECK(check_first_iteration_given_up(request) == 5 + 6);
}

TEST_CASE("a session with a replay memory that is interrupted again and again ends with the same bits") {
  for (const char* algorithm : {"dqn", "bc"}) {
    CAPTURE(algorithm);
    check_same_bits_through_interruptions(tiny_request(algorithm, 600));
  }
}

TEST_CASE("a student learns the values of a DQN teacher, keeps its mask, and goes on after saving") {
  TrainingRequest request = tiny_request("bc", 3000);
  request.config.options<ValueCloningConfig>().learning_rate = 5e-3;
  request.mask.assign(request.mask.size(), 1);
  request.mask[5] = 0;
  request.initial_parameters[5] = 0;
  const TrainingOutcome whole = outcome_of(request);
  CHECK(whole.updates == 198 * 2);  // 4 * 15 / 30, once the memory holds a batch
  const std::vector<float>& learned = whole.final_parameters;
  CHECK(learned[5] == 0.0f);
  // The student's values on states that the teacher might see, before and after.
  NativeNetwork network(request.model, {}, {.max_batch = 64});
  Stream stream("states");
  const AlignedFloats states = widened(random_values(stream, 4 * 64, 0.2), 4, 64);
  const auto values = [&](const std::vector<float>& parameters) {
    network.gather(parameters, network.parameters());
    AlignedFloats q(2 * 64);
    network.infer(0, 64, {states.data(), 64}, {q.data(), 64});
    return q;
  };
  const auto distance = [&](const std::vector<float>& parameters) {
    const AlignedFloats student = values(parameters), teacher = values(request.teacher_parameters);
    double sum = 0;
    for (std::size_t i = 0; i < student.size(); ++i) sum += std::abs(student[i] - teacher[i]) / 128;
    return sum;
  };
  CHECK(distance(learned) < 0.2 * distance(request.initial_parameters));

  CHECK(bytes_of(outcome_after_restart(request, 77)) == bytes_of(whole));
}

TEST_CASE("a training that resumes its schedules at a later step fills its memory first") {
  TrainingRequest request = tiny_request("dqn", 600);
  request.start_step = 300;
  TrainingSession session(request);
  CHECK(session.env_steps() == 300);
  while (session.advance()) {
  }
  CHECK(session.outcome().env_steps == 300);  // that it played
  CHECK(session.outcome().updates == 16 * 2);
}

TEST_CASE("dropout: factors, their share, and the gradients of what is left" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  for (const Activation activation : {Activation::kRelu, Activation::kTanh}) {
    const ModelSpec model = {.parts = {{.name = "q", .sizes = {6, 40, 24, 3}, .activation = activation},
                                       {.name = "value", .sizes = {6, 30, 1}, .activation = activation}}};
    Stream stream("dropout");
    const int batch = 50;
    const std::vector<float> parameters = random_values(stream, parameter_count(model), 0.5);
    std::vector<std::uint8_t> mask(parameters.size(), 1);
    for (std::size_t i = 240 + 40; i < 240 + 40 + 960; ++i) mask[i] = stream.uniform() < 0.3;
    NativeNetwork native(model, mask, {.max_batch = batch});
    const auto torch = make_torch_network(model, mask, {.max_batch = batch});
    const AlignedFloats input = widened(random_values(stream, 6 * batch, 1), 6, batch),
                        seed = widened(random_values(stream, 3 * batch, 1), 3, batch);
    std::vector<std::vector<float>> outputs, gradients;
    for (Network* network : {static_cast<Network*>(&native), torch.get()}) {
      network->gather(parameters, network->parameters());
      network->parameters_changed();
      Dropout dropout(model, 0.25, batch, Stream("factors"));
      dropout.set(*network);
      std::vector<float> y;
      for (const int part : {0, 1}) {
        AlignedFloats output(3 * 64);
        network->forward(part, batch, {input.data(), 64}, {output.data(), 64});
        network->backward(part, batch, {seed.data(), 64});
        y.insert(y.end(), output.begin(), output.begin() + batch);
      }
      dropout.clear(*network);
      AlignedFloats plain(3 * 64);
      network->infer(0, batch, {input.data(), 64}, {plain.data(), 64});
      CHECK_FALSE(std::equal(y.begin(), y.begin() + batch, plain.begin()));
      outputs.push_back(y);
      gradients.emplace_back(parameters.size());
      network->scatter(network->gradients(), gradients.back());
    }
    for (std::size_t i = 0; i < outputs[0].size(); ++i) CHECK(std::abs(outputs[0][i] - outputs[1][i]) < 1e-5);
    for (std::size_t i = 0; i < gradients[0].size(); ++i)
      CHECK(std::abs(gradients[0][i] - gradients[1][i]) < 1e-4);
  }
}

TEST_CASE("a DQN session with dropout goes on after saving to the same bits, and differs from one without") {
  TrainingRequest request = tiny_request("dqn", 600);
  const std::vector<float> plain = outcome_of(request).final_parameters;
  request.config.regularisation.dropout = 0.1;
  const std::vector<float> dropped = outcome_of(request).final_parameters;
  CHECK(dropped != plain);
  CHECK(outcome_after_restart(request, 20).final_parameters == dropped);
  request.config.regularisation.dropout_target = true;
  CHECK(outcome_of(request).final_parameters != dropped);
}

TEST_CASE("bootstrapping where only the step limit ended an episode changes what is learned, and resumes") {
  TrainingRequest request = tiny_request("dqn", 900);
  request.task_options["cartpole.max_steps"] = std::int64_t{12};
  const TrainingOutcome plain = outcome_of(request);
  request.config.sampler.timeout_bootstrap = true;
  const TrainingOutcome bootstrapped = outcome_of(request);
  CHECK(plain.final_parameters != bootstrapped.final_parameters);
  CHECK(bytes_of(outcome_after_restart(request, 7)) == bytes_of(bootstrapped));
}
