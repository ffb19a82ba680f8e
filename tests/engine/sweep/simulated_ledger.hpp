// tests/engine/sweep/simulated_ledger.hpp - a store in memory for simulated sweeps, which other runs work on
// too, and which keeps what rank 0 did and notes what it must never do.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/sweep/ledger.hpp"

namespace impsweep::testing {

class SimulatedLedger final : public Ledger {
 public:
  explicit SimulatedLedger(const Plan& plan)
      : plan_(plan), stored(plan.trainings.size(), false), finished(stored) {}

  // ---- builders

  // Another run holds the lease for so long, and may store the result at its end.
  SimulatedLedger& leased_elsewhere(TrainingIndex training, double until, bool finishes) {
    others_[training] = {until, finishes};
    return *this;
  }
  SimulatedLedger& with_result(TrainingIndex training) {
    stored[training] = finished[training] = true;
    return *this;
  }
  SimulatedLedger& failed_before(TrainingIndex training, bool deterministic) {
    failures_before_[training] = {.reason = "it failed before", .deterministic = deterministic};
    return *this;
  }
  void set_clock(std::function<double()> now) { now_ = std::move(now); }

  // ---- the ledger

  std::vector<bool> finished_before() const override { return finished; }
  CostModel learned_costs() const override { return {}; }
  std::map<TrainingIndex, Failure> earlier_failures() const override { return failures_before_; }
  bool has(TrainingIndex training) override {
    const auto other = others_.find(training);
    if (other != others_.end() && other->second.finishes && now_() >= other->second.until)
      stored[training] = true;
    return stored[training];
  }
  std::optional<RoundSummary> read(TrainingIndex training) override {
    if (!has(training)) return std::nullopt;
    return RoundSummary();
  }
  void add(TrainingIndex training, const RoundSummary&) override {
    if (!stored[training]) violations.push_back(fmt::format("{} is in the index and not stored", training));
  }
  void remove(TrainingIndex) override {}
  std::vector<bool> results() override {
    for (TrainingIndex i = 0; i < stored.size(); ++i) has(i);
    return stored;
  }
  bool is_there() override { return now_() < vanishes_at; }
  bool take_lease(TrainingIndex training) override {
    const auto other = others_.find(training);
    if (other != others_.end() && now_() < other->second.until) return false;
    leases.insert(training);
    return true;
  }
  void release_lease(TrainingIndex training) override { leases.erase(training); }
  void run_predicted(const Forecast&) override {}
  void training_started(TrainingIndex training, int rank) override {
    log.push_back(fmt::format("{:9.3f} {} starts on rank {}", now_(), training, rank));
    ++started[training];
    if (!leases.contains(training)) violations.push_back(fmt::format("{} starts without a lease", training));
    if (stored[training]) violations.push_back(fmt::format("{} starts, and is stored", training));
    for (const TrainingIndex dependency : plan_.dependencies(training))
      if (!stored[dependency] && !failures.contains(dependency))
        violations.push_back(fmt::format("{} starts before {} is done", training, dependency));
  }
  void training_done(TrainingIndex training, double) override {
    log.push_back(fmt::format("{:9.3f} {} is done", now_(), training));
    if (++done[training] > 1) violations.push_back(fmt::format("{} is done twice", training));
    if (!stored[training]) violations.push_back(fmt::format("{} is done and not stored", training));
    failures.erase(training);
  }
  void training_failed(TrainingIndex training, const Failure& failure) override {
    log.push_back(fmt::format("{:9.3f} {} failed: {}", now_(), training, failure.reason));
    if (failure.reason.empty()) violations.push_back(fmt::format("{} failed without a reason", training));
    if (!failures.emplace(training, failure).second)
      violations.push_back(fmt::format("{} failed twice", training));
  }
  void rank_lost(int rank, const std::string& evidence) override {
    log.push_back(fmt::format("{:9.3f} lost: {}", now_(), evidence));
    lost.insert(rank);
    ++losses;
  }
  void heartbeat() override { ++heartbeats; }
  void heartbeat(const std::vector<RunningTraining>&, double) override { ++heartbeats; }
  void run_ended(const std::string& outcome) override { outcomes.push_back(outcome); }
  void update_index() override {}
  void write_index() override {}
  std::string return_tables() const override { return ""; }
  std::size_t without_path() const override { return 0; }
  std::string name() const override { return "simulated"; }
  void say(const std::string& line) override {
    log.push_back(fmt::format("{:9.3f} \"{}\"", now_(), line));
    said.push_back(line);
  }
  bool display_is_due() const override { return keeps_progress; }
  void show(const SweepProgress& progress) override { shown.emplace_back(now_(), progress); }

  bool has_said(const std::string& part) const {
    for (const std::string& line : said)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }

 private:
  struct Other {
    double until;
    bool finishes;
  };
  const Plan& plan_;
  std::function<double()> now_ = [] { return 0.0; };
  std::map<TrainingIndex, Other> others_;
  std::map<TrainingIndex, Failure> failures_before_;

 public:
  std::vector<bool> stored, finished;
  std::set<TrainingIndex> leases;  // of this run
  std::map<TrainingIndex, int> started, done;
  std::map<TrainingIndex, Failure> failures;
  std::set<int> lost;
  int losses = 0, heartbeats = 0;
  double vanishes_at = 1e300;
  bool keeps_progress = false;
  std::vector<std::pair<double, SweepProgress>> shown;  // with their seconds
  std::vector<std::string> outcomes, said, violations, log;
};

}  // namespace impsweep::testing
