// agents/torch/eager_dqn.hpp - a double-DQN update with LibTorch alone, on a masked dense model. The native
// update is timed against it and tested against it (see eager_ppo.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/config/config.hpp"
#include "agents/config/dqn_config.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

// A batch in LibTorch's layout: dense observations, sample by sample.
struct EagerDqnBatch {
  int size = 0, features = 0;
  const float* observation = nullptr;       // [size][features]
  const float* next_observation = nullptr;  // [size][features]
  const std::int32_t* action = nullptr;     // [size]
  const float* return_ = nullptr;           // [size]
  const std::uint8_t* done = nullptr;       // [size]
  const float* weight = nullptr;            // [size], importance weights
};

class EagerDqn {
 public:
  virtual ~EagerDqn() = default;

  // One gradient step. Returns the absolute errors, at most delta_clip: [size].
  virtual std::vector<float> learn(const EagerDqnBatch&) = 0;

  virtual std::vector<float> parameters() const = 0;  // dense order
};

// The model has one part, a perceptron, with or without convolutions in front. Mask and parameters are
// in dense order; an empty mask keeps all. The target network keeps the initial parameters. n-step returns of
// one step.
std::unique_ptr<EagerDqn> make_eager_dqn(const ModelSpec&, std::span<const std::uint8_t> mask,
                                         std::span<const float> parameters, const AgentConfig&);

}  // namespace impsweep
