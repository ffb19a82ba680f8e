// engine/plan/cost_model.hpp - how long a training takes, and what it needs, before it has run.
//
// Prediction: (learning + evaluation FLOP) / (FLOP per second) + (environment steps) * (seconds per step).
// Learning costs per step 2 k for acting and 6 k per epoch for the forward pass and both gradients,
// evaluation 2 k of the actor per step over episodes of the full length; k is the number of kept weights of
// actor and critic (a student acts by its teacher's network). A worker's native kernels do about 40 GFLOP/s
// on these networks at any density. Finished trainings correct the prediction by their ratio, class by class:
// (task, algorithm, network, density to a factor of two). Ratios are log-normal: what is known of their
// spread gives the interval of every forecast.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/plan.hpp"

namespace impsweep {

// What the cost of a training is predicted from.
struct CostClass {
  double predicted_seconds = 0;      // by the formula
  std::array<std::string, 4> names;  // of classes that it belongs to, from the narrowest to all trainings
};
CostClass cost_class(const Plan&, TrainingIndex);

struct CostEstimate {
  double seconds = 0;  // on one core, median
  // Standard deviations of the logarithm: of one training about its class, and of what is known of the class.
  double own_spread = 0, class_error = 0;
};

class CostModel {
 public:
  CostEstimate estimate(const CostClass&) const;
  double seconds(const Plan& plan, TrainingIndex index) const {
    return estimate(cost_class(plan, index)).seconds;
  }

  // A training of the class took so long. Non-positive times are ignored.
  void observe(const CostClass&, double seconds);

 private:
  struct Ratios {  // logarithms of real to predicted
    std::int64_t count = 0;
    double mean = 0, squares = 0;  // squares: sum of squared differences to the mean
  };
  std::map<std::string, Ratios> ratios_;  // by class, from the narrowest to all trainings
};

// Trainings of one plan with the same settings, density and length cost the same. Plans have millions of
// trainings and few such classes.
class CostClasses {
 public:
  explicit CostClasses(const Plan&);

  std::size_t size() const { return classes_.size(); }
  std::uint32_t operator[](TrainingIndex training) const { return class_of_[training]; }
  const CostClass& of(TrainingIndex training) const { return classes_[class_of_[training]]; }
  std::vector<CostEstimate> estimates(const CostModel&) const;  // of each class

 private:
  std::vector<std::uint32_t> class_of_;
  std::vector<CostClass> classes_;
};

// A sum of trainings: its mean, and the standard deviation relative to it. Errors of classes are taken to add
// up (what misjudges one misjudges the others), those of single trainings to cancel.
struct Work {
  double seconds = 0, spread = 0;
};
// How many trainings of each class (parts of one count as such).
Work total_work(std::span<const CostEstimate>, std::span<const double> trainings);

// The factor by which something of this relative spread exceeds its median with a probability of 5 %.
double factor_of_95_percent(double spread);

// The formula alone.
double predicted_flop(const Plan&, TrainingIndex);
double predicted_seconds(const Plan&, TrainingIndex);

// Size of the training's file.
std::int64_t predicted_bytes(const Plan&, TrainingIndex);

// Resident memory of a rank while it runs the training.
std::int64_t predicted_memory_bytes(const Plan&, TrainingIndex);

}  // namespace impsweep
