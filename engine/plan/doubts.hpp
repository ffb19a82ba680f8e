// engine/plan/doubts.hpp - what of a job does what it says and hardly what is meant, for people.
#pragma once

#include <string>
#include <vector>

#include "engine/plan/plan.hpp"

namespace impsweep {

// One sentence each: steps that are rounded up to whole rollouts and to what, schedules that end before
// learning starts or after it. Said once, however many points of the grid it is true of.
std::vector<std::string> doubts_about(const Plan&);

}  // namespace impsweep
