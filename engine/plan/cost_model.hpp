// engine/plan/cost_model.hpp - how long a training takes, and what it needs, before it has run.
//
// The work of a training is counted (work_counts.hpp) and priced with the rates of a machine (rates.hpp).
// Finished trainings correct the price by their ratio to it, class by class: all trainings, those of a task
// and algorithm, of a network, of a density to a factor of two. Ratios are log-normal, those of a class
// scatter about that of the wider one, and what is known of a class is weighed against what the wider one
// says; so one training moves the forecast of its own class most, and that of others less. What is left of
// uncertainty gives the interval of every forecast.
//
// All seconds are seconds of one core's time. On a machine that is shared they take longer: Pace.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/plan.hpp"
#include "engine/plan/rates.hpp"
#include "engine/plan/work_counts.hpp"

namespace impsweep {

// How the cost of a training falls on its steps, in seconds of the reference machine.
struct CostCourse {
  double steps = 0, first_learning_step = 0;
  EpisodeLength episode;
  double start = 0, playing = 0, learning = 0, evaluation = 0, conclusion = 0;

  double total() const { return start + playing + learning + evaluation + conclusion; }
  // Which part of the whole cost has been spent when so many steps have been made; 1 only after the last.
  double part_done(double env_steps) const;
};

// What the cost of a training is predicted from.
struct CostClass {
  SecondsByGroup reference = {};
  std::array<std::string, 4> names;  // of classes that it belongs to, from the narrowest to all trainings
  CostCourse course;
};
CostClass cost_class(const Plan&, TrainingIndex);

struct CostEstimate {
  double seconds = 0;  // on one core, median
  // Standard deviations of the logarithm: of one training about its class, and of what is known of the class.
  double own_spread = 0, class_error = 0;
};

class CostModel {
 public:
  CostModel() = default;
  explicit CostModel(Rates rates) : rates_(std::move(rates)) {}

  const Rates& rates() const { return rates_; }
  CostEstimate estimate(const CostClass&) const;
  double seconds(const Plan& plan, TrainingIndex index) const {
    return estimate(cost_class(plan, index)).seconds;
  }

  // A training of the class took so long. Times that are not positive are ignored. `weight`: below 1 for one
  // that is only partly known.
  void observe(const CostClass&, double seconds, double weight = 1);

 private:
  struct Ratios {                             // logarithms of real to predicted
    double count = 0, mean = 0, squares = 0;  // squares: sum of squared differences to the mean
    double narrower = 0;                      // classes within this one that were seen
  };
  Rates rates_;
  std::map<std::string, Ratios> ratios_;  // by class
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

// Seconds that pass for each second of a core's time: more than one where cores are shared, less where a
// training has several. Later observations count more.
class Pace {
 public:
  void observe(double wall_seconds, double cpu_seconds, double weight = 1);
  double factor() const;

 private:
  double logarithms_ = 0, weights_ = 0;
};

// A training that runs: it took so many seconds from one step to another.
struct TrainingUnderWay {
  TrainingIndex training = 0;
  double from_step = 0, env_steps = 0, seconds = 0;
};
// The model and the pace with what the trainings under way say: those that make slower progress than was
// predicted speak against the pace of all, and against the price of their class.
struct CurrentCosts {
  CostModel model;
  Pace pace;
};
CurrentCosts current_costs(CostModel, Pace, const CostClasses&, std::span<const TrainingUnderWay>);

// Size of the training's file.
std::int64_t predicted_bytes(const Plan&, TrainingIndex);

// Resident memory of a rank while it runs the training.
std::int64_t predicted_memory_bytes(const Plan&, TrainingIndex);

}  // namespace impsweep
