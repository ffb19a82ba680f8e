// engine/report/contents.hpp - which figures a report shows, and what stands below them.
#pragma once

#include <string>
#include <vector>

#include "engine/report/results.hpp"
#include "io/html.hpp"
#include "io/plotting.hpp"

namespace impsweep {

struct ReportFigure {
  std::string title, caption;
  // One picture, or one per round under a slider; of several, only the first is also a PDF and a PNG.
  std::vector<Figure> pictures;
  std::vector<std::string> labels;  // of the slider's places
};

struct ReportSection {
  std::string title, note;
  HtmlTable table;  // may be empty
  std::vector<ReportFigure> figures;
};

// Over all tasks first, then one section per group that has finished rounds.
std::vector<ReportSection> report_contents(const Results&);

// Figure `number` (1 to 15) of the paper from what is there; its caption says what is missing. Several
// pictures if its parts differ in kind. InputError for another number.
std::vector<ReportFigure> paper_figure(const Results&, int number);
inline constexpr int kPaperFigures = 15;

}  // namespace impsweep
