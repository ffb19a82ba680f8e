// agents/learning/value_cloning.hpp - behavioural cloning where teachers are DQN agents (MazeGrid, MinAtar):
// the frozen teacher acts, epsilon-greedy with a few random actions, and the student learns its values of all
// actions on states drawn uniformly from a replay memory of the visited ones.
//
//   loss = mean over samples and actions of Huber(Q(s, a) - Q_teacher(s, a))
#pragma once

#include <memory>

#include "agents/config/cloning_config.hpp"
#include "agents/learning/action_values.hpp"
#include "agents/learning/adam.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/replay_trainer.hpp"

namespace impsweep {

class ValueCloningTrainer final : public ReplayTrainer {
 public:
  ValueCloningTrainer(const TrainingRequest&, int max_columns);

  std::int64_t updates() const override { return adam_.steps(); }
  void save(StateWriter&) const override;
  void load(StateReader&) override;

 private:
  Network& acting_network() override { return *teacher_; }
  double epsilon() const override { return config_.epsilon_teacher; }
  UpdateReport learn(const ReplayBatch&) override;
  double learning_rate() const;

  ValueCloningConfig config_;
  std::unique_ptr<Network> teacher_;
  ActionValues student_values_, teacher_values_;
  Adam adam_;
  int stride_ = 0;
  AlignedFloats student_q_, teacher_q_, gradient_;  // [actions][stride_]
  AlignedFloats loss_per_sample_;                   // [stride_]
};

// Its row in the list of algorithms.
AlgorithmInfo value_cloning_algorithm();

}  // namespace impsweep
