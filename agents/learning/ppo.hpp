// agents/learning/ppo.hpp - proximal policy optimization as rlpyt computes it (algos/pg/ppo.py, algos/pg/base.py,
// algos/utils.py), and the trainer around it. The loss is that of ppo_objective.hpp.
#pragma once

#include <cstdint>
#include <memory>

#include "agents/learning/batch_learner.hpp"
#include "agents/learning/batch_trainer.hpp"
#include "agents/learning/ppo_objective.hpp"
#include "agents/learning/schedule.hpp"

namespace impsweep {

// Generalized advantage estimation (Schulman et al. 2016): fills samples.advantage and samples.return_ from
// rewards, values, ends and bootstrap values. Returns are advantage + value, formed before any normalisation;
// normalisation subtracts the mean and divides by max(standard deviation (N-1), 1e-6) over the whole rollout.
void estimate_advantages(Samples&, double discount, double gae_lambda, bool normalize);

// The part of PPO that learns: a network with parts 0 = actor and 1 = critic, its optimizer and its
// schedules. After iteration i of n the learning rate becomes lr0 (n-i-1)/n and the clip c0 (n-i)/n: it lags
// by one, as in rlpyt.
class PpoLearner final : public BatchLearner {
 public:
  PpoLearner(Network&, const ModelSpec&, const AgentConfig&, MinibatchPlan, std::int64_t iterations);

  UpdateReport learn_minibatch(const Samples&, const std::int32_t* order) override;

  // In force in the current iteration.
  double learning_rate() const;
  double ratio_clip() const;

 private:
  PpoConfig config_;
  LinearDecay learning_rate_, ratio_clip_;
  std::unique_ptr<PpoObjective> objective_;
  AlignedFloats advantage_, return_;  // of one minibatch
};

class PpoTrainer final : public BatchTrainer {
 public:
  PpoTrainer(const TrainingRequest&, int max_columns);

 private:
  void complete_samples() override;

  AlignedFloats timeout_value_;
};

}  // namespace impsweep
