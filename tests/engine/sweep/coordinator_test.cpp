#include "engine/sweep/coordinator.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>

#include "engine/exit_code.hpp"
#include "engine/sweep/simulation.hpp"
#include "simulated_ledger.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

using End = SimulatedAttempt::End;
using Incident = SimulatedIncident::Kind;

Plan plan_of(const std::string& text) {
  const JobFile job = parse_job(text, "job.toml");
  return make_plan(std::span(&job, 1));
}

// Chains one after the other, rounds beside each other, and students that wait for two candidates.
const Plan& chains_and_students() {
  static const Plan plan = plan_of(R"(
[[sweep]]
name = "chains"
tasks = ["cartpole"]
algorithms = ["ppo"]
baselines = ["mask/weights", "random/re-init"]
seeds = 2
rounds = 3
[[sweep]]
name = "students"
tasks = ["cartpole"]
algorithms = ["bc"]
baselines = ["mask/weights"]
seeds = 2
rounds = 2
bc.teacher_candidates = 2
)");
  return plan;
}

const Plan& one_chain() {
  static const Plan plan = plan_of(R"(
[[sweep]]
name = "chain"
tasks = ["cartpole"]
algorithms = ["ppo"]
baselines = ["mask/weights"]
seeds = 1
rounds = 3
)");
  return plan;
}

const Plan& many_alone() {
  static const Plan plan = plan_of(R"(
[[sweep]]
name = "alone"
tasks = ["cartpole"]
algorithms = ["ppo"]
baselines = ["mask/weights"]
seeds = 12
rounds = 1
)");
  return plan;
}

// A plan, its store and the conditions of a run, which are set piece by piece.
class Scenario {
 public:
  explicit Scenario(const Plan& plan) : ledger(plan), plan_(plan) {
    conditions.lost_after = 2;
    conditions.heartbeat_interval = 0.33;
    conditions.longest = 2000;
    conditions.attempt = [this](TrainingIndex training, int rank) {
      const auto special = attempts_.find({training, rank});
      if (special != attempts_.end()) return special->second;
      const auto everywhere = attempts_.find({training, kEverywhere});
      return everywhere != attempts_.end() ? everywhere->second : usual;
    };
    conditions.store_result = [this](TrainingIndex training) { ledger.stored[training] = true; };
  }
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;

  static constexpr int kEverywhere = -1;
  Scenario& ranks(int ranks, bool rank_zero_works = false) {
    conditions.ranks = ranks;
    conditions.rank_zero_works = rank_zero_works;
    return *this;
  }
  Scenario& incident(double time, int rank, Incident kind) {
    conditions.incidents.push_back({time, rank, kind});
    return *this;
  }
  Scenario& training(TrainingIndex training, SimulatedAttempt attempt, int rank = kEverywhere) {
    attempts_[{training, rank}] = attempt;
    return *this;
  }

  SimulatedOutcome run() {
    Simulation simulation(plan_, ledger, std::vector<bool>(plan_.trainings.size(), true), conditions);
    ledger.set_clock([&] { return simulation.now(); });
    const SimulatedOutcome outcome = simulation.run();
    for (TrainingIndex i = 0; i < plan_.trainings.size(); ++i)
      states.push_back(simulation.coordinator().scheduler().state(i));
    return outcome;
  }

  SimulatedLedger ledger;
  SimulatedConditions conditions;
  SimulatedAttempt usual;
  std::vector<TrainingState> states;  // of the trainings, at the end

 private:
  const Plan& plan_;
  std::map<std::pair<TrainingIndex, int>, SimulatedAttempt> attempts_;
};

}  // namespace

TEST_CASE("alone and with workers, every training is computed once") {
  for (const int ranks : {1, 2, 3, 20})
    for (const bool works : {false, true}) {
      Scenario scenario(chains_and_students());
      const SimulatedOutcome outcome = scenario.ranks(ranks, works).run();
      const std::size_t trainings = chains_and_students().trainings.size();
      CHECK(outcome.exit_code == kComplete);
      CHECK(outcome.done == trainings);
      CHECK(scenario.ledger.done.size() == trainings);
      CHECK(scenario.ledger.violations == std::vector<std::string>());
      CHECK(outcome.ended_together == static_cast<std::size_t>(ranks - 1));
      CHECK(scenario.ledger.outcomes == std::vector<std::string>{"complete"});
    }
}

TEST_CASE("the time left follows what runs, before any training has ended") {
  // Twelve trainings on three workers, each of them far slower than was predicted.
  constexpr double kSeconds = 600, kWhole = 4 * kSeconds;
  Scenario scenario(many_alone());
  scenario.usual.seconds = kSeconds;
  scenario.conditions.longest = 2 * kWhole;
  scenario.ledger.keeps_progress = true;
  CHECK(scenario.ranks(4).run().exit_code == kComplete);
  double width = 1e300;
  int looks = 0;
  for (const auto& [time, progress] : scenario.ledger.shown) {
    if (time < 0.2 * kSeconds || time > 0.9 * kSeconds) continue;
    CAPTURE(time);
    CHECK(progress.done == 0);
    CHECK(progress.eta_seconds > 0.8 * (kWhole - time));
    CHECK(progress.eta_seconds < 1.25 * (kWhole - time));
    CHECK(progress.eta_factor < 1.05 * width);  // it tightens
    width = std::min(width, progress.eta_factor);
    ++looks;
  }
  CHECK(looks > 10);
}

TEST_CASE("many ranks say more rarely that they are alive, and often enough") {
  using std::chrono::milliseconds;
  CHECK(sign_of_life_interval(milliseconds(30'000), 1) == milliseconds(5000));
  CHECK(sign_of_life_interval(milliseconds(30'000), 1000) == milliseconds(5000));
  CHECK(sign_of_life_interval(milliseconds(30'000), 1500) == milliseconds(7500));
  CHECK(sign_of_life_interval(milliseconds(30'000), 1'000'000) == milliseconds(10'000));
  CHECK(sign_of_life_interval(milliseconds(100), 4) == milliseconds(16));
}

TEST_CASE("the training of a dead rank goes on elsewhere, and the others part without waiting") {
  Scenario scenario(many_alone());
  scenario.usual.seconds = 3;
  const SimulatedOutcome outcome = scenario.ranks(4).incident(1, 2, Incident::kDie).run();
  CHECK(outcome.exit_code == kComplete);
  CHECK(scenario.ledger.lost == std::set<int>{2});
  CHECK(scenario.ledger.done.size() == 12);
  CHECK(outcome.ended_alone == 2);
  CHECK(scenario.ledger.has_said("LOST    rank 2 (simulated) fell silent"));
}

TEST_CASE("a rank that was frozen takes part again, also if it had nothing to do") {
  SUBCASE("while it trains: its result counts, and it gets more") {
    Scenario scenario(many_alone());
    scenario.usual.seconds = 3;
    scenario.ranks(2).incident(1, 1, Incident::kFreeze).incident(8, 1, Incident::kWake);
    scenario.conditions.rank_zero_works = true;
    const SimulatedOutcome outcome = scenario.run();
    CHECK(outcome.exit_code == kComplete);
    CHECK(scenario.ledger.has_said("rank 1 was slow, not dead"));
    CHECK(scenario.ledger.violations == std::vector<std::string>());
    CHECK(outcome.ended_alone == 1);
  }
  SUBCASE("while it waits: the only worker that is left is given the next training") {
    Scenario scenario(one_chain());
    scenario.usual.seconds = 6;
    // Rank 2 waits, falls silent, comes back; then rank 1 dies.
    const SimulatedOutcome outcome = scenario.ranks(3)
                                         .incident(1, 2, Incident::kFreeze)
                                         .incident(4, 2, Incident::kWake)
                                         .incident(5, 1, Incident::kDie)
                                         .run();
    CHECK(outcome.exit_code == kComplete);
    CHECK(scenario.ledger.done.size() == 3);
  }
}

TEST_CASE("a training that kills two ranks is named, and the others are done") {
  Scenario scenario(chains_and_students());
  const TrainingIndex killer = chains_and_students().chains.front().rounds[1];
  const SimulatedOutcome outcome = scenario.ranks(5).training(killer, {1, End::kCrash}).run();
  CHECK(outcome.exit_code == kFailed);
  CHECK(scenario.ledger.failures.size() == 1);
  CHECK(scenario.ledger.failures.at(killer).reason.find("2 workers were lost while they ran it") == 0);
  CHECK(scenario.ledger.losses == 2);
  CHECK(scenario.ledger.done.size() ==
        chains_and_students().trainings.size() - 2);  // the round after it waits
}

TEST_CASE("a full disk on one rank sets it aside, and costs no training") {
  Scenario scenario(many_alone());
  for (TrainingIndex i = 0; i < 12; ++i) scenario.training(i, {1, End::kUnstored}, 1);
  const SimulatedOutcome outcome = scenario.ranks(3).run();
  CHECK(outcome.exit_code == kComplete);
  CHECK(scenario.ledger.has_said("rank 1 gets no more work"));
  CHECK(scenario.ledger.failures.empty());
}

TEST_CASE("a full disk everywhere ends the run soon, with the reason") {
  Scenario scenario(many_alone());
  scenario.usual.end = End::kUnstored;
  const SimulatedOutcome outcome = scenario.ranks(3).run();
  CHECK(outcome.exit_code == kFailed);
  CHECK(scenario.ledger.has_said("the disk is full"));
  int started = 0;
  for (const auto& [training, times] : scenario.ledger.started) started += times;
  CHECK(started <= 9);  // three on each worker, and what was tried again
}

TEST_CASE("what another run works on is left to it, and taken over when it gives up") {
  Scenario scenario(many_alone());
  scenario.ledger.leased_elsewhere(3, 20, true).leased_elsewhere(5, 30, false);
  const SimulatedOutcome outcome = scenario.ranks(3).run();
  CHECK(outcome.exit_code == kComplete);
  CHECK(scenario.ledger.started.count(3) == 0);
  CHECK(scenario.ledger.done.count(5) == 1);
  CHECK(outcome.seconds > 30);
  CHECK(scenario.ledger.has_said("1 by other runs"));
}

TEST_CASE("a lost assignment and a lost answer are made up for") {
  for (const double loss : {0.3, 0.6}) {
    int complete = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Scenario scenario(chains_and_students());
      scenario.conditions.loss = loss;
      scenario.conditions.seed = seed;
      const SimulatedOutcome outcome = scenario.ranks(3, true).run();
      CHECK_FALSE(outcome.broken_off);
      complete += outcome.exit_code == kComplete ? 1 : 0;
    }
    CHECK(complete >= (loss < 0.5 ? 19 : 10));
  }
}

TEST_CASE("a student goes on without a candidate that diverges, also if it fails for another reason") {
  const Plan& plan = chains_and_students();
  const TrainingIndex candidate = plan.choices.front().candidates.front();
  Scenario scenario(plan);
  scenario.training(candidate, {1, End::kDiverges});
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i)
    if (plan.trainings[i].teacher) scenario.training(i, {1, End::kFailsHere}, 1);
  const SimulatedOutcome outcome = scenario.ranks(3).run();
  CHECK_FALSE(outcome.broken_off);
  CHECK(scenario.ledger.failures.size() == 1);
  CHECK(scenario.ledger.done.size() == plan.trainings.size() - 1);
}

TEST_CASE("workers save and leave when rank 0 dies") {
  Scenario scenario(many_alone());
  scenario.usual.seconds = 100;
  const SimulatedOutcome outcome = scenario.ranks(4).incident(5, 0, Incident::kDie).run();
  CHECK_FALSE(outcome.exit_code.has_value());
  CHECK(outcome.lost_rank_zero == 3);
  CHECK(outcome.seconds < 5 + 2 + 1);
}

TEST_CASE("a stop gives trainings back, and says why") {
  Scenario scenario(many_alone());
  scenario.usual.seconds = 100;
  scenario.conditions.stop_at = 5;
  const SimulatedOutcome outcome = scenario.ranks(4, true).run();
  CHECK(outcome.exit_code == kStopped);
  CHECK(scenario.ledger.has_said("stopped by the time limit"));
  CHECK(outcome.seconds < 7);
  CHECK(outcome.ended_together == 3);
}

TEST_CASE("a store that vanishes ends the run, and nothing is written in its place") {
  Scenario scenario(many_alone());
  scenario.usual.seconds = 4;
  scenario.ledger.vanishes_at = 6;
  const SimulatedOutcome outcome = scenario.ranks(3, true).run();
  CHECK(outcome.exit_code == kFailed);
  CHECK(scenario.ledger.has_said("has vanished or was moved"));
  CHECK(scenario.ledger.outcomes.empty());
  CHECK(outcome.seconds < 20);
}

// ---- random schedules

namespace {

struct Draw {
  explicit Draw(std::uint64_t seed) : generator(seed) {}
  double uniform() { return static_cast<double>(generator() >> 11) * 0x1p-53; }
  bool chance(double probability) { return uniform() < probability; }
  int below(int count) { return static_cast<int>(uniform() * count); }
  std::mt19937_64 generator;
};

// Everything that a schedule is, drawn from its number, and what it must come to.
class RandomSchedule {
 public:
  explicit RandomSchedule(std::uint64_t seed)
      : draw_(seed * 2654435761 + 1),
        plan_(*std::array{&chains_and_students(), &many_alone(), &one_chain()}.at(
            static_cast<std::size_t>(draw_.below(3)))),
        scenario_(plan_) {
    const auto kind = seed % 4;  // 0: nothing goes wrong; 1: ranks; 2: the network too; 3: trainings too
    SimulatedConditions& conditions = scenario_.conditions;
    conditions.seed = seed;
    scenario_.ranks(1 + draw_.below(7), draw_.chance(0.5));
    draw_durations();
    if (kind >= 1) draw_incidents();
    if (kind >= 2) {
      conditions.keeps_order = draw_.chance(0.3);
      conditions.loss = draw_.chance(0.5) ? 0.3 * draw_.uniform() : 0;
      conditions.doubling = draw_.chance(0.5) ? 0.3 * draw_.uniform() : 0;
      conditions.lateness = draw_.chance(0.5) ? 0.2 * draw_.uniform() : 0;
    }
    if (kind >= 3) draw_failures();
    if (draw_.chance(0.3)) draw_other_run();
    if (draw_.chance(0.1)) conditions.stop_at = 8 * draw_.uniform();
    trouble_ = kind;
  }

  // What is wrong with it; empty if nothing is.
  std::vector<std::string> run() {
    const SimulatedOutcome outcome = scenario_.run();
    SimulatedLedger& ledger = scenario_.ledger;
    std::vector<std::string> wrong = ledger.violations;
    const auto require = [&](bool holds, const std::string& what) {
      if (!holds) wrong.push_back(what);
    };
    require(!outcome.broken_off, "somebody waits for ever");
    if (!outcome.exit_code) {
      require(rank_zero_dies_, "rank 0 does not end, and has not died");
      return wrong;
    }
    const int code = *outcome.exit_code;
    const std::vector<bool> stored = ledger.results();
    bool all_settled = true;
    for (TrainingIndex i = 0; i < plan_.trainings.size(); ++i) {
      const TrainingState state = scenario_.states[i];
      const bool is_done = state == TrainingState::kDone;
      const bool is_named = ledger.failures.contains(i) || named_before_.contains(i);
      require(!is_done || stored[i], fmt::format("{} counts as done and is not stored", i));
      require(!is_done || ledger.done[i] <= 1, fmt::format("{} is done twice", i));
      require(state != TrainingState::kFailed || is_named, fmt::format("{} failed and is not named", i));
      require(state != TrainingState::kRunning, fmt::format("{} still runs", i));
      all_settled =
          all_settled && (is_done || state == TrainingState::kFailed || state == TrainingState::kBlocked);
      if (trouble_ < 3 && state == TrainingState::kFailed)
        require(shaken_ranks_ >= 2 || trouble_ == 2, fmt::format("{} is blamed without a reason", i));
      if (trouble_ == 0) require(ledger.started[i] <= 1, fmt::format("{} starts twice", i));
    }
    const bool complete = std::ranges::all_of(
        scenario_.states, [](TrainingState state) { return state == TrainingState::kDone; });
    require((code == kComplete) == complete, fmt::format("exit code {}, complete: {}", code, complete));
    require(all_settled || code == kStopped || ledger.has_said("as no training succeeds on any rank"),
            "work is left, and nobody says why");
    require(code != kStopped || ledger.has_said("the same command again continues"),
            "stopped without a word");
    require(!all_settled || ledger.leases.empty(), "leases are kept at the end");
    require(ledger.outcomes.size() == 1, "the journal does not say how it ended");
    const bool is_stopped = scenario_.conditions.stop_at < 1e9;
    if (!is_stopped && (trouble_ == 0 || (trouble_ == 1 && shaken_ranks_ < 2)))
      require(code == kComplete, "it is not complete, though nothing stands in its way");
    if (trouble_ == 0) {
      require(ledger.losses == 0, "a rank is lost that was well");
      require(outcome.ended_together + 1 == static_cast<std::size_t>(scenario_.conditions.ranks),
              "a worker does not end with the others");
    }
    return wrong;
  }

  std::string text() const { return fmt::format("{}", fmt::join(scenario_.ledger.log, "\n")); }

 private:
  void draw_durations() {
    scenario_.usual.seconds = 0.1 + 2 * draw_.uniform();
    for (TrainingIndex i = 0; i < plan_.trainings.size(); ++i)
      scenario_.training(i, {0.05 + 3 * draw_.uniform() * draw_.uniform(), End::kDone});
  }
  void draw_incidents() {
    const int workers = scenario_.conditions.ranks - 1;
    for (int rank = 1; rank <= workers; ++rank) {
      if (!draw_.chance(0.4)) continue;
      ++shaken_ranks_;
      double time = 6 * draw_.uniform();
      if (draw_.chance(0.4)) {
        scenario_.incident(time, rank, Incident::kDie);
        continue;
      }
      scenario_.incident(time, rank, Incident::kFreeze);
      time += 6 * draw_.uniform();
      scenario_.incident(time, rank, Incident::kWake);
      if (draw_.chance(0.3)) scenario_.incident(time + 6 * draw_.uniform(), rank, Incident::kDie);
    }
    if (draw_.chance(0.05)) {
      rank_zero_dies_ = true;
      scenario_.incident(6 * draw_.uniform(), 0, Incident::kDie);
    }
  }
  void draw_failures() {
    constexpr std::array kEnds = {End::kFails, End::kDiverges, End::kFailsHere, End::kUnstored, End::kCrash};
    for (TrainingIndex i = 0; i < plan_.trainings.size(); ++i) {
      if (!draw_.chance(0.12)) continue;
      const End end = kEnds.at(static_cast<std::size_t>(draw_.below(kEnds.size())));
      const bool everywhere = draw_.chance(0.5);
      const int rank = everywhere ? Scenario::kEverywhere : draw_.below(scenario_.conditions.ranks);
      rank_zero_dies_ = rank_zero_dies_ || (end == End::kCrash && rank <= 0);
      scenario_.training(i, {1.5 * draw_.uniform(), end}, rank);
    }
    if (draw_.chance(0.2)) {  // a node with a full disk
      const int rank = draw_.below(scenario_.conditions.ranks);
      for (TrainingIndex i = 0; i < plan_.trainings.size(); ++i)
        scenario_.training(i, {draw_.uniform(), End::kUnstored}, rank);
    }
    for (TrainingIndex i = 0; i < plan_.trainings.size(); ++i)
      if (draw_.chance(0.02)) {
        const bool again = draw_.chance(0.5);
        scenario_.ledger.failed_before(i, again);
        if (again) named_before_.insert(i);
      }
  }
  void draw_other_run() {
    for (TrainingIndex i = 0; i < plan_.trainings.size(); ++i)
      if (draw_.chance(0.2)) scenario_.ledger.leased_elsewhere(i, 10 * draw_.uniform(), draw_.chance(0.6));
  }

  Draw draw_;
  const Plan& plan_;
  Scenario scenario_;
  std::uint64_t trouble_ = 0;
  int shaken_ranks_ = 0;
  bool rank_zero_dies_ = false;
  std::set<TrainingIndex> named_before_;
};

}  // namespace

TEST_CASE(
    "ten thousand random schedules: every training finishes once or is named, and nobody waits for ever") {
  if (const char* replayed = std::getenv("IMPSWEEP_SCHEDULE")) {
    RandomSchedule schedule(std::strtoull(replayed, nullptr, 10));
    const std::vector<std::string> wrong = schedule.run();
    MESSAGE(schedule.text());
    CHECK(wrong == std::vector<std::string>());
    return;
  }
  constexpr std::uint64_t kSchedules = 10'000;
  int failures = 0;
  for (std::uint64_t seed = 0; seed < kSchedules && failures < 5; ++seed) {
    const std::vector<std::string> wrong = RandomSchedule(seed).run();
    if (wrong.empty()) continue;
    ++failures;
    FAIL_CHECK(
        fmt::format("schedule {}: {}; IMPSWEEP_SCHEDULE={} shows it", seed, fmt::join(wrong, "; "), seed));
  }
}
