// envs/locomotion/robots_in_lanes.hpp - the environment of robots that are stepped many at once. It saves
// what the environment of single worlds saves, and loads what that has left.
#pragma once

#include <memory>

#include "envs/environment.hpp"
#include "envs/locomotion/runner.hpp"

namespace impsweep::locomotion {

std::unique_ptr<Environment> make_robots_in_lanes(TaskInfo, int lanes, const RunnerParameters&, Model);

}  // namespace impsweep::locomotion
