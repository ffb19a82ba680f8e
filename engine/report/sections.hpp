// engine/report/sections.hpp - what a report is made of, and by which returns.
#pragma once

#include <string>
#include <vector>

#include "engine/training/metric.hpp"
#include "io/html.hpp"
#include "io/plotting.hpp"

namespace impsweep {

struct ReportFigure {
  std::string title, caption;
  std::vector<Figure> pictures;     // one or several below each other, or one per round under a slider
  std::vector<std::string> labels;  // of the slider's places
};

struct ReportTable {
  std::string caption;
  HtmlTable table;
};

struct ReportSection {
  std::string title, note;
  std::vector<ReportTable> tables;
  std::vector<ReportFigure> figures;
};

// What agents are measured by (engine/training/metric.hpp). Figures are drawn once for each of `drawn`, side
// by side: the paper's metric and the one that claims are judged by. Tables show all metrics.
struct ReportMetrics {
  std::vector<Metric> drawn = {Metric::kBest, Metric::kReevaluated};
  Metric judged = Metric::kReevaluated;  // areas, comparisons, verdicts
};

}  // namespace impsweep
