// agents/learning/ppo.hpp - proximal policy optimization (Schulman et al. 2017) as rlpyt computes it
// (algos/pg/ppo.py, algos/pg/base.py, algos/utils.py). One iteration, in T steps of B environments:
//
//   act         with the actor, and take down observations, actions, rewards and ends
//   scale       the rewards, under ppo.reward_norm (running_moments.hpp)
//   value       V of what was seen and of what came last, by the critic
//   advantages  A by generalized advantage estimation, returns R = A + V
//   take in     the observations, under ppo.obs_norm: from here on networks see them by the new moments
//   learn       `epochs` times from all samples, in shuffled minibatches: the loss of ppo_objective.hpp, its
//               gradient, clip of the norm, step of Adam; fewer times where ppo.target_kl stops it
//   anneal      learning rate and ratio clip fall
#pragma once

#include <cstdint>
#include <memory>

#include "agents/config/ppo_config.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/batch_learner.hpp"
#include "agents/learning/batch_trainer.hpp"
#include "agents/learning/ppo_objective.hpp"
#include "agents/learning/running_moments.hpp"
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

  // The loss on the samples order[0 .. size-1], and its gradients in the network.
  UpdateReport differentiate(const Samples&, const std::int32_t* order);

  // One gradient step on them.
  UpdateReport learn_minibatch(const Samples&, const std::int32_t* order);

  // In force in the current iteration.
  double learning_rate() const;
  double ratio_clip() const;

 private:
  PpoConfig config_;
  LinearDecay learning_rate_, ratio_clip_;
  void normalise_advantages();
  float clip_value_loss(const Samples&, const std::int32_t* order);

  std::unique_ptr<PpoObjective> objective_;
  AlignedFloats advantage_, return_;  // of one minibatch
};

class PpoTrainer final : public BatchTrainer {
 public:
  PpoTrainer(const TrainingRequest&, int max_columns);
  BatchLoss first_loss(double temperature) override;

 private:
  UpdateReport collect_and_learn() override;
  void collect();
  void estimate_values_and_advantages();
  void add_values_after_timeouts();
  PpoLearner& learner() override { return learner_; }
  const PpoLearner& learner() const override { return learner_; }
  void save_own(StateWriter&) const override;
  void load_own(StateReader&) override;

  PpoConfig ppo_;
  ModelSpec model_;
  PpoLearner learner_;
  ObservationMoments observation_moments_;
  RewardScaling reward_scaling_;
  AlignedFloats timeout_value_;  // [T*B]
};

// Its row in the list of algorithms.
AlgorithmInfo ppo_algorithm();

}  // namespace impsweep
