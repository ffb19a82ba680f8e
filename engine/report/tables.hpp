// engine/report/tables.hpp - the tables of a report's page.
//
// Every cell says of how many seeds it speaks, and how sure it is by the rules of engine/statistics/cell.hpp:
// intervals from five seeds on, the values themselves below; "at the ceiling" where most seeds are.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/report/results.hpp"
#include "engine/report/sections.hpp"
#include "engine/statistics/critical_density.hpp"

namespace impsweep {

// Returns at about 10 % density by all metrics, a row for each baseline.
ReportTable returns_table(const Group&);

// AUC, d* and paired differences to mask/weights by one metric.
ReportTable contributions_table(const Group&, Metric);

// AUC of groups as scores over tasks, as rliable makes them, with stratified intervals: interquartile mean,
// optimality gap, and the probability that mask/weights improves on a baseline. Without rows where neither
// several tasks nor five seeds are there; tasks take part with the seeds that all of them have.
ReportTable scores_table(std::span<const Group* const>, Metric, const std::string& name);

// Share of runs above a normalised AUC, by baseline: performance profiles. Without lines where there is no
// table of scores.
Panel profile_panel(std::span<const Group* const>, Metric, const std::string& title);

// "10.7 % (n = 5; rounds 10, 10, 11, 11, 12)"; "≤ 8.19 % ..." where half of the seeds or more hold to the
// last round that was trained.
std::string survival_text(const Group&, Baseline, Metric);

}  // namespace impsweep
