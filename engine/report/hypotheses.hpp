// engine/report/hypotheses.hpp - the claims of the paper, H1 to H36, each judged by what the stores hold.
//
// The claims are a table (claims/table.cpp), with what is measured of every seed and the rule that decides
// it; how the rules decide stands in claims/decision.hpp. A verdict holds for the settings that are there:
// the scope beside it, as most claims speak of more settings than a store holds.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/report/claims/decision.hpp"
#include "engine/report/results.hpp"
#include "engine/training/metric.hpp"

namespace impsweep {

// "supported", "contradicted", "equivalent", "undecided", "not run".
std::string_view verdict_text(statistics::Outcome);

// "cartpole (bc, ppo), acrobot (bc)".
std::string list_text(const std::vector<TaskAndAlgorithm>&);

// What one setting says to one part of a claim, or all settings together.
struct Finding {
  TaskAndAlgorithm about;
  std::string setting;   // "cartpole bc 128-128"; "4 settings, pooled" of all together
  std::string estimand;  // "AUC(mask/weights) - AUC(random/re-init)"
  std::string claim;     // "> 0"
  bool together = false;
  statistics::Decision decision;
  std::string note;  // "rounds 1-16; under way"
};

struct JudgedHypothesis {
  std::string id, claim, needs, remark;
  std::vector<std::string>
      rules;  // "AUC(a) - AUC(b) > 0: 97 % t interval above 0 (R1); settings pooled (R6)"
  statistics::Outcome verdict = statistics::Outcome::kNotRun;
  std::string what_would_decide;  // where it is undecided
  std::vector<Finding> findings;  // by part, settings first and all of them together last
  // Settings that the claim speaks of: measured; there, but without chains as it needs them, or with others
  // than the paper's settings; not there.
  std::vector<TaskAndAlgorithm> seen, unfit, missing;
};

// "2 of 22 settings: cartpole (bc, ppo)"; nothing where the claim speaks of one setting, or none is there.
std::string scope_text(const JudgedHypothesis&);

// All of them, in order.
std::vector<JudgedHypothesis> judge(const Results&, Metric = Metric::kReevaluated);

nlohmann::json to_json(const std::vector<JudgedHypothesis>&);

}  // namespace impsweep
