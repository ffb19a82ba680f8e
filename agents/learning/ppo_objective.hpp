// agents/learning/ppo_objective.hpp - PPO's loss for one kind of policy:
//
//   loss = -mean(min(r A, clip(r, 1-c, 1+c) A)) + c_v mean(0.5 (V - R)^2) - c_e mean(entropy)
//
//   softmax   r = (p_new + 1e-8) / (p_old + 1e-8),  entropy = -sum p log(p + 1e-8)
//   Gaussian  r = exp(l_new - l_old),  l = -sum_d (log_std + z^2 / 2) with z = (a - mean) / (std + 1e-8),
//             entropy = sum_d log_std + log(sqrt(2 pi e))
#pragma once

#include <cstdint>
#include <memory>

#include "agents/acting/samples.hpp"
#include "agents/learning/actor_critic.hpp"
#include "agents/native/kernels/kernels.hpp"

namespace impsweep {

// What the loss of a minibatch is made of besides the outputs of the networks.
struct PpoTerms {
  const float* advantage = nullptr;                                      // A, [stride]
  const float* return_ = nullptr;                                        // R, [stride]
  float ratio_clip = 0, value_coefficient = 0, entropy_coefficient = 0;  // c, c_v, c_e
};

class PpoObjective {
 public:
  virtual ~PpoObjective() = default;

  // Terms of the loss on the samples order[0 .. size-1], after the forward passes; writes all gradients for
  // the backward passes.
  virtual PpoLossSums evaluate(const Samples&, const std::int32_t* order, const PpoTerms&,
                               ActorCritic& minibatch) = 0;

  // mean(r - 1 - log r) of the same samples, of which no term is negative (Schulman 2020): an estimate of
  // KL(old, new) from the actions that the old policy took.
  virtual double divergence(const Samples&, const std::int32_t* order, const ActorCritic& minibatch) = 0;
};

// `columns`: largest minibatch, in whole lanes.
std::unique_ptr<PpoObjective> make_ppo_objective(const ModelSpec&, int columns);

}  // namespace impsweep
