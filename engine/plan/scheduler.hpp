// engine/plan/scheduler.hpp - which training runs next, as pure logic: no MPI, no clock, no files.
//
//             dependencies done         assign               finished
//   waiting ---------------------> ready -------> running ------------> done
//      |                             ^               | lost, released
//      | a dependency failed         +---------------+ (after `crash_limit` losses: failed)
//      v                                             | failed
//   blocked                                       failed
//
// A running training may turn out to be another run's: it is then `elsewhere` until it is released or done.
//
// A student waits for all candidates for its teacher. One that has diverged would do so again: the student
// goes on without it, and is blocked only if no candidate is left.
//
// Ready trainings run in the order of their waves; of equal ones the one with the longest
// predicted path behind it; ties go to the lower index. All calls take O(log n), except failed() and retry(),
// which visit what depends on the training.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/plan/plan.hpp"

namespace impsweep {

struct ScheduledTraining {
  double seconds = 0;                            // predicted
  std::vector<TrainingIndex> dependencies = {};  // without duplicates, no cycles
  bool done = false;                             // already in the store
  std::optional<std::uint32_t> candidates = {};  // which of the choices it makes of its dependencies
  // Lower ones come first; what others depend on is of the lowest wave of theirs, whatever stands here.
  std::int64_t wave = 0;
};
using Candidates = std::vector<TrainingIndex>;

enum class TrainingState : std::uint8_t { kWaiting, kReady, kRunning, kElsewhere, kDone, kFailed, kBlocked };

class Scheduler {
 public:
  // `choices`: what ScheduledTraining::candidates is an index into.
  explicit Scheduler(std::vector<ScheduledTraining>, int crash_limit = 5,
                     std::vector<Candidates> choices = {});

  // The next training for an idle worker; nothing if none is ready.
  std::optional<TrainingIndex> assign(int worker);

  // The result is in the store, whoever computed it: valid in every state.
  void finished(TrainingIndex);

  // The training cannot be done. Returns what is newly blocked by it. Without effect on a training that is
  // done. `diverged`: by its own doing, so that it never can.
  std::vector<TrainingIndex> failed(TrainingIndex, const std::string& reason, bool diverged = false);

  // The worker is gone; its training is ready again, or failed if it lost too many workers, with all the
  // evidence as reason. Returns the training.
  std::optional<TrainingIndex> lost(int worker, const std::string& evidence = "");

  // The worker gave its training back unfinished, or another run did.
  void released(TrainingIndex);

  // Another run works on the training that was just assigned.
  void elsewhere(TrainingIndex);

  // Better predictions, one for each training.
  void reprice(std::span<const double> seconds);

  // The result of a training that was done is gone from the store: it is to be done again, and what has not
  // been started waits for it.
  void undone(TrainingIndex);

  // A failed training is tried again, and what it blocked waits again.
  void retry(TrainingIndex);

  TrainingState state(TrainingIndex training) const { return trainings_[training].state; }
  bool has_diverged(TrainingIndex training) const { return trainings_[training].diverged; }
  std::optional<int> worker_of(TrainingIndex) const;
  std::optional<TrainingIndex> running_on(int worker) const;

  struct Failure {
    TrainingIndex training;
    std::string reason;
  };
  // In the order of their occurrence.
  const std::vector<Failure>& failures() const { return failures_; }

  struct Counts {
    std::size_t total = 0, waiting = 0, ready = 0, running = 0, elsewhere = 0, done = 0, failed = 0,
                blocked = 0;
  };
  Counts counts() const;

  // Nothing is ready, running here or elsewhere, or can become so.
  bool finished_all() const {
    return counts_.waiting + counts_.ready + counts_.running + counts_.elsewhere == 0;
  }

  // Predicted seconds until then: the work left divided by the number of workers, or the longest path left,
  // if that is longer. Running trainings count in full. O(n).
  double eta_seconds(int workers) const;

  // Predicted seconds from the start of a training to the end of the longest chain of trainings after it.
  double path_seconds(TrainingIndex training) const { return trainings_[training].path_seconds; }

 private:
  struct Training {
    double seconds = 0, path_seconds = 0;
    std::uint32_t unfinished = 0;  // dependencies that are not done
    std::uint32_t losses = 0;
    TrainingState state = TrainingState::kWaiting;
    std::uint32_t first_dependant = 0;  // into dependants_
    TrainingIndex cause = 0;            // of a blocked training: the failed one that it waits for in vain
    std::optional<std::uint32_t> candidates;  // into choices_
    bool diverged = false;
    int worker = -1;
    std::int64_t wave = 0;
  };
  struct Place {
    std::int64_t wave;
    double path_seconds;
    TrainingIndex training;
    bool operator<(const Place& other) const {  // the largest comes first out of the queue
      if (wave != other.wave) return wave > other.wave;
      if (path_seconds != other.path_seconds) return path_seconds < other.path_seconds;
      return training > other.training;
    }
  };
  std::span<const TrainingIndex> dependants_of(TrainingIndex) const;
  void find_paths();
  void change_state(TrainingIndex, TrainingState);
  Place place_of(TrainingIndex) const;
  void make_ready(TrainingIndex);
  void leave_worker(TrainingIndex);
  bool goes_on_without(TrainingIndex dependant, TrainingIndex diverged) const;
  void dependency_is_settled(TrainingIndex dependant);
  void wait_again(TrainingIndex dependant);
  void block_dependants(TrainingIndex cause, std::vector<TrainingIndex>& blocked);
  std::size_t& count_of(TrainingState);

  std::vector<Training> trainings_;
  std::vector<TrainingIndex> order_;       // every training after those that it depends on
  std::vector<TrainingIndex> dependants_;  // grouped by training
  std::vector<Candidates> choices_;
  std::priority_queue<Place> ready_;  // may hold trainings that are no longer ready
  std::unordered_map<int, TrainingIndex> by_worker_;
  std::vector<Failure> failures_;
  std::unordered_map<TrainingIndex, std::string> evidence_;  // of losses
  Counts counts_;
  std::uint32_t crash_limit_;
};

// Seconds until all trainings are done on this many workers, if the predictions (one for each training) are
// exact.
double makespan_seconds(Scheduler, std::span<const double> seconds, int workers);
double makespan_seconds(std::vector<ScheduledTraining>, int workers);

}  // namespace impsweep
