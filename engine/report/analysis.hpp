// engine/report/analysis.hpp - the derived quantities of figures, tables and verdicts.
//
//   R        a return of a round, by a metric (engine/training/metric.hpp)
//   P        (R - untrained) / (dense - untrained): 0 as the untrained network, 1 as the dense one. Both
//            references are means over seeds in round 0 of mask/weights (of any baseline, if it is not
//            there); chains whose round 0 is not dense have no P
//   AUC      mean of P over rounds 1 to the last whose density is 2.5 % or more (all of them, where pruning
//            ends before): a range that is stated before looking, and without the general collapse beyond it
//   d*(a)    density of the last round before the P of a seed falls below a, where P is counted from the
//            seed's own dense agent and smoothed to a curve that never rises (engine/statistics)
//   contributions   weights: AUC(mask/weights) - AUC(mask/permuted), mask: AUC(mask/permuted) -
//                   AUC(permuted/permuted), layer ratio: AUC(permuted/permuted) - AUC(random/re-init)
//
// Chains under way count as far as they have come: a comparison runs over the rounds that at least half of
// its seeds have finished, and over the seeds that have finished them. A return that is missing (NaN: no
// episode ended) leaves its seed out of what needs it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/report/results.hpp"
#include "engine/statistics/cell.hpp"
#include "engine/statistics/critical_density.hpp"
#include "engine/training/metric.hpp"

namespace impsweep {

// The task's own direction is up; `usable` says whether dense agents differ from untrained ones at all.
struct Scale {
  double untrained = 0, dense = 0;
  bool usable = false;

  double range() const { return dense - untrained; }
  double performance(double value) const { return (value - untrained) / range(); }
};
Scale scale_of(const Group&, Metric);

// What returns of the task cannot leave, where it is known.
struct ReturnBounds {
  std::optional<double> lower, upper;
};
ReturnBounds return_bounds(const Group&);

// NaN for what is infinite: statistics take what is missing, and nothing else that is no number.
double finite_or_missing(double);

// Whether rounds of one number have one density, but for what whole numbers of weights make of it.
bool of_one_schedule(const Group&, const Group&);

// One number of every finished round, by round; NaN where it is missing. A return that is not finite is
// missing.
using RoundValue = std::function<double(const RoundFacts&)>;
RoundValue return_of(Metric);
std::vector<double> over_seeds(const Group&, Baseline, std::size_t round, const RoundValue&);

// What a table says of the returns of a round.
statistics::Cell return_cell(const Group&, Baseline, std::size_t round, Metric);

// Values of the seeds whose chains under all `baselines` have come as far as half of them have.
struct SeedCurves {
  std::size_t rounds = 0;  // that are counted
  bool complete = true;    // all rounds of all seeds of the plan
  std::vector<std::int64_t> seeds;
  std::vector<std::vector<std::vector<double>>> values;  // [baseline][seed][round]
};
SeedCurves seed_curves(const Group&, std::span<const Baseline> baselines, const RoundValue&);

// The rounds of AUC among the first `rounds`: both included, 1 and later, and 0 where it is not dense.
struct RoundRange {
  std::size_t first = 1, last = 1;
};
inline constexpr double kLeastAreaDensity = 0.025;
std::optional<RoundRange> area_rounds(const Group&, std::size_t rounds);
std::string range_text(const RoundRange&);  // "rounds 1-16"

// AUC of each seed under each of the baselines, [baseline][seed]; empty if the scale is not usable. NaN for a
// seed that misses a return.
struct Areas {
  RoundRange range;
  bool complete = true;
  std::vector<std::int64_t> seeds;
  std::vector<std::vector<double>> of;
};
Areas areas(const Group&, std::span<const Baseline> baselines, Metric);

// The part of the dense agents' performance that is called enough: alpha of d* in every table and claim.
inline constexpr double kSufficient = 0.9;

// How far the chains of a baseline can be pruned, seed by seed; nothing for a seed that misses a return.
struct Survival {
  std::vector<std::int64_t> seeds;
  std::vector<std::optional<statistics::CriticalRound>> rounds;
  std::size_t last = 0;  // the last round that was looked at
  bool complete = true;
};
Survival survival(const Group&, Baseline, Metric, double alpha = kSufficient);

// Round 0 of agents that see only some inputs (engine/job/inputs.hpp): the groups that differ from `all`,
// which sees all of them, in nothing else.
std::vector<const Group*> given_inputs(const Results&, const Group& all);

// The step from which on a training died: every later evaluation, a quarter of them and four at least, has
// the same mean to the last digit, and an earlier one was better. Nothing of one that still changes or stays
// at its best.
std::optional<double> died_at(const RoundFacts&);

// Mean of P over a learning curve, from the first evaluation to the last; trapezoids between them.
double curve_area(const RoundFacts&, const Scale&);

// Part of the tensor's entries that is left, or NaN for a round without counts.
double remaining_fraction(const Group&, const RoundFacts&, std::size_t tensor);

// Part of the first layer's weights from these inputs that is left.
double remaining_fraction_of_inputs(const Group&, const RoundFacts&, std::span<const std::size_t> inputs);

// Inputs that the policy can depend on (engine/imp/effective.hpp), and those with a kept weight in the first
// layer. Of results of versions that did not look for the former, and of models too large to look again, it
// is the latter: this is the one place that knows.
double effective_inputs(const RoundFacts&);
double literal_inputs(const RoundFacts&);
bool is_read(const RoundFacts&, std::size_t input);

// Whether the first layer's inputs are the cells of a board. Convolutions have channels for inputs.
bool is_board(const Group&);

// Boards: the inputs of a channel, of all rows or of one.
std::vector<std::size_t> channel_inputs(const TaskInfo&, std::size_t channel,
                                        std::optional<int> row = std::nullopt,
                                        std::optional<int> column = std::nullopt);
std::optional<std::size_t> channel_named(const TaskInfo&, std::string_view name);

// The round whose density is nearest to `density`, on a logarithmic scale.
std::size_t round_near(const Group&, double density);

// The first round in which the policy no longer reads the input; the number of rounds if it does to the end.
std::size_t disappearance(const ChainFacts&, std::size_t input);

}  // namespace impsweep
