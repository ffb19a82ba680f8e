// agents/learning/cloning.hpp - behavioural cloning of a frozen expert (policy distillation, protocol of the paper's
// section 3.1): the expert acts with its own stochastic policy, the student learns the distribution of its
// actions on the states visited.
//
//   softmax   loss = mean over samples of -sum_a p_expert(a) log softmax(student)(a)
//   Gaussian  loss = mean over samples of KL(expert || student); the student has a log_std of its own
//   and + mean(0.5 (V - V_expert)^2) if the critic is distilled
#pragma once

#include <cstdint>
#include <memory>

#include "agents/learning/batch_learner.hpp"
#include "agents/learning/batch_trainer.hpp"
#include "agents/learning/schedule.hpp"

namespace impsweep {

// The loss of one kind of policy.
class CloningObjective {
 public:
  virtual ~CloningObjective() = default;

  // Mean loss on the samples order[0 .. size-1], which have been passed forwards; writes the gradients for the
  // actor's pass backwards and, for a Gaussian, that of its log_std.
  virtual float evaluate(const Samples&, const std::int32_t* order, ActorCritic& minibatch) = 0;
};

// The student's network has part 0 = actor and, if the critic is distilled, part 1 = critic.
class CloningLearner final : public BatchLearner {
 public:
  CloningLearner(Network&, const ModelSpec&, const AgentConfig&, MinibatchPlan, std::int64_t iterations);

  // Uses the teacher's distributions (and values) in the samples.
  UpdateReport learn_minibatch(const Samples&, const std::int32_t* order) override;

 private:
  // The critic's loss, of which it writes all gradients.
  float learn_values(const Samples&, const std::int32_t* order);

  CloningConfig config_;
  LinearDecay learning_rate_;
  std::unique_ptr<CloningObjective> objective_;
};

class CloningTrainer final : public BatchTrainer {
 public:
  CloningTrainer(const TrainingRequest&, int max_columns);

 private:
  Network& acting_network() override { return *teacher_; }
  void complete_samples() override;

  std::unique_ptr<Network> teacher_;
};

}  // namespace impsweep
