// engine/report/claims/claims.hpp - a claim of the paper as an entry of a table: what it says, which chains
// speak to it, what is measured of every seed, and by which rule the measurements decide.
//
//   table.cpp     the claims H1 to H36, one entry each: read this first
//   decision      from measurements to a word, by the rules of engine/statistics
//   tickets.cpp   measurements of what makes a ticket: mask, weights and layer ratios
//   boards.cpp    of what is left of boards: MazeGrid, MinAtar, digits
//   inputs.cpp    of the inputs that tickets find to be enough, and of initialisation
//
// Measurements are one number for each seed. Returns are measured on the scale of P (analysis.hpp), so a
// margin of 0.05 is 5 % of what the dense agent has learnt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/report/analysis.hpp"
#include "engine/report/claims/decision.hpp"
#include "engine/report/plain.hpp"

namespace impsweep::claims {

inline constexpr Baseline kTicket = Baseline::kMaskWeights, kPermuted = Baseline::kMaskPermuted,
                          kShuffled = Baseline::kPermutedPermuted, kRandom = Baseline::kRandomReinit;

// What a claim is judged on: chains of its own settings only, all of whose inputs are given.
struct Scope {
  const Results& results;
  const std::vector<TaskAndAlgorithm>& settings;
  Metric metric;

  // "atari" among the settings stands for every game.
  bool speaks_of(const Group&) const;

  template <class Which>
  std::vector<const Group*> select(Which which) const {
    std::vector<const Group*> groups;
    for (const Group& group : results.groups)
      if (speaks_of(group) && !group.settings.inputs.restricts() && which(group)) groups.push_back(&group);
    return groups;
  }
};

// One statement of a claim. All of them must hold for the claim to be supported.
struct Part {
  const char* estimand;  // of one seed
  Rule rule;
  Measurements (*measure)(const Scope&);
};

struct Claim {
  const char *id, *text, *chains;
  std::vector<TaskAndAlgorithm> settings;  // that the claim speaks of
  std::vector<Part> parts;
  const char* remark = "";  // what a reader must know of the claim or its rule
};
const std::vector<Claim>& table();

// ---- measurements in common
TaskAndAlgorithm about(const Group&);

// A measurement of a group, without values yet.
Measurement measurement_of(const Group&);

// Why there is no verdict on chains that have not come to the last round that counts: later rounds would
// change what is measured, and to look until it suits is no test. Empty once they have.
std::string still_under_way(const Group&, const RoundRange& reached);

// The note of a statistic over the first rounds of a group that has more; "" if it is complete.
std::string progress_note(const Group&, std::size_t rounds, bool complete);

// A linear combination of areas, seed by seed: sum over baselines of factor * AUC.
struct Term {
  Baseline baseline;
  double factor;
};
// Nothing where one of the baselines has no chains in these groups.
Measurements contrasts(const std::vector<const Group*>&, Metric, const std::vector<Term>& values,
                       const std::vector<Term>& total = {});

// One value of every seed, and the differences over the seeds that both have.
struct BySeed {
  std::vector<std::int64_t> seeds;
  std::vector<double> values;
};
BySeed paired_by_seed(const BySeed& a, const BySeed& b);
void take(Measurement&, BySeed);

// The mean over several measurements, seed by seed: where they share chains and are no independent settings.
// Those with an obstacle are left out, if others have none.
Measurement mean_of(const Measurements&, std::string setting);

// AUC of the tickets of `group` less those of `plain`, on the scale of the latter.
Measurement ticket_difference(const Group& group, const Group& plain, Metric);

// Ticket chains that have all their rounds, by seed.
std::vector<std::pair<std::int64_t, const ChainFacts*>> complete_tickets(const Group&);

// One number of every seed in the round of about 10 % density.
inline constexpr double kTenPercent = 0.1;  // density at which the paper looks at inputs
Measurement at_ten_percent(const Group&, const RoundValue&);

// ---- what the parts of the claims measure, by claim
// tickets.cpp
Measurements ticket_less_random(const Scope&);                     // H1
Measurements rounds_survived_cloning_less_rl(const Scope&);        // H2
Measurements mask_of_mask_and_weights(const Scope&);               // H3, H23, H36
Measurements weights_of_ticket_effect(const Scope&);               // H3
Measurements layer_ratio(const Scope&);                            // H4, H5, H6 (both networks pruned)
Measurements layer_ratio_of_actors(const Scope&);                  // H6 (the actor alone pruned)
Measurements weights(const Scope&);                                // H5
Measurements mask(const Scope&);                                   // H5
Measurements weights_convolutional_less_mlp(const Scope&);         // H7
Measurements weights_atari_less_mlp(const Scope&);                 // H7
Measurements early_rise(const Scope&);                             // H17
Measurements smaller_less_larger(const Scope&);                    // H22
Measurements ticket_with_weight_decay(const Scope&);               // H24
Measurements ticket_with_dropout(const Scope&);                    // H24
Measurements dropout_less_plain(const Scope&);                     // H24
Measurements rewound_less_plain(const Scope&);                     // H25
Measurements asterix_rise(const Scope&);                           // H26
Measurements breakout_slope(const Scope&);                         // H26
Measurements space_invaders_slope(const Scope&);                   // H26
Measurements freeway_slope(const Scope&);                          // H26
Measurements mask_less_weights(const Scope&);                      // H27
Measurements mask_less_layer_ratio(const Scope&);                  // H27
Measurements ticket_less_shuffled(const Scope&);                   // H28
Measurements moderate_layer_ratio(const Scope&);                   // H31
Measurements mask_of_convolutions(const Scope&);                   // H32
Measurements weights_of_convolutions(const Scope&);                // H32
Measurements gap_larger_less_smaller(const Scope&);                // H33
Measurements mask_rgb_less_object_map(const Scope&);               // H34
Measurements effect_with_weight_decay_less_without(const Scope&);  // H35
// boards.cpp
Measurements later_layer_less_input_layer(const Scope&);  // H8
Measurements enemies_reachable_cells(const Scope&);       // H9
Measurements agents_channel_less_others(const Scope&);    // H10
Measurements freeway_speed_order(const Scope&);           // H12
Measurements freeway_distance(const Scope&);              // H12
Measurements bullets_near_the_cannon(const Scope&);       // H13
Measurements agents_row_or_column(const Scope&);          // H14
Measurements breakout_bottom_rows(const Scope&);          // H15
Measurements rim_against_centre(const Scope&);            // H29
Measurements distance_from_the_edge(const Scope&);        // H29
// inputs.cpp
Measurements speed_of_learning_on_inputs_left(const Scope&);  // H11
Measurements return_near_ten_percent(const Scope&);           // H16
Measurements inputs_gone(const Scope&);                       // H16
Measurements distance_to_papers_inputs(const Scope&);         // H16
Measurements needed_inputs_last(const Scope&);                // H18, H19
Measurements needless_inputs_later(const Scope&);             // H20
Measurements needed_inputs_earlier(const Scope&);             // H20
Measurements two_inputs_less_all(const Scope&);               // H21
Measurements other_inputs_less_all(const Scope&);             // H21
Measurements narrow_layer_less_wide(const Scope&);            // H30
Measurements bias_kaiming_less_xavier(const Scope&);          // H30
Measurements input_layer_scaled_less_kaiming(const Scope&);   // H30

}  // namespace impsweep::claims
