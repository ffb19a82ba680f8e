// envs/common_options.hpp - options that several tasks share: the bounds of a uniform start state and the
// step limit.
#pragma once

#include <string>
#include <vector>

#include "envs/environment.hpp"

namespace impsweep {

struct StartBounds {
  double low = 0, high = 0;

  // One draw U; multiply, then add, as in the reference.
  double draw(RandomSource& draws) const { return low + (high - low) * draws.uniform(); }
};

// "<task>.reset_low" and "<task>.reset_high" with these defaults.
std::vector<Option> start_options(const std::string& task, StartBounds defaults);

// Throws std::invalid_argument if the bounds are in the wrong order.
StartBounds start_bounds(const std::string& task, const TaskOptions& options);

// "<task>.max_steps"; its default 0 keeps the limit of the task, which `own_limit` describes in words.
Option max_steps_option(const std::string& task, const std::string& own_limit);

// Puts a limit that was given by option over the one in `info`.
void apply_max_steps(const std::string& task, const TaskOptions& options, TaskInfo& info);

}  // namespace impsweep
