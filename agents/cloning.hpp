// agents/cloning.hpp - behavioural cloning of a frozen expert (policy distillation, protocol of the paper's
// section 3.1): the expert acts with its own stochastic policy, the student learns its action probabilities
// on the states visited.
//
//   loss = mean over samples of -sum_a p_expert(a) log softmax(student)(a)  [+ mean(0.5 (V - V_expert)^2) if
//   distilled]
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/batch_trainer.hpp"

namespace impsweep {

// The student's network has part 0 = actor and, if the critic is distilled, part 1 = critic.
class CloningLearner final : public BatchLearner {
 public:
  CloningLearner(Network&, const ModelSpec&, const AgentConfig&, MinibatchPlan, std::int64_t iterations);

  // Uses samples.probability (and samples.value) of the expert.
  UpdateReport learn_minibatch(const Samples&, const std::int32_t* order) override;

  double learning_rate() const;

 private:
  // Adds the critic's loss and gradient for the minibatch in place; returns the loss.
  float learn_values(const Samples&, const std::int32_t* order);

  CloningConfig config_;
  int observation_size_ = 0, actions_ = 0, stride_ = 0;
  AlignedFloats observation_, logits_, logit_gradient_, teacher_probability_, loss_per_sample_;
  AlignedFloats values_, value_gradient_;
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
