// agents/config/ppo_config.hpp - the options of PPO (rlpyt algos/pg/ppo.py).
#pragma once

#include <cstdint>

#include "agents/config/option_field.hpp"

namespace impsweep {

struct PpoConfig {
  double learning_rate = 5e-4;
  double discount = 0.99;
  double gae_lambda = 0.8;
  double value_coefficient = 0.5;
  double entropy_coefficient = 0.001;
  double ratio_clip = 0.2;
  std::int64_t epochs = 4;
  std::int64_t minibatches = 4;
  bool normalize_advantage = false;
  double clip_grad_norm = 1.0;
  bool linear_schedule = true;

  template <class V>
  void visit(V& v) {
    v("ppo.learning_rate", learning_rate, kPositive, "Adam step size at the start");
    v("ppo.discount", discount, kFraction, "gamma");
    v("ppo.gae_lambda", gae_lambda, kFraction, "lambda of the generalized advantage estimation");
    v("ppo.value_coefficient", value_coefficient, kNonNegative, "weight of mean(0.5 (V - R)^2) in the loss");
    v("ppo.entropy_coefficient", entropy_coefficient, kNonNegative, "weight of the mean entropy in the loss");
    v("ppo.ratio_clip", ratio_clip, kPositive, "clip of the probability ratio at the start");
    v("ppo.epochs", epochs, Range{1, 1000}, "passes over each rollout");
    v("ppo.minibatches", minibatches, kAtLeastOne, "parts of a rollout per epoch");
    v("ppo.normalize_advantage", normalize_advantage, kAny, "over the whole rollout, divisor max(std, 1e-6)");
    v("ppo.clip_grad_norm", clip_grad_norm, kPositive, "limit of the global gradient norm");
    v("ppo.linear_schedule", linear_schedule, kAny, "learning rate and clip fall linearly to zero");
  }
};

}  // namespace impsweep
