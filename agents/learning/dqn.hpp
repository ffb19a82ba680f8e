// agents/learning/dqn.hpp - double Q-learning with prioritized replay and a target network, as rlpyt computes
// it (algos/dqn/dqn.py, agents/dqn/epsilon_greedy.py), and the trainer around it.
//
//   target = R_n + gamma^n (1 - done_n) Q_target(s', argmax_a Q(s', a))
//   loss = mean(weight * Huber(Q(s, a) - target)),  the plain mean: the sum of the weights does not enter
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

namespace impsweep {

// The part of DQN that learns. Both networks are of one model and mask, and are kept by reference.
class DqnLearner {
 public:
  // Dropped activations, if any, are drawn from the stream.
  DqnLearner(Network& online, Network& target, const ModelSpec&, const AgentConfig&,
             Stream dropout_stream = {});

  // One update; the target network is copied after every target_update_interval of them.
  UpdateReport learn(const ReplayBatch&);
  void copy_to_target();

  // Values and errors of the latest batch, as they were before its update.
  ConstBatch q() const { return {q_.data(), stride_}; }           // [actions][stride]
  std::span<const float> td_abs_error() const { return error_; }  // at most delta_clip

  const Adam& optimizer() const { return adam_; }

  template <class Archive>
  void visit(Archive& archive) {
    adam_.visit(archive);
    archive("dropout", dropout_);
  }

 private:
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
  void save(StateWriter&) const override;
  void load(StateReader&) override;

 private:
  double epsilon() const override;
  double beta() const override;
  UpdateReport learn(const ReplayBatch&) override;

  DqnConfig config_;
  std::unique_ptr<Network> target_;
  DqnLearner learner_;
};

// Its row in the list of algorithms.
AlgorithmInfo dqn_algorithm();

}  // namespace impsweep
