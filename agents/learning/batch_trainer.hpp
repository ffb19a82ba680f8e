// agents/learning/batch_trainer.hpp - what the trainers of PPO and of the cloning of policies share: they act
// for T steps in B environments, learn from this batch for some epochs of minibatches, and throw it away
// (rlpyt runners/minibatch_rl.py). How they learn is told by collect_and_learn() in their own files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/acting/policy.hpp"
#include "agents/acting/sampler.hpp"
#include "agents/acting/samples.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/batch_learner.hpp"
#include "agents/learning/mask_updates.hpp"
#include "agents/learning/minibatch.hpp"
#include "agents/learning/safe_point.hpp"
#include "agents/learning/trainer.hpp"

namespace impsweep {

// What it does, for forecasts.
LearningWork minibatch_work(const SamplerConfig&, std::int64_t epochs, std::int64_t minibatches);

class BatchTrainer : public Trainer {
 public:
  void iterate() final;
  std::int64_t env_steps() const final { return learner().iteration() * samples_.size(); }
  std::int64_t updates() const final { return learner().optimizer().steps(); }
  bool finished() const final { return learner().iteration() >= iterations_; }
  Network& network() final { return *network_; }
  int policy_part() const final { return kActor; }
  const MaskUpdates& masks() const final { return masks_; }
  void save(StateWriter&) const final;
  void load(StateReader&) final;

 protected:
  // An epoch has about as many `minibatches`.
  BatchTrainer(const TrainingRequest&, int max_columns, std::int64_t minibatches);

  // One iteration. Returns the report of the last update. Observes interruption().
  virtual UpdateReport collect_and_learn() = 0;
  virtual BatchLearner& learner() = 0;
  virtual const BatchLearner& learner() const = 0;

  // State beyond that of network, learner and environments, if there is any.
  virtual void save_own(StateWriter&) const {}
  virtual void load_own(StateReader&) {}

  const Interruption& interruption() const { return safe_point_.interruption(); }

  // An epoch: all samples in a new order, by minibatches. Each is the place of its indices.
  std::span<const std::int32_t* const> shuffled_minibatches() {
    shuffle(minibatch_stream_, permutation_.data(), samples_.size());
    return minibatch_begin_;
  }

  // The observations of the rollout as the networks see them, with a loss of their outputs.
  BatchLoss loss_of_rollout(const ModelSpec&, std::shared_ptr<const OutputLoss>);

  // log_std of a Gaussian policy as it is now; empty for others.
  std::span<const float> log_std(const ModelSpec&) const;

  // Outputs of a part of `network` for observations that lie as those of Samples. Throws Interrupted.
  void infer_all(Network& network, int part, const float* observations, int count, MutableBatch outputs);

  // The same of part kCritic: values.
  void estimate_values(Network& network, const float* observations, int count, float* value);

  AgentConfig config_;
  Sampler sampler_;
  std::unique_ptr<Policy> policy_;
  Samples samples_;
  MinibatchPlan minibatch_;
  MaskUpdates masks_;
  int max_columns_;  // largest batch the networks are made for
  std::unique_ptr<Network> network_;
  std::int64_t first_iteration_, iterations_;  // of the schedules

 private:
  Stream minibatch_stream_;
  std::vector<std::int32_t> permutation_;
  std::vector<const std::int32_t*> minibatch_begin_;  // in the permutation
  AlignedFloats columns_;  // [observation_size][max_columns_ in whole lanes], for estimate_values()
  SafePoint safe_point_;
};

}  // namespace impsweep
