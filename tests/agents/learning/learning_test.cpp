// Advantages against the closed form, minibatches, the optimizer's steps, schedules, and sessions that stop
// and go on.
#include <doctest/doctest.h>

#include <cmath>

#include "agents/config/paper_defaults.hpp"
#include "agents/config/ppo_config.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/ppo.hpp"
#include "agents/learning/session.hpp"
#include "agents/native/native_network.hpp"
#include "agents/network/initialisation.hpp"
#include "agents/network/model.hpp"
#include "tests/agents/learning/whole_training.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

TrainingRequest tiny_request(std::string algorithm, std::int64_t steps) {
  TrainingRequest request;
  request.task = "cartpole";
  request.algorithm = find_algorithm(algorithm, *find_task(request.task));
  request.config.sampler.steps = steps;
  request.config.evaluation = {.interval = 512, .episodes = 5, .reevaluation_episodes = 9};
  request.model.parts = {{.name = "actor", .sizes = {4, 16, 2}}, {.name = "critic", .sizes = {4, 16, 1}}};
  Stream stream("tiny");
  give_parameters(request, stream);
  request.snapshot_steps = {300, 700};
  return request;
}

// The same on the hopper, with a Gaussian policy.
TrainingRequest tiny_hopper_request(std::string algorithm, std::int64_t steps) {
  TrainingRequest request = tiny_request(std::move(algorithm), steps);
  request.task = "hopper";
  request.config.sampler.batch_B = 2;
  request.config.sampler.decorrelation_steps = 20;
  request.model.parts = {{.name = "actor", .sizes = {15, 8, 3}, .tanh_output = true},
                         {.name = "critic", .sizes = {15, 8, 1}}};
  request.model.log_std = 3;
  Stream stream("tiny hopper");
  give_parameters(request, stream);
  return request;
}

}  // namespace

TEST_CASE("advantages are the discounted sum of temporal differences, cut at ends") {
  const int T = 6, B = 2;
  const double gamma = 0.9, lambda = 0.7;
  Samples s(T, B, 1, 2);
  for (int i = 0; i < s.size(); ++i) {
    s.reward[i] = static_cast<float>(1 + i % 3);
    s.value[i] = static_cast<float>(0.5 * (i % 4));
  }
  s.done[2] = s.done[T + 5] = 1;
  s.bootstrap_value[0] = 3;
  s.bootstrap_value[1] = 5;
  estimate_advantages(s, gamma, lambda, false);
  for (int b = 0; b < B; ++b) {
    for (int t = 0; t < T; ++t) {
      double advantage = 0, weight = 1;
      for (int u = t; u < T; ++u) {
        const int i = b * T + u;
        const double next = u + 1 < T ? s.value[i + 1] : s.bootstrap_value[b];
        advantage += weight * (s.reward[i] + (s.done[i] != 0 ? 0 : gamma * next) - s.value[i]);
        weight *= gamma * lambda;
        if (s.done[i] != 0) break;
      }
      CHECK(s.advantage[b * T + t] == doctest::Approx(advantage).epsilon(1e-6));
      CHECK(s.return_[b * T + t] == doctest::Approx(advantage + s.value[b * T + t]).epsilon(1e-6));
    }
  }
}

TEST_CASE("normalised advantages have mean 0 and sample deviation 1; returns are formed before") {
  Samples s(5, 3, 1, 2);
  Stream stream("normalise");
  for (int i = 0; i < s.size(); ++i) s.reward[i] = static_cast<float>(stream.uniform() * 10);
  Samples plain = s;
  estimate_advantages(plain, 0.99, 0.95, false);
  estimate_advantages(s, 0.99, 0.95, true);
  double mean = 0, squares = 0;
  for (int i = 0; i < s.size(); ++i) mean += s.advantage[i] / s.size();
  for (int i = 0; i < s.size(); ++i) squares += s.advantage[i] * s.advantage[i];
  CHECK(std::abs(mean) < 1e-6);
  CHECK(squares / (s.size() - 1) == doctest::Approx(1).epsilon(1e-5));
  for (int i = 0; i < s.size(); ++i) CHECK(s.return_[i] == plain.return_[i]);
}

TEST_CASE("whole minibatches are taken as long as they fit") {
  CHECK(MinibatchPlan(256, 4).size == 64);
  CHECK(MinibatchPlan(256, 4).per_epoch == 4);
  CHECK(MinibatchPlan(175, 32).size == 5);
  CHECK(MinibatchPlan(175, 32).per_epoch == 35);
}

TEST_CASE("learning rate and clip fall linearly, the clip one iteration late") {
  const ModelSpec model = {
      .parts = {{.name = "actor", .sizes = {2, 2}}, {.name = "critic", .sizes = {2, 1}}}};
  NativeNetwork network(model, {}, {.max_batch = 16});
  PpoLearner learner(network, model, AgentConfig{}, MinibatchPlan(16, 4), 10);
  CHECK(learner.learning_rate() == 5e-4);
  CHECK(learner.ratio_clip() == 0.2);
  learner.finish_iteration();
  CHECK(learner.learning_rate() == doctest::Approx(5e-4 * 0.9).epsilon(1e-12));
  CHECK(learner.ratio_clip() == 0.2);
  for (int i = 1; i < 10; ++i) learner.finish_iteration();
  CHECK(learner.learning_rate() == 0.0);
  CHECK(learner.ratio_clip() == doctest::Approx(0.02).epsilon(1e-12));
}

TEST_CASE("Adam takes the steps of its paper, after the norm clip; decay by mode") {
  const ModelSpec model = {.parts = {{.name = "q", .sizes = {1, 1}}}};
  for (const L2Mode mode : {L2Mode::kAdamL2, L2Mode::kAdamW, L2Mode::kLoss}) {
    const double decay = 0.1, rate = 0.01, limit = 0.5;
    NativeNetwork network(model, {}, {.max_batch = 16});
    network.gather(std::vector<float>{0.7f, -0.2f}, network.parameters());
    Adam adam({}, {.weight_decay = decay, .l2_mode = mode}, network.parameters().size());
    double w[2] = {0.7f, -0.2f}, m[2] = {0, 0}, v[2] = {0, 0};
    for (int t = 1; t <= 3; ++t) {
      double g[2] = {0.3 * t, -0.4 * t};
      network.gather(std::vector<float>{static_cast<float>(g[0]), static_cast<float>(g[1])},
                     network.gradients());
      if (mode == L2Mode::kLoss)
        for (int i = 0; i < 2; ++i) g[i] += decay * w[i];
      const double norm = std::hypot(g[0], g[1]);
      CHECK(adam.clip_and_step(network, rate, limit) == doctest::Approx(norm).epsilon(1e-5));
      for (int i = 0; i < 2; ++i) {
        g[i] *= std::min(1.0, limit / (norm + 1e-6));
        if (mode == L2Mode::kAdamL2) g[i] += decay * w[i];
        if (mode == L2Mode::kAdamW) w[i] -= rate * decay * w[i];
        m[i] = 0.9 * m[i] + 0.1 * g[i];
        v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
        w[i] -= rate * (m[i] / (1 - std::pow(0.9, t))) / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
      }
      std::vector<float> now(2);
      network.scatter(network.parameters(), now);
      for (int i = 0; i < 2; ++i) CHECK(std::abs(now[i] - w[i]) < 1e-6);
    }
  }
}

TEST_CASE("a session that is saved and loaded at any safe point ends with the same bits") {
  for (const char* algorithm : {"ppo", "bc"}) {
    CAPTURE(algorithm);
    for (const TrainingRequest& request :
         {tiny_request(algorithm, 2048), tiny_hopper_request(algorithm, 1024)}) {
      CAPTURE(request.task);
      const std::vector<std::byte> expected = bytes_of(outcome_of(request));
      for (int stop = 1; stop < 8; stop += 3)
        CHECK(bytes_of(outcome_after_restart(request, stop)) == expected);
    }
  }
}

TEST_CASE("an iteration that is given up anywhere leaves the state before it to be saved") {
  for (const char* algorithm : {"ppo", "bc"}) {
    CAPTURE(algorithm);
    const TrainingRequest request = tiny_request(algorithm, 2048);
    const int places = check_first_iteration_given_up(request);
    const std::int64_t steps = request.config.sampler.batch_T;
    CHECK(places >= steps + 16);  // between any two steps and any two updates
    CHECK(places < 2 * steps);
  }
}

TEST_CASE("a session that is interrupted again and again ends with the same bits") {
  for (const char* algorithm : {"ppo", "bc"}) {
    CAPTURE(algorithm);
    for (TrainingRequest request : {tiny_request(algorithm, 2048), tiny_hopper_request(algorithm, 4096)}) {
      CAPTURE(request.task);
      request.config.evaluation.interval = 256;
      check_same_bits_through_interruptions(request);
    }
  }
}

TEST_CASE("a session keeps masked weights at zero, its best checkpoint and its snapshots") {
  const TrainingOutcome outcome = outcome_of(tiny_request("ppo", 2048));
  CHECK(outcome.env_steps == 2048);
  CHECK(outcome.updates == 8 * 16);
  CHECK(outcome.curve.size() == 5);
  CHECK(outcome.curve.front().step == 0);
  CHECK(outcome.best_step > 0);
  double best = 0;
  for (std::size_t i = 1; i < outcome.curve.size(); ++i) best = std::max(best, outcome.curve[i].mean);
  CHECK(outcome.best_return == best);
  for (const auto& parameters : {outcome.best_parameters, outcome.final_parameters}) {
    CHECK(parameters[3] == 0.0f);
    CHECK(parameters[70] == 0.0f);
  }
  REQUIRE(outcome.snapshots.size() == 2);
  CHECK(outcome.snapshots[0].step == 512);
  CHECK(outcome.snapshots[1].step == 768);
  CHECK(outcome.final_returns.size() == 9);
  CHECK(outcome.best_returns.size() == 9);
}

TEST_CASE("a training whose loss becomes non-finite fails with a reason") {
  TrainingRequest request = tiny_request("ppo", 2048);
  request.config.options<PpoConfig>().learning_rate = 1e30;
  request.config.options<PpoConfig>().clip_grad_norm = 1e30;
  CHECK_THROWS_AS(outcome_of(request), TrainingFailure);
}

TEST_CASE("returns of evaluation episodes depend neither on lanes nor on each other") {
  const TrainingRequest request = tiny_request("ppo", 256);
  const auto network = make_native_network(request.model, request.mask, {.max_batch = 64});
  network->gather(request.initial_parameters, network->parameters());
  EpisodeEvaluator narrow("cartpole", {}, 3, make_policy(2, false, 3), 0),
      wide("cartpole", {}, 40, make_policy(2, false, 40), 0);
  const std::vector<float> few = narrow.play_episodes(*network, 0, 25, "e").returns;
  CHECK(few == wide.play_episodes(*network, 0, 25, "e").returns);
  CHECK(few != wide.play_episodes(*network, 0, 25, "f").returns);
  const std::vector<float> capped = narrow.play_steps(*network, 0, 300, 100, "e").returns;
  CHECK(capped.size() > 1);
  float steps = 0;
  for (const float value : capped) steps += value;
  CHECK(steps <= 300);
  CHECK(narrow.play_steps(*network, 0, 300, 2, "e").returns.size() == 2);  // a cap is a cap
}

TEST_CASE("an episode is cut where the cap says so, counts with what it has, and is counted") {
  const TrainingRequest request = tiny_request("ppo", 256);
  const auto network = make_native_network(request.model, request.mask, {.max_batch = 64});
  network->gather(request.initial_parameters, network->parameters());
  EpisodeEvaluator whole("cartpole", {}, 8, make_policy(2, false, 8), 0),
      capped("cartpole", {}, 8, make_policy(2, false, 8), 12);
  const PlayedEpisodes all = whole.play_episodes(*network, 0, 50, "e");
  std::int64_t ends = 0, longer = 0;
  capped.watch([&](const WatchedStep& step) { ends += step.ends; });
  const PlayedEpisodes played = capped.play_episodes(*network, 0, 50, "e");
  for (std::size_t e = 0; e < 50; ++e) {  // Cart-Pole gives 1 for every step
    CHECK(played.returns[e] == std::min(all.returns[e], 12.0f));
    longer += all.returns[e] > 12;
  }
  CHECK(all.cut == 0);
  CHECK(played.cut == longer);
  CHECK(longer > 10);
  CHECK(ends == 50);
  EpisodeEvaluator steps("cartpole", {}, 8, make_policy(2, false, 8), 5);
  const PlayedEpisodes short_ones = steps.play_steps(*network, 0, 80, 1000, "e");
  CHECK(short_ones.returns == std::vector<float>(16, 5.0f));
  CHECK(short_ones.cut == 16);
}

TEST_CASE("a mean is one sum: equal returns in another order are a tie, and none have no mean") {
  const std::vector<float> returns = {9, 10, 9, 9, 10, 31, 8, 9, 10, 9, 12, 9, 10, 9, 9, 8, 10, 9, 9, 9};
  std::vector<float> reversed(returns.rbegin(), returns.rend());
  CHECK(summarize(returns).mean == summarize(reversed).mean);
  CHECK(summarize(returns).mean == 208.0 / 20);
  CHECK(std::isnan(summarize({}).mean));
  CHECK(summarize({7}).deviation == 0);
}

TEST_CASE("a session's results do not depend on its threads") {
  std::vector<std::vector<std::byte>> outcomes;
  for (const int threads : {1, 3}) {
    TrainingRequest request = tiny_hopper_request("ppo", 512);
    request.threads = threads;
    outcomes.push_back(bytes_of(outcome_of(request)));
  }
  CHECK(outcomes[0] == outcomes[1]);
}

TEST_CASE("PPO teaches the hopper to stay up longer") {
  TrainingRequest request = tiny_hopper_request("ppo", 25600);
  request.config = paper_defaults("hopper", "ppo");
  request.config.sampler.steps = 25600;
  request.config.evaluation = {.interval = 25600, .episodes = 20, .reevaluation_episodes = 20};
  request.model = policy_model({15, 3, true}, request.config.network, true);
  request.mask.assign(parameter_count(request.model), 1);
  request.initial_parameters = initial_parameters(
      request.model, request.config.network, [](std::string_view tensor) { return std::string(tensor); });
  const std::vector<EvaluationPoint> curve = outcome_of(request).curve;
  CHECK(curve.back().mean > 1.5 * curve.front().mean);  // 13 and 27
}
