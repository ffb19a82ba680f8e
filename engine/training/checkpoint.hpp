// engine/training/checkpoint.hpp - a training under way, kept in the store: whatever ends the process, the
// training goes on from its last checkpoint, to the same bits as if nothing had happened.
//
//   @format, @step, @recipe            layout of this file; environment steps so far; canonical recipe
//   @wall_seconds, @cpu_seconds        spent so far, for the provenance of the result
//   fingerprint@...                    numerics that the bits depend on, as in store.toml
//   state                              [bytes] TrainingSession::save()
//
// The state is the outcome so far (curve, best parameters, snapshots) and the trainer: parameters, moments,
// streams, environments. It grows with the curve and, under off-policy algorithms, with the replay memory.
#pragma once

#include <chrono>
#include <optional>

#include "agents/learning/session.hpp"
#include "engine/plan/plan.hpp"
#include "io/record.hpp"
#include "io/store.hpp"

namespace impsweep {

struct TimeSpent {
  double wall_seconds = 0, cpu_seconds = 0;  // CPU of the calling thread
};

class Checkpoint {
 public:
  // `interval`: time between two checkpoints. Time spent counts from here. `numerics`: what this training
  // depends on besides the fingerprint of the store.
  Checkpoint(const Store&, const Plan&, TrainingIndex, std::chrono::steady_clock::duration interval,
             const Fingerprint& numerics = {});

  // A session that continues from the stored checkpoint, or a fresh one if there is none. One of other
  // numerics, of another recipe or layout goes to quarantine with a warning.
  std::unique_ptr<TrainingSession> start(const TrainingRequest&);
  // What start() does with the record of a checkpoint and a fresh session. Throws InputError or ArchiveError
  // if it is not for this training, or of another layout; the session is then half loaded.
  void restore(const Record&, TrainingSession&);

  // Saves if the interval has passed. For safe points.
  void save_if_due(const TrainingSession&);
  void save(const TrainingSession&);

  std::int64_t start_step() const { return start_step_; }  // of the checkpoint that start() found, or 0
  TimeSpent spent() const;                                 // by this process and those before it

 private:
  using Clock = std::chrono::steady_clock;
  Record encode(const TrainingSession&) const;

  const Store& store_;
  TrainingId digest_;
  std::string recipe_;
  Fingerprint numerics_;
  Clock::duration interval_;
  Clock::time_point start_, last_save_;
  double cpu_start_ = 0;
  TimeSpent before_;  // by earlier processes
  std::int64_t start_step_ = 0;
};

}  // namespace impsweep
