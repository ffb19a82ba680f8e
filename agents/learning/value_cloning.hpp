// agents/learning/value_cloning.hpp - behavioural cloning where teachers are DQN agents (MazeGrid, MinAtar).
// One iteration:
//
//   act    T steps of the frozen teacher in each of B environments, epsilon-greedy with a few random actions,
//          into a replay memory
//   draw   a batch of the states visited, all alike; once for every update that is due
//   learn  the teacher's values of all actions: mean over samples and actions of
//          Huber(Q(s, a) - Q_teacher(s, a)), its gradient, clip of the norm, step of Adam
//
// Under bc.data = "student" the student acts, with as many random actions; under "fixed" the teacher acts
// once, for bc.fixed_steps, and all batches are drawn from these.
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
  BatchLoss first_loss(double temperature) override;

 private:
  UpdateReport collect_and_learn() override;
  Adam& optimizer() override { return adam_; }
  Network& actor();
  UpdateReport differentiate(const ReplayBatch&);
  UpdateReport learn(const ReplayBatch&);
  double learning_rate() const;  // falls linearly to zero, if it is to
  void save_learner(StateWriter&) const override;
  void load_learner(StateReader&) override;

  ValueCloningConfig cloning_;
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
