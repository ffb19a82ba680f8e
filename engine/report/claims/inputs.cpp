// Claims on the inputs that tickets find to be enough.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/report/analysis.hpp"
#include "engine/report/claims/claims.hpp"

namespace impsweep::claims {
namespace {

constexpr double kPaperInputScale = 0.1;  // of input weights, at which the paper finds the minimal inputs

}  // namespace

void whole_inputs_go_without_loss(const Results& results, Findings& findings) {
  for (const Group* group : select(
           results, [](const Group& g) { return is_plain(g) && is_locomotion(g) && g.algorithm == "ppo"; })) {
    const Scale scale = scale_of(*group);
    const SeedCurves curves = seed_curves(*group, {&kTicket, 1});
    std::optional<std::size_t> last;  // round at dense-level return, within one standard error
    for (std::size_t round = 0; scale.usable && round < curves.rounds; ++round) {
      std::vector<double> values;
      for (const auto& seed : curves.values[0]) values.push_back(scale.performance(seed[round]));
      const MeanDeviation m = mean_deviation(values);
      if (m.mean + m.deviation / std::sqrt(static_cast<double>(values.size())) >= 1) last = round;
    }
    if (!last) continue;
    decide(
        findings, *group,
        fmt::format("part of the inputs that is gone at density {:.3g}, the lowest with dense-level return",
                    group->density[*last]),
        over_seeds(*group, kTicket, *last,
                   [&](const RoundFacts& round) {
                     return 1 -
                            static_cast<double>(round.summary.inputs_left) / group->info->observation_size;
                   }),
        Side::kAbove, 0.2, progress_note(*group, curves.rounds, curves.complete));
  }
}
namespace {

// Inputs that the paper finds to be enough, and those that it finds to go.
struct InputSplit {
  std::string_view task;
  std::vector<std::size_t> needed, needless;
};

const InputSplit& split_of(const std::string& task) {
  static const std::array<InputSplit, 2> kSplits = {
      {{"cartpole", {2, 3}, {0, 1}}, {"acrobot", {4, 5}, {0, 1, 2, 3}}}};
  return kSplits[task == kSplits[0].task ? 0 : 1];
}

// Rounds between the end of the last needless input and that of the first needed one.
double separation(const ChainFacts& chain, const InputSplit& split) {
  double last_needless = 0, first_needed = static_cast<double>(chain.size());
  for (const std::size_t input : split.needless)
    last_needless = std::max(last_needless, static_cast<double>(disappearance(chain, input)));
  for (const std::size_t input : split.needed)
    first_needed = std::min(first_needed, static_cast<double>(disappearance(chain, input)));
  return first_needed - last_needless;
}

void decide_separation(const Results& results, Findings& findings, const std::string& task) {
  for (const Group* group : select(results, [&](const Group& g) { return is(g, task, "ppo"); })) {
    const NetworkConfig& network = group->settings.agent.network;
    if (network.init != Init::kKaimingInScaled || network.input_scale != kPaperInputScale) continue;
    std::vector<double> separated;
    for (const ChainFacts* chain : complete_tickets(*group))
      separated.push_back(separation(*chain, split_of(task)) > 0 ? 1 : 0);
    decide(findings, *group, "part of the seeds in which the needless inputs go first", separated,
           Side::kAbove, 0.5, "the claim speaks of 8 in 10");
  }
}

}  // namespace

void pole_outlasts_the_cart(const Results& results, Findings& findings) {
  decide_separation(results, findings, "cartpole");
}

void angular_velocities_outlast_angles(const Results& results, Findings& findings) {
  decide_separation(results, findings, "acrobot");
}
namespace {

// Rounds until the last needless input of a seed is gone, and until the first needed one is.
std::vector<double> rounds_of_needless(const Group& group) {
  std::vector<double> rounds;
  for (const ChainFacts* chain : complete_tickets(group)) {
    double last = 0;
    for (const std::size_t input : split_of(group.task).needless)
      last = std::max(last, static_cast<double>(disappearance(*chain, input)));
    rounds.push_back(last);
  }
  return rounds;
}

std::vector<double> rounds_of_needed(const Group& group) {
  std::vector<double> rounds;
  for (const ChainFacts* chain : complete_tickets(group)) {
    double first = static_cast<double>(chain->size());
    for (const std::size_t input : split_of(group.task).needed)
      first = std::min(first, static_cast<double>(disappearance(*chain, input)));
    rounds.push_back(first);
  }
  return rounds;
}

void decide_rounds(Findings& findings, const Group& other, const Group& paper, const char* statistic,
                   const std::vector<double>& of_other, const std::vector<double>& of_paper, Side side) {
  if (of_other.empty() || of_paper.empty()) return;
  findings.push_back(decided(other, statistic, bootstrap_difference(of_other, of_paper),
                             std::min(of_other.size(), of_paper.size()), side, 0));
  findings.back().setting = fmt::format("{} against {}", other.name(), paper.variant);
}

}  // namespace

// Against input weights a tenth as large: other schemes and weaker scaling take longer to find the needless
// inputs, stronger scaling loses needed ones earlier.
void initialisation_controls_the_inputs_found(const Results& results, Findings& findings) {
  const auto scale = [](const Group& g) {
    return g.settings.agent.network.init == Init::kKaimingInScaled ? g.settings.agent.network.input_scale : 1;
  };
  const std::vector<const Group*> all = select(results, [](const Group& g) {
    return (is(g, "cartpole", "ppo") || is(g, "acrobot", "ppo")) &&
           g.settings.agent.network.init != Init::kHe;
  });
  for (const Group* paper : all) {
    if (scale(*paper) != kPaperInputScale) continue;
    for (const Group* other : all) {
      if (other->task != paper->task || other->network != paper->network || scale(*other) == kPaperInputScale)
        continue;
      if (scale(*other) > kPaperInputScale)
        decide_rounds(findings, *other, *paper, "rounds until the needless inputs are gone, difference",
                      rounds_of_needless(*other), rounds_of_needless(*paper), Side::kAbove);
      else
        decide_rounds(findings, *other, *paper, "rounds until a needed input is gone, difference",
                      rounds_of_needed(*other), rounds_of_needed(*paper), Side::kBelow);
    }
  }
}
namespace {

// Round 0 of agents that are given some of the inputs and of those that see all, by seed.
struct GivenPair {
  const RoundFacts *given, *all;
};

std::vector<GivenPair> paired_by_seed(const Group& given, const Group& all) {
  std::vector<GivenPair> pairs;
  const auto ours = given.chains.find(kTicket), theirs = all.chains.find(kTicket);
  if (ours == given.chains.end() || theirs == all.chains.end()) return pairs;
  for (const auto& [seed, chain] : ours->second) {
    const auto other = theirs->second.find(seed);
    if (other != theirs->second.end() && chain.front() && other->second.front())
      pairs.push_back({chain.front().get(), other->second.front().get()});
  }
  return pairs;
}

}  // namespace

void dense_agents_learn_as_fast_on_the_inputs_left(const Results& results, Findings& findings) {
  for (const Group* all : select(results, [](const Group&) { return true; }))
    for (const Group* given : given_inputs(results, *all)) {
      if (given->settings.inputs.ticket_round == 0 || given->settings.inputs.complement) continue;
      const Scale scale = scale_of(*all);
      std::vector<double> areas, steps;
      for (const GivenPair& pair : paired_by_seed(*given, *all)) {
        areas.push_back(curve_area(*pair.given, scale) / curve_area(*pair.all, scale));
        steps.push_back(steps_to(*pair.given, scale, kSufficient) / steps_to(*pair.all, scale, kSufficient));
      }
      if (!scale.usable) continue;
      const std::string ratio = "area under the learning curve, part of that with all inputs";
      decide(findings, *given, ratio, areas, Side::kAbove, 1 - kMargin);
      decide(findings, *given, ratio, areas, Side::kBelow, 1 + kMargin);
      decide(findings, *given, "steps to 90 % of the dense return, part of those with all inputs", steps,
             Side::kBelow, 1 + kMargin);
    }
}

void two_inputs_are_enough(const Results& results, Findings& findings) {
  for (const Group* all :
       select(results, [](const Group& g) { return is(g, "cartpole", "ppo") || is(g, "acrobot", "ppo"); }))
    for (const Group* given : given_inputs(results, *all)) {
      const Scale scale = scale_of(*all);
      const InputsConfig& inputs = given->settings.inputs;
      const auto& needed = split_of(all->task).needed;
      if (!std::ranges::equal(inputs.select, needed, {},
                              [](std::int64_t i) { return static_cast<std::size_t>(i); }) ||
          !scale.usable)
        continue;
      std::vector<double> differences, controls, of_all;
      for (const GivenPair& pair : paired_by_seed(*given, *all)) {
        differences.push_back(pair.given->summary.final_return - pair.all->summary.final_return);
        controls.push_back(scale.performance(pair.given->summary.final_return));
        of_all.push_back(pair.all->summary.final_return);
      }
      // Saturated agents differ by nothing; then a hundredth of the scale is called equal.
      const double margin =
          std::max(mean_deviation(of_all).deviation, 0.01 * (scale.dense - scale.untrained));
      if (inputs.complement)
        decide(findings, *given, "P of the final network on the other inputs", controls, Side::kBelow, 0.5);
      else
        decide(findings, *given, "final return - that with all inputs", differences, Side::kAbove, -margin,
               "the reference is one SD of the agents with all inputs");
    }
}
namespace {

// Pixels to the nearest edge of the board, 0 at the edge itself.
int distance_to_edge(const TaskInfo& info, std::size_t input) {
  const int row = static_cast<int>(input) / info.columns, column = static_cast<int>(input) % info.columns;
  return std::min({row, column, info.rows - 1 - row, info.columns - 1 - column});
}

}  // namespace

void rim_pixels_are_pruned_first(const Results& results, Findings& findings) {
  constexpr int kRim = 4;  // pixels: what MNIST leaves empty around its digits
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain_board(g, "digits", "supervised"); })) {
    std::vector<std::size_t> rim, centre;
    const auto inputs = static_cast<std::size_t>(group->info->observation_size);
    for (std::size_t input = 0; input < inputs; ++input)
      (distance_to_edge(*group->info, input) < kRim ? rim : centre).push_back(input);
    const auto mean_magnitude = [](const RoundFacts& round, const std::vector<std::size_t>& some) {
      double sum = 0;
      for (const std::size_t input : some) sum += round.input_magnitude[input];
      return sum / static_cast<double>(some.size());
    };
    const std::string place = ten_percent_text(*group);
    const auto content = group->settings.task_options.find("digits.content");
    const std::string note = content == group->settings.task_options.end()
                                 ? ""
                                 : fmt::format("of the data set {:.8}; the claim speaks of MNIST",
                                               std::get<std::string>(content->second));
    decide(findings, *group, "sum of |weight| of a rim pixel, part of that of one in the centre, " + place,
           at_ten_percent(*group,
                          [&](const RoundFacts& round) {
                            return mean_magnitude(round, rim) / mean_magnitude(round, centre);
                          }),
           Side::kBelow, 1, note);
    decide(findings, *group, "rank correlation of remaining fraction and distance to the edge, " + place,
           at_ten_percent(*group,
                          [&](const RoundFacts& round) {
                            std::vector<double> distance, fraction;
                            for (int d = 0; 2 * d < std::min(group->info->rows, group->info->columns); ++d) {
                              std::vector<std::size_t> ring;
                              for (std::size_t input = 0; input < inputs; ++input)
                                if (distance_to_edge(*group->info, input) == d) ring.push_back(input);
                              distance.push_back(d);
                              fraction.push_back(remaining_fraction_of_inputs(*group, round, ring));
                            }
                            return rank_correlation(distance, fraction);
                          }),
           Side::kAbove, 0, note);
  }
}

}  // namespace impsweep::claims
