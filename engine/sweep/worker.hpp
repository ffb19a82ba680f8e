// engine/sweep/worker.hpp - a rank that computes trainings.
#pragma once

#include <chrono>
#include <functional>

#include "engine/plan/plan.hpp"
#include "engine/sweep/messages.hpp"
#include "engine/sweep/transport.hpp"
#include "engine/training/training.hpp"
#include "io/store.hpp"

namespace impsweep {

// What computing needs, the same on every rank.
struct WorkerContext {
  const Plan& plan;
  const Store& store;
  Backend backend;
  int threads = 1;  // of a rank, for stepping environments
  std::chrono::steady_clock::duration checkpoint_interval;
};

// Computes a training and publishes it; candidates for its teacher that have diverged are passed over. The
// answer is kDone with a summary, kFailed with a reason, or kReturned if it was stopped; then a checkpoint
// holds what was done.
Message compute(const WorkerContext&, TrainingIndex, const std::vector<TrainingIndex>& diverged_candidates,
                const StopQuestion&);

// How a rank ends.
enum class Shutdown {
  kCollective,    // all ranks end together, in MPI_Finalize
  kIndependent,   // ranks are lost, so this one ends without waiting for them
  kRankZeroLost,  // nothing came from rank 0 for `lost_after`; the training is saved
};

// Serves rank 0 until it says stop, or this process is asked to.
Shutdown serve(Transport&, const WorkerContext&, std::chrono::steady_clock::duration lost_after);

// Waits until rank 0 has written everything. MPI_Finalize waits for all ranks: if rank 0 died before it got
// there, the others would wait for ever.
Shutdown await_finish(Transport&, std::chrono::steady_clock::duration lost_after);

}  // namespace impsweep
