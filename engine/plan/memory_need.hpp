// engine/plan/memory_need.hpp - how much memory a training needs, before it has run, and for what. Numbers of
// any size are answered: nothing is allocated, and nothing overflows.
#pragma once

#include "engine/plan/plan.hpp"

namespace impsweep {

// Bytes, resident, of the process that runs the training, at its peak.
struct MemoryNeed {
  double program = 0;      // code, libraries and buffers
  double parameters = 0;   // weights, as often as they are held; a teacher's and a target network's too
  double activations = 0;  // of the largest batch
  double rollout = 0;      // the steps of an iteration
  double fixed = 0;        // steps that are played once, before all iterations
  double replay = 0;       // the replay memory, if there is one

  double total() const { return program + parameters + activations + rollout + fixed + replay; }
  std::int64_t bytes() const;  // the same, at most 10^18
  // The key that decides about the largest part: "network.hidden".
  std::string largest_key(const Settings&) const;
};
MemoryNeed memory_need(const Plan&, TrainingIndex);

}  // namespace impsweep
