// agents/rollout.hpp - a policy acting in B environments for T steps: the sampler of every algorithm (rlpyt's
// samplers/parallel/cpu/collectors.py: lock-step, reset within the batch, time limits end an episode).
//
// Sample i of a rollout is time i % T of environment i / T, the order in which rlpyt's minibatch indices
// count.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agents/aligned.hpp"
#include "agents/network.hpp"
#include "envs/environment.hpp"

namespace impsweep {

// T*B transitions. Matrices are feature-major [feature][stride] over samples.
struct Samples {
  int T = 0, B = 0;
  int stride = 0;  // T*B rounded up to whole lanes
  int observation_size = 0, actions = 0;
  AlignedFloats observation;         // [observation_size][stride]
  AlignedFloats probability;         // [actions][stride], of the policy that acted
  std::vector<std::int32_t> action;  // [T*B]
  AlignedFloats reward;              // [T*B]
  AlignedFloats value;               // [T*B], of the critic at sampling time
  std::vector<std::uint8_t> done;    // [T*B], the step ended an episode (time limits included)
  AlignedFloats bootstrap_value;     // [B], of the observation after the last step
  AlignedFloats advantage, return_;  // [T*B]

  Samples() = default;
  Samples(int T, int B, int observation_size, int actions);
  int size() const { return T * B; }
};

// Draws action a of each column with probability[a][column], by inversion of one uniform from the column's
// stream.
void sample_actions(int actions, int columns, const float* probability, int stride, Stream* streams,
                    std::int32_t* action);

class Rollout {
 public:
  // Streams are named `<stream_prefix>/<purpose>/<lane>`.
  Rollout(std::string_view task, const TaskOptions&, int B, const std::string& stream_prefix);

  // Up to `max_steps` uniformly random actions in each environment, not counted as training (rlpyt
  // samplers/base.py).
  void decorrelate(std::int64_t max_steps);

  // Acts with the softmax policy `part` of the network and fills everything but values, advantages and
  // returns.
  void collect(Network& network, int part, Samples& samples);

  // Observations after the last step: [observation_size][lanes rounded up].
  ConstBatch current() const { return {observation_.data(), stride_}; }

  // Steps of the last rollout that only the time limit ended, with the observations they led to.
  struct Timeouts {
    std::vector<int> sample;    // index into Samples
    AlignedFloats observation;  // [observation_size][stride], one column each
    int stride = 0;
  };
  const Timeouts& timeouts() const { return timeouts_; }

  const TaskInfo& info() const { return environment_->info(); }

  void save(StateWriter&) const;
  void load(StateReader&);

 private:
  std::unique_ptr<Environment> environment_;
  int lanes_ = 0, stride_ = 0;
  std::string stream_prefix_;
  std::vector<Stream> task_streams_, action_streams_;  // one per lane
  std::vector<std::int32_t> lane_of_column_, action_;
  std::vector<StepResult> results_;
  AlignedFloats observation_;  // [observation_size][stride_]
  AlignedFloats probability_;  // [actions][stride_]
  Timeouts timeouts_;
};

}  // namespace impsweep
