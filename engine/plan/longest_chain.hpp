// engine/plan/longest_chain.hpp - what no number of ranks makes faster: trainings that wait for each other.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/plan/cost_model.hpp"

namespace impsweep {

struct LongestChain {
  std::string name;           // of the chain that the last of them belongs to
  std::size_t trainings = 0;  // that are not done, one after the other
  double seconds = 0;         // predicted
  // With more ranks than this the chain decides when all is done, and no longer the work.
  int ranks = 1;
};

// Among what is not done; nothing is left if `trainings` is 0.
LongestChain longest_chain(const Plan&, const CostModel&, const std::vector<bool>& done = {});

// A line for people about a sweep on so many ranks; empty if nothing is left.
std::string to_text(const LongestChain&, int ranks);
nlohmann::ordered_json to_json(const LongestChain&);

}  // namespace impsweep
