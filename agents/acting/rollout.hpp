// agents/acting/rollout.hpp - a policy acting in B environments for T steps: the sampler of every algorithm
// (rlpyt's samplers/parallel/cpu/collectors.py: lock-step, reset within the batch, time limits end an
// episode).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agents/acting/interruption.hpp"
#include "agents/acting/policy.hpp"
#include "agents/acting/samples.hpp"
#include "agents/native/aligned.hpp"
#include "agents/network/network.hpp"
#include "envs/environment.hpp"

namespace impsweep {

class Rollout {
 public:
  // Streams are named `<stream_prefix>/<purpose>/<lane>`. `threads` step the environments together.
  Rollout(std::string_view task, const TaskOptions&, int B, const std::string& stream_prefix,
          int threads = 1);

  // Up to `max_steps` uniformly random actions in each environment, not counted as training (rlpyt
  // samplers/base.py). Throws Interrupted.
  void decorrelate(std::int64_t max_steps, const Interruption& = {});

  // Acts with part `part` of the network and fills everything but values, advantages and returns. Throws
  // Interrupted.
  void collect(Network& network, int part, Samples& samples, const Interruption& = {});

  // Observations after the last step: [observation_size][lanes rounded up].
  ConstBatch current() const { return observation_.dense(); }

  // Steps of the last rollout that only the time limit ended, with the observations they led to.
  struct Timeouts {
    std::vector<int> sample;    // index into Samples
    AlignedFloats observation;  // [sample.size()][Samples::observation_stride]
  };
  const Timeouts& timeouts() const { return timeouts_; }

  const TaskInfo& info() const { return environment_->info(); }

  void save(StateWriter&) const;
  void load(StateReader&);

 private:
  std::unique_ptr<Environment> environment_;
  std::unique_ptr<Policy> policy_;
  int lanes_ = 0;
  std::string stream_prefix_;
  std::vector<Stream> task_streams_, action_streams_;  // one per lane
  std::vector<std::int32_t> lane_of_column_;
  std::vector<StepResult> results_;
  ObservationColumns observation_;  // dense, as the learners read them
  Timeouts timeouts_;
};

}  // namespace impsweep
