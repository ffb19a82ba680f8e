#include "engine/plan/plan_summary.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "envs/random.hpp"

using namespace impsweep;

namespace {

Plan plan_of(const std::string& text) {
  const JobFile job = parse_job(text, "job.toml");
  return make_plan(std::span(&job, 1));
}

const char* kCartPole =
    "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"ppo\"]\nbaselines = [\"mask/weights\"]\n"
    "seeds = 4\nrounds = 10\n";

}  // namespace

TEST_CASE("the formula counts forward passes and gradients") {
  const Plan plan = plan_of(kCartPole);
  // 80,000 steps of 2 + 4 * 6 FLOP for each of 34,176 weights; 41 evaluations of 20 and 2 of 100 episodes of
  // 500 steps with the actor's 17,152.
  const double learning = 80000.0 * 26 * 34176;
  const double evaluation = (41.0 * 20 + 200) * 500 * 2 * 17152;
  CHECK(predicted_flop(plan, 0) == doctest::Approx(learning + evaluation));
  for (TrainingIndex i = 1; i < 10; ++i) {
    CHECK(predicted_flop(plan, i) < predicted_flop(plan, i - 1));
    CHECK(predicted_bytes(plan, i) < predicted_bytes(plan, i - 1));
  }
  CHECK(predicted_flop(plan, 9) > 80000.0 * 26 * 17024);  // the critic stays dense
}

TEST_CASE("the formula counts the weights of a convolution at every position") {
  const Plan plan = plan_of(
      "[[sweep]]\ntasks = [\"atari-breakout\"]\nalgorithms = [\"ppo\"]\nbaselines = [\"mask/weights\"]\n"
      "seeds = 1\nrounds = 1\n");
  // Maps of 25 x 19 and 12 x 9; the critic is a head of 512 weights. Games are taken to last 2,000 steps.
  const double actor = 475.0 * 4096 + 108 * 8192 + 3456.0 * 512 + 512 * 4;
  const double learning = 2.5e6 * (2 + 2 * 3 * 10) * (actor + 512),
               evaluation = (21.0 * 10 + 200) * 2000 * 2 * actor;
  CHECK(predicted_flop(plan, 0) == doctest::Approx(learning + evaluation));
  // Images are large: moving 33,280 numbers ten times for each step takes time however few weights are left.
  const double moving = 2.5e6 * 10 * 33280 * 3.5e-9, playing = (2.5e6 + (21.0 * 10 + 200) * 2000) * 600e-6;
  CHECK(predicted_seconds(plan, 0) ==
        doctest::Approx(0.05 + (learning + evaluation) / 40e9 + playing + moving));
}

TEST_CASE("finished trainings correct predictions of their class, then of wider ones") {
  const Plan plan = plan_of(
      "[[sweep]]\ntasks = [\"cartpole\", \"acrobot\"]\nalgorithms = [\"ppo\", \"bc\"]\n"
      "baselines = [\"mask/weights\"]\nseeds = 1\nrounds = 8\n");
  const auto training = [&](std::size_t chain, std::size_t round) {
    return plan.chains[chain].rounds[round];
  };
  CostModel costs;
  const auto ratio = [&](TrainingIndex index) {
    return costs.seconds(plan, index) / predicted_seconds(plan, index);
  };
  const TrainingIndex dense = training(0, 0);
  CHECK(ratio(dense) == 1);
  costs.observe(cost_class(plan, dense), 3 * predicted_seconds(plan, dense));
  CHECK(ratio(dense) == doctest::Approx(3));
  CHECK(ratio(training(0, 7)) == doctest::Approx(3));  // same network, other density
  CHECK(ratio(training(1, 0)) == doctest::Approx(3));  // nothing closer is known
  costs.observe(cost_class(plan, training(0, 7)), 12 * predicted_seconds(plan, training(0, 7)));
  CHECK(ratio(training(0, 7)) == doctest::Approx(12));
  CHECK(ratio(dense) == doctest::Approx(3));
  CHECK(ratio(training(1, 0)) == doctest::Approx(6));  // geometric mean
  costs.observe(cost_class(plan, dense), 0);
  costs.observe(cost_class(plan, dense), -1);
  CHECK(ratio(dense) == doctest::Approx(3));
}

TEST_CASE("the error of a sum: classes go wrong together, single trainings do not") {
  const std::vector<CostEstimate> estimates = {{10, 0, 0.1}, {20, 0, 0.2}};
  const Work sure = total_work(estimates, std::vector<double>{2, 1});
  CHECK(sure.seconds == doctest::Approx(40));
  CHECK(sure.spread == doctest::Approx((20 * 0.1 + 20 * 0.2) / 40));
  const Work single = total_work(std::vector<CostEstimate>{{10, 0.2, 0}}, std::vector<double>{100});
  CHECK(single.seconds == doctest::Approx(1000 * std::exp(0.02)));
  CHECK(single.spread == doctest::Approx(0.02));
  CHECK(total_work(estimates, std::vector<double>{0, 0}).spread == 0);
  const Work nearly_done = total_work(std::vector<CostEstimate>{{10, 0.2, 0}}, std::vector<double>{0.001});
  CHECK(nearly_done.spread == doctest::Approx(0.2));
  CHECK(factor_of_95_percent(0.1) == doctest::Approx(std::exp(0.16449)));
}

TEST_CASE("forecasts of 90 % hold in nine sweeps of ten") {
  const Plan plan = plan_of(
      "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"ppo\"]\nbaselines = [\"mask/weights\"]\n"
      "seeds = 20\nrounds = 6\n");
  const CostClasses classes(plan);
  CHECK(classes.size() == 6);
  Stream stream("sweeps of different machines");
  const auto normal = [&] {
    return std::sqrt(-2 * std::log(1 - stream.uniform())) * std::cos(2 * std::numbers::pi * stream.uniform());
  };
  int held = 0;
  constexpr int kSweeps = 400, kSeen = 4;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    const double machine = 0.7 * normal();
    CostModel costs;
    std::vector<double> left(classes.size());
    double truth = 0;
    for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
      const double seconds = predicted_seconds(plan, i) * std::exp(machine + 0.15 * normal());
      if (plan.trainings[i].seed < kSeen) {
        costs.observe(classes.of(i), seconds);
      } else {
        left[classes[i]] += 1;
        truth += seconds;
      }
    }
    const Work work = total_work(classes.estimates(costs), left);
    const double factor = factor_of_95_percent(work.spread);
    held += truth > work.seconds / factor && truth < work.seconds * factor;
    CHECK(factor < 1.25);
  }
  CHECK(held > 0.85 * kSweeps);
}

TEST_CASE("numbers of a plan") {
  const Plan plan = plan_of(kCartPole);
  const CostModel costs;
  const PlanSummary one = summarize(plan, costs, 1);
  CHECK(one.chains == 4);
  CHECK(one.trainings_total == 40);
  CHECK(one.trainings_unique == 40);
  CHECK(one.trainings_done == 0);
  CHECK(one.env_steps == 40 * 80000);
  CHECK(one.makespan.seconds == doctest::Approx(one.core_hours * 3600));
  const PlanSummary four = summarize(plan, costs, 4);
  CHECK(four.makespan.seconds == doctest::Approx(one.makespan.seconds / 4));
  CHECK(four.makespan.gap() == doctest::Approx(0));  // four chains of equal length
  const Plan short_chains = plan_of(
      "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"ppo\"]\nbaselines = [\"mask/weights\"]\n"
      "seeds = 4\nrounds = 1\n");
  CHECK(summarize(short_chains, costs, 3).makespan.gap() == doctest::Approx(0.5));  // one rank does two
  CHECK(one.makespan.low_seconds < one.makespan.seconds / 2);  // nothing is known of this machine yet
  CHECK(one.makespan.high_seconds > one.makespan.seconds * 2);
  CHECK(summarize(plan, costs, 1000).makespan.seconds == doctest::Approx(four.makespan.seconds));
  CHECK(one.disk_bytes > 40 * 4 * 17024);
  CHECK(one.memory_per_rank_bytes > 10'000'000);
  CHECK(one.memory_per_rank_bytes < 200'000'000);

  std::vector<bool> done(40, false);
  for (const TrainingIndex training : plan.chains[0].rounds) done[training] = true;
  const PlanSummary rest = summarize(plan, costs, 1, done);
  CHECK(rest.trainings_done == 10);
  CHECK(rest.core_hours == doctest::Approx(0.75 * one.core_hours));

  const nlohmann::ordered_json json = to_json(rest);
  CHECK(json["chains"] == 4);
  CHECK(json["trainings"]["total"] == 40);
  CHECK(json["trainings"]["unique"] == 40);
  CHECK(json["trainings"]["done"] == 10);
  CHECK(json["env_steps"] == 3200000);
  for (const char* key : {"core_hours", "makespan_seconds", "disk_bytes", "memory_per_rank_bytes"})
    CHECK(json[key].is_number());
  const std::string text = to_text(rest);
  CHECK(text.find("cartpole.ppo.128-128.default") != std::string::npos);
  CHECK(text.find("40 (40 before equal ones are shared), 10 done") != std::string::npos);
  CHECK(text.find("3,200,000") != std::string::npos);
}

TEST_CASE("totals count teachers and what is shared") {
  const Plan plan =
      plan_of("[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"bc\"]\nseeds = 2\nrounds = 3\n");
  const PlanSummary summary = summarize(plan, CostModel{}, 2);
  CHECK(summary.chains == 8);
  CHECK(summary.trainings_total == 24 + 5);
  CHECK(summary.trainings_unique == 2 * (1 + 4 * 2) + 5);
}

TEST_CASE("a large plan is summed up in seconds") {
  const Plan plan =
      plan_of("[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"ppo\"]\nseeds = 2500\nrounds = 30\n");
  const auto begin = std::chrono::steady_clock::now();
  const PlanSummary summary = summarize(plan, CostModel{}, 1000);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  CHECK(summary.chains == 10000);
  CHECK(summary.makespan.seconds < 1.1 * summary.core_hours * 3600 / 1000);
  MESSAGE("summed up in ", seconds.count(), " s");
}
