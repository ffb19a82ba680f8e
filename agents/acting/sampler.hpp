// agents/acting/sampler.hpp - B environments stepped in lock-step: the sampler of every algorithm (rlpyt
// samplers/parallel/cpu/collectors.py). Time limits end an episode like any other end, and the next one
// starts at once.
//
// A time step is three calls; what is learned from is taken down between them:
//
//   sampler.act(policy, network, part);  // an action for what each environment shows:
//                                        //   observation(), policy.actions()
//   sampler.step(policy.actions());      // takes them: results(), and observation() of where they led
//   sampler.reset_ended();               // observation() of a new episode where one ended
//
// Environment b is lane b, and column b of every batch. Steps allocate nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/acting/interruption.hpp"
#include "agents/acting/observation_columns.hpp"
#include "agents/acting/policy.hpp"
#include "agents/network/network.hpp"
#include "envs/environment.hpp"

namespace impsweep {

// How observations are kept: written out, or as it suits the task (the active features of binary ones, with
// the code of coded ones beside them).
enum class ObservationForm { kNumbers, kOfTask };

class Sampler {
 public:
  // Streams are named `<stream_prefix>/<purpose>/<lane>`. `threads` step the environments together.
  Sampler(std::string_view task, const TaskOptions&, int B, const std::string& stream_prefix, int threads,
          ObservationForm);

  // Up to `max_steps` uniformly random actions in each environment, not counted as training (rlpyt
  // samplers/base.py). Throws Interrupted; the sampler is then of no more use.
  void decorrelate(Policy&, std::int64_t max_steps, const Interruption& = {});

  // The three parts of a time step. The policy acts with part `part` of the network.
  void act(Policy&, Network&, int part);
  void step(const ActionBatch&);
  void reset_ended();

  // Brings observation() and code() up to where the last step led. Before reset_ended(), that is what an
  // episode would have gone on from, had the step limit not ended it.
  void observe();

  int lanes() const { return environment_->lanes(); }
  const Environment& environment() const { return *environment_; }
  const TaskInfo& info() const { return environment_->info(); }

  // What the last act() saw: for binary tasks the features that are 1.
  const ObservationColumns& observation() const { return observation_; }

  // What the observations of the last act() are made of, where the task has a code for them; else they
  // themselves. Only in the form of the task.
  const ObservationColumns& code() const { return keeps_code_ ? code_ : observation_; }

  std::span<const StepResult> results() const { return results_; }  // [B], of the last step
  bool ended(int lane) const { return results_[lane].terminated || results_[lane].truncated; }

  void save(StateWriter&) const;
  void load(StateReader&);

 private:
  std::unique_ptr<Environment> environment_;
  std::string stream_prefix_;
  std::vector<Stream> task_streams_, action_streams_;  // one per lane
  std::vector<std::int32_t> lane_of_column_;           // 0, 1, ..., B - 1
  std::vector<StepResult> results_;
  ObservationColumns observation_, code_;
  bool keeps_code_ = false;
};

// Observations that are made of a code of zeros and ones, and are not the code itself.
bool is_coded(const TaskInfo&);

}  // namespace impsweep
