// agents/learning/cloning.hpp - behavioural cloning of a frozen teacher (policy distillation, protocol of the
// paper's section 3.1): the teacher acts with its own stochastic policy, the student learns the distribution
// of its actions on the states visited.
//
//   softmax   loss = mean over samples of -sum_a p_teacher(a) log softmax(student)(a)
//   Gaussian  loss = mean over samples of KL(teacher || student); the student has a log_std of its own
//   and + mean(0.5 (V - V_teacher)^2) if the critic is distilled
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/config/cloning_config.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/batch_trainer.hpp"

namespace impsweep {

// The loss of one kind of policy on a minibatch. A column is a sample; matrices are [actions][stride].
class CloningObjective {
 public:
  virtual ~CloningObjective() = default;

  // Mean loss on the samples order[0 .. size-1]; writes the gradients with respect to the student's outputs
  // and, for a Gaussian, its log_std.
  virtual float evaluate(const Samples&, const std::int32_t* order, int size, const float* outputs,
                         float* output_gradient, std::span<const float> log_std,
                         std::span<float> log_std_gradient) = 0;
};

// The student's network has part 0 = actor and, if the critic is distilled, part 1 = critic.
class CloningLearner final : public BatchLearner {
 public:
  CloningLearner(Network&, const ModelSpec&, const AgentConfig&, MinibatchPlan, std::int64_t iterations);

  // Uses the teacher's distributions (and values) in the samples.
  UpdateReport learn_minibatch(const Samples&, const std::int32_t* order) override;

  double learning_rate() const;

 private:
  // Adds the critic's loss and gradient for the minibatch in place; returns the loss.
  float learn_values(const Samples&, const std::int32_t* order);

  PolicyCloningConfig config_;
  int observation_size_ = 0, log_std_ = 0, stride_ = 0;
  std::unique_ptr<CloningObjective> objective_;
  AlignedFloats observation_, outputs_, output_gradient_, values_, value_gradient_;
};

class CloningTrainer final : public BatchTrainer {
 public:
  CloningTrainer(const TrainingRequest&, int max_columns);

 private:
  Network& acting_network() override { return *teacher_; }
  void complete_samples() override;

  std::unique_ptr<Network> teacher_;
};

// Its row in the list of algorithms.
AlgorithmInfo policy_cloning_algorithm();

}  // namespace impsweep
