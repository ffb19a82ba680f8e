// engine/store/return_table.hpp - return by density and baseline, as text for people.
#pragma once

#include <string>

#include "engine/store/contents.hpp"
#include "engine/training/metric.hpp"

namespace impsweep {

// One table per task, algorithm, network and variant: rows are rounds, columns baselines, entries mean and
// sample deviation over seeds of the return. Below each table, with at least two seeds: the
// paired differences of mask/weights to the other baselines, mean over rounds 1 and later, with 95 %
// intervals from five seeds on (engine/statistics/cell.hpp). Long chains show about a dozen of their rounds.
std::string return_tables(const Plan&, const RoundSummaries&, Metric);

// For a narrow screen: for each group its name, then for each baseline its curve of means over seeds from
// round 0 to the last that is finished, with the first and the last value. Lines of at most 60 characters,
// but for names.
std::vector<std::string> return_curves(const Plan&, const RoundSummaries&, Metric);

}  // namespace impsweep
