// engine/sweep/ledger.hpp - the store as rank 0 sees it: what is there, who works on what, and the books that
// are kept for people. The coordinator is written against this; StoreLedger (store_ledger.hpp) is a store on
// a disk, and a simulation has its own.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan/cost_model.hpp"
#include "engine/plan/plan_summary.hpp"
#include "engine/store/journal.hpp"
#include "engine/sweep/progress.hpp"
#include "engine/training/round_record.hpp"

namespace impsweep {

class Ledger {
 public:
  virtual ~Ledger() = default;

  // ---- at the start
  virtual std::vector<bool> finished_before() const = 0;  // by training of the plan
  virtual CostModel learned_costs() const = 0;            // from them
  virtual std::map<TrainingIndex, Failure> earlier_failures()
      const = 0;  // of trainings that were not done since

  // ---- results
  virtual bool has(TrainingIndex) = 0;
  // The summary of a result that another run stored; nothing if it is gone or damaged.
  virtual std::optional<RoundSummary> read(TrainingIndex) = 0;
  virtual void add(TrainingIndex, const RoundSummary&) = 0;
  virtual void remove(TrainingIndex) = 0;   // its result is gone
  virtual std::vector<bool> results() = 0;  // which there are, counted anew, by training

  virtual bool is_there() = 0;  // the store is still the one that was opened

  // ---- leases: hints to other runs
  virtual bool take_lease(TrainingIndex) = 0;  // false if another run seems to be at work on it
  virtual void release_lease(TrainingIndex) = 0;

  // ---- journal
  virtual void run_predicted(const Forecast&) = 0;
  virtual void training_started(TrainingIndex, int rank) = 0;
  virtual void training_done(TrainingIndex, double wall_seconds) = 0;
  virtual void training_failed(TrainingIndex, const Failure&) = 0;
  virtual void rank_lost(int rank, const std::string& evidence) = 0;
  virtual void heartbeat() = 0;
  virtual void heartbeat(const std::vector<RunningTraining>&, double env_steps_per_second) = 0;
  virtual void run_ended(const std::string& outcome) = 0;

  // ---- index and the like, derived from the results
  virtual void update_index() = 0;                // with what came since
  virtual void write_index() = 0;                 // everything
  virtual std::string return_tables() const = 0;  // for people, at the end
  virtual std::size_t without_path() const = 0;   // rounds whose policy no input reaches

  // ---- people
  virtual std::string name() const = 0;  // of the store
  virtual void say(const std::string&) = 0;
  virtual bool display_is_due() const = 0;
  virtual void show(const SweepProgress&) = 0;
};

}  // namespace impsweep
