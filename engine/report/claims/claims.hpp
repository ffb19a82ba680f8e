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
inline constexpr double kMargin = 0.05;     // of P: what is called "no worse" and "not above"
// One number per seed of the ticket chains in the round of about 10 % density.
std::vector<double> at_ten_percent(const Group&, const RoundValue&);
std::string ten_percent_text(const Group&);

// Part of the input weights' magnitude that some of the inputs have.
double share_of_magnitude(const RoundFacts&, const std::vector<std::size_t>& some,
                          const std::vector<std::size_t>& all);

// P of the ticket chains on the scale of another group, paired by seed: mean over common rounds of
// P(group) - P(plain).
std::vector<double> area_difference(const Group&, const Group& plain);

// ---- one function per claim: H1 to H29 as in the table
// tickets.cpp
void tickets_exist(const Results&, Findings&);                               // H1
void clones_are_pruned_further(const Results&, Findings&);                   // H2
void mask_explains_most(const Results&, Findings&);                          // H3
void layer_ratios_contribute_in_cloning(const Results&, Findings&);          // H4
void baselines_come_in_order_in_cloning(const Results&, Findings&);          // H5
void permuting_fails_where_the_critic_is_pruned(const Results&, Findings&);  // H6
void weights_matter_more_in_convolutions(const Results&, Findings&);         // H7
void early_pruning_improves_robots(const Results&, Findings&);               // H17
void larger_networks_give_no_better_tickets(const Results&, Findings&);      // H22
void mask_dominates_under_every_encoding(const Results&, Findings&);         // H23
void regularised_tickets_exist(const Results&, Findings&);                   // H24
void late_rewinding_is_not_needed(const Results&, Findings&);                // H25
void games_hold_decline_or_improve(const Results&, Findings&);               // H26
void mask_contributes_most_in_games(const Results&, Findings&);              // H27
void tickets_exist_with_algorithms_swapped(const Results&, Findings&);       // H28
// boards.cpp
void early_layers_are_pruned_most(const Results&, Findings&);         // H8
void enemies_are_kept_where_they_can_be(const Results&, Findings&);   // H9
void agents_channel_is_pruned_least(const Results&, Findings&);       // H10
void freeway_cars_are_pruned_by_speed(const Results&, Findings&);     // H12
void bullets_are_kept_next_to_the_cannon(const Results&, Findings&);  // H13
void agents_row_or_column_survives(const Results&, Findings&);        // H14
void bottom_rows_of_breakout_are_pruned(const Results&, Findings&);   // H15
// inputs.cpp
void dense_agents_learn_as_fast_on_the_inputs_left(const Results&, Findings&);  // H11
void whole_inputs_go_without_loss(const Results&, Findings&);                   // H16
void pole_outlasts_the_cart(const Results&, Findings&);                         // H18
void angular_velocities_outlast_angles(const Results&, Findings&);              // H19
void initialisation_controls_the_inputs_found(const Results&, Findings&);       // H20
void two_inputs_are_enough(const Results&, Findings&);                          // H21
void rim_pixels_are_pruned_first(const Results&, Findings&);                    // H29

}  // namespace impsweep::claims
