// engine/store/journal.hpp - what happened in a store: starts, ends, failures and heartbeats of every run, as
// events in its logs. Results never depend on it; status, failures and running trainings are read from it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/plan/plan.hpp"
#include "io/event_log.hpp"
#include "io/store.hpp"

namespace impsweep {

struct Failure {
  std::string reason;
  bool deterministic = true;  // would fail again, so it is repeated on request only
  bool diverged = false;      // as a training: no weight was finite, nothing was learned
};

struct RunningTraining {
  TrainingId digest;
  int rank = 0;
  std::int64_t env_steps = 0;
  double last_return = 0;
  // Since its rank first said how far it is: where that was, and how long it took to get here.
  std::int64_t from_step = 0;
  double seconds = 0;
  std::vector<double> returns = {};  // read from a log: that of each heartbeat at which it had gone on
};

// One run writes one log.
class Journal {
 public:
  Journal(const Store&, int ranks);

  const std::string& run() const { return run_; }  // names this run; unique among machines

  // When this run expects to be done; less than low and more than high have a probability of 5 % each.
  void run_predicted(double seconds, double low_seconds, double high_seconds);
  void training_started(const TrainingId&, int rank);
  void training_done(const TrainingId&, double wall_seconds);
  void training_failed(const TrainingId&, const Failure&);
  void rank_lost(int rank, const std::string& evidence);
  void heartbeat();  // this run is alive
  // The same, with what has changed since: all that runs now.
  void heartbeat(const std::vector<RunningTraining>&, double env_steps_per_second);
  void run_ended(const std::string& outcome);  // "complete", "failed", "stopped"

 private:
  static std::string unique_run_name();
  std::string run_;
  EventWriter writer_;
};

// How long a run expected to take, and took.
struct RunRecord {
  std::string run;
  int ranks = 1;
  double predicted_seconds = 0, low_seconds = 0, high_seconds = 0, seconds = 0;
};

// The logs of a store, read.
struct History {
  std::map<TrainingId, Failure> failures;  // of trainings that failed and were not finished since
  std::vector<RunningTraining> running;    // of runs that were heard of lately
  int live_runs = 0, live_ranks = 0;
  double env_steps_per_second = 0;   // of live runs
  std::vector<RunRecord> completed;  // runs that had work and ended with everything done, by their end
};
History read_history(const Store&);

}  // namespace impsweep
