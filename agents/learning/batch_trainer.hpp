// agents/learning/batch_trainer.hpp - the loop that PPO and behavioural cloning share: act for T steps in B
// environments, learn from the batch for some epochs of minibatches, throw it away (rlpyt
// runners/minibatch_rl.py).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "agents/acting/interruption.hpp"
#include "agents/acting/policy.hpp"
#include "agents/acting/sampler.hpp"
#include "agents/acting/samples.hpp"
#include "agents/learning/batch_learner.hpp"
#include "agents/learning/minibatch.hpp"
#include "agents/learning/trainer.hpp"

namespace impsweep {

class BatchTrainer : public Trainer {
 public:
  void iterate() final;
  std::int64_t env_steps() const final { return learner_->iteration() * samples_.size(); }
  std::int64_t updates() const final { return learner_->optimizer().steps(); }
  bool finished() const final { return learner_->iteration() >= learner_->iterations(); }
  Network& network() final { return *network_; }
  int policy_part() const final { return 0; }
  void save(StateWriter&) const final;
  void load(StateReader&) final;

 protected:
  BatchTrainer(const TrainingRequest&, int max_columns, std::int64_t minibatches, std::int64_t epochs);

  // Called once by the derived constructor.
  void set_learner(std::unique_ptr<BatchLearner> learner) {
    learner_ = std::move(learner);
    learner_->start_at_iteration(start_step_ / samples_.size());
  }

  virtual Network& acting_network() { return *network_; }
  // Completes the samples after acting: values, advantages, targets.
  virtual void complete_samples() = 0;

  // Values of part `part` of `network` for observations that lie as those of Samples. Throws Interrupted.
  void estimate_values(Network& network, int part, const float* observations, int count, float* value);

  AgentConfig config_;
  Sampler sampler_;
  std::unique_ptr<Policy> policy_;
  Samples samples_;
  MinibatchPlan minibatch_;
  int max_columns_ = 0;  // largest batch the networks are made for
  std::int64_t iterations_ = 0;
  std::unique_ptr<Network> network_;

 private:
  void collect_and_learn();

  std::int64_t epochs_ = 0, start_step_ = 0;
  std::unique_ptr<BatchLearner> learner_;
  Stream minibatch_stream_;
  std::vector<std::int32_t> permutation_;
  AlignedFloats columns_;  // [observation_size][max_columns_ in whole lanes], for the networks
  // An iteration that takes long, as the first of a process may, can be given up: meanwhile the state before
  // it is kept.
  Interruption interruption_, interruption_of_iteration_;
  bool takes_long_ = true, is_under_way_ = false;
  std::vector<std::byte> state_before_;
};

}  // namespace impsweep
