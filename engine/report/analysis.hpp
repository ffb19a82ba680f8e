// engine/report/analysis.hpp - the derived quantities of figures and verdicts.
//
//   R        best evaluation return of a round
//   P        (R - untrained) / (dense - untrained): 0 as the untrained network, 1 as the dense one. Both
//            references are means over seeds in round 0 of mask/weights (of any baseline, if it is not there)
//   AUC      mean of P over rounds
//   d*(a)    lowest density at which, and at all larger ones, the mean P over seeds is at least a
//   contributions   weights: AUC(mask/weights) - AUC(mask/permuted), mask: AUC(mask/permuted) -
//                   AUC(permuted/permuted), layer ratio: AUC(permuted/permuted) - AUC(random/re-init)
//
// Chains under way count as far as they have come: a comparison runs over the rounds that at least half of
// its seeds have finished, and over the seeds that have finished them.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/report/results.hpp"

namespace impsweep {

// The task's own direction is up; `usable` says whether dense agents differ from untrained ones at all.
struct Scale {
  double untrained = 0, dense = 0;
  bool usable = false;

  double performance(double best_return) const { return (best_return - untrained) / (dense - untrained); }
};
Scale scale_of(const Group&);

// One number of every finished round, by round; NaN where it is missing.
using RoundValue = std::function<double(const RoundFacts&)>;
double best_return(const RoundFacts&);
std::vector<double> over_seeds(const Group&, Baseline, std::size_t round, const RoundValue&);

// Values of the seeds whose chains under all `baselines` have come as far as half of them have.
struct SeedCurves {
  std::size_t rounds = 0;  // that are counted
  bool complete = true;    // all rounds of all seeds of the plan
  std::vector<std::int64_t> seeds;
  std::vector<std::vector<std::vector<double>>> values;  // [baseline][seed][round]
};
SeedCurves seed_curves(const Group&, std::span<const Baseline> baselines, const RoundValue& = best_return);

// AUC of each seed under each of the baselines, [baseline][seed]; empty if the scale is not usable.
struct Areas {
  std::size_t rounds = 0;
  bool complete = true;
  std::vector<std::vector<double>> of;
};
Areas areas(const Group&, std::span<const Baseline> baselines);

// a - b element by element.
std::vector<double> difference(const std::vector<double>& a, const std::vector<double>& b);

// The part of the dense agents' performance that is called enough: alpha of d* in every table and claim.
inline constexpr double kSufficient = 0.9;

// d*(alpha) of the seeds drawn, from values[seed][round]; 1 if even the dense agents miss it.
double sufficient_density(const Group&, const Scale&, const std::vector<std::vector<double>>& values,
                          const std::vector<std::size_t>& drawn, double alpha);

// Round 0 of agents that see only some inputs (engine/job/inputs.hpp): the groups that differ in nothing else
// from `all`, which sees all of them.
std::vector<const Group*> given_inputs(const Results&, const Group& all);

// Mean of P over a learning curve, from the first evaluation to the last; trapezoids between them.
double curve_area(const RoundFacts&, const Scale&);

// Training steps until an evaluation reaches this P; the steps of the whole curve if none does.
double steps_to(const RoundFacts&, const Scale&, double performance);

// Part of the tensor's entries that is left, or NaN for a round without counts.
double remaining_fraction(const Group&, const RoundFacts&, std::size_t tensor);

// Part of the first layer's weights from these inputs that is left.
double remaining_fraction_of_inputs(const Group&, const RoundFacts&, std::span<const std::size_t> inputs);

// Whether the first layer's inputs are the cells of a board. Convolutions have channels for inputs.
bool is_board(const Group&);

// Boards: the inputs of a channel, of all rows or of one.
std::vector<std::size_t> channel_inputs(const TaskInfo&, std::size_t channel,
                                        std::optional<int> row = std::nullopt,
                                        std::optional<int> column = std::nullopt);
std::optional<std::size_t> channel_named(const TaskInfo&, std::string_view name);

// The round whose density is nearest to `density`, on a logarithmic scale.
std::size_t round_near(const Group&, double density);

// The first round in which nothing of the input is left; the number of rounds if it stays.
std::size_t disappearance(const ChainFacts&, std::size_t input);

}  // namespace impsweep
