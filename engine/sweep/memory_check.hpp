// engine/sweep/memory_check.hpp - trainings that are too large for the rank that is to run them.
#pragma once

#include <optional>
#include <string>

#include "engine/plan/plan.hpp"
#include "io/machine_memory.hpp"

namespace impsweep {

// Nothing if the training is predicted to fit; else what it needs, what there is, and the remedy.
std::optional<std::string> memory_shortage(const Plan&, TrainingIndex, const MemoryLimit&);

// How many of the `ranks` of this run are on this host, as far as the launcher says so; else one.
int ranks_on_this_host(int ranks);

}  // namespace impsweep
