// tests/engine/tiny_plan.hpp - a chain of trainings that end in a tenth of a second.
#pragma once

#include <fmt/format.h>

#include "engine/plan/plan.hpp"

namespace impsweep::testing {

inline Plan tiny_plan(int rounds) {
  const JobFile job = parse_job(fmt::format(R"(
[[sweep]]
name = "tiny"
tasks = ["cartpole"]
algorithms = ["ppo"]
baselines = ["mask/weights"]
seeds = 1
rounds = {}
network.hidden = [8]
rl.steps = 2048
eval.interval = 512
eval.episodes = 2
eval.reevaluation_episodes = 2
)",
                                            rounds),
                                "job.toml");
  return make_plan(std::span(&job, 1));
}

}  // namespace impsweep::testing
