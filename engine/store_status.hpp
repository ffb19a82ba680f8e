// engine/store_status.hpp - how far the jobs of a store are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/store_plan.hpp"

namespace impsweep {

struct GroupStatus {
  std::string task, algorithm, network, baseline;
  std::size_t chains = 0, chains_done = 0, rounds = 0, rounds_done = 0;
};

struct LiveTraining {
  std::string name;
  int rank = 0;
  std::int64_t env_steps = 0, total_steps = 0;
  double last_return = 0;
};

// Failed or blocked, by the first chain that it belongs to; experts are chains of their own name.
struct UnfinishedTraining {
  std::string chain, round, reason;
};

struct StoreStatus {
  std::size_t chains = 0, chains_done = 0, trainings = 0, trainings_done = 0;
  std::vector<GroupStatus> groups;
  std::vector<LiveTraining> running;
  std::vector<UnfinishedTraining> failed, blocked;
  int live_ranks = 0;
  double env_steps_per_second = 0;
  double eta_seconds = 0;  // on the ranks at work, or on one core if there are none
};

StoreStatus read_status(const Store&, const Plan& plan_of_store);

}  // namespace impsweep
