#include "agents/acting/samples.hpp"

#include "agents/native/kernels/kernels.hpp"

namespace impsweep {

Samples::Samples(int T, int B, int observation_size, int actions, bool continuous)
    : T(T),
      B(B),
      stride(round_up_to_lanes(T * B)),
      observation_size(observation_size),
      actions(actions),
      observation_stride(round_up_to_lanes(observation_size)),
      continuous(continuous) {
  const auto columns = static_cast<std::size_t>(stride), rows = static_cast<std::size_t>(actions);
  observation.assign(columns * static_cast<std::size_t>(observation_stride), 0.0f);
  if (continuous) {
    mean.assign(rows * columns, 0.0f);
    continuous_action.assign(rows * columns, 0.0f);
    log_std.assign(rows, 0.0f);
    log_likelihood.assign(columns, 0.0f);
  } else {
    probability.assign(rows * columns, 0.0f);
    action.assign(columns, 0);
  }
  reward.assign(columns, 0.0f);
  value.assign(columns, 0.0f);
  done.assign(columns, 0);
  bootstrap_value.assign(static_cast<std::size_t>(round_up_to_lanes(B)), 0.0f);
  advantage.assign(columns, 0.0f);
  return_.assign(columns, 0.0f);
}

}  // namespace impsweep
