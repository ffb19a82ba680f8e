// engine/store/status.hpp - how far the jobs of a store are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/store/contents.hpp"
#include "engine/store/journal.hpp"

namespace impsweep {

struct GroupStatus {
  std::string task, algorithm, network, baseline;
  std::size_t chains = 0, chains_done = 0, rounds = 0, rounds_done = 0;
};

// Trainings that no chain shows: candidates for teachers, and rounds of tickets that only give their inputs
// to others (inputs.ticket_round).
struct BesideChains {
  std::size_t candidates = 0, candidates_done = 0, ticket_rounds = 0, ticket_rounds_done = 0;
};

struct LiveTraining {
  std::string name;
  int rank = 0;
  std::int64_t env_steps = 0, total_steps = 0;
  double last_return = 0;
  std::vector<double> returns = {};  // of its evaluations, one for each heartbeat of its run
};

// Failed or blocked, by the first chain that it belongs to; teachers are chains of their own name.
struct UnfinishedTraining {
  std::string chain, round, reason;
};

struct StoreStatus {
  std::size_t chains = 0, chains_done = 0, trainings = 0, trainings_done = 0;
  std::vector<GroupStatus> groups;
  BesideChains beside;
  std::vector<LiveTraining> running;
  std::vector<UnfinishedTraining> failed, blocked;
  int live_ranks = 0;
  double env_steps_per_second = 0;
  // Time until all is done on the ranks at work, or on one core if there are none. Less than low and more
  // than high have a probability of 5 % each; no order of the trainings is faster than the lower bound.
  double eta_seconds = 0, eta_low_seconds = 0, eta_high_seconds = 0, eta_lower_bound_seconds = 0;
  std::optional<RunRecord> last_completed;  // the last run after which all was done
  std::vector<std::string>
      irreproducible;            // tasks whose episodes do not repeat (envs/external/definition.hpp)
  std::size_t without_path = 0;  // finished rounds whose policy no input reaches (engine/imp/effective.hpp)
};

StoreStatus read_status(const Store&, const Plan& plan_of_store);

}  // namespace impsweep
