// engine/report/ways.hpp - ways to a sparse agent in one picture: iterative pruning under its baselines, and
// masks that change while learning, against the density and against what the agent cost to train.
//
// Together stand chains of one task, algorithm and network that agree in every setting but imp.* and
// sparse.*, where the masks of one of them change. A point is a round: mean over its seeds, and the interval
// that tables give (engine/statistics/cell.hpp), where there is one. Its cost is that of all trainings
// without which there would be no such agent: a ticket's are those of all rounds before it. Chains of two
// rounds were pruned once, and are one line together.
#pragma once

#include <vector>

#include "engine/report/results.hpp"
#include "engine/report/sections.hpp"

namespace impsweep {

std::vector<ReportFigure> ways_figures(const Results&, const ReportMetrics&);

// Floating-point operations of the gradient steps that led to a round of a chain; NaN where they are not
// known.
double operations_until(const Group&, Baseline, const ChainFacts&, std::size_t round);

}  // namespace impsweep
