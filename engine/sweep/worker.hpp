// engine/sweep/worker.hpp - a rank that computes trainings.
#pragma once

#include <chrono>

#include "engine/plan/plan.hpp"
#include "engine/sweep/messages.hpp"
#include "engine/sweep/worker_session.hpp"
#include "engine/training/training.hpp"
#include "io/store.hpp"

namespace impsweep {

// What computing needs, the same on every rank.
struct WorkerContext {
  const Plan& plan;
  const Store& store;
  Backend backend;
  int threads = 1;     // of a rank, for stepping environments
  int ranks_here = 1;  // of this run on this host, which share its memory
  std::chrono::steady_clock::duration checkpoint_interval;
};

// Computes a training and publishes it; candidates for its teacher that have diverged are passed over. The
// answer is kDone with a summary, kFailed with a reason, or kReturned if it was stopped; then a checkpoint
// holds what was done. What needs more memory than there is, or has ended two processes, is not begun.
Message compute(const WorkerContext&, TrainingIndex, const std::vector<TrainingIndex>& diverged_candidates,
                const StopQuestion&);

// Serves rank 0 until it says stop, or this process is asked to.
Shutdown serve(WorkerSession&, const WorkerContext&);

// Waits until rank 0 has written everything. MPI_Finalize waits for all ranks: if rank 0 died before it got
// there, the others would wait for ever.
Shutdown await_shutdown(WorkerSession&);

}  // namespace impsweep
