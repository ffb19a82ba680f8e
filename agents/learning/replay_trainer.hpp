// agents/learning/replay_trainer.hpp - what the trainers of DQN and of the cloning of values share: an
// epsilon-greedy policy acts for T steps in B environments, the steps go to a replay memory, and batches
// drawn from it are learned from (rlpyt runners/minibatch_rl.py, algos/dqn/dqn.py). How they learn is told by
// collect_and_learn() in their own files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "agents/acting/policy.hpp"
#include "agents/acting/sampler.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/mask_updates.hpp"
#include "agents/learning/replay_memory.hpp"
#include "agents/learning/safe_point.hpp"
#include "agents/learning/trainer.hpp"

namespace impsweep {

struct ReplaySchedule {
  int batch_size = 256;
  double replay_ratio = 4;           // transitions learned from for each one collected
  std::int64_t min_steps_learn = 0;  // environment steps before the first update
  bool data_is_fixed = false;        // steps are played before all iterations, with streams of their own
};

// How many features of a binary task are 1 at a time, for NetworkOptions: known only in play; about half of
// what is possible is near enough for choosing a layer's form. 0 for others.
double usual_active_inputs(const TaskInfo&);

// What it does, for forecasts; of a memory of so many transitions.
LearningWork replay_work(const SamplerConfig&, const ReplaySchedule&, std::int64_t replay_size);

// max(1, ratio * steps / batch, rounded half to even).
int updates_per_iteration(const ReplaySchedule&, std::int64_t steps);

class ReplayTrainer : public Trainer {
 public:
  void iterate() final;
  std::int64_t env_steps() const final { return iteration_ * steps_per_iteration(); }
  bool finished() const final { return iteration_ >= iterations_; }
  Network& network() final { return *network_; }
  int policy_part() const final { return 0; }
  const MaskUpdates& masks() const final { return masks_; }
  void save(StateWriter&) const final;
  void load(StateReader&) final;

 protected:
  // The memory's options need not state environments and observations.
  ReplayTrainer(const TrainingRequest&, int max_columns, ReplayOptions, const ReplaySchedule&);

  // One iteration. Returns the report of the last update, if there was one. Asks interruption() between its
  // steps.
  virtual UpdateReport collect_and_learn() = 0;
  virtual Adam& optimizer() = 0;
  // All state besides the parameters, the memory and the environments.
  virtual void save_learner(StateWriter&) const = 0;
  virtual void load_learner(StateReader&) = 0;

  const Interruption& interruption() const { return safe_point_.interruption(); }

  // T steps in each environment, into the memory. Throws Interrupted.
  void collect(Network& actor, double epsilon);

  // At least so many steps before all iterations, instead of what they would collect.
  void collect_fixed(Network& actor, double epsilon, std::int64_t steps, const Interruption&);

  // Updates of this iteration; none until min_steps_learn steps have been collected.
  int updates_due() const;

  // Goes on to collect until the first update is due. Throws TrainingFailure if that is never.
  void collect_until_due(const std::function<void()>& collect_steps);

  // The observations of a batch, with a loss of the networks' outputs.
  BatchLoss loss_of_batch(const ReplayBatch&, std::shared_ptr<const OutputLoss>) const;

  // A batch of the memory, which must not be without anything to draw. `beta`: exponent of the importance
  // weights.
  const ReplayBatch& draw_batch(double beta = 0);

  std::int64_t iteration() const { return iteration_; }
  std::int64_t total_steps() const { return config_.sampler.steps; }
  std::int64_t steps_per_iteration() const { return config_.sampler.batch_B * config_.sampler.batch_T; }
  // Schedules run from here; a training that resumes at a later step fills its memory first all the same.
  std::int64_t first_learning_iteration() const { return schedule_.min_steps_learn / steps_per_iteration(); }

  AgentConfig config_;
  ReplaySchedule schedule_;
  Sampler sampler_;
  ReplayMemory memory_;
  MaskUpdates masks_;
  int max_columns_;  // largest batch the networks are made for
  std::unique_ptr<Network> network_;

 private:
  EpsilonGreedyPolicy policy_;
  ReplayBatch batch_;
  std::int64_t first_iteration_, iteration_, iterations_;
  Stream replay_stream_;
  std::vector<double> uniform_;     // of one batch
  std::vector<float> reward_;       // of one time step
  std::vector<std::uint8_t> done_;  // of one time step, as ReplayMemory::End
  SafePoint safe_point_;
};

}  // namespace impsweep
