// engine/sweep/coordinator.hpp - rank 0's part of a sweep: who trains what, and what is known about it.
//
// A worker that sends nothing for `lost_after` counts as lost, and its training continues on another rank
// from its checkpoint. It may only have been slow: then it takes part again, and what it finished counts. A
// training that lost two ranks fails with the evidence. Trainings on which another run holds a lease are left
// to it, and checked until they are finished or free.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/plan/plan_summary.hpp"
#include "engine/plan/scheduler.hpp"
#include "engine/store/index.hpp"
#include "engine/store/journal.hpp"
#include "engine/sweep/failure_tracker.hpp"
#include "engine/sweep/messages.hpp"
#include "engine/sweep/progress.hpp"
#include "engine/sweep/ticker.hpp"
#include "engine/sweep/transport.hpp"
#include "io/lease.hpp"

namespace impsweep {

class Coordinator {
 public:
  // `wanted`: one flag per training; closed under dependencies. Trainings that the store has are done; those
  // that failed before for a reason that would come again are failed at once, unless they are to be tried
  // again.
  struct Options {
    bool retry_failed = false;
    bool chaos = false;  // ranks are killed on purpose, so a training is not blamed for it
    std::chrono::milliseconds lost_after = std::chrono::seconds(30);
  };
  Coordinator(Transport&, const Plan&, const Store&, const std::vector<bool>& wanted, const Options&);

  // Answers what has arrived, hands work to idle ranks, keeps journal, display and index. Called often.
  void process_events();

  // Workers that are alive and are given work.
  bool has_workers() const;
  bool is_set_aside(int rank) const { return failure_tracker_.set_aside(rank); }
  // No rank is given work any more, and not because all died: going on would change nothing.
  bool nothing_succeeds() const;

  // Rank 0 takes a training for itself, and tells its end by handle().
  std::optional<TrainingIndex> take(int rank);
  void handle(const Message&);

  // Candidates for the student's teacher that have diverged, and are not to be chosen among.
  std::vector<TrainingIndex> diverged_candidates(TrainingIndex student) const;

  // How far the training is that runs on this rank.
  void note_progress(int rank, std::int64_t env_steps, double last_return);

  bool finished() const { return scheduler_.finished_all(); }

  // Tells every worker to stop and waits until all have said goodbye.
  void dismiss_workers();

  // Final index, journal entry and summary for people. Returns the exit code.
  int conclude(bool stopped);

  // True also if the lost ranks came back: this run then ends without waiting for anybody.
  bool ranks_were_lost() const { return losses_ > 0; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {
    TrainingIndex training = 0;
    std::int64_t env_steps = 0;
    double last_return = 0;
    // When its rank first said how far it is, where that was, and when it last said so.
    std::optional<std::int64_t> from_step = {};
    Clock::time_point from_time = {}, last_time = {};

    double seconds() const { return std::chrono::duration<double>(last_time - from_time).count(); }
  };

  void fail(TrainingIndex, const Failure&);
  bool redo_missing_dependencies(TrainingIndex);
  void give_back(const Message&);
  void finished(const Message&);
  void finished_elsewhere(TrainingIndex);
  void note_summary(const TrainingId&, const RoundSummary&);
  void note_sign_of_life(const Message&);
  void detect_lost_ranks();
  void check_other_runs();
  bool worth_starting() const;
  void dispatch();
  void update_index();
  void update_forecast();
  SweepProgress progress() const;
  std::size_t ranks_at_work() const;
  std::size_t results_absent() const;  // done, and not in the store

  Transport& transport_;
  const Plan& plan_;
  const Store& store_;
  std::vector<bool> is_wanted_;  // by training
  std::size_t wanted_ = 0, unwanted_ = 0, done_now_ = 0;
  StoreContents contents_;  // of all jobs in the store, for the index
  CostModel cost_model_;
  Pace pace_;  // of this run
  CostClasses cost_classes_;
  Scheduler scheduler_;
  Journal journal_;
  Leases leases_;
  FailureTracker failure_tracker_;
  Options options_;
  ProgressDisplay display_;
  StoreIndex index_;
  std::vector<TrainingIndex> not_in_index_;  // finished since the index was written
  std::set<int> idle_, present_;  // worker ranks that wait for work; that are alive and have not said goodbye
  std::set<int> gone_;            // have said goodbye
  std::map<int, Running> running_;  // by rank
  std::map<int, Clock::time_point> last_heard_;
  std::map<int, std::string> place_;   // host and process number of ranks, once they have said it
  std::set<TrainingIndex> elsewhere_;  // another run's
  std::size_t done_elsewhere_ = 0, losses_ = 0;
  std::int64_t env_steps_done_ = 0;  // of trainings that this run finished
  // When what is left will be done, and the factor that a twentieth of all such forecasts is wrong by.
  struct Eta {
    Clock::time_point end;
    double factor = 1;
  };
  std::optional<Eta> eta_;
  Forecast predicted_;  // at the start
  Clock::time_point start_, next_index_, next_forecast_, last_heartbeat_, last_check_of_other_runs_;
  Ticker lease_ticker_;  // last: it ends before the leases do
};

}  // namespace impsweep
