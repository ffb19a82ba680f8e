// engine/cost_model.hpp - how long a training takes, and what it needs, before it has run.
//
// Prediction: (learning + evaluation FLOP) / (FLOP per second) + (environment steps) * (seconds per step)
//   learning     per step 2 k for acting and 6 k per epoch for forward pass and both gradients; k = kept
//   weights
//                of actor and critic (a student acts by its expert's network)
//   evaluation   episodes of the full length, 2 k of the actor per step
// A worker's native kernels do about 40 GFLOP/s on these networks at any density. Finished trainings correct
// the prediction by their ratio, class by class: (task, algorithm, network, density to a factor of two).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "engine/plan.hpp"

namespace impsweep {

class CostModel {
 public:
  // Seconds on one core.
  double seconds(const Plan&, TrainingIndex) const;

  // A training took so long. Non-positive times are ignored.
  void observe(const Plan&, TrainingIndex, double seconds);

 private:
  struct Ratio {
    double sum_of_logs = 0;
    std::int64_t count = 0;
  };
  std::map<std::string, Ratio> ratios_;  // by class, from the narrowest to all trainings
};

// The formula alone.
double predicted_flop(const Plan&, TrainingIndex);
double predicted_seconds(const Plan&, TrainingIndex);

// Size of the training's file.
std::int64_t predicted_bytes(const Plan&, TrainingIndex);

// Resident memory of a rank while it runs the training.
std::int64_t predicted_memory_bytes(const Plan&, TrainingIndex);

}  // namespace impsweep
