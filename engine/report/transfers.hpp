// engine/report/transfers.hpp - which masks are good for whom: rounds whose masks were given to other chains
// (imp.mask_from), by the agents that were trained with them.
//
// One matrix for each task, network and baseline. A row is a source, a column a learner (an algorithm); a
// cell holds P of round 1 (analysis.hpp), seed by seed, so that 1 is what the learner reaches without a mask.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/report/results.hpp"
#include "engine/report/sections.hpp"

namespace impsweep {

struct TransferMatrix {
  std::string name;  // "cartpole 128-128, mask/weights"
  std::vector<std::string> sources, learners;
  std::vector<std::vector<std::vector<double>>> performance;  // [source][learner][seed]
};
std::vector<TransferMatrix> transfer_matrices(const Results&, Metric);

// "ppo source, seed 5, round 10", from the value of imp.mask_from; what it shares with the reader is left
// out: task, network, and the variant called default.
std::string source_text(const std::string& mask_from, const Group& reader);

// Map and table of each; nothing where no chain has a mask of another.
std::optional<ReportSection> transfers_section(const Results&, const ReportMetrics&);

}  // namespace impsweep
