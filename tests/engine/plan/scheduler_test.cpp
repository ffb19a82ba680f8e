#include "engine/plan/scheduler.hpp"

#include "engine/sweep/failure_tracker.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <queue>
#include <stdexcept>

#include "envs/random.hpp"

using namespace impsweep;

namespace {

using Trainings = std::vector<ScheduledTraining>;

// Chains of rounds, one after the other.
Trainings chains(int count, int rounds, const std::function<double(int chain, int round)>& seconds) {
  Trainings trainings;
  for (int chain = 0; chain < count; ++chain)
    for (int round = 0; round < rounds; ++round) {
      ScheduledTraining training;
      training.seconds = seconds(chain, round);
      if (round > 0) training.dependencies = {static_cast<TrainingIndex>(trainings.size() - 1)};
      trainings.push_back(training);
    }
  return trainings;
}

Trainings line(int rounds) {
  return chains(1, rounds, [](int, int) { return 1.0; });
}

}  // namespace

TEST_CASE("the longest path goes first, ties by index") {
  // 0 -> 1 (1 + 5 s), 2 (4 s), 3 (4 s), 4 (9 s)
  Scheduler scheduler({{1, {}, false}, {5, {0}, false}, {4, {}, false}, {4, {}, false}, {9, {}, false}});
  CHECK(scheduler.path_seconds(0) == 6);
  CHECK(scheduler.assign(0) == 4);
  CHECK(scheduler.assign(1) == 0);
  CHECK(scheduler.assign(2) == 2);
  CHECK(scheduler.assign(3) == 3);
  CHECK_FALSE(scheduler.assign(4).has_value());
  scheduler.finished(0);
  CHECK(scheduler.assign(4) == 1);
  CHECK(scheduler.worker_of(1) == 4);
  CHECK(scheduler.running_on(2) == 2);
  CHECK_FALSE(scheduler.worker_of(0).has_value());
  CHECK_THROWS_AS(scheduler.assign(4), std::logic_error);
}

TEST_CASE("lower waves go first, and what they wait for with them") {
  // Two chains 0 -> 1 of wave 1 (heavy) and 2 -> 3 of wave 0; 3 also waits for 4, which claims to be late.
  Trainings trainings = {{9, {}, false}, {9, {0}, false}, {1, {}, false}, {1, {2, 4}, false}, {2, {}, false}};
  trainings[0].wave = trainings[1].wave = 1;
  trainings[4].wave = 1000;
  Scheduler scheduler(trainings);
  CHECK(scheduler.assign(0) == 4);
  CHECK(scheduler.assign(1) == 2);
  CHECK(scheduler.assign(2) == 0);
  scheduler.finished(2);
  scheduler.finished(4);
  scheduler.finished(0);
  scheduler.reprice(std::vector<double>(5, 1.0));
  CHECK(scheduler.assign(0) == 3);
  CHECK(scheduler.assign(1) == 1);
}

TEST_CASE("what is in the store is not run, even if its parent is missing") {
  Trainings trainings = line(4);
  trainings[0].done = trainings[2].done = true;
  Scheduler scheduler(trainings);
  CHECK(scheduler.counts().done == 2);
  CHECK(scheduler.counts().ready == 2);  // 1, and 3, whose parent is there
  CHECK(scheduler.path_seconds(1) == 2);
  CHECK(scheduler.assign(0) == 1);
  CHECK(scheduler.assign(1) == 3);
  scheduler.finished(1);
  scheduler.finished(3);
  CHECK(scheduler.finished_all());
}

TEST_CASE("a failure blocks what depends on it, and nothing else") {
  // 0 -> 1 -> 2; 3 -> 2 and 3 -> 4
  Scheduler scheduler({{1, {}, false}, {1, {0}, false}, {1, {1, 3}, false}, {1, {}, false}, {1, {3}, false}});
  CHECK(scheduler.assign(7) == 0);
  CHECK(scheduler.failed(0, "loss is not finite") == std::vector<TrainingIndex>{1, 2});
  CHECK(scheduler.state(2) == TrainingState::kBlocked);
  CHECK(scheduler.state(4) == TrainingState::kWaiting);
  CHECK(scheduler.failures().at(0).reason == "loss is not finite");
  CHECK(scheduler.failed(0, "again").empty());
  CHECK(scheduler.failures().size() == 1);
  CHECK(scheduler.assign(7) == 3);
  scheduler.finished(3);
  CHECK(scheduler.assign(7) == 4);
  scheduler.finished(4);
  CHECK(scheduler.finished_all());
  const Scheduler::Counts counts = scheduler.counts();
  CHECK(counts.done == 2);
  CHECK(counts.failed == 1);
  CHECK(counts.blocked == 2);
  CHECK(scheduler.eta_seconds(1) == 0);

  SUBCASE("until it is tried again") {
    scheduler.retry(0);
    CHECK(scheduler.failures().empty());
    CHECK(scheduler.counts().blocked == 0);
    for (const TrainingIndex expected : {0, 1, 2}) {
      CHECK(scheduler.assign(7) == expected);
      scheduler.finished(expected);
    }
    CHECK(scheduler.counts().done == 5);
  }
  SUBCASE("until somebody else has the result") {
    scheduler.finished(0);
    CHECK(scheduler.state(0) == TrainingState::kDone);
    CHECK(scheduler.state(1) == TrainingState::kReady);
    CHECK(scheduler.state(2) == TrainingState::kWaiting);
  }
}

TEST_CASE("a result that is gone is computed again, and what waits for it waits again") {
  // 0 -> 1 -> 3; 0 -> 2
  Scheduler scheduler({{1, {}, true}, {1, {0}, false}, {1, {0}, false}, {1, {1}, false}});
  CHECK(scheduler.counts().ready == 2);
  CHECK(scheduler.assign(7) == 1);
  scheduler.undone(0);
  CHECK(scheduler.counts().done == 0);
  CHECK(scheduler.state(2) == TrainingState::kWaiting);
  scheduler.released(1);
  CHECK(scheduler.state(1) == TrainingState::kWaiting);
  CHECK(scheduler.assign(7) == 0);
  CHECK_FALSE(scheduler.assign(8).has_value());
  scheduler.undone(0);  // it is not done
  scheduler.finished(0);
  for (const TrainingIndex expected : {1, 2, 3}) {
    CHECK(scheduler.assign(7) == expected);
    scheduler.finished(expected);
  }
  CHECK(scheduler.finished_all());
  scheduler.undone(1);
  CHECK(scheduler.assign(7) == 1);
  scheduler.finished(1);
  CHECK(scheduler.finished_all());
}

TEST_CASE("of two failures the other one still blocks") {
  Scheduler scheduler({{1, {}, false}, {1, {}, false}, {1, {0, 1}, false}});
  scheduler.assign(0);
  scheduler.assign(1);
  CHECK(scheduler.failed(0, "a") == std::vector<TrainingIndex>{2});
  CHECK(scheduler.failed(1, "b").empty());
  scheduler.retry(0);
  CHECK(scheduler.state(2) == TrainingState::kBlocked);
  CHECK(scheduler.counts().ready == 1);
  scheduler.retry(1);
  CHECK(scheduler.state(2) == TrainingState::kWaiting);
}

TEST_CASE("a student goes on without candidates that diverged, as long as one is left") {
  // 0, 1, 2 are candidates for the teacher of 3, on which 4 depends.
  const auto made = [] {
    Trainings trainings(3);
    trainings.push_back({1, {0, 1, 2}, false});
    trainings.push_back({1, {3}, false});
    trainings[3].candidates = 0;
    return Scheduler(trainings, 5, {{0, 1, 2}});
  };
  Scheduler scheduler = made();
  CHECK(scheduler.failed(0, "diverged", true).empty());
  CHECK(scheduler.has_diverged(0));
  CHECK(scheduler.failed(1, "diverged", true).empty());
  CHECK(scheduler.state(3) == TrainingState::kWaiting);
  scheduler.finished(2);
  CHECK(scheduler.state(3) == TrainingState::kReady);
  scheduler.retry(1);
  CHECK(scheduler.state(3) == TrainingState::kWaiting);
  scheduler.finished(1);
  CHECK(scheduler.state(3) == TrainingState::kReady);

  scheduler = made();  // the last one finishes, or diverges as well
  scheduler.finished(1);
  scheduler.finished(2);
  CHECK(scheduler.failed(0, "diverged", true).empty());
  CHECK(scheduler.state(3) == TrainingState::kReady);

  scheduler = made();
  for (const TrainingIndex candidate : {0, 1}) CHECK(scheduler.failed(candidate, "diverged", true).empty());
  CHECK(scheduler.failed(2, "diverged", true) == std::vector<TrainingIndex>{3, 4});
  CHECK(scheduler.finished_all());
  scheduler.finished(0);  // another run had more luck, under --retry-failed
  CHECK(scheduler.state(3) == TrainingState::kReady);
  CHECK(scheduler.state(4) == TrainingState::kWaiting);

  scheduler = made();  // a failure that is not the training's own doing leaves the choice open
  CHECK(scheduler.failed(0, "disk full") == std::vector<TrainingIndex>{3, 4});
}

TEST_CASE("a lost worker's training is ready again, and late results are welcome") {
  Scheduler scheduler(line(2), 3);
  CHECK(scheduler.assign(5) == 0);
  CHECK(scheduler.lost(5) == 0);
  CHECK_FALSE(scheduler.lost(5).has_value());
  CHECK(scheduler.assign(6) == 0);
  scheduler.finished(0);  // by either of them
  CHECK(scheduler.assign(6) == 1);
  scheduler.finished(0);  // the second report changes nothing
  CHECK(scheduler.state(1) == TrainingState::kRunning);
  scheduler.released(1);
  CHECK(scheduler.assign(8) == 1);
  CHECK(scheduler.failed(0, "late").empty());
  CHECK(scheduler.lost(8) == 1);
  CHECK(scheduler.assign(8) == 1);
  CHECK(scheduler.lost(8) == 1);
  CHECK(scheduler.assign(8) == 1);
  CHECK(scheduler.lost(8) == 1);
  CHECK(scheduler.state(1) == TrainingState::kFailed);
  CHECK(scheduler.failures().at(0).reason == "3 workers were lost while they ran it");
}

TEST_CASE("circles and unknown dependencies are refused") {
  CHECK_THROWS_AS(Scheduler({{1, {1}, false}, {1, {0}, false}}), std::logic_error);
  CHECK_THROWS_AS(Scheduler({{1, {7}, false}}), std::out_of_range);
  CHECK(Scheduler({}).finished_all());
}

TEST_CASE("predictions") {
  const Trainings trainings = chains(4, 3, [](int, int) { return 2.0; });
  CHECK(Scheduler(trainings).eta_seconds(2) == 12);
  CHECK(Scheduler(trainings).eta_seconds(100) == 6);
  CHECK(makespan_seconds(trainings, 1) == 24);
  CHECK(makespan_seconds(trainings, 2) == 12);
  CHECK(makespan_seconds(trainings, 100) == 6);
  CHECK(makespan_seconds({}, 3) == 0);
}

TEST_CASE("better predictions change what comes first") {
  Scheduler scheduler(
      Trainings{{.seconds = 1}, {.seconds = 2}, {.seconds = 3}, {.seconds = 1, .dependencies = {0}}});
  CHECK(scheduler.assign(1) == 2);
  scheduler.finished(2);
  CHECK(scheduler.eta_seconds(1) == 4);
  scheduler.reprice(std::vector<double>{1, 2, 100, 9});
  CHECK(scheduler.eta_seconds(1) == 12);  // what is done costs nothing
  CHECK(scheduler.path_seconds(0) == 10);
  CHECK(scheduler.assign(1) == 0);
  CHECK(scheduler.assign(2) == 1);
}

TEST_CASE("10,000 chains of 30 rounds on 1,000 workers that come and go") {
  constexpr int kChains = 10000, kRounds = 30, kWorkers = 1000;
  Stream random("simulation");
  // Predictions are off by up to a factor of two.
  std::vector<double> truth;
  const Trainings trainings = chains(kChains, kRounds, [&](int chain, int round) {
    const double predicted = (1 + chain % 7) * (round < 5 ? 3.0 : 1.0);
    truth.push_back(predicted * (0.5 + 1.5 * random.uniform()));
    return predicted;
  });
  double work = 0;
  for (const double seconds : truth) work += seconds;

  Scheduler scheduler(trainings, 1000);
  std::vector<int> times_run(trainings.size(), 0);
  std::vector<double> end_time(trainings.size(), -1);
  using Event = std::pair<double, int>;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  std::vector<int> idle;
  for (int worker = 0; worker < kWorkers; ++worker) idle.push_back(worker);
  double now = 0;
  std::size_t assignments = 0, losses = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (!scheduler.finished_all()) {
    while (!idle.empty()) {
      const auto training = scheduler.assign(idle.back());
      if (!training) break;
      ++assignments;
      for (const TrainingIndex dependency : trainings[*training].dependencies) {
        REQUIRE(end_time[dependency] >= 0);
        REQUIRE(end_time[dependency] <= now);
      }
      events.push({now + truth[*training], idle.back()});
      idle.pop_back();
    }
    REQUIRE_FALSE(events.empty());
    const int worker = events.top().second;
    now = events.top().first;
    events.pop();
    idle.push_back(worker);
    if (random.below(1000) == 0) {
      REQUIRE(scheduler.lost(worker).has_value());
      ++losses;
      continue;
    }
    const TrainingIndex training = *scheduler.running_on(worker);
    ++times_run[training];
    end_time[training] = now;
    scheduler.finished(training);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  for (const int times : times_run) REQUIRE(times == 1);
  CHECK(assignments == trainings.size() + losses);
  CHECK(scheduler.counts().done == trainings.size());
  CHECK(now < 1.02 * work / kWorkers);
  MESSAGE("makespan ", now / (work / kWorkers), " of the lower bound; ", 1e6 * seconds.count() / assignments,
          " us per assignment");
}

TEST_CASE("what another run works on is neither handed out nor forgotten") {
  Scheduler scheduler({{1, {}, false}, {2, {}, false}, {3, {1}, false}});
  REQUIRE(scheduler.assign(7) == 1u);
  scheduler.elsewhere(1);
  CHECK(scheduler.state(1) == TrainingState::kElsewhere);
  REQUIRE(scheduler.assign(7) == 0u);
  scheduler.finished(0);
  CHECK_FALSE(scheduler.assign(7));
  CHECK_FALSE(scheduler.finished_all());
  CHECK(scheduler.eta_seconds(1) == 5);
  scheduler.released(1);  // the other run gave it up
  REQUIRE(scheduler.assign(7) == 1u);
  scheduler.elsewhere(1);
  scheduler.finished(1);
  REQUIRE(scheduler.assign(7) == 2u);
  scheduler.finished(2);
  CHECK(scheduler.finished_all());
}

TEST_CASE("a training that loses too many workers fails with the evidence of each loss") {
  Scheduler scheduler({{1, {}, false}}, 2);
  scheduler.assign(1);
  scheduler.lost(1, "rank 1 (a, pid 5)");
  REQUIRE(scheduler.assign(2) == 0u);
  scheduler.lost(2, "rank 2 (b, pid 6)");
  REQUIRE(scheduler.failures().size() == 1);
  CHECK(scheduler.failures()[0].reason ==
        "2 workers were lost while they ran it: rank 1 (a, pid 5); rank 2 (b, pid 6)");
}

TEST_CASE("failures that may not come again are blamed on the training or on the rank") {
  FailureTracker tracker(3);
  CHECK(tracker.failed(1, 10));
  CHECK_FALSE(tracker.failed(2, 10));  // two ranks: the training
  FailureTracker other(3);
  CHECK(other.failed(1, 10));
  CHECK(other.failed(1, 11));
  CHECK_FALSE(other.set_aside(1));
  CHECK(other.failed(1, 12));
  CHECK(other.set_aside(1));  // three trainings in a row: the rank
  CHECK_FALSE(other.set_aside(2));
  FailureTracker mixed(3);
  for (int i = 0; i < 5; ++i) {
    mixed.failed(1, static_cast<TrainingIndex>(i));
    mixed.succeeded(1);
  }
  CHECK_FALSE(mixed.set_aside(1));
  CHECK_FALSE(FailureTracker(1).failed(0, 1));  // nobody else could try
  FailureTracker alone(1);
  for (TrainingIndex training = 0; training < 5; ++training) alone.failed(0, training);
  CHECK_FALSE(alone.set_aside(0));  // others may succeed
  for (TrainingIndex training = 5; training < 8; ++training) alone.failed(0, training, true);
  CHECK(alone.set_aside(0));  // what it computes is thrown away
  alone.succeeded(0);
  CHECK_FALSE(alone.set_aside(0));
}
