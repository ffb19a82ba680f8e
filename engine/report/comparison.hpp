// engine/report/comparison.hpp - the values of one key against each other, everything else equal.
//
// Compared are chains that agree in every setting with a bearing on results but the compared one. A key is a
// setting ("ppo.learning_rate"), or one of
//   variant     of one task, algorithm and network; what the variants set is what is compared
//   network     every network.* key
//   algorithm   with all that belongs to it; imp.*, network.*, inputs.* and the task's own keys must agree
//   baseline    of the same chains
// Chains that differ in more are left out, with the keys; if none are left, the comparison is refused.
//
// The measure is the area under the return over the logarithm of the density, as a mean return: over the
// rounds from 1 to the last that all arms have and whose density is 2.5 % or more (analysis.hpp); dense
// agents alone are compared by the return of round 0. Differences are paired by seed, later values minus the
// first.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/report/analysis.hpp"
#include "engine/report/sections.hpp"

namespace impsweep {

struct ComparedArm {
  std::string value;
  const Group* group = nullptr;
  Baseline baseline = Baseline::kMaskWeights;
  std::vector<std::int64_t> seeds;
  std::vector<double> areas;  // by seed; NaN where a return is missing
  statistics::Cell area;
  statistics::Cell difference;  // to the first arm, over the seeds that both have; no values for the first
};

struct Comparison {
  std::string key, name;           // "cartpole ppo 128-128"
  std::string range;               // "rounds 1-16"
  std::string remark;              // what variants set; what was left out
  std::vector<std::string> drawn;  // values in the panel, in the order of the arms
  // The arms of one baseline stand together, the first of them is the reference.
  std::vector<std::vector<ComparedArm>> arms;
};

// One for each set of chains that can be compared. InputError for an unknown key, a key with one value only,
// and where no two chains agree in all else; the message names the keys.
std::vector<Comparison> compare(const Results&, const std::string& key, Metric);

// Panel and table of each, for the page.
ReportSection comparison_section(const std::vector<Comparison>&, const ReportMetrics&);

// A row for each arm, full precision, for the file beside the figure.
std::string comparison_csv(const Comparison&, Metric);
nlohmann::json to_json(const std::vector<Comparison>&, Metric);

// The name of figure and table: "compare_network.hidden_cartpole_ppo".
std::string file_name_of(const Comparison&);

}  // namespace impsweep
