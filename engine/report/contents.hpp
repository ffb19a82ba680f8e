// engine/report/contents.hpp - which figures a report shows, and what stands below them.
#pragma once

#include <vector>

#include "engine/report/results.hpp"
#include "engine/report/sections.hpp"

namespace impsweep {

// Over all tasks first, then one section per group that has finished rounds.
std::vector<ReportSection> report_contents(const Results&, const ReportMetrics& = {});

// One section for each figure of the paper, with what its caption says.
std::vector<ReportSection> paper_contents(const Results&, const ReportMetrics& = {});

// Figure `number` (1 to 15) of the paper from what is there; its caption says what is missing. Several
// pictures if its parts differ in kind. InputError for another number.
std::vector<ReportFigure> paper_figure(const Results&, int number, const ReportMetrics& = {});
inline constexpr int kPaperFigures = 15;

}  // namespace impsweep
