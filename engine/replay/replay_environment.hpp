// engine/replay/replay_environment.hpp - drives the very environment that trains with a recorded trace and
// compares every step.
//
// Two runs are made of each episode. The open-loop run resets with the recorded draws and then follows the
// recorded actions; every draw must be requested with its recorded kind and n, in its recorded step, and none
// may be left over. The single-step run, for tasks that declare their state, sets the recorded state t and
// compares the state and flags after one step.
//
// A step diverges when it leaves the tolerance. By default that is the rule of the task: states within 1e-12
// (angles modulo 2 pi), the state at reset to the bit, observations equal as floats (the first one of
// Acrobot: within one unit in the last place), rewards and flags equal. Robots: joint states, observations
// and rewards (as floats) within 1e-6; their joint states are not a whole state, so there is no single-step
// run.
//
// Per-episode settings come from the episode's attributes: each attribute that is named like an option of the
// task ("reset_low" for "cartpole.reset_low") sets it, `sticky_action_prob` sets "sticky_actions", and the
// suffix of `gym_id` sets "version".
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace impsweep {

struct EnvironmentReplayOptions {
  // 0: the rules above. Otherwise the largest absolute difference allowed of states, observations and
  // rewards; flags must agree in any case.
  double tolerance = 0;
};

struct Divergence {
  int episode = 0;  // position in the file
  int step = -1;    // -1 is the reset
  // draws, state, observation, reward, terminated, truncated; single_step/... for that run
  std::string field;
};

struct EnvironmentReplay {
  std::string file, env;  // env: the task's name here
  std::int64_t episodes = 0, steps = 0;
  std::int64_t exact_steps = 0;  // steps whose open-loop results are equal to the bit
  double max_abs_error = 0;      // over states, observations and rewards of both runs
  std::optional<Divergence> first_divergence;
  // Recordings of Gymnasium: packages whose versions are others here than there. They may compute otherwise,
  // and a divergence is no failure then.
  std::string other_versions;
};

// Throws InputError if the file is no usable trace or belongs to no known task.
EnvironmentReplay replay_environment_trace(const std::string& path,
                                           const EnvironmentReplayOptions& options = {});

// {file, env, episodes, steps, exact_steps, max_abs_error, first_divergence: null or {episode, step, field}},
// and other_versions where there are any
void to_json(nlohmann::json& json, const EnvironmentReplay& replay);

}  // namespace impsweep
