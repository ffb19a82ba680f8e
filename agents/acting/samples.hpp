// agents/acting/samples.hpp - what a rollout leaves behind: the material that PPO and cloning learn from.
#pragma once

#include <cstdint>
#include <vector>

#include "agents/native/aligned.hpp"

namespace impsweep {

// T*B transitions. Sample i is time i % T of environment i / T, the order in which rlpyt's minibatch indices
// count. Observations lie one after the other, as they come in and as minibatches choose them; the other
// matrices are feature-major [feature][stride] over samples.
struct Samples {
  int T = 0, B = 0;
  int stride = 0;  // T*B rounded up to whole lanes
  int observation_size = 0, actions = 0;
  int observation_stride = 0;  // observation_size in whole lanes
  bool continuous = false;
  AlignedFloats observation;  // [T*B][observation_stride]

  // What the policy that acted computed. Softmax:
  AlignedFloats probability;         // [actions][stride]
  std::vector<std::int32_t> action;  // [T*B]
  // Gaussian:
  AlignedFloats mean, continuous_action;  // [actions][stride]
  std::vector<float> log_std;             // [actions]
  AlignedFloats log_likelihood;           // [T*B] of the action taken, without the constant

  AlignedFloats reward;              // [T*B]
  AlignedFloats value;               // [T*B], of the critic at sampling time
  std::vector<std::uint8_t> done;    // [T*B], the step ended an episode (time limits included)
  AlignedFloats bootstrap_value;     // [B], of the observation after the last step
  AlignedFloats advantage, return_;  // [T*B]

  // Steps that only the time limit ended, with the observations they led to.
  struct Timeouts {
    std::vector<int> sample;    // index of each
    AlignedFloats observation;  // [sample.size()][observation_stride]
  };
  Timeouts timeouts;

  Samples() = default;
  Samples(int T, int B, int observation_size, int actions, bool continuous = false);
  int size() const { return T * B; }
};

}  // namespace impsweep
