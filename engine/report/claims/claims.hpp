// engine/report/claims/claims.hpp - what the claims of the paper have in common: how runs are picked, how a
// statistic over seeds becomes a finding, and the statistics that several claims look at.
//
//   table.cpp     the claims H1 to H29 as rows: text, statistic, runs needed, settings, function
//   tickets.cpp   what makes a ticket: mask, weights and layer ratios, in all settings and variants
//   boards.cpp    what is left of boards: MazeGrid and MinAtar
//   inputs.cpp    which inputs tickets find to be enough
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/report/analysis.hpp"
#include "engine/report/hypotheses.hpp"

namespace impsweep::claims {

inline constexpr Baseline kTicket = Baseline::kMaskWeights, kPermuted = Baseline::kMaskPermuted,
                          kShuffled = Baseline::kPermutedPermuted, kRandom = Baseline::kRandomReinit;

using Findings = std::vector<Finding>;
enum class Side { kAbove, kBelow };

struct Hypothesis {
  const char *id, *claim, *statistic, *needs;
  std::vector<TaskAndAlgorithm> settings;  // that the claim speaks of
  void (*find)(const Results&, Findings&);
};
const std::vector<Hypothesis>& hypotheses();

// ---- which runs
bool is(const Group&, std::string_view task, std::string_view algorithm);
bool is_minatar(const Group&);
bool is_locomotion(const Group&);
bool is_plain(const Group&);  // of the default variant
bool is_plain_mlp(const Group&);
bool is_plain_board(const Group&, std::string_view task, std::string_view algorithm);

// Selects groups of agents that are given all inputs; see given_inputs() for the others.
template <class Which>
std::vector<const Group*> select(const Results& results, Which which) {
  std::vector<const Group*> groups;
  for (const Group& group : results.groups)
    if (!group.settings.inputs.restricts() && which(group)) groups.push_back(&group);
  return groups;
}

// Seeds whose ticket chain has all its rounds.
std::vector<const ChainFacts*> complete_tickets(const Group&);

// ---- from statistics to findings
// Settles a statistic of a group, of `seeds` seeds, whose interval is known.
Finding decided(const Group&, std::string statistic, const Interval&, std::size_t seeds, Side,
                double reference);

// The same for the mean of one number per seed; without numbers there is no finding.
void decide(Findings&, const Group&, std::string statistic, const std::vector<double>& values, Side,
            double reference, std::string note = "");

// The note of a statistic over the first rounds of a group that has more; "" if it is complete.
std::string progress_note(const Group&, std::size_t rounds, bool complete);

// Paired contrast of areas: sum over baselines of weight * AUC, seed by seed.
void decide_areas(Findings&, const Group&, std::vector<Baseline>, const std::vector<double>& weights,
                  std::string statistic, Side, double reference);

// ---- contrasts of baselines (paper section 4)
void ticket_above_random(Findings&, const Group&);
void mask_above_weights(Findings&, const Group&);  // (mp - pp) - (mw - mp)
void mask_contributes(Findings&, const Group&);
void layer_ratio_contributes(Findings&, const Group&, Side = Side::kAbove);

// ---- statistics
inline constexpr double kTenPercent = 0.1;  // density at which the paper looks at inputs
// One number per seed of the ticket chains in the round of about 10 % density.
std::vector<double> at_ten_percent(const Group&, const RoundValue&);
std::string ten_percent_text(const Group&);

// Part of the input weights' magnitude that some of the inputs have.
double share_of_magnitude(const RoundFacts&, const std::vector<std::size_t>& some,
                          const std::vector<std::size_t>& all);

// P of the ticket chains on the scale of another group, paired by seed: mean over common rounds of
// P(group) - P(plain).
std::vector<double> area_difference(const Group&, const Group& plain);

// ---- one function per claim
void h1(const Results&, Findings&);
void h2(const Results&, Findings&);
void h3(const Results&, Findings&);
void h4(const Results&, Findings&);
void h5(const Results&, Findings&);
void h6(const Results&, Findings&);
void h7(const Results&, Findings&);
void h8(const Results&, Findings&);
void h9(const Results&, Findings&);
void h10(const Results&, Findings&);
void h11(const Results&, Findings&);
void h12(const Results&, Findings&);
void h13(const Results&, Findings&);
void h14(const Results&, Findings&);
void h15(const Results&, Findings&);
void h16(const Results&, Findings&);
void h17(const Results&, Findings&);
void h18(const Results&, Findings&);
void h19(const Results&, Findings&);
void h20(const Results&, Findings&);
void h21(const Results&, Findings&);
void h22(const Results&, Findings&);
void h23(const Results&, Findings&);
void h24(const Results&, Findings&);
void h25(const Results&, Findings&);
void h26(const Results&, Findings&);
void h27(const Results&, Findings&);
void h28(const Results&, Findings&);
void h29(const Results&, Findings&);

}  // namespace impsweep::claims
