// engine/plan/memory_need.hpp - how much memory a training needs, before it has run, and for what. Numbers of
// any size are answered: nothing is allocated, and nothing overflows.
#pragma once

#include "engine/plan/plan.hpp"

namespace impsweep {

// Bytes, resident, of the process that runs the training.
struct MemoryNeed {
  double program = 0;     // code, libraries and buffers
  double parameters = 0;  // weights, as often as they are held
  double batch = 0;       // a rollout, and the activations of learning from it
  double replay = 0;      // the replay memory, if there is one

  double total() const { return program + parameters + batch + replay; }
  // The key that decides about the largest part: "network.hidden".
  std::string largest_key(const Settings&) const;
};
MemoryNeed memory_need(const Plan&, TrainingIndex);

}  // namespace impsweep
