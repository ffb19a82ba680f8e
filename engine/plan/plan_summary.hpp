// engine/plan/plan_summary.hpp - a plan in numbers, before anything runs: what `impsweep plan` prints.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
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
};
Forecast forecast(const Plan&, const CostModel&, int ranks, const std::vector<bool>& done = {});

struct PlanSummary {
  std::size_t chains = 0;
  // As if nothing were shared: rounds of all chains, and candidates for teachers.
  std::size_t trainings_total = 0;
  std::size_t trainings_unique = 0;
  std::size_t trainings_done = 0;  // of the unique ones
  std::int64_t env_steps = 0;      // of the unique trainings, without evaluation
  double core_hours = 0;           // predicted, of what is not done
  int ranks = 1;
  Forecast makespan;                       // of what is not done, on these ranks
  std::int64_t disk_bytes = 0;             // of all unique trainings
  std::int64_t memory_per_rank_bytes = 0;  // of the largest
  // One line per grid point for people.
  struct Point {
    std::string name;  // "cartpole.ppo.128-128.default"
    std::size_t chains = 0;
    int rounds = 0;
    std::int64_t steps_per_round = 0;
    double seconds_per_chain = 0;  // predicted, of the first chain's rounds
  };
  std::vector<Point> points;
  std::vector<std::string> doubts;  // doubts_about() the plan
};

// done[i]: training i is in the store; empty if none is.
PlanSummary summarize(const Plan&, const CostModel&, int ranks, const std::vector<bool>& done = {});

// The trainings as the scheduler takes them, with predicted costs.
std::vector<ScheduledTraining> scheduled_trainings(const Plan&, const CostModel&,
                                                   const std::vector<bool>& done = {});

std::string to_text(const PlanSummary&);
nlohmann::ordered_json to_json(const PlanSummary&);

}  // namespace impsweep
