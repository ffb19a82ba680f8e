// engine/report/figures.hpp - from groups of chains to panels and figures: one function per kind of picture.
//
// The x axis of rounds is labelled with the percentage of prunable weights left. Lines are means over the
// seeds that have finished a round, bands one sample deviation (divisor n - 1), clipped to what can be.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/report/results.hpp"
#include "engine/training/metric.hpp"
#include "io/plotting.hpp"

namespace impsweep {

// Title, colour, dashes and marker of a baseline, which stay apart for readers who see no red and green, and
// in grey; tickets are drawn above the others.
void dress(Series&, Baseline);

// Whose rounds pictures of a single baseline show: tickets, or what there is instead.
Baseline shown_baseline(const Group&);

// "5 seeds, 80.0 k steps per round, 30 rounds", or what is there of it, and the paper's budget, or ours where
// it gives none, where it is another.
std::string coverage_text(const Group&);

bool has_rounds(const Group&);

Panel return_panel(const Group&, const std::string& title, Metric);

// mask/weights of several groups, one line each with its name; over absolute numbers of weights if asked for.
struct NamedGroup {
  const Group* group = nullptr;
  std::string name;
  std::size_t colour = 0;  // place in the row of colours: the same thing has the same in all pictures
};
Panel comparison_panel(std::span<const NamedGroup>, const std::string& title, Metric);
Panel absolute_size_panel(std::span<const NamedGroup>, const std::string& title, Metric);

// Remaining fraction of each prunable tensor under mask/weights; of each channel of the first layer.
Panel layers_panel(const Group&, const std::string& title);
Panel channels_panel(const Group&, const std::string& title);

// Inputs that the policy can still depend on, by baseline.
Panel inputs_left_panel(const Group&, const std::string& title);

// Hidden units, or filters, of each layer on a path from an input to an output, under mask/weights. Nothing
// without hidden layers.
std::optional<Panel> units_left_panel(const Group&, const std::string& title);

// Sum of |weight| from each input into the first layer, mean over seeds of mask/weights: bars for up to eight
// inputs, a map of inputs by rounds for more. Nothing for boards.
std::optional<Panel> input_magnitude_panel(const Group&, const std::string& title);

// The same of one round of a board, one panel per channel, each round on its own scale.
std::vector<Panel> board_panels(const Group&, std::size_t round);

// At most about a dozen rounds of the group, the first and the last finished one among them.
std::vector<std::size_t> shown_rounds(const Group&, std::size_t most = 12);

// Learning curves of some rounds of a baseline, dark to bright with falling density.
Panel curves_panel(const Group&, Baseline, const std::string& title);

// The first of the groups sees all inputs, the others those that they are given (analysis.hpp): learning
// curves of their dense agents, mean over seeds; band: one standard deviation.
Panel given_inputs_panel(const Group& all, std::span<const Group* const> given, const std::string& title);

// "all inputs", "theta, theta_dot", "other inputs than those of round 5".
std::string inputs_text(const Group&);

// Mean over groups of P by baseline (analysis.hpp), band: deviation of the groups' means. Groups whose dense
// agents are no better than untrained ones have no P and are left out.
Panel aggregate_panel(std::span<const Group* const>, const std::string& title, Metric);

// What stands below a figure of these groups: the number of seeds, and what lines and bands, bars, or maps
// (of one group) are.
enum class Shown { kLines, kBars, kMaps };
std::string figure_note(std::span<const Group* const>, Shown = Shown::kLines);

// Places of colours: of a group by algorithm, network and variant, and by the last two alone, the same on
// every task.
std::size_t group_colour(const Results&, const Group&);
std::size_t network_colour(const Results&, const Group&);

inline constexpr const char* kMapScale =
    "sum of |weight| from each input, of the largest of the round; grey: no weight is left";

// "10.7 %", "0.155 %".
std::string percent_text(double part);

}  // namespace impsweep
