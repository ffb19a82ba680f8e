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
#include <span>

#include "agents/acting/samples.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

// One minibatch after the forward pass; a column is a sample.
struct PpoForwardPass {
  int size = 0, stride = 0;
  const float* outputs = nullptr;     // of the actor, [actions][stride]
  const float* values = nullptr;      // [stride]
  const float* advantage = nullptr;   // [stride]
  const float* return_ = nullptr;     // [stride]
  std::span<const float> log_std;     // Gaussian only, [actions]
  float* output_gradient = nullptr;   // [actions][stride]
  float* value_gradient = nullptr;    // [stride]
  std::span<float> log_std_gradient;  // Gaussian only, [actions]
  float ratio_clip = 0, value_coefficient = 0, entropy_coefficient = 0;
};

class PpoObjective {
 public:
  virtual ~PpoObjective() = default;

  // Terms of the loss on the samples order[0 .. size-1], and all gradients.
  virtual PpoLossSums evaluate(const Samples&, const std::int32_t* order, const PpoForwardPass&) = 0;
};

// `columns`: largest minibatch, in whole lanes.
std::unique_ptr<PpoObjective> make_ppo_objective(const ModelSpec&, int columns);

}  // namespace impsweep
