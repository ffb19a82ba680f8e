// engine/report/page.hpp - the report as one self-contained web page.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/report/contents.hpp"
#include "engine/report/hypotheses.hpp"

namespace impsweep {

// `figures` is the directory in which all pictures have been drawn; their SVG becomes part of the page.
// Claims were judged by this metric; a page without hypotheses has no section of claims.
std::string report_page(const Results&, const std::vector<ReportSection>&,
                        const std::vector<JudgedHypothesis>&, Metric, const std::filesystem::path& figures);

}  // namespace impsweep
