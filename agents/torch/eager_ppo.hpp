// agents/torch/eager_ppo.hpp - a PPO update with LibTorch alone: its layers, its automatic derivatives, its
// norm clip and its Adam on a masked dense model. The native update is tested against it and timed against
// it.
//
// It is written for speed, within what eager LibTorch offers: parameters lie in one vector, so that the mask,
// the clip and Adam are a handful of operations each; pruned weights are held at zero by clearing their
// gradients, which is cheaper than a product of weights and mask in every pass.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/acting/rollout.hpp"
#include "agents/config/config.hpp"
#include "agents/config/ppo_config.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

class EagerPpo {
 public:
  virtual ~EagerPpo() = default;

  // One gradient step on these samples of the rollout. Returns the loss before it.
  virtual double learn_minibatch(std::span<const std::int32_t> order) = 0;

  virtual std::vector<float> parameters() const = 0;  // dense order
};

// The model has parts 0 = actor and 1 = critic; mask and parameters are in dense order, an empty mask keeps
// all. `samples` must be complete (advantages, returns, values if their loss is clipped); they are copied.
// Learning rate and clip stay as configured, and moments of observations as given; schedules, ppo.target_kl
// and weight decay are left out. Opens the LibTorch module as make_torch_network() does.
std::unique_ptr<EagerPpo> make_eager_ppo(const ModelSpec&, std::span<const std::uint8_t> mask,
                                         std::span<const float> parameters, const Samples& samples,
                                         const AgentConfig&);

}  // namespace impsweep
