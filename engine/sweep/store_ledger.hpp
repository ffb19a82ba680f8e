// engine/sweep/store_ledger.hpp - the ledger of a store on a disk: its results, leases, journal and index.
#pragma once

#include "engine/store/index.hpp"
#include "engine/sweep/ledger.hpp"
#include "engine/sweep/ticker.hpp"
#include "io/lease.hpp"

namespace impsweep {

class StoreLedger : public Ledger {
 public:
  // `lease_interval`: between two signs of life to other runs.
  StoreLedger(const Plan&, const Store&, int ranks, std::chrono::milliseconds lease_interval);

  std::vector<bool> finished_before() const override;
  CostModel learned_costs() const override;
  std::map<TrainingIndex, Failure> earlier_failures() const override;

  bool has(TrainingIndex) override;
  std::optional<RoundSummary> read(TrainingIndex) override;
  void add(TrainingIndex, const RoundSummary&) override;
  void remove(TrainingIndex) override;
  std::vector<bool> results() override;

  bool is_there() override;

  bool take_lease(TrainingIndex) override;
  void release_lease(TrainingIndex) override;

  void run_predicted(const Forecast&) override;
  void training_started(TrainingIndex, int rank) override;
  void training_done(TrainingIndex, double wall_seconds) override;
  void training_failed(TrainingIndex, const Failure&) override;
  void rank_lost(int rank, const std::string& evidence) override;
  void heartbeat() override;
  void heartbeat(const std::vector<RunningTraining>&, double env_steps_per_second) override;
  void run_ended(const std::string& outcome) override;

  void update_index() override;
  void write_index() override;
  std::string return_tables() const override;
  std::size_t without_path() const override;

  std::string name() const override { return store_.directory().string(); }
  void say(const std::string& line) override { display_.say(line); }
  bool display_is_due() const override { return display_.due(); }
  void show(const SweepProgress& progress) override { display_.show(progress); }

 private:
  const TrainingId& id(TrainingIndex training) const { return plan_.trainings[training].digest; }

  const Plan& plan_;
  const Store& store_;
  std::uint64_t directory_;  // by which the store's directory is known
  StoreContents contents_;   // of all jobs in the store, for the index
  Journal journal_;
  Leases leases_;
  ProgressDisplay display_;
  StoreIndex index_;
  std::vector<TrainingIndex> not_in_index_;  // of the plan of all jobs: finished since the index was written
  Ticker lease_ticker_;                      // last: it ends before the leases do
};

}  // namespace impsweep
