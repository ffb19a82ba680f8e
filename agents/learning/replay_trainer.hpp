// agents/learning/replay_trainer.hpp - the loop that DQN and the distillation of values share: an epsilon-greedy
// policy acts for T steps in B environments, the steps go to a replay memory, and batches drawn from it are
// learned from (rlpyt runners/minibatch_rl.py, algos/dqn/dqn.py).
//
// Lock-step, reset within the batch; time limits end an episode like any other end (rlpyt
// samplers/parallel/cpu/collectors.py).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/acting/policy.hpp"
#include "agents/acting/sampler.hpp"
#include "agents/learning/replay_memory.hpp"
#include "agents/learning/trainer.hpp"

namespace impsweep {

struct ReplaySchedule {
  int batch_size = 256;
  double replay_ratio = 4;           // transitions learned from for each one collected
  std::int64_t min_steps_learn = 0;  // environment steps before the first update
};

// Of binary tasks, for NetworkOptions: how many features are 1 at a time is known only in play; about half of
// what is possible is near enough for choosing a layer's form. 0 for others.
double usual_active_inputs(const TaskInfo&);

// max(1, ratio * steps / batch, rounded half to even).
int updates_per_iteration(const ReplaySchedule&, std::int64_t steps);

class ReplayTrainer : public Trainer {
 public:
  void iterate() final;
  std::int64_t env_steps() const final { return iteration_ * steps_per_iteration(); }
  bool finished() const final { return iteration_ >= iterations_; }
  Network& network() final { return *network_; }
  int policy_part() const final { return 0; }
  void save(StateWriter&) const override;
  void load(StateReader&) override;

 protected:
  // The memory's options need not state environments and observations.
  ReplayTrainer(const TrainingRequest&, int max_columns, ReplayOptions, const ReplaySchedule&);

  virtual Network& acting_network() { return *network_; }
  virtual double epsilon() const = 0;        // in the present iteration
  virtual double beta() const { return 0; }  // exponent of the importance weights
  virtual UpdateReport learn(const ReplayBatch&) = 0;

  ReplayMemory& memory() { return memory_; }
  // Of the network that is trained; a network with the same has its parameters in the same places.
  const NetworkOptions& network_options() const { return network_options_; }
  std::int64_t iteration() const { return iteration_; }
  std::int64_t total_steps() const { return config_.sampler.steps; }
  std::int64_t steps_per_iteration() const { return config_.sampler.batch_B * config_.sampler.batch_T; }
  // Schedules run from here; a training that resumes at a later step fills its memory first all the same.
  std::int64_t first_learning_iteration() const { return schedule_.min_steps_learn / steps_per_iteration(); }

 private:
  void collect();  // T time steps, into the memory

  AgentConfig config_;
  ReplaySchedule schedule_;
  Sampler sampler_;
  EpsilonGreedyPolicy policy_;
  ReplayMemory memory_;
  ReplayBatch batch_;
  NetworkOptions network_options_;
  std::unique_ptr<Network> network_;
  std::int64_t first_iteration_ = 0, iteration_ = 0, iterations_ = 0;
  Stream replay_stream_;
  std::vector<double> uniform_;  // of one batch
  std::vector<float> reward_;    // of one time step
  std::vector<std::uint8_t> done_;
};

}  // namespace impsweep
