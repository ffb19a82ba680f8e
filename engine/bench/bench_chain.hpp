// engine/bench/bench_chain.hpp - a real chain of iterative magnitude pruning, trained in memory: where
// benchmarks take their masks from, since masks of trained networks look nothing like random ones.
#pragma once

#include <map>
#include <string>

#include "engine/plan/plan.hpp"
#include "engine/training/training.hpp"

namespace impsweep {

class BenchChain {
 public:
  // `job`: text of a job file with one chain.
  explicit BenchChain(const std::string& job);

  const Plan& plan() const { return plan_; }
  TrainingIndex training(int round) const {
    return plan_.chains.front().rounds[static_cast<std::size_t>(round)];
  }
  RoundLoader loader();

  // What the training of a round starts from; earlier rounds are trained first.
  TrainingRequest request(int round, Backend backend = Backend::kNative);
  std::size_t rounds() const { return plan_.chains.front().rounds.size(); }

 private:
  void complete_before(int round);

  Plan plan_;
  std::map<TrainingId, Record> records_;
};

// PPO on Cart-Pole with 4-128-128-2 and a critic of that size, both pruned in one ranking, 21 rounds; made
// once.
BenchChain& cartpole_chain();

// The round of the chain whose density is nearest, e.g. 10 for 0.107.
int round_of_density(const BenchChain&, double density);

}  // namespace impsweep
