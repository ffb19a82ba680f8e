// agents/learning/replay_trainer.hpp - the loop that DQN and the distillation of values share: an
// epsilon-greedy policy acts for T steps in B environments, the steps go to a replay memory, and batches
// drawn from it are learned from (rlpyt runners/minibatch_rl.py, algos/dqn/dqn.py).
//
// Lock-step, reset within the batch; time limits end an episode like any other end (rlpyt
// samplers/parallel/cpu/collectors.py).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/acting/policy.hpp"
#include "agents/learning/replay_memory.hpp"
#include "agents/learning/trainer.hpp"

namespace impsweep {

struct ReplaySchedule {
  int batch_size = 256;
  double replay_ratio = 4;           // transitions learned from for each one collected
  std::int64_t min_steps_learn = 0;  // environment steps before the first update
};

// NetworkOptions::active_inputs of a binary task, 0 for others. How many features are 1 at a time shows only
// in play; half of the possible number is near enough for choosing a layer's form.
double usual_active_inputs(const TaskInfo&);

// max(1, ratio * steps / batch, rounded half to even).
int updates_per_iteration(const ReplaySchedule&, std::int64_t steps);

// The value at i on the line from (first, initial) to (last, final); constant before and after it.
double line_at(std::int64_t i, double initial, std::int64_t first, double final, std::int64_t last);

// B environments and what draws their actions.
class ReplayRollout {
 public:
  // Streams are named `<stream_prefix>/<purpose>/<lane>`.
  explicit ReplayRollout(const TrainingRequest&);

  // Up to `max_steps` uniformly random actions in each environment, not counted as training (rlpyt
  // samplers/base.py). Throws Interrupted.
  void decorrelate(std::int64_t max_steps, const Interruption&);

  // T time steps, epsilon-greedily on the outputs of part 0.
  void collect(Network&, double epsilon, int T, ReplayMemory&);

  const TaskInfo& info() const { return environment_->info(); }

  // Completes a memory's options with what the task is. The rollout must outlive the memory.
  ReplayOptions for_task(ReplayOptions) const;

  void save(StateWriter&) const;
  void load(StateReader&);

 private:
  std::unique_ptr<Environment> environment_;
  std::string stream_prefix_;
  std::vector<Stream> task_streams_, action_streams_;  // one per lane
  std::vector<std::int32_t> lanes_;
  EpsilonGreedyPolicy policy_;
  std::vector<StepResult> results_;
  std::vector<float> reward_;
  std::vector<std::uint8_t> done_;
  ObservationColumns observation_;
  ObservationColumns code_;  // of coded tasks whose observations are not their codes: what the memory keeps
};

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
  // Options of the network that is trained. Networks with the same options lay out their parameters alike.
  const NetworkOptions& network_options() const { return network_options_; }
  std::int64_t iteration() const { return iteration_; }
  std::int64_t total_steps() const { return config_.sampler.steps; }
  std::int64_t steps_per_iteration() const { return config_.sampler.batch_B * config_.sampler.batch_T; }
  // Schedules run from here; a training that resumes at a later step fills its memory first all the same.
  std::int64_t first_learning_iteration() const { return schedule_.min_steps_learn / steps_per_iteration(); }

 private:
  AgentConfig config_;
  ReplaySchedule schedule_;
  ReplayRollout rollout_;
  ReplayMemory memory_;
  ReplayBatch batch_;
  NetworkOptions network_options_;
  std::unique_ptr<Network> network_;
  std::int64_t first_iteration_ = 0, iteration_ = 0, iterations_ = 0;
  Stream replay_stream_;
  std::vector<double> uniform_;  // of one batch
};

}  // namespace impsweep
