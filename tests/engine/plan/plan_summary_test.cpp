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

namespace {

TrainingWork work_of_first(const std::string& lines, const std::string& task = "cartpole",
                           const std::string& algorithm = "ppo") {
  return work_of(plan_of("[[sweep]]\ntasks = [\"" + task + "\"]\nalgorithms = [\"" + algorithm +
                         "\"]\nbaselines = [\"mask/weights\"]\nseeds = 1\nrounds = 1\n" + lines),
                 0);
}

}  // namespace

TEST_CASE("the work of PPO is counted: products, updates, steps") {
  const Plan plan = plan_of(kCartPole);
  const TrainingWork work = work_of(plan, 0);
  // 80,128 steps are 313 iterations of 256, each of 4 epochs of 4 minibatches of 64.
  CHECK(work.steps == 80128);
  CHECK(work.learning[WorkKind::kUpdates] == 313 * 16);
  CHECK(work.learning[WorkKind::kGathered] == 313 * 16 * 64 * 4);
  // Forward: 2 FLOP for each of the weights of the actor and the critic. Backward twice as much, but for the
  // first layers, which hand nothing on.
  const double actor = 4 * 128 + 128 * 128 + 128 * 2, critic = 4 * 128 + 128 * 128 + 128;
  CHECK(work.learning[WorkKind::kProducts] == doctest::Approx(313.0 * 16 * 64 * 2 * (actor + critic)));
  CHECK(work.learning[WorkKind::kProductGradients] ==
        doctest::Approx(313.0 * 16 * 64 * 2 * (2 * (actor + critic) - 2 * 4 * 128)));
  CHECK(work.playing[WorkKind::kActions] == 80128);
  CHECK(work.playing[WorkKind::kSteps] == doctest::Approx(80128 * 25e-9));
  // 41 evaluations of 20 episodes, and 2 of 100.
  CHECK(work.evaluation[WorkKind::kEpisodes] == 41 * 20);
  CHECK(work.conclusion[WorkKind::kEpisodes] == 200);
  for (TrainingIndex i = 1; i < 10; ++i) {
    CHECK(predicted_bytes(plan, i) < predicted_bytes(plan, i - 1));
  }
  CHECK(sum(reference_seconds(work_of(plan, 9).total())) < 0.7 * sum(reference_seconds(work.total())));
  // The critic stays dense: its product alone.
  CHECK(work_of(plan, 9).learning[WorkKind::kProducts] >= 313.0 * 16 * 64 * 2 * 128 * 128);
}

TEST_CASE("settings change the work that is counted") {
  CHECK(work_of_first("ppo.minibatches = 129\n").learning[WorkKind::kUpdates] == 313.0 * 4 * 256);
  CHECK(work_of_first("ppo.epochs = 8\n").learning[WorkKind::kUpdates] == 313.0 * 8 * 4);
  CHECK(work_of_first("network.hidden = [2000, 2000]\n").learning[WorkKind::kProducts] >
        200 * work_of_first("").learning[WorkKind::kProducts]);
  CHECK(work_of_first("network.hidden = [2000, 2000]\n").learning[WorkKind::kFarWeights] > 0);
  CHECK(work_of_first("").learning[WorkKind::kFarWeights] == 0);
  // 4 observations for each of 320 steps of an iteration: 5 updates of 256, or one of at least 4,096.
  const TrainingWork maze = work_of_first("rl.steps = 500_000\n", "mazegrid", "dqn");
  const double iterations = 1563 - 156;  // the first 50,000 steps only fill the memory
  CHECK(maze.learning[WorkKind::kUpdates] == doctest::Approx(iterations * 5));
  CHECK(maze.learning[WorkKind::kDraws] == doctest::Approx(iterations * 5 * 256));
  CHECK(work_of_first("rl.steps = 500_000\ndqn.batch_size = 4096\n", "mazegrid", "dqn")
            .learning[WorkKind::kDraws] == doctest::Approx(iterations * 4096));
  // 120 of MazeGrid's 1,200 inputs are on: rows of ones, no dense product of the first layer.
  CHECK(maze.learning[WorkKind::kRowGradients] == doctest::Approx(iterations * 5 * 256 * 2 * 120 * 512));
  CHECK(maze.learning[WorkKind::kProductGradients] ==
        doctest::Approx(iterations * 5 * 256 * 2 * 2 * (512 * 256 + 256 * 4)));
  // Fewer episodes and shorter ones cost less.
  const TrainingWork cut = work_of_first("eval.max_episode_steps = 50\n");
  CHECK(cut.evaluation[WorkKind::kActions] == doctest::Approx(41 * 20 * cut.episode.mean_until(80128)));
  CHECK(cut.episode.at(1e9) == doctest::Approx(50));
  // A convolution works at every position: maps of 25 x 19 and 12 x 9.
  const TrainingWork atari = work_of_first("", "atari-breakout", "ppo");
  const double forward = 2 * (475.0 * 4096 + 108 * 8192), steps = atari.steps;
  CHECK(atari.learning[WorkKind::kConvolutions] ==
        doctest::Approx(10 * steps * (2 * forward + 2 * 108 * 8192.0)));
}

TEST_CASE("episodes grow as agents learn") {
  const EpisodeLength length{.first = 20, .last = 500, .half_way = 1000};
  CHECK(length.at(0) == 20);
  CHECK(length.at(1000) == doctest::Approx(260));
  CHECK(length.at(1e9) == doctest::Approx(500));
  CHECK(length.mean_until(0) == 20);
  double mean = 0;
  for (int step = 0; step < 5000; ++step) mean += length.at(step + 0.5) / 5000;
  CHECK(length.mean_until(5000) == doctest::Approx(mean));
}

TEST_CASE("absurd settings give absurd numbers, at once and without memory") {
  const TrainingWork work = work_of_first("rl.steps = 1_000_000_000_000\neval.interval = 1\n");
  CHECK(std::isfinite(sum(reference_seconds(work.total()))));
  CHECK(sum(reference_seconds(work.total())) > 1e6);
  CHECK(work_of_first("rl.steps = 1_000_000\ndqn.replay_ratio = 1e300\n", "cartpole", "dqn")
            .learning[WorkKind::kUpdates] > 1e290);
}

TEST_CASE("masks by magnitude take most from layers that begin with small weights") {
  // MinAtar's first layer begins with larger weights than its second; after few updates a density of 0.1 is
  // all in the first, and no path is left. Random masks keep one.
  const auto sparse = [](const std::string& lines) {
    const Plan plan = plan_of(
        "[[sweep]]\ntasks = [\"minatar-asterix\"]\nalgorithms = [\"dqn\"]\nseeds = 1\nrounds = 2\n"
        "imp.prune_fraction = 0.9\ndqn.epsilon_steps = 100\n" +
        lines);
    return sum(reference_seconds(work_of(plan, plan.chains[0].rounds[1]).learning));
  };
  const std::string brief = "rl.steps = 20_000\ndqn.min_steps_learn = 1000\neval.interval = 10_000\n";
  CHECK(3 * sparse(brief + "baselines = [\"mask/weights\"]\n") <
        sparse(brief + "baselines = [\"random/re-init\"]\n"));
}

TEST_CASE("the course of a training: when how much of its cost is spent") {
  const Plan plan = plan_of(
      "[[sweep]]\ntasks = [\"mazegrid\"]\nalgorithms = [\"dqn\"]\nbaselines = [\"mask/weights\"]\n"
      "seeds = 1\nrounds = 1\nrl.steps = 500_000\n");
  const CostCourse course = cost_class(plan, 0).course;
  CHECK(course.part_done(0) == 0);
  CHECK(course.part_done(50'000) < 0.03);  // nothing is learned from yet
  CHECK(course.part_done(275'000) == doctest::Approx(0.5).epsilon(0.05));
  CHECK(course.part_done(500'000) < 1);  // fresh episodes follow
  CHECK(course.part_done(500'000) > 0.97);
}

TEST_CASE("finished trainings correct predictions of their class most, and of wider ones") {
  const Plan plan = plan_of(
      "[[sweep]]\ntasks = [\"cartpole\", \"acrobot\"]\nalgorithms = [\"ppo\", \"bc\"]\n"
      "baselines = [\"mask/weights\"]\nseeds = 1\nrounds = 8\n");
  const auto training = [&](std::size_t chain, std::size_t round) {
    return plan.chains[chain].rounds[round];
  };
  CostModel costs;
  const CostModel untaught;
  const auto ratio = [&](TrainingIndex index) {
    return costs.seconds(plan, index) / untaught.seconds(plan, index);
  };
  const TrainingIndex dense = training(0, 0), sparse = training(0, 7), other = training(1, 0);
  CHECK(ratio(dense) == 1);
  const double error_before = costs.estimate(cost_class(plan, dense)).class_error;
  for (int i = 0; i < 20; ++i) costs.observe(cost_class(plan, dense), 2 * untaught.seconds(plan, dense));
  CHECK(ratio(dense) == doctest::Approx(2).epsilon(0.03));
  CHECK(ratio(sparse) > 1.7);  // same network, other density
  CHECK(ratio(sparse) < ratio(dense));
  CHECK(ratio(other) > 1.3);  // same machine
  CHECK(ratio(other) < ratio(sparse));
  CHECK(costs.estimate(cost_class(plan, dense)).class_error < error_before / 3);
  CHECK(costs.estimate(cost_class(plan, other)).class_error < error_before);
  costs.observe(cost_class(plan, dense), 0);
  costs.observe(cost_class(plan, dense), -1);
  CHECK(ratio(dense) == doctest::Approx(2).epsilon(0.03));
}

TEST_CASE("trainings under way tell the pace, and what they cost") {
  const Plan plan = plan_of(kCartPole);
  const CostClasses classes(plan);
  const CostModel costs;
  const double seconds = costs.seconds(plan, 0);
  const CostCourse& course = classes.of(0).course;
  // Ten times as long as was predicted for the first half, say a minute.
  TrainingUnderWay slow{.training = 0, .from_step = 0, .env_steps = 40'000, .seconds = 0};
  slow.seconds = 10 * seconds * course.part_done(40'000);
  const auto left = [&](const std::vector<TrainingUnderWay>& under_way) {
    return forecast_of_rest(plan, costs, Pace(), 4, {}, under_way);
  };
  const Forecast before = left({}), after = left({slow});
  CHECK(after.seconds > 4 * before.seconds);
  CHECK(after.high_seconds / after.low_seconds < before.high_seconds / before.low_seconds);
  // What is done is done: four chains, each half-way through its first round.
  std::vector<TrainingUnderWay> all;
  for (const Chain& chain : plan.chains) all.push_back({.training = chain.rounds[0], .env_steps = 40'000});
  CHECK(left(all).seconds == doctest::Approx(before.seconds - seconds * course.part_done(40'000)));
}

TEST_CASE("the pace is what time passes for a second of work") {
  Pace pace;
  CHECK(pace.factor() == 1);
  for (int i = 0; i < 50; ++i) pace.observe(3, 1);
  CHECK(pace.factor() == doctest::Approx(3).epsilon(0.1));
  pace.observe(0, 1);
  pace.observe(1, 0);
  CHECK(pace.factor() == doctest::Approx(3).epsilon(0.1));
  for (int i = 0; i < 50; ++i) pace.observe(1, 1);
  CHECK(pace.factor() < 1.2);
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
    const double machine = 0.2 * normal();
    CostModel costs;
    std::vector<double> left(classes.size());
    double truth = 0;
    for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
      const double seconds = CostModel().seconds(plan, i) * std::exp(machine + 0.15 * normal());
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
  CHECK(one.makespan.low_seconds < one.makespan.seconds / 1.3);  // nothing is known of this machine yet
  CHECK(one.makespan.high_seconds > one.makespan.seconds * 1.3);
  CHECK(one.core_hours_low < one.core_hours);
  CHECK(one.core_hours_high > one.core_hours);
  CHECK(one.shares.learning + one.shares.playing + one.shares.evaluation + one.shares.other ==
        doctest::Approx(1));
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
  CHECK(json["points"][0]["densities"].size() == 10);
  CHECK(json["points"][0]["weights"][0] == 17152);
  CHECK(json["points"][0]["weights"][9] == 2302);
  CHECK(json["core_hours_90_percent"][0] < json["core_hours"]);
  CHECK(json["by_ranks"][0]["ranks"] == 8);
  CHECK(json["by_ranks"].size() == 2);  // four chains gain nothing from more
  CHECK(!json.contains("cost"));
  const std::string text = to_text(rest);
  PlanSummary paid = rest;
  paid.per_core_hour = 100;
  CHECK(to_json(paid)["cost"] == doctest::Approx(100 * rest.core_hours));
  CHECK(to_text(paid, true).find("r09    13.421 %         2,302 weights") != std::string::npos);
  CHECK(text.find("cartpole.ppo.128-128.default") != std::string::npos);
  CHECK(text.find("40 (40 before equal ones are shared), 10 done") != std::string::npos);
  CHECK(text.find("3,200,000") != std::string::npos);
}

TEST_CASE("a plan says from which round on nothing may be left") {
  const PlanSummary summary = summarize(
      plan_of("[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"ppo\"]\nbaselines = [\"mask/weights\"]\n"
              "seeds = 1\nrounds = 30\n"),
      CostModel(), 1);
  // The last layer has 256 weights, of which 0.8^20 are fewer than 3. Of 4 * 128 * 128 * 2 paths 0.8^(3 k)
  // are left.
  CHECK(summary.points[0].empty_layer_round == 20);
  CHECK(summary.points[0].no_path_round == 18);
  CHECK(summarize(plan_of(kCartPole), CostModel(), 1).points[0].empty_layer_round == std::nullopt);
}

TEST_CASE("totals count teachers and what is shared") {
  const Plan plan =
      plan_of("[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"bc\"]\nseeds = 2\nrounds = 3\n");
  const PlanSummary summary = summarize(plan, CostModel{}, 2);
  CHECK(summary.chains == 8);
  CHECK(summary.trainings_total == 24 + 5);
  CHECK(summary.trainings_unique == 2 * (1 + 4 * 2) + 5);
  std::size_t trainings = 0;
  double hours = 0;
  for (const PlanSummary::Part& part : summary.parts) {
    trainings += part.trainings;
    hours += part.core_hours;
  }
  CHECK(summary.parts.size() == 2);  // students and their teachers
  CHECK(trainings == summary.trainings_unique);
  CHECK(hours == doctest::Approx(summary.core_hours));
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
