// engine/report/hypotheses.hpp - the claims of the paper, H1 to H29, each judged by what the stores hold.
//
// A hypothesis is a table row (claims/table.cpp): the claim, the statistic that would confirm it, the runs
// that it needs, and a function from the results to findings, one per setting (task, algorithm, network). A
// finding compares a statistic over seeds with a reference: supported if its 95 % bootstrap interval lies
// wholly on the claimed side, contradicted if wholly on the other, else undecided. Fewer than five seeds
// decide nothing. A hypothesis is contradicted if any of its settings is, and supported if all are that there
// are: within the scope that is stated beside it, as most claims speak of more settings than a store holds.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/report/results.hpp"
#include "io/statistics.hpp"

namespace impsweep {

enum class Verdict { kSupported, kContradicted, kUndecided, kNotRun };
std::string_view verdict_text(Verdict);

// What a claim speaks of: "cartpole", "bc".
struct TaskAndAlgorithm {
  std::string task, algorithm;
  friend bool operator==(const TaskAndAlgorithm&, const TaskAndAlgorithm&) = default;
};
// "cartpole (bc, ppo), acrobot (bc)".
std::string list_text(const std::vector<TaskAndAlgorithm>&);

struct Finding {
  TaskAndAlgorithm about;
  std::string setting;    // "cartpole bc 128-128"
  std::string statistic;  // "AUC(mask/weights) - AUC(random/re-init)"
  std::string claim;      // "> 0"
  Interval interval;
  std::size_t seeds = 0;
  Verdict verdict = Verdict::kUndecided;
  std::optional<std::int64_t> more_seeds;  // undecided: how many more would decide, estimated
  std::string note;                        // "rounds 0-9 of 0-29", where chains are still under way
};

struct JudgedHypothesis {
  std::string id, claim, statistic, needs;
  Verdict verdict = Verdict::kNotRun;
  std::vector<Finding> findings;
  std::vector<TaskAndAlgorithm> seen, missing;  // of the settings that the claim speaks of
};

// "2 of 22 settings: cartpole (bc, ppo)"; nothing where the claim speaks of one setting, or none is there.
std::string scope_text(const JudgedHypothesis&);

// All of them, in order.
std::vector<JudgedHypothesis> judge(const Results&);

nlohmann::json to_json(const std::vector<JudgedHypothesis>&);

}  // namespace impsweep
