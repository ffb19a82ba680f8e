// engine/plan/plan_summary.hpp - a plan in numbers, before anything runs: what `impsweep plan` prints.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/cost_model.hpp"
#include "engine/plan/scheduler.hpp"

namespace impsweep {

// When a constant number of ranks will have done what is left.
struct Forecast {
  double work_seconds = 0;                   // on one core
  double seconds = 0;                        // with the scheduler's order
  double low_seconds = 0, high_seconds = 0;  // less and more have a probability of 5 % each
  double lower_bound_seconds = 0;  // no order is faster: the work shared evenly, or the longest chain

  double gap() const {  // rounding may leave a sum below its bound
    return lower_bound_seconds > 0 ? std::max(seconds / lower_bound_seconds - 1, 0.0) : 0;
  }
  // The part of the time that so many ranks are at work.
  double busy(int ranks) const { return seconds > 0 ? std::min(work_seconds / seconds / ranks, 1.0) : 1; }
};
Forecast forecast(const Plan&, const CostModel&, int ranks, const std::vector<bool>& done = {});
// The same in the midst of a run: what trainings under way have done is done, and their progress tells how
// fast the rest will be.
Forecast forecast_of_rest(const Plan&, CostModel, Pace, int ranks, const std::vector<bool>& done,
                          std::span<const TrainingUnderWay>);

// What the cost goes into, as parts of the whole.
struct CostShares {
  double learning = 0, playing = 0, evaluation = 0, other = 0;
};

struct PlanSummary {
  std::size_t chains = 0;
  // As if nothing were shared: rounds of all chains, and candidates for teachers.
  std::size_t trainings_total = 0;
  std::size_t trainings_unique = 0;
  std::size_t trainings_done = 0;                  // of the unique ones
  std::int64_t env_steps = 0;                      // of the unique trainings, without evaluation
  double core_hours = 0;                           // predicted, of what is not done
  double core_hours_low = 0, core_hours_high = 0;  // less and more have a probability of 5 % each
  CostShares shares;                               // of core_hours
  std::string rates;                               // where the prices come from, for people
  int ranks = 1;
  Forecast makespan;  // of what is not done, on these ranks
  // The same for 8, 16, 32 ... ranks, until more of them gain less than a twentieth.
  struct OnRanks {
    int ranks = 1;
    Forecast makespan;
  };
  std::vector<OnRanks> more_ranks;
  std::int64_t disk_bytes = 0;             // of all unique trainings
  std::int64_t memory_per_rank_bytes = 0;  // of the largest
  // One line per grid point for people.
  struct Point {
    std::string name;  // "cartpole.ppo.128-128.default"
    std::size_t chains = 0;
    int rounds = 0;
    std::int64_t steps_per_round = 0;
    double seconds_per_chain = 0;   // predicted, of the first chain's rounds
    std::int64_t memory_bytes = 0;  // of a rank, the most of any round
    // By round of the first chain: the part of the prunable weights that is left, and their number.
    std::vector<double> densities;
    std::vector<std::int64_t> weights;
    // The first round in which a layer may well be empty if the weights that are left lay at random (with a
    // probability of 5 %), and in which a path from the inputs to the outputs is hardly left (fewer than one
    // is expected).
    std::optional<int> empty_layer_round, no_path_round;
  };
  std::vector<Point> points;
  // What is not done, by what it is for: a grid point, or its teachers; most expensive first. A training that
  // several share is counted where it comes first.
  struct Part {
    std::string name;
    std::size_t trainings = 0;
    double core_hours = 0;
    CostShares shares;
  };
  std::vector<Part> parts;
  std::optional<double> per_core_hour;  // what one costs, if that is known
  std::vector<std::string> doubts;      // doubts_about() the plan
};

// done[i]: training i is in the store; empty if none is.
PlanSummary summarize(const Plan&, const CostModel&, int ranks, const std::vector<bool>& done = {});

// The trainings as the scheduler takes them, with predicted costs.
std::vector<ScheduledTraining> scheduled_trainings(const Plan&, const CostModel&,
                                                   const std::vector<bool>& done = {});

// `by_round`: also the density and number of weights of every round.
std::string to_text(const PlanSummary&, bool by_round = false);
nlohmann::ordered_json to_json(const PlanSummary&);

}  // namespace impsweep
