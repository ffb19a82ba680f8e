// agents/learning/dqn.hpp - double Q-learning with prioritized replay and a target network, as rlpyt computes
// it (algos/dqn/dqn.py, agents/dqn/epsilon_greedy.py). One iteration:
//
//   act         T epsilon-greedy steps in each of B environments, into the memory; epsilon falls
//   draw        a batch of transitions in proportion to their priorities; once for every update that is due
//   target      y = R_n + gamma^n (1 - done_n) Q_target(s', argmax_a Q(s', a))
//   learn       mean(weight * Huber(Q(s, a) - y)), the plain mean: the sum of the weights does not enter; its
//               gradient, clip of the norm, step of Adam
//   priorities  |Q(s, a) - y|, at most delta_clip
//   copy        Q_target = Q, after every target_update_interval updates; where masks change, the target
//               network keeps its own until then
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/config/dqn_config.hpp"
#include "agents/learning/action_values.hpp"
#include "agents/learning/adam.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/dropout.hpp"
#include "agents/learning/replay_trainer.hpp"
#include "agents/network/derivatives.hpp"

namespace impsweep {

// The part of DQN that learns. Both networks are of one model and mask, and are kept by reference.
class DqnLearner {
 public:
  // Dropped activations, if any, are drawn from the stream.
  DqnLearner(Network& online, Network& target, const ModelSpec&, const AgentConfig&,
             Stream dropout_stream = {});

  // The loss of a batch, and its gradients in the online network.
  UpdateReport differentiate(const ReplayBatch&);

  // One update, and the copy to the target network that may be due after it.
  UpdateReport learn(const ReplayBatch&);
  bool has_copied() const { return adam_.steps() % config_.target_update_interval == 0; }
  void copy_to_target();  // with the mask

  // The loss of a batch; the targets y do not depend on the parameters that are learned.
  std::shared_ptr<const OutputLoss> loss_of(const ReplayBatch&);

  // Values and errors of the batch learned from, before its update.
  ConstBatch q() const { return {q_.data(), stride_}; }           // [actions][stride]
  std::span<const float> td_abs_error() const { return error_; }  // at most delta_clip

  const Adam& optimizer() const { return adam_; }
  Adam& optimizer() { return adam_; }

  template <class Archive>
  void visit(Archive& archive) {
    adam_.visit(archive);
    archive("dropout", dropout_);
  }

 private:
  void value_next_observations(const ReplayBatch&);  // fills next_target_ and, for double_dqn, next_online_
  float evaluate_loss(const ReplayBatch&);           // and its gradient

  Network& online_;
  Network& target_;
  DqnConfig config_;
  Adam adam_;
  ActionValues values_;
  Dropout dropout_;
  bool drops_target_ = false;
  int stride_ = 0;
  AlignedFloats q_, next_online_, next_target_, q_gradient_;  // [actions][stride]
  AlignedFloats running_, error_;                             // [stride]
};

class DqnTrainer final : public ReplayTrainer {
 public:
  DqnTrainer(const TrainingRequest&, int max_columns);

  std::int64_t updates() const override { return learner_.optimizer().steps(); }
  BatchLoss first_loss(double temperature) override;

 private:
  UpdateReport collect_and_learn() override;
  Adam& optimizer() override { return learner_.optimizer(); }
  double epsilon() const;  // of the actions of this iteration
  double beta() const;     // of the importance weights
  void save_learner(StateWriter&) const override;
  void load_learner(StateReader&) override;

  DqnConfig dqn_;
  std::unique_ptr<Network> target_;
  DqnLearner learner_;
};

// Its row in the list of algorithms.
AlgorithmInfo dqn_algorithm();

}  // namespace impsweep
