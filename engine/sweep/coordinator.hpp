// engine/sweep/coordinator.hpp - rank 0's part of a sweep: who trains what, and what is known about it. Pure
// logic: messages come and go by a Transport, the store is a Ledger, and the time is given, so that a
// simulation drives it as a sweep does.
//
//   rank       present -> lost (silent for lost_after) -> present (it was only slow) -> gone (said goodbye)
//   of a rank  idle -> assigned, by number -> idle (it answered, or says that it has nothing to do)
//
// A worker that sends nothing for `lost_after` counts as lost, and its training continues on another rank
// from its checkpoint. It may only have been slow: then it takes part again, and what it finished counts. A
// training that lost two ranks fails with the evidence. An assignment or an answer that went astray is
// noticed by the numbers that the worker's signs of life bear, and is made up for after `lost_after`.
// Trainings on which another run holds a lease are left to it, and checked until they are finished or free.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/plan/plan_summary.hpp"
#include "engine/plan/scheduler.hpp"
#include "engine/sweep/failure_tracker.hpp"
#include "engine/sweep/ledger.hpp"
#include "engine/sweep/messages.hpp"
#include "engine/sweep/progress.hpp"
#include "engine/sweep/transport.hpp"

namespace impsweep {

class Coordinator {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    bool by_seed = false;  // all of a seed before the next one's, instead of the heaviest chains first
    bool retry_failed = false;
    bool chaos = false;  // ranks are killed on purpose, so a training is not blamed for it
    std::chrono::milliseconds lost_after = std::chrono::seconds(30);
    std::function<Clock::time_point()> now = Clock::now;
    // Until this run is to stop; nothing without a limit.
    std::function<std::optional<Clock::duration>()> time_left = [] { return std::nullopt; };
  };
  // `wanted`: one flag per training; closed under dependencies. Trainings that the store has are done; those
  // that failed before for a reason that would come again are failed at once, unless they are to be tried
  // again.
  Coordinator(Transport&, const Plan&, Ledger&, const std::vector<bool>& wanted, const Options&);

  // Answers what has arrived, hands work to idle ranks, keeps journal, display and index. Called often.
  void process_events();

  // Workers that are alive and are given work.
  bool has_workers() const { return workers_ > 0; }
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
  // The store has vanished, or another directory has its name: nothing that is computed would be found.
  bool store_is_lost() const { return store_is_lost_; }

  // Tells every worker to stop. All have left when each has said goodbye, or was not heard of in time.
  void dismiss_workers();
  bool all_have_left();

  // Final index, journal entry and summary for people. Returns the exit code. `stopped`: why the run ends
  // before everything is done, e.g. "by the time limit" (empty: nobody is left to work); nothing if it was
  // not stopped.
  int conclude(const std::optional<std::string>& stopped);

  // True also if the lost ranks came back: this run then ends without waiting for anybody.
  bool ranks_were_lost() const { return losses_ > 0; }

  const Scheduler& scheduler() const { return scheduler_; }

 private:
  struct Running {
    TrainingIndex training = 0;
    std::int64_t env_steps = 0;
    double last_return = 0;
    // When its rank first said how far it is, where that was, and when it last said so.
    std::optional<std::int64_t> from_step = {};
    Clock::time_point from_time = {}, last_time = {};

    double seconds() const { return std::chrono::duration<double>(last_time - from_time).count(); }
  };
  struct Rank {
    enum class Presence : std::uint8_t { kPresent, kLost, kGone };
    Presence presence = Presence::kPresent;
    std::uint32_t assignment = 0;           // number of the last one that it was given
    std::uint32_t answered = 0;             // the last whose end is known
    Clock::time_point last_heard, at_odds;  // at_odds: since when it says that it has nothing to do
    bool is_at_odds = false;                // though it was given a training
    bool waits = false;                     // for work; it is in idle_
    std::string place;                      // host and process number, once it has said so
  };

  Rank& rank_of(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }
  bool takes_work(int rank) const;
  void fail(TrainingIndex, const Failure&);
  bool redo_missing_dependencies(TrainingIndex);
  void give_back(int rank, TrainingIndex);
  void finished(const Message&);
  void finished_elsewhere(TrainingIndex);
  bool failed(const Message&);
  void note_sign_of_life(const Message&);
  void note_idleness(const Message&);
  void note_answer(const Message&);
  void note_goodbye(int rank);
  void set_presence(int rank, Rank::Presence);
  void set_waits(int rank, bool);
  void detect_lost_ranks();
  void lose(int rank);
  void check_other_runs();
  bool worth_starting() const;
  void dispatch();
  void update_index();
  void update_forecast();
  void send_heartbeat();
  SweepProgress progress() const;
  std::size_t ranks_at_work() const;
  std::size_t results_absent() const;  // done, and not in the store
  std::size_t ranks_that_stay() const;

  Transport& transport_;
  const Plan& plan_;
  Ledger& ledger_;
  Options options_;
  std::vector<bool> is_wanted_;  // by training
  std::size_t wanted_ = 0, unwanted_ = 0, done_now_ = 0;
  CostModel cost_model_;
  Pace pace_;  // of this run
  CostClasses cost_classes_;
  Scheduler scheduler_;
  FailureTracker failure_tracker_;
  std::vector<Rank> ranks_;
  std::size_t workers_ = 0;            // ranks that are present and are given work
  std::size_t present_ = 0;            // worker ranks that are present
  std::set<int> idle_;                 // of those, the ones that wait for work; by set_waits()
  std::map<int, Running> running_;     // by rank
  std::set<TrainingIndex> elsewhere_;  // another run's
  std::size_t done_elsewhere_ = 0, losses_ = 0;
  std::size_t not_in_index_ = 0, results_ = 0;  // results since the index was written; all that it would hold
  bool forecast_is_old_ = true, store_is_lost_ = false, has_met_others_ = false;
  std::int64_t env_steps_done_ = 0;  // of trainings that this run finished
  // When what is left will be done, and the factor that a twentieth of all such forecasts is wrong by.
  struct Eta {
    Clock::time_point end;
    double factor = 1;
  };
  std::optional<Eta> eta_;
  Forecast predicted_;  // at the start
  Clock::time_point start_, last_index_, next_forecast_, last_heartbeat_, last_list_,
      next_check_of_other_runs_, next_search_for_lost_, dismissed_, last_dismissal_;
};

}  // namespace impsweep
