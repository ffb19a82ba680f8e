// engine/report/steps.hpp - from cloning to reinforcement learning in steps: how far the tickets of each can
// be pruned, by whose states they learn from (bc.data) and by the algorithm.
#pragma once

#include <vector>

#include "engine/report/results.hpp"
#include "engine/report/sections.hpp"

namespace impsweep {

// One for each task and network of which students of several kinds of states were pruned: performance against
// density, and d* (analysis.hpp) of every step, median over seeds with the range of the seeds.
std::vector<ReportFigure> steps_figures(const Results&, const ReportMetrics&);

}  // namespace impsweep
