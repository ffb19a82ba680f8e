// The optional keys of PPO: each rule against numpy (tests/data/make_ppo_options.py) or its closed form, and
// trainings with each key on.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "agents/acting/rollout.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/config/ppo_config.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/ppo.hpp"
#include "agents/learning/running_moments.hpp"
#include "agents/network/initialisation.hpp"
#include "io/hdf5.hpp"
#include "tests/agents/learning/whole_training.hpp"
#include "tests/agents/torch/torch_fixture.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

Hdf5File recording() {
  return Hdf5File::open_readonly(IMPSWEEP_TEST_DATA "/oracle-ppo-options.h5");
}

// Relative to the larger of 1 and the value expected.
double largest_gap(std::span<const double> found, std::span<const double> expected) {
  REQUIRE(found.size() == expected.size());
  double gap = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    gap = std::max(gap, std::abs(found[i] - expected[i]) / std::max(1.0, std::abs(expected[i])));
  return gap;
}

struct Named {
  std::string name;
  std::function<void(AgentConfig&)> set;
};

// Every optional key alone, and all of them together.
std::vector<Named> optional_keys() {
  const auto ppo = [](AgentConfig& config) -> PpoConfig& { return config.options<PpoConfig>(); };
  std::vector<Named> keys = {
      {"obs_norm", [=](AgentConfig& c) { ppo(c).obs_norm = true; }},
      {"reward_norm", [=](AgentConfig& c) { ppo(c).reward_norm = true; }},
      {"advantage_scope",
       [=](AgentConfig& c) {
         ppo(c).normalize_advantage = true;
         ppo(c).advantage_scope = AdvantageScope::kMinibatch;
       }},
      {"clip_value_loss", [=](AgentConfig& c) { ppo(c).clip_value_loss = true; }},
      {"target_kl", [=](AgentConfig& c) { ppo(c).target_kl = 1e-4; }},
      {"clip_schedule", [=](AgentConfig& c) { ppo(c).clip_schedule = ClipSchedule::kConstant; }},
      {"eval.greedy", [](AgentConfig& c) { c.evaluation.greedy = true; }},
      {"orthogonal", [](AgentConfig& c) { c.network.init = Init::kOrthogonal; }},
      {"hidden = []", [](AgentConfig& c) { c.network.hidden = {}; }},
  };
  keys.push_back({"all", [keys](AgentConfig& config) {
                    for (const Named& key : keys) key.set(config);
                  }});
  return keys;
}

TrainingRequest request_on(const std::string& name, const std::function<void(AgentConfig&)>& set) {
  const TaskInfo& task = *find_task(name);
  TrainingRequest request;
  request.task = name;
  request.algorithm = find_algorithm("ppo", task);
  request.config.own = request.algorithm->options;
  request.config.options<PpoConfig>().learning_rate = 5e-3;  // so that ratios reach their clip, which is
  request.config.options<PpoConfig>().ratio_clip = 0.05;     // narrow
  request.config.network.hidden = {12};
  request.config.sampler = {.steps = 1500, .batch_B = 3, .batch_T = 64, .decorrelation_steps = 5};
  request.config.evaluation = {.interval = 500, .episodes = 3, .reevaluation_episodes = 3};
  set(request.config);
  request.model = model_on_task(*request.algorithm, task, request.config);
  request.mask.assign(parameter_count(request.model), 1);
  request.mask[1] = 0;
  request.initial_parameters = initial_parameters(
      request.model, request.config.network, [](std::string_view tensor) { return std::string(tensor); });
  request.initial_parameters[1] = 0;
  request.stream_prefix = "options";
  return request;
}

}  // namespace

TEST_CASE("moments of batches are numpy's, and networks see observations by them on either backend") {
  use_built_torch_module();
  const Hdf5File file = recording();
  const int features = 5;
  const ModelSpec model = {.parts = {{.name = "actor", .sizes = {features, features}}},
                           .observation_moments = features};
  RunningMoments moments(features);
  const std::vector<float> probe = file.read<float>("moments/probe");
  const int count = static_cast<int>(probe.size()) / features;
  double worst = 0;
  for (const std::string& batch : file.children("moments")) {
    if (!batch.starts_with("batch_")) continue;
    const auto read = [&](const char* what) { return file.read<double>("moments/" + batch + "/" + what); };
    const std::vector<float> rows = file.read<float>("moments/" + batch + "/rows");
    moments.take_in(rows.data(), static_cast<int>(rows.size()) / features, features);
    const std::vector<double> mean = read("mean"), variance = read("variance"), seen = read("seen");
    CHECK(largest_gap(moments.mean(), mean) < 1e-12);
    CHECK(largest_gap(moments.variance(), variance) < 1e-10);
    CHECK(moments.count() == doctest::Approx(read("count").front()).epsilon(1e-14));

    // A network that hands on what it sees.
    std::vector<float> parameters(parameter_count(model), 0.0f);
    for (int f = 0; f < features; ++f) {
      parameters[static_cast<std::size_t>(f * (features + 1))] = 1;
      parameters[static_cast<std::size_t>(features * (features + 1) + f)] = static_cast<float>(mean[f]);
      parameters[static_cast<std::size_t>(features * (features + 2) + f)] = static_cast<float>(variance[f]);
    }
    for (const Backend backend : {Backend::kNative, Backend::kTorch}) {
      if (backend == Backend::kTorch && !kHasTorch) continue;
      const auto network = make_network(backend, model, {}, {.max_batch = count});
      network->gather(parameters, network->parameters());
      network->parameters_changed();
      std::vector<float> columns(probe.size()), outputs(probe.size()), again(probe.size());
      for (int i = 0; i < count; ++i)
        for (int f = 0; f < features; ++f) columns[f * count + i] = probe[i * features + f];
      network->infer(0, count, {columns.data(), count}, {outputs.data(), count});
      network->forward(0, count, {columns.data(), count}, {again.data(), count});
      CHECK(outputs == again);
      for (int i = 0; i < count; ++i)
        for (int f = 0; f < features; ++f) {
          // The network's mean is rounded to a float.
          const double rounding = std::abs(mean[f]) * 6e-8 / std::sqrt(variance[f] + 1e-8);
          const double gap = std::abs(outputs[f * count + i] - seen[i * features + f]);
          worst = std::max(worst, gap - rounding);
        }
      std::vector<float> dense(parameters.size());
      network->scatter(network->parameters(), dense);
      CHECK(dense == parameters);
      // Moments are not trained: gradients end before them, and scattered gradients are 0 there.
      CHECK(network->moments_offset() >= network->gradients().size());
      std::ranges::fill(network->gradients(), 1.0f);
      network->scatter(network->gradients(), dense);
      CHECK(dense.front() == 1);
      CHECK(dense.back() == 0);
    }
  }
  CHECK(worst < 5e-6);
}

TEST_CASE("a head on a shared trunk sees what its trunk sees") {
  ModelSpec model = {.parts = {{.name = "actor", .sizes = {3, 8, 2}}, {.name = "critic", .sizes = {8, 1}}},
                     .observation_moments = 3};
  model.parts[1].trunk = 0;
  const NetworkConfig config;
  std::vector<float> parameters =
      initial_parameters(model, config, [](std::string_view tensor) { return std::string(tensor); });
  const std::size_t first = parameters.size() - 7;
  for (std::size_t i = 0; i < 3; ++i) parameters[first + i] = 2, parameters[first + 3 + i] = 4;
  const auto network = make_native_network(model, {}, {.max_batch = 16});
  network->gather(parameters, network->parameters());
  ModelSpec plain = model;
  plain.observation_moments = 0;
  const auto same = make_native_network(plain, {}, {.max_batch = 16});
  same->gather(std::span(parameters).first(first), same->parameters());
  std::vector<float> raw(3 * 16), seen(3 * 16), value(16), expected(16), again(16);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    raw[i] = static_cast<float>(i) - 20;
    seen[i] = std::clamp((raw[i] - 2) / 2, -10.0f, 10.0f);
  }
  network->infer(1, 16, {raw.data(), 16}, {value.data(), 16});
  same->infer(1, 16, {seen.data(), 16}, {expected.data(), 16});
  CHECK(value == expected);
  std::vector<float> actions(2 * 16);
  network->forward(0, 16, {raw.data(), 16}, {actions.data(), 16});
  network->forward(1, 16, {raw.data(), 16}, {again.data(), 16});
  for (std::size_t i = 0; i < 16; ++i) CHECK(again[i] == doctest::Approx(expected[i]).epsilon(1e-5));
}

TEST_CASE("scaled rewards are those of numpy, over rollouts and through a restart") {
  const Hdf5File file = recording();
  const double discount = file.attribute_double("rewards", "discount");
  double worst = 0;
  RewardScaling scaling(3, discount);
  for (const std::string& rollout : file.children("rewards")) {
    const std::string path = "rewards/" + rollout + "/";
    const std::vector<float> reward = file.read<float>(path + "reward");
    const std::vector<std::uint8_t> done = file.read<std::uint8_t>(path + "done");
    const std::vector<double> expected = file.read<double>(path + "scaled");
    const int B = 3, T = static_cast<int>(reward.size()) / B;
    Samples s(T, B, 1, 2);
    for (int t = 0; t < T; ++t)
      for (int b = 0; b < B; ++b) {
        s.reward[b * T + t] = reward[t * B + b];
        s.done[b * T + t] = done[t * B + b];
      }
    scaling.scale(s);
    for (int t = 0; t < T; ++t)
      for (int b = 0; b < B; ++b)
        worst = std::max(worst, std::abs(s.reward[b * T + t] - expected[t * B + b]));
    StateWriter writer;
    writer("rewards", scaling);
    const std::vector<std::byte> state = writer.take();
    scaling = RewardScaling(3, discount);
    StateReader reader(state.data(), state.size());
    reader("rewards", scaling);
    CHECK(reader.at_end());
  }
  CHECK(worst < 1e-6);
}

TEST_CASE("saved moments that cannot be are refused") {
  RunningMoments moments(2);
  StateWriter writer;
  writer("moments", moments);
  std::vector<std::byte> state = writer.take();
  const std::size_t names = 8 + 7 + 8 + 4 + 8;  // "moments", "mean", number of elements
  const double not_a_number = std::nan("");
  const double negative = -1;
  const auto is_refused = [&](std::size_t place, double value) {
    std::vector<std::byte> forged = state;
    std::memcpy(forged.data() + place, &value, sizeof value);
    StateReader reader(forged.data(), forged.size());
    RunningMoments target(2);
    try {
      reader("moments", target);
      return false;
    } catch (const ArchiveError&) {
      return true;
    }
  };
  CHECK_FALSE(is_refused(names, negative));
  CHECK(is_refused(names, not_a_number));
  CHECK(is_refused(names + 16 + 8 + 8 + 8, negative));  // behind the means, "variance" and its length
  CHECK(is_refused(state.size() - 8, 0));               // the count
  RunningMoments wider(3);
  StateReader reader(state.data(), state.size());
  CHECK_THROWS_AS(reader("moments", wider), ArchiveError);
}

TEST_CASE("orthonormal matrices are those of numpy's QR decomposition") {
  const Hdf5File file = recording();
  for (const std::string& name : file.children("orthogonal")) {
    CAPTURE(name);
    const std::vector<std::uint64_t> shape = file.shape("orthogonal/" + name + "/drawn");
    std::vector<double> matrix = file.read<double>("orthogonal/" + name + "/drawn");
    orthonormalise(matrix, shape[0], shape[1]);
    CHECK(largest_gap(matrix, file.read<double>("orthogonal/" + name + "/orthogonal")) < 1e-12);
  }
}

// A critic that answers its input, and a policy that is indifferent.
TEST_CASE("clipped value losses and advantages of a minibatch are numpy's") {
  const Hdf5File file = recording();
  const auto read = [&](const char* what) { return file.read<double>(std::string("minibatch/") + what); };
  const std::vector<double> value = read("value"), old = read("old_value"), returns = read("return"),
                            advantage = read("advantage"), normalised = read("normalised"),
                            gradient = read("value_gradient");
  const int n = static_cast<int>(value.size());
  Samples s(n, 1, 1, 2);
  std::vector<std::int32_t> order(static_cast<std::size_t>(n));
  double advantage_gradient = 0, critic_weight = 0, critic_bias = 0;
  for (int i = 0; i < n; ++i) {
    order[i] = n - 1 - i;
    s.observation[i * s.observation_stride] = static_cast<float>(value[i]);
    s.value[i] = static_cast<float>(old[i]);
    s.return_[i] = static_cast<float>(returns[i]);
    s.advantage[i] = static_cast<float>(advantage[i]);
    s.probability[i] = s.probability[s.stride + i] = 0.5f;
    s.action[i] = i % 3 == 0 ? 0 : 1;
    advantage_gradient -= normalised[i] / n * (i % 3 == 0 ? 0.5 : -0.5);
    critic_bias += gradient[i];
    critic_weight += gradient[i] * value[i];
  }
  AgentConfig config;
  config.own = PpoConfig{.value_coefficient = file.attribute_double("minibatch", "weight"),
                         .entropy_coefficient = 0,
                         .ratio_clip = file.attribute_double("minibatch", "clip"),
                         .normalize_advantage = true,
                         .advantage_scope = AdvantageScope::kMinibatch,
                         .clip_value_loss = true};
  const ModelSpec model = {
      .parts = {{.name = "actor", .sizes = {1, 2}}, {.name = "critic", .sizes = {1, 1}}}};
  const auto network = make_native_network(model, {}, {.max_batch = n});
  network->gather(std::vector<float>{0, 0, 0, 0, 1, 0}, network->parameters());
  PpoLearner learner(*network, model, config, MinibatchPlan(n, 1), 10);
  const UpdateReport report = learner.learn_minibatch(s, order.data());
  std::vector<float> gradients(6);
  network->scatter(network->gradients(), gradients);
  CHECK(gradients[2] == doctest::Approx(advantage_gradient).epsilon(1e-5));
  CHECK(gradients[3] == doctest::Approx(-advantage_gradient).epsilon(1e-5));
  CHECK(gradients[4] == doctest::Approx(critic_weight).epsilon(1e-5));
  CHECK(gradients[5] == doctest::Approx(critic_bias).epsilon(1e-5));
  CHECK(report.loss ==
        doctest::Approx(read("value_loss").front() * config.options<PpoConfig>().value_coefficient)
            .epsilon(1e-5));
  config.options<PpoConfig>().clip_value_loss = false;
  const auto other = make_native_network(model, {}, {.max_batch = n});
  other->gather(std::vector<float>{0, 0, 0, 0, 1, 0}, other->parameters());
  const UpdateReport free =
      PpoLearner(*other, model, config, MinibatchPlan(n, 1), 10).learn_minibatch(s, order.data());
  CHECK(free.loss < 0.98f * report.loss);  // some of the values were clipped
}

TEST_CASE("the divergence that stops learning is mean(r - 1 - log r)") {
  const int n = 40;
  Stream stream("divergence");
  for (const bool gaussian : {false, true}) {
    CAPTURE(gaussian);
    ModelSpec model = {.parts = {{.name = "actor", .sizes = {2, 3}}, {.name = "critic", .sizes = {2, 1}}}};
    if (gaussian) model.log_std = 3;
    Samples s(n, 1, 2, 3, gaussian);
    std::vector<float> parameters(parameter_count(model));
    for (float& parameter : parameters) parameter = static_cast<float>(stream.uniform() - 0.5);
    const float* const weight = parameters.data();
    const float* const log_std = parameters.data() + parameters.size() - 3;
    std::vector<std::int32_t> order;
    double expected = 0;
    for (int i = 0; i < n; ++i) {
      order.push_back(i);
      float* const x = s.observation.data() + i * s.observation_stride;
      for (int f = 0; f < 2; ++f) x[f] = static_cast<float>(2 * stream.uniform() - 1);
      double output[3], total = 0, change = 0;
      for (int a = 0; a < 3; ++a) {
        output[a] = double{weight[6 + a]} + double{weight[2 * a]} * x[0] + double{weight[2 * a + 1]} * x[1];
        total += std::exp(output[a]);
      }
      if (gaussian) {
        for (int d = 0; d < 3; ++d) {
          s.continuous_action[d * s.stride + i] = static_cast<float>(output[d] + stream.uniform() - 0.5);
          const double z = (s.continuous_action[d * s.stride + i] - output[d]) / std::exp(double{log_std[d]});
          change -= log_std[d] + 0.5 * z * z;
        }
        s.log_likelihood[i] = static_cast<float>(change + stream.uniform() - 0.5);
        change -= s.log_likelihood[i];
      } else {
        s.action[i] = static_cast<std::int32_t>(stream.below(3));
        s.probability[s.action[i] * s.stride + i] = static_cast<float>(0.2 + 0.5 * stream.uniform());
        change = std::log(std::exp(output[s.action[i]]) / total / s.probability[s.action[i] * s.stride + i]);
      }
      expected += (std::exp(change) - 1 - change) / n;
    }
    AgentConfig config;
    config.options<PpoConfig>().target_kl = 1;
    const auto network = make_native_network(model, {}, {.max_batch = n});
    network->gather(parameters, network->parameters());
    PpoLearner learner(*network, model, config, MinibatchPlan(n, 1), 10);
    CHECK(learner.learn_minibatch(s, order.data()).divergence == doctest::Approx(expected).epsilon(1e-5));
    CHECK(expected > 0.01);
  }
}

TEST_CASE("learning stops after the epoch in which the policy has moved too far") {
  const auto updates_with = [](double limit) {
    return outcome_of(request_on("cartpole",
                                 [&](AgentConfig& config) {
                                   config.options<PpoConfig>().target_kl = limit;
                                   config.options<PpoConfig>().learning_rate = 5e-3;
                                 }))
        .updates;
  };
  const std::int64_t iterations = 8, per_epoch = 4, all = iterations * per_epoch * 4;
  CHECK(updates_with(0) == all);
  CHECK(updates_with(1e6) == all);
  CHECK(updates_with(1e-9) == iterations * per_epoch);  // one epoch of each
  const std::int64_t some = updates_with(5e-4);
  CHECK(some % per_epoch == 0);
  CHECK(some > iterations * per_epoch);
  CHECK(some < all);
}

TEST_CASE("the clip has a schedule of its own if it is given one") {
  const ModelSpec model = {
      .parts = {{.name = "actor", .sizes = {2, 2}}, {.name = "critic", .sizes = {2, 1}}}};
  const auto network = make_native_network(model, {}, {.max_batch = 16});
  const auto after_five = [&](ClipSchedule schedule, bool rate_falls) {
    AgentConfig config;
    config.own = PpoConfig{.linear_schedule = rate_falls, .clip_schedule = schedule};
    PpoLearner learner(*network, model, config, MinibatchPlan(16, 4), 10);
    for (int i = 0; i < 5; ++i) learner.finish_iteration();
    CHECK(learner.learning_rate() == doctest::Approx(rate_falls ? 2.5e-4 : 5e-4).epsilon(1e-12));
    return learner.ratio_clip();
  };
  for (const bool falls : {false, true}) {
    CHECK(after_five(ClipSchedule::kConstant, falls) == 0.2);
    CHECK(after_five(ClipSchedule::kLinear, falls) == doctest::Approx(0.12).epsilon(1e-12));
    CHECK(after_five(ClipSchedule::kAsRate, falls) == doctest::Approx(falls ? 0.12 : 0.2).epsilon(1e-12));
  }
}

TEST_CASE("moments are those of what training saw, frozen in evaluation, and part of every checkpoint") {
  TrainingRequest request =
      request_on("hopper", [](AgentConfig& config) { config.options<PpoConfig>().obs_norm = true; });
  request.snapshot_steps = {600};
  const std::size_t features = 15, first = request.initial_parameters.size() - 2 * features - 1;
  CHECK(request.initial_parameters[first] == 0);
  CHECK(request.initial_parameters[first + features] == 1);
  const TrainingOutcome outcome = outcome_of(request);
  // Evaluations played thousands of steps, which do not count.
  const auto count = [](std::int64_t steps) { return static_cast<float>(static_cast<double>(steps) + 1e-4); };
  CHECK(outcome.final_parameters.back() == count(outcome.env_steps));
  CHECK(outcome.best_parameters.back() == count(outcome.best_step));
  REQUIRE(outcome.snapshots.size() == 1);
  CHECK(outcome.snapshots.front().parameters.back() == count(outcome.snapshots.front().step));
  CHECK(outcome.final_parameters[first] != 0);

  // What was taken in, by a rollout of the same streams.
  const auto trainer = make_trainer(request, 5);
  trainer->iterate();
  std::vector<float> now(request.initial_parameters.size());
  trainer->network().scatter(trainer->network().parameters(), now);
  const auto start = make_native_network(request.model, request.mask, {.max_batch = 16});
  start->gather(request.initial_parameters, start->parameters());
  Sampler sampler("hopper", {}, 3, request.stream_prefix, 1, ObservationForm::kNumbers);
  const auto policy = make_policy(3, true, 3);
  Samples samples(64, 3, 15, 3, true);
  sampler.decorrelate(*policy, 5);
  collect_rollout(sampler, *policy, *start, 0, samples);
  for (std::size_t f = 0; f < features; ++f) {
    double mean = 0, variance = 0;
    const auto at = [&](int i) { return double{samples.observation[i * samples.observation_stride + f]}; };
    for (int i = 0; i < samples.size(); ++i) mean += at(i) / samples.size();
    for (int i = 0; i < samples.size(); ++i) variance += (at(i) - mean) * (at(i) - mean) / samples.size();
    CHECK(now[first + f] == doctest::Approx(mean).epsilon(1e-5));
    CHECK(std::abs(now[first + features + f] - variance) <
          1e-5 * variance + 1e-6 * (1 + mean * mean));  // and the prior
  }
}

TEST_CASE("a student of a teacher with moments sees what its teacher did not, and learns from it") {
  const TrainingRequest teacher =
      request_on("hopper", [](AgentConfig& config) { config.options<PpoConfig>().obs_norm = true; });
  TrainingRequest student = request_on("hopper", [](AgentConfig&) {});
  student.algorithm = find_algorithm("bc", *find_task("hopper"));
  student.config.own = student.algorithm->options;
  student.model = model_on_task(*student.algorithm, *find_task("hopper"), student.config);
  student.mask.assign(parameter_count(student.model), 1);
  student.initial_parameters.resize(student.mask.size());
  student.teacher_model = teacher.model;
  student.teacher_parameters = outcome_of(teacher).best_parameters;
  const std::vector<float> learned = outcome_of(student).final_parameters;
  CHECK(student.model.observation_moments == 0);
  // Its actions depend on the moments.
  student.teacher_parameters[student.teacher_parameters.size() - 2 * 15 - 1] += 1;
  CHECK(outcome_of(student).final_parameters != learned);
}

TEST_CASE(
    "with each optional key alone and with all, trainings go on from any saved state to the same bits") {
  for (const char* task : {"cartpole", "hopper"}) {
    const std::vector<std::byte> plain = bytes_of(outcome_of(request_on(task, [](AgentConfig&) {})));
    for (const Named& key : optional_keys()) {
      CAPTURE(task);
      CAPTURE(key.name);
      const TrainingRequest request = request_on(task, key.set);
      const std::vector<std::byte> expected = bytes_of(outcome_of(request));
      CHECK(expected != plain);  // the key has an effect
      auto session = std::make_unique<TrainingSession>(request);
      while (session->advance()) {
        const std::vector<std::byte> state = saved(*session);
        session = std::make_unique<TrainingSession>(request);
        StateReader reader(state.data(), state.size());
        REQUIRE_NOTHROW(session->load(reader));
        REQUIRE(reader.at_end());
        REQUIRE(saved(*session) == state);
      }
      CHECK(bytes_of(session->outcome()) == expected);
    }
  }
}

TEST_CASE("with all optional keys an iteration that is given up leaves the state before it to be saved") {
  const TrainingRequest request = request_on("cartpole", optional_keys().back().set);
  CHECK(check_first_iteration_given_up(request) > 64);
}

TEST_CASE("evaluations without chance play the best action") {
  const TrainingRequest greedy =
      request_on("cartpole", [](AgentConfig& config) { config.evaluation.greedy = true; });
  const TrainingOutcome outcome = outcome_of(greedy);
  const auto network = make_native_network(greedy.model, greedy.mask, {.max_batch = 3});
  network->gather(outcome.best_parameters, network->parameters());
  EpisodeEvaluator evaluator("cartpole", {}, 3, greedy_policy(greedy.model, 3), 0);
  CHECK(evaluator.play_episodes(*network, 0, 3, "options/best-evaluation").returns == outcome.best_returns);
  const TrainingOutcome random = outcome_of(request_on("cartpole", [](AgentConfig&) {}));
  CHECK(random.final_parameters == outcome.final_parameters);  // learning is not concerned
  CHECK(random.final_returns != outcome.final_returns);
}

TEST_CASE("the policy's deviation starts where it is told, and its mean is free without tanh") {
  const TrainingRequest request = request_on("hopper", [](AgentConfig& config) {
    config.options<PpoConfig>().initial_log_std = -1.5;
    config.options<PpoConfig>().learning_rate = 1e-9;
    config.network.tanh_mean = false;
  });
  CHECK_FALSE(request.model.parts[0].tanh_output);
  for (int d = 1; d <= 3; ++d) CHECK(request.initial_parameters[request.mask.size() - d] == -1.5f);
  // Bias 3 of every mean, and no weights: actions are 3 with deviation exp(-1.5).
  std::vector<float> parameters(request.mask.size(), 0.0f);
  for (const Tensor& tensor : tensors_of(request.model)) {
    if (tensor.name == "actor/1/bias") std::fill_n(parameters.begin() + tensor.offset, tensor.size, 3.0f);
    if (tensor.name == "log_std") std::fill_n(parameters.begin() + tensor.offset, tensor.size, -1.5f);
  }
  const auto network = make_native_network(request.model, {}, {.max_batch = 16});
  network->gather(parameters, network->parameters());
  Sampler sampler("hopper", {}, 8, "free", 1, ObservationForm::kNumbers);
  const auto policy = make_policy(3, true, 8);
  Samples samples(200, 8, 15, 3, true);
  collect_rollout(sampler, *policy, *network, 0, samples);
  double mean = 0, squares = 0;
  for (int i = 0; i < samples.size(); ++i) {
    mean += samples.continuous_action[i] / samples.size();
    squares += std::pow(samples.continuous_action[i] - 3.0, 2) / samples.size();
  }
  CHECK(mean == doctest::Approx(3).epsilon(0.01));
  CHECK(std::sqrt(squares) == doctest::Approx(std::exp(-1.5)).epsilon(0.05));
}

TEST_CASE("a minibatch of one sample cannot be normalised") {
  AgentConfig config = paper_defaults("hopper", "ppo");
  PpoConfig& ppo = config.options<PpoConfig>();
  ppo.advantage_scope = AdvantageScope::kMinibatch;
  ppo.minibatches = config.sampler.batch_B * config.sampler.batch_T;
  CHECK_THROWS_WITH_AS(ppo_algorithm().check(config, "teacher."),
                       "'teacher.ppo.advantage_scope' = \"minibatch\" needs two samples in a minibatch, and "
                       "'teacher.ppo.minibatches' = 2560 leaves one of 2560; lower it, or use \"rollout\"",
                       std::invalid_argument);
  ppo.minibatches /= 2;
  CHECK_NOTHROW(ppo_algorithm().check(config, ""));
}
