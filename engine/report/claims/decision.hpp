// engine/report/claims/decision.hpp - from the measurements of a claim to a word, by the rules of
// engine/statistics/rules.hpp.
//
// A part of a claim is measured in one or several settings and decided by one rule. Intervals hold 97 %
// rather than 95 %: one arm of a comparison often collapses where the other does not, and on such skewed
// differences a 95 % interval errs in 6 % of cases on one side (docs/statistics.md). A claim of several parts
//
//   is supported     if all of its parts are; if all of them are equivalences, it is called equivalent within
//                    the margin. What was not run is not supported: half a claim stays undecided
//   is contradicted  if one of its parts is, with the error divided by twice the number of parts (Bonferroni,
//                    and as much again for skewed tails)
//   is undecided     otherwise, with the seeds or the rounds that would decide it
//
// The same holds of several settings of a part that must hold everywhere. One setting out of line in a part
// about the whole is shown, and contradicts nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/statistics/rules.hpp"

namespace impsweep {

// What a claim speaks of: "cartpole", "bc".
struct TaskAndAlgorithm {
  std::string task, algorithm;
  friend bool operator==(const TaskAndAlgorithm&, const TaskAndAlgorithm&) = default;
};

}  // namespace impsweep

namespace impsweep::claims {

// One number for each seed of a setting, NaN where a seed has none.
struct Measurement {
  TaskAndAlgorithm about;
  std::string setting;         // "cartpole bc 128-128"
  std::vector<double> values;  // of the estimand; 1 and 0 where seeds are counted
  std::vector<double> total;   // of which the values are a part; for shares
  std::string obstacle;        // why there can be no verdict of this setting yet; empty if there can
  std::string note;
  std::vector<std::int64_t> seeds;  // of the values
};
using Measurements = std::vector<Measurement>;

enum class Test {
  kOrder,        // R1: above or below a reference
  kEquivalence,  // R2: within a margin about 0
  kNoLoss,       // R3: above minus a margin; on the other side: no gain beyond it
  kShare,        // R4: more, or less, than a share of a total
  kMajority,     // R11: more than half of the seeds lie on this side of a reference (sign test); for values
                 //      that are bounded and may agree in all seeds
  kCount,        // R11: more seeds than by chance
};
enum class Quantifier {
  kOnTheWhole,  // R6: pooled over the settings
  kEverywhere,  // R5
  kSomewhere,   // R7: in one of them, and nowhere the other way; orders only
};

struct Rule {
  Test test = Test::kOrder;
  Quantifier quantifier = Quantifier::kOnTheWhole;
  statistics::Side side = statistics::Side::kAbove;
  double bound = 0;  // reference, margin, share or chance
};
std::string claim_text(const Rule&);  // "> 0", "within ±0.05", "< 0.2 of the total"
std::string rule_text(const Rule&);   // "R6: pooled over the settings, 97 % interval above 0"

inline constexpr double kConfidence = 0.97;

struct PartDecision {
  std::vector<statistics::Decision> settings;  // of each measurement
  statistics::Decision overall;                // of the part
  std::size_t together = 0;                    // settings that `overall` speaks of
};
// What is measured, over all settings that took part, for rules that count seeds: the median, with the
// interval of order statistics that holds `confidence` at least (none below six or seven seeds), and how many
// seeds do what is claimed.
struct CountedEffect {
  std::optional<double> median;
  std::optional<statistics::Interval> interval;
  int successes = 0, n = 0;
};
CountedEffect counted_effect(const Rule&, const Measurements&, double confidence = kConfidence);

PartDecision decide_part(const Rule&, const Measurements&, double confidence = kConfidence);

struct ClaimDecision {
  std::vector<PartDecision> parts;
  statistics::Outcome outcome = statistics::Outcome::kNotRun;
  std::string what_would_decide;  // where it is undecided
};
// Measurements of each part, in the order of the rules.
ClaimDecision decide_claim(const std::vector<Rule>&, const std::vector<Measurements>&);

}  // namespace impsweep::claims
