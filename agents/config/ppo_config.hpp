// agents/config/ppo_config.hpp - the options of PPO (rlpyt algos/pg/ppo.py).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agents/config/option_field.hpp"

namespace impsweep {

enum class AdvantageScope { kRollout, kMinibatch };
constexpr auto enum_names(AdvantageScope) {
  return std::array<std::string_view, 2>{"rollout", "minibatch"};
}

enum class ClipSchedule { kAsRate, kConstant, kLinear };
constexpr auto enum_names(ClipSchedule) {
  return std::array<std::string_view, 3>{"as_rate", "constant", "linear"};
}

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
  AdvantageScope advantage_scope = AdvantageScope::kRollout;
  bool clip_value_loss = false;
  double target_kl = 0;
  ClipSchedule clip_schedule = ClipSchedule::kAsRate;
  double initial_log_std = 0;
  bool obs_norm = false;
  bool reward_norm = false;

  bool clip_falls() const {
    return clip_schedule == ClipSchedule::kAsRate ? linear_schedule : clip_schedule == ClipSchedule::kLinear;
  }

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
    v("ppo.normalize_advantage", normalize_advantage, kAny,
      "mean 0 and deviation 1, see ppo.advantage_scope");
    v("ppo.clip_grad_norm", clip_grad_norm, kPositive, "limit of the global gradient norm");
    v("ppo.linear_schedule", linear_schedule, kAny, "learning rate and clip fall linearly to zero");
    v("ppo.advantage_scope", advantage_scope, kAny,
      "what advantages are normalised over: rollout, divisor max(std, 1e-6), or minibatch, std + 1e-8");
    v("ppo.clip_value_loss", clip_value_loss, kAny,
      "values are clipped around those at sampling time like the ratio; the larger error counts");
    v("ppo.target_kl", target_kl, kNonNegative,
      "no further epoch once mean(r - 1 - log r) of an epoch's last minibatch is above; 0: all epochs");
    v("ppo.clip_schedule", clip_schedule, kAny,
      "the clip alone: constant, linear to zero, or as_rate: as ppo.linear_schedule says");
    v("ppo.initial_log_std", initial_log_std, Range{-20, 5},
      "continuous actions: log standard deviation of the policy at the start");
    v("ppo.obs_norm", obs_norm, kAny,
      "networks see (x - mean) / std of all observations of the training's rollouts, clipped at 10");
    v("ppo.reward_norm", reward_norm, kAny,
      "learn from rewards over the running std of the discounted return, clipped at 10");
  }
};

}  // namespace impsweep
