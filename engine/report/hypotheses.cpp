#include "engine/report/hypotheses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "engine/report/analysis.hpp"
#include "envs/mazegrid.hpp"

namespace impsweep {
namespace {

constexpr std::size_t kFewestSeeds = 5;  // the paper's smallest number; fewer resamples say little
constexpr double kAlpha = 0.9;           // of d*
constexpr double kTenPercent = 0.1;      // density at which the paper looks at inputs
constexpr double kMargin = 0.05;         // of P: what is called "no worse" and "not above"
constexpr std::size_t kEarlyRounds = 5;  // H17
constexpr Baseline kTicket = Baseline::kMaskWeights, kPermuted = Baseline::kMaskPermuted,
                   kShuffled = Baseline::kPermutedPermuted, kRandom = Baseline::kRandomReinit;

using Findings = std::vector<Finding>;
enum class Side { kAbove, kBelow };

bool is_minatar(const Group& group) {
  return group.task.starts_with("minatar-");
}
bool is_locomotion(const Group& group) {
  static const std::set<std::string> kTasks = {"halfcheetah", "walker2d", "hopper", "ant"};
  return kTasks.contains(group.task);
}
bool is(const Group& group, std::string_view task, std::string_view algorithm) {
  return group.task == task && group.algorithm == algorithm;
}
bool is_plain(const Group& group) {
  return group.variant == "default";
}
bool is_plain_mlp(const Group& group) {
  return is_plain(group) && group.settings.agent.network.architecture == Architecture::kMlp;
}
bool is_plain_board(const Group& group, std::string_view task, std::string_view algorithm) {
  return is_plain(group) && is(group, task, algorithm) && is_board(group);
}

// Of the agents that are given all inputs; see given_inputs() for the others.
template <class Which>
std::vector<const Group*> select(const Results& results, Which which) {
  std::vector<const Group*> groups;
  for (const Group& group : results.groups)
    if (!group.settings.inputs.restricts() && which(group)) groups.push_back(&group);
  return groups;
}

// Settles a statistic of a group, of `seeds` seeds, whose interval is known.
Finding decided(const Group& group, std::string statistic, const Interval& interval, std::size_t seeds,
                Side side, double reference) {
  Finding finding;
  finding.about = {group.task, group.algorithm};
  finding.setting = group.name();
  finding.statistic = std::move(statistic);
  finding.claim = fmt::format("{} {:g}", side == Side::kAbove ? ">" : "<", reference);
  finding.interval = interval;
  finding.seeds = seeds;
  const bool above = interval.low > reference, below = interval.high < reference;
  if (seeds >= kFewestSeeds && (above || below)) {
    finding.verdict = above == (side == Side::kAbove) ? Verdict::kSupported : Verdict::kContradicted;
  } else if (const auto more = more_needed(interval, seeds, reference)) {
    const std::int64_t missing = static_cast<std::int64_t>(kFewestSeeds) - static_cast<std::int64_t>(seeds);
    finding.more_seeds = std::max({*more, missing, std::int64_t{1}});
  }
  return finding;
}

// The same of the mean of one number per seed; nothing is found without numbers.
void decide(Findings& findings, const Group& group, std::string statistic, const std::vector<double>& values,
            Side side, double reference, std::string note = "") {
  if (values.empty() || std::ranges::any_of(values, [](double v) { return std::isnan(v); })) return;
  findings.push_back(
      decided(group, std::move(statistic), bootstrap_interval(values), values.size(), side, reference));
  findings.back().note = std::move(note);
}

std::string progress_note(const Group& group, std::size_t rounds, bool complete) {
  return complete ? "" : fmt::format("under way: rounds 0-{} of 0-{}", rounds - 1, group.rounds() - 1);
}

// Paired contrast of areas: sum over baselines of weight * AUC, seed by seed.
void decide_areas(Findings& findings, const Group& group, std::vector<Baseline> baselines,
                  const std::vector<double>& weights, std::string statistic, Side side, double reference) {
  const Areas all = areas(group, baselines);
  if (all.of.empty()) return;
  std::vector<double> values(all.of.front().size(), 0.0);
  for (std::size_t b = 0; b < all.of.size(); ++b)
    for (std::size_t seed = 0; seed < values.size(); ++seed) values[seed] += weights[b] * all.of[b][seed];
  decide(findings, group, std::move(statistic), values, side, reference,
         progress_note(group, all.rounds, all.complete));
}

void ticket_above_random(Findings& findings, const Group& group) {
  decide_areas(findings, group, {kTicket, kRandom}, {1, -1}, "AUC(mask/weights) - AUC(random/re-init)",
               Side::kAbove, 0);
}
// (mp - pp) - (mw - mp)
void mask_above_weights(Findings& findings, const Group& group) {
  decide_areas(findings, group, {kPermuted, kShuffled, kTicket}, {2, -1, -1},
               "mask contribution - weight contribution", Side::kAbove, 0);
}
void mask_contributes(Findings& findings, const Group& group) {
  decide_areas(findings, group, {kPermuted, kShuffled}, {1, -1}, "mask contribution", Side::kAbove, 0);
}
void layer_ratio_contributes(Findings& findings, const Group& group, Side side = Side::kAbove) {
  decide_areas(findings, group, {kShuffled, kRandom}, {1, -1}, "AUC(permuted/permuted) - AUC(random/re-init)",
               side, 0);
}

// One number per seed of the ticket chains in the round of about 10 % density.
std::vector<double> at_ten_percent(const Group& group, const RoundValue& value) {
  return over_seeds(group, kTicket, round_near(group, kTenPercent), value);
}

std::string ten_percent_text(const Group& group) {
  return fmt::format("at density {:.3g}", group.density[round_near(group, kTenPercent)]);
}

double share_of_magnitude(const RoundFacts& round, const std::vector<std::size_t>& some,
                          const std::vector<std::size_t>& all) {
  double part = 0, whole = 0;
  for (const std::size_t input : some) part += round.input_magnitude[input];
  for (const std::size_t input : all) whole += round.input_magnitude[input];
  return part / whole;
}

// Seeds whose ticket chain has all its rounds.
std::vector<const ChainFacts*> complete_tickets(const Group& group) {
  std::vector<const ChainFacts*> chains;
  const auto tickets = group.chains.find(kTicket);
  if (tickets == group.chains.end()) return chains;
  for (const auto& [seed, chain] : tickets->second)
    if (std::ranges::find(chain, nullptr) == chain.end()) chains.push_back(&chain);
  return chains;
}

// P of the ticket chains on the scale of another group, paired by seed: mean over common rounds of
// P(group) - P(plain).
std::vector<double> area_difference(const Group& group, const Group& plain) {
  const Scale scale = scale_of(plain);
  const SeedCurves ours = seed_curves(group, {&kTicket, 1}), theirs = seed_curves(plain, {&kTicket, 1});
  std::vector<double> values;
  if (!scale.usable) return values;
  for (std::size_t i = 0; i < ours.seeds.size(); ++i) {
    const auto other = std::ranges::find(theirs.seeds, ours.seeds[i]);
    if (other == theirs.seeds.end()) continue;
    const std::size_t rounds = std::min(ours.rounds, theirs.rounds);
    double sum = 0;
    for (std::size_t round = 0; round < rounds; ++round)
      sum +=
          scale.performance(ours.values[0][i][round]) -
          scale.performance(theirs.values[0][static_cast<std::size_t>(other - theirs.seeds.begin())][round]);
    values.push_back(sum / static_cast<double>(rounds));
  }
  return values;
}

// ---- one function per hypothesis

void h1(const Results& results, Findings& findings) {
  for (const Group* group : select(results, is_plain)) ticket_above_random(findings, *group);
}

void h2(const Results& results, Findings& findings) {
  for (const Group* cloning :
       select(results, [](const Group& g) { return is_plain(g) && g.algorithm == "bc"; }))
    for (const Group* rl : select(results, [&](const Group& g) {
           return is_plain(g) && g.task == cloning->task && g.algorithm != "bc" &&
                  g.network == cloning->network;
         })) {
      const SeedCurves a = seed_curves(*cloning, {&kTicket, 1}), b = seed_curves(*rl, {&kTicket, 1});
      const Scale of_a = scale_of(*cloning), of_b = scale_of(*rl);
      if (a.seeds.empty() || b.seeds.empty() || !of_a.usable || !of_b.usable) continue;
      const std::size_t sizes[] = {a.seeds.size(), b.seeds.size()};
      const Interval interval = bootstrap_interval(sizes, [&](const Resample& drawn) {
        return std::log10(sufficient_density(*cloning, of_a, a.values[0], drawn[0], kAlpha) /
                          sufficient_density(*rl, of_b, b.values[0], drawn[1], kAlpha));
      });
      findings.push_back(decided(*cloning, "log10 of d*(0.9) of cloning over that of RL", interval,
                                 std::min(a.seeds.size(), b.seeds.size()), Side::kBelow, 0));
      findings.back().setting =
          fmt::format("{} {} against {}", cloning->task, cloning->network, rl->algorithm);
      if (!a.complete || !b.complete) findings.back().note = "under way";
    }
}

void h3(const Results& results, Findings& findings) {
  for (const Group* group : select(results, is_plain_mlp)) mask_above_weights(findings, *group);
}

void h4(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain(g) && g.algorithm == "bc"; }))
    layer_ratio_contributes(findings, *group);
}

void h5(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain(g) && g.algorithm == "bc"; })) {
    mask_above_weights(findings, *group);
    mask_contributes(findings, *group);
    layer_ratio_contributes(findings, *group);
  }
}

void h6(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_locomotion(g) && g.algorithm == "ppo"; }))
    layer_ratio_contributes(findings, *group,
                            group->settings.imp.scope == PruneScope::kActor ? Side::kAbove : Side::kBelow);
}

void h7(const Results& results, Findings& findings) {
  const Baseline pair[] = {kTicket, kPermuted};
  for (const Group* mlp : select(results, is_plain_mlp))
    for (const Group* cnn : select(results, [&](const Group& g) {
           return is_plain(g) && !is_plain_mlp(g) && is(g, mlp->task, mlp->algorithm);
         })) {
      const Areas ours = areas(*cnn, pair), theirs = areas(*mlp, pair);
      if (ours.of.empty() || theirs.of.empty()) continue;
      findings.push_back(decided(
          *cnn, "weight contribution, difference",
          bootstrap_difference(difference(ours.of[0], ours.of[1]), difference(theirs.of[0], theirs.of[1])),
          std::min(ours.of[0].size(), theirs.of[0].size()), Side::kAbove, 0));
      findings.back().setting = fmt::format("{} against {}", cnn->name(), mlp->network);
    }
}

void h8(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain_board(g, "mazegrid", "dqn"); })) {
    std::vector<double> margins;
    for (const ChainFacts* chain : complete_tickets(*group)) {
      double sum = 0, rounds = 0;
      for (std::size_t round = 3; round < chain->size(); ++round, ++rounds) {
        double least = 1;
        for (std::size_t i = 1; i < group->prunable.size(); ++i)
          least = std::min(least, remaining_fraction(*group, *(*chain)[round], group->prunable[i]));
        sum += least - remaining_fraction(*group, *(*chain)[round], group->prunable[0]);
      }
      if (rounds > 0) margins.push_back(sum / rounds);
    }
    decide(findings, *group,
           "least remaining fraction of later layers - that of the input layer, mean over "
           "rounds from 3 on",
           margins, Side::kAbove, 0);
  }
}

void h9(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain_board(g, "mazegrid", "dqn"); }))
    for (const char enemy : {'1', '2'}) {
      const auto channel = enemy == '1' ? MazeGrid::kEnemy1 : MazeGrid::kEnemy2;
      const std::size_t row = MazeGrid::kLayout.find(enemy) / MazeGrid::kColumns;
      const auto values = at_ten_percent(*group, [&](const RoundFacts& round) {
        std::vector<double> reached, others;
        for (std::size_t cell = 0; cell < MazeGrid::kCells; ++cell) {
          const char place = MazeGrid::kLayout[cell];
          const bool reachable = cell / MazeGrid::kColumns == row && (place == '-' || place == enemy);
          (reachable ? reached : others)
              .push_back(round.input_magnitude[static_cast<std::size_t>(channel) * MazeGrid::kCells + cell]);
        }
        return exceedance(reached, others);
      });
      decide(findings, *group,
             fmt::format("AUROC of |weight|, cells that enemy {} can reach, {}", enemy,
                         ten_percent_text(*group)),
             values, Side::kAbove, 0.5);
    }
}

void h10(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain_board(g, "mazegrid", "dqn"); })) {
    std::vector<double> margins;
    for (const ChainFacts* chain : complete_tickets(*group)) {
      double sum = 0, rounds = 0;
      for (std::size_t round = 5; round <= 15 && round < chain->size(); ++round, ++rounds) {
        const auto fraction = [&](std::size_t channel) {
          return remaining_fraction_of_inputs(*group, *(*chain)[round],
                                              channel_inputs(*group->info, channel));
        };
        double largest = 0;
        for (std::size_t channel = 0; channel < MazeGrid::kMaps; ++channel)
          if (channel != MazeGrid::kAgent) largest = std::max(largest, fraction(channel));
        sum += fraction(MazeGrid::kAgent) - largest;
      }
      if (rounds > 0) margins.push_back(sum / rounds);
    }
    decide(findings, *group, "remaining fraction of the agent's channel - largest of the others, rounds 5-15",
           margins, Side::kAbove, 0);
  }
}

void h12(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain_board(g, "minatar-freeway", "dqn"); })) {
    std::vector<std::vector<std::size_t>> speeds;
    for (int speed = 1; speed <= 5; ++speed)
      speeds.push_back(
          channel_inputs(*group->info, *channel_named(*group->info, fmt::format("speed{}", speed))));
    decide(findings, *group,
           "rank correlation of speed number and remaining fraction, " + ten_percent_text(*group),
           at_ten_percent(*group,
                          [&](const RoundFacts& round) {
                            std::vector<double> number, fraction;
                            for (std::size_t i = 0; i < speeds.size(); ++i) {
                              number.push_back(static_cast<double>(i));
                              fraction.push_back(remaining_fraction_of_inputs(*group, round, speeds[i]));
                            }
                            return rank_correlation(number, fraction);
                          }),
           Side::kBelow, 0);
    constexpr int kChicken = 4;                 // its column
    constexpr double kMeanDistanceOfAll = 2.5;  // of ten columns to it
    decide(
        findings, *group,
        "mean distance in columns of the car channel's weights to the chicken, " + ten_percent_text(*group),
        at_ten_percent(*group,
                       [&](const RoundFacts& round) {
                         double sum = 0, count = 0;
                         for (const std::size_t input :
                              channel_inputs(*group->info, *channel_named(*group->info, "car"))) {
                           const int column = static_cast<int>(input) % group->info->columns;
                           sum += round.input_kept[input] * std::abs(column - kChicken);
                           count += round.input_kept[input];
                         }
                         return sum / count;
                       }),
        Side::kBelow, kMeanDistanceOfAll);
  }
}

void decide_share(Findings& findings, const Group& group, const std::string& channel, std::vector<int> rows,
                  std::optional<int> column, double reference) {
  const std::optional<std::size_t> index = channel_named(*group.info, channel);
  if (!index) return;
  std::vector<std::size_t> some;
  if (column) some = channel_inputs(*group.info, *index, std::nullopt, column);
  for (const int row : rows) {
    const std::vector<std::size_t> more = channel_inputs(*group.info, *index, row);
    some.insert(some.end(), more.begin(), more.end());
  }
  const std::vector<std::size_t> all = channel_inputs(*group.info, *index);
  decide(findings, group,
         fmt::format("share of the channel {} in {} {}, {}", channel, column ? "column" : "row",
                     column ? fmt::format("{}", *column) : fmt::format("{}", fmt::join(rows, " and ")),
                     ten_percent_text(group)),
         at_ten_percent(group, [&](const RoundFacts& round) { return share_of_magnitude(round, some, all); }),
         Side::kAbove, reference);
}

void h13(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain_board(g, "minatar-space_invaders", "dqn"); }))
    decide_share(findings, *group, "enemy_bullet", {8, 9}, std::nullopt, 0.5);
}

void h14(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain(g) && is_board(g) && g.algorithm == "dqn"; })) {
    if (group->task == "minatar-breakout") decide_share(findings, *group, "paddle", {9}, std::nullopt, 0.95);
    if (group->task == "minatar-space_invaders")
      decide_share(findings, *group, "cannon", {9}, std::nullopt, 0.95);
    if (group->task == "minatar-freeway") decide_share(findings, *group, "chicken", {}, 4, 0.95);
  }
}

void h15(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain_board(g, "minatar-breakout", "dqn"); }))
    for (const char* name : {"ball", "trail"}) {
      const std::size_t channel = *channel_named(*group->info, name);
      const std::vector<std::size_t> bottom = channel_inputs(*group->info, channel, 9);
      const std::vector<std::size_t> all = channel_inputs(*group->info, channel);
      decide(findings, *group,
             fmt::format("remaining fraction of the {}'s bottom row - that of its channel, {}", name,
                         ten_percent_text(*group)),
             at_ten_percent(*group,
                            [&](const RoundFacts& round) {
                              return remaining_fraction_of_inputs(*group, round, bottom) -
                                     remaining_fraction_of_inputs(*group, round, all);
                            }),
             Side::kBelow, 0);
    }
}

void h16(const Results& results, Findings& findings) {
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

void h17(const Results& results, Findings& findings) {
  for (const Group* group : select(
           results, [](const Group& g) { return is_plain(g) && is_locomotion(g) && g.algorithm == "ppo"; })) {
    const Scale scale = scale_of(*group);
    const SeedCurves curves = seed_curves(*group, {&kTicket, 1});
    if (!scale.usable || curves.rounds <= kEarlyRounds) continue;
    std::vector<double> values;
    for (const auto& seed : curves.values[0]) {
      double sum = 0;
      for (std::size_t round = 1; round <= kEarlyRounds; ++round) sum += scale.performance(seed[round]);
      values.push_back(sum / kEarlyRounds);
    }
    decide(findings, *group, "mean P over rounds 1-5", values, Side::kAbove, 1);
  }
}

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

constexpr double kPaperInputScale = 0.1;

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

void h18(const Results& results, Findings& findings) {
  decide_separation(results, findings, "cartpole");
}

void h19(const Results& results, Findings& findings) {
  decide_separation(results, findings, "acrobot");
}

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

// Against input weights a tenth as large: other schemes and weaker scaling take longer to find the needless
// inputs, stronger scaling loses needed ones earlier.
void h20(const Results& results, Findings& findings) {
  constexpr double kPaperScale = 0.1;
  const auto scale = [](const Group& g) {
    return g.settings.agent.network.init == Init::kKaimingInScaled ? g.settings.agent.network.input_scale : 1;
  };
  const std::vector<const Group*> all = select(results, [](const Group& g) {
    return (is(g, "cartpole", "ppo") || is(g, "acrobot", "ppo")) &&
           g.settings.agent.network.init != Init::kHe;
  });
  for (const Group* paper : all) {
    if (scale(*paper) != kPaperScale) continue;
    for (const Group* other : all) {
      if (other->task != paper->task || other->network != paper->network || scale(*other) == kPaperScale)
        continue;
      if (scale(*other) > kPaperScale)
        decide_rounds(findings, *other, *paper, "rounds until the needless inputs are gone, difference",
                      rounds_of_needless(*other), rounds_of_needless(*paper), Side::kAbove);
      else
        decide_rounds(findings, *other, *paper, "rounds until a needed input is gone, difference",
                      rounds_of_needed(*other), rounds_of_needed(*paper), Side::kBelow);
    }
  }
}

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

void h11(const Results& results, Findings& findings) {
  for (const Group* all : select(results, [](const Group&) { return true; }))
    for (const Group* given : given_inputs(results, *all)) {
      if (given->settings.inputs.ticket_round == 0 || given->settings.inputs.complement) continue;
      const Scale scale = scale_of(*all);
      std::vector<double> areas, steps;
      for (const GivenPair& pair : paired_by_seed(*given, *all)) {
        areas.push_back(curve_area(*pair.given, scale) / curve_area(*pair.all, scale));
        steps.push_back(steps_to(*pair.given, scale, kAlpha) / steps_to(*pair.all, scale, kAlpha));
      }
      if (!scale.usable) continue;
      const std::string ratio = "area under the learning curve, part of that with all inputs";
      decide(findings, *given, ratio, areas, Side::kAbove, 1 - kMargin);
      decide(findings, *given, ratio, areas, Side::kBelow, 1 + kMargin);
      decide(findings, *given, "steps to 90 % of the dense return, part of those with all inputs", steps,
             Side::kBelow, 1 + kMargin);
    }
}

void h21(const Results& results, Findings& findings) {
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

void h22(const Results& results, Findings& findings) {
  const std::vector<const Group*> groups = select(results, is_plain);
  for (const Group* small : groups)
    for (const Group* large : groups) {
      if (small->task != large->task || small->algorithm != large->algorithm ||
          small->kept[0] >= large->kept[0])
        continue;
      const Scale scale = scale_of(*large);
      const SeedCurves of_small = seed_curves(*small, {&kTicket, 1}),
                       of_large = seed_curves(*large, {&kTicket, 1});
      if (!scale.usable || of_small.seeds.empty() || of_large.seeds.empty()) continue;
      // Mean P at the sizes of the small network's rounds that the large one's rounds enclose.
      const auto ascending = [](const Group& group, std::size_t rounds) {
        std::vector<double> sizes;
        for (std::size_t round = rounds; round-- > 0;)
          sizes.push_back(std::log(static_cast<double>(std::max<std::int64_t>(1, group.kept[round]))));
        return sizes;
      };
      const std::vector<double> sizes = ascending(*small, of_small.rounds),
                                theirs = ascending(*large, of_large.rounds);
      const auto mean_at_sizes = [&](const std::vector<double>& own_sizes, std::vector<double> returns) {
        std::ranges::reverse(returns);
        double sum = 0, count = 0;
        for (const double size : sizes)
          if (interpolate(theirs, theirs, size)) {
            sum += scale.performance(interpolate(own_sizes, returns, size).value());
            ++count;
          }
        return sum / count;
      };
      std::vector<double> a, b;
      for (const auto& seed : of_small.values[0]) a.push_back(mean_at_sizes(sizes, seed));
      for (const auto& seed : of_large.values[0]) b.push_back(mean_at_sizes(theirs, seed));
      if (std::isnan(a.front())) continue;  // no size in common
      findings.push_back(decided(*small, "P at equal numbers of weights, smaller - larger network",
                                 bootstrap_difference(a, b), std::min(a.size(), b.size()), Side::kAbove,
                                 -kMargin));
      findings.back().setting =
          fmt::format("{} {}: {} against {}", small->task, small->algorithm, small->network, large->network);
    }
}

void h23(const Results& results, Findings& findings) {
  for (const Group* group : select(results, [](const Group& g) {
         return is_plain(g) && g.task.starts_with("mazegrid") && g.algorithm == "dqn";
       }))
    mask_contributes(findings, *group);
}

// Variants of MazeGrid's plain DQN chains in which `key` is set, each with the plain group of its network.
std::vector<std::pair<const Group*, const Group*>> maze_variants(const Results& results,
                                                                 const std::string& key) {
  std::vector<std::pair<const Group*, const Group*>> pairs;
  for (const Group* group : select(results, [&](const Group& g) {
         return is(g, "mazegrid", "dqn") && setting_number(g.settings, key) > 0;
       }))
    for (const Group* plain : select(results, [&](const Group& g) {
           return is_plain_board(g, "mazegrid", "dqn") && g.network == group->network &&
                  setting_number(g.settings, key) == 0;
         }))
      pairs.emplace_back(group, plain);
  return pairs;
}

void h24(const Results& results, Findings& findings) {
  for (const char* key : {"reg.weight_decay", "reg.dropout"})
    for (const auto& [group, plain] : maze_variants(results, key)) {
      ticket_above_random(findings, *group);
      if (key == std::string_view("reg.dropout"))
        decide(findings, *group, "P with dropout - P without, mean over rounds",
               area_difference(*group, *plain), Side::kBelow, 0);
    }
}

void h25(const Results& results, Findings& findings) {
  for (const auto& [group, plain] : maze_variants(results, "imp.rewind_step"))
    decide(findings, *group, "P with late rewinding - P without, mean over rounds",
           area_difference(*group, *plain), Side::kBelow, kMargin);
}

void h26(const Results& results, Findings& findings) {
  for (const Group* group : select(results, [](const Group& g) {
         return is_plain_mlp(g) && is_minatar(g) && g.algorithm == "dqn";
       })) {
    const Scale scale = scale_of(*group);
    const SeedCurves curves = seed_curves(*group, {&kTicket, 1});
    if (!scale.usable || curves.rounds < 2) continue;
    std::vector<double> last, best, fall;
    for (const auto& seed : curves.values[0]) {
      last.push_back(scale.performance(seed.back()));
      fall.push_back(last.back() - scale.performance(seed.front()));
      const auto end = seed.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(11, seed.size()));
      best.push_back(scale.performance(*std::max_element(seed.begin() + 1, end)) -
                     scale.performance(seed.front()));
    }
    const std::string note = progress_note(*group, curves.rounds, curves.complete);
    const std::string place = fmt::format("at density {:.3g}", group->density[curves.rounds - 1]);
    if (group->task == "minatar-freeway")
      decide(findings, *group, "P " + place, last, Side::kAbove, kAlpha, note);
    if (group->task == "minatar-breakout" || group->task == "minatar-space_invaders")
      decide(findings, *group, "P " + place + " - P of the dense agent", fall, Side::kBelow, 0, note);
    if (group->task == "minatar-asterix")
      decide(findings, *group, "largest P in rounds 1-10 - P of the dense agent", best, Side::kAbove, 0,
             note);
  }
}

void h27(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain_mlp(g) && is_minatar(g); })) {
    mask_above_weights(findings, *group);
    // (mp - pp) - (pp - rr)
    decide_areas(findings, *group, {kPermuted, kShuffled, kRandom}, {1, -2, 1},
                 "mask contribution - layer ratio contribution", Side::kAbove, 0);
  }
}

void h28(const Results& results, Findings& findings) {
  for (const Group* group : select(results, [](const Group& g) {
         return is_plain(g) && (is(g, "mazegrid", "ppo") || is(g, "cartpole", "dqn"));
       }))
    decide_areas(findings, *group, {kTicket, kShuffled}, {1, -1},
                 "AUC(mask/weights) - AUC(permuted/permuted)", Side::kAbove, 0);
}

// Pixels to the nearest edge of the board, 0 at the edge itself.
int distance_to_edge(const TaskInfo& info, std::size_t input) {
  const int row = static_cast<int>(input) / info.columns, column = static_cast<int>(input) % info.columns;
  return std::min({row, column, info.rows - 1 - row, info.columns - 1 - column});
}

void h29(const Results& results, Findings& findings) {
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

// ---- the settings that claims speak of

using Names = std::initializer_list<const char*>;
std::vector<TaskAndAlgorithm> each(Names tasks, Names algorithms) {
  std::vector<TaskAndAlgorithm> settings;
  for (const char* task : tasks)
    for (const char* algorithm : algorithms) settings.push_back({task, algorithm});
  return settings;
}
std::vector<TaskAndAlgorithm> operator+(std::vector<TaskAndAlgorithm> a,
                                        const std::vector<TaskAndAlgorithm>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const std::vector<TaskAndAlgorithm> kClassic = each({"cartpole", "acrobot"}, {"bc", "ppo"}),
                                    kClassicPpo = each({"cartpole", "acrobot"}, {"ppo"}),
                                    kRobots =
                                        each({"halfcheetah", "walker2d", "hopper", "ant"}, {"bc", "ppo"}),
                                    kRobotsPpo = each({"halfcheetah", "walker2d", "hopper", "ant"}, {"ppo"}),
                                    kCloning = each(
                                        {"cartpole", "acrobot", "halfcheetah", "walker2d", "hopper", "ant"},
                                        {"bc"}),
                                    kMaze = each({"mazegrid"}, {"dqn"}),
                                    kGames = each({"minatar-asterix", "minatar-breakout", "minatar-freeway",
                                                   "minatar-space_invaders"},
                                                  {"bc", "dqn"}),
                                    kAtari = each({"atari"}, {"ppo"});

struct Hypothesis {
  const char *id, *claim, *statistic, *needs;
  std::vector<TaskAndAlgorithm> settings;  // that the claim speaks of
  void (*find)(const Results&, Findings&);
};

const std::vector<Hypothesis>& hypotheses() {
  static const std::vector<Hypothesis> kHypotheses = {
      {"H1", "Winning tickets exist in all settings.", "AUC(mask/weights) - AUC(random/re-init) > 0",
       "mask/weights and random/re-init of every task and algorithm",
       kClassic + kRobots + kMaze + kGames + kAtari, h1},
      {"H2", "Cloned agents can be pruned further than RL agents without loss.",
       "d*(0.9) of cloning below that of RL",
       "mask/weights of bc and an RL algorithm on one task and network", kCloning, h2},
      {"H3", "In multilayer perceptrons the mask explains most of the ticket effect, the weights little.",
       "mask contribution above weight contribution", "mask/weights, mask/permuted and permuted/permuted",
       kClassic + kRobots + kMaze + kGames, h3},
      {"H4", "Layer-wise pruning ratios contribute (cloning).",
       "AUC(permuted/permuted) - AUC(random/re-init) > 0", "permuted/permuted and random/re-init of bc",
       kCloning, h4},
      {"H5",
       "Cloning: mask/weights and mask/permuted about equal, above permuted/permuted, above random/re-init.",
       "signs of the three contributions by task", "all four baselines of bc", kCloning, h5},
      {"H6",
       "Locomotion with PPO: permuted/permuted falls below random/re-init where actor and critic are pruned, "
       "not "
       "where the actor alone is.",
       "sign of AUC(permuted/permuted) - AUC(random/re-init)",
       "permuted/permuted and random/re-init of ppo, both imp.scope", kRobotsPpo, h6},
      {"H7", "In convolutional networks the initial weights matter more.",
       "weight contribution, convolutional above MLP",
       "mask/weights and mask/permuted of both architectures on one task",
       kAtari + each({"minatar-asterix", "minatar-space_invaders"}, {"bc"}), h7},
      {"H8", "Early layers are pruned most.",
       "remaining fraction of the input layer below all others, rounds from 3 on",
       "finished mask/weights chains of mazegrid dqn", kMaze, h8},
      {"H9", "MazeGrid: what goes of the enemies' channels is where no enemy can be.",
       "AUROC of |weight| for reachable against other cells > 0.5", "mask/weights of mazegrid dqn", kMaze,
       h9},
      {"H10", "MazeGrid: the agent's channel is pruned least.",
       "its remaining fraction above all others, rounds 5-15", "finished mask/weights chains of mazegrid dqn",
       kMaze, h10},
      {"H11", "A dense network on the inputs that are left learns as fast as on all inputs.",
       "ratio of the areas under the learning curves in [0.95, 1.05]",
       "mazegrid dqn with inputs.ticket_round, and plain", kMaze, h11},
      {"H12", "Freeway: channels are pruned by speed, the slowest car's most; near pixels stay.",
       "rank correlation of speed and remaining fraction; distance of kept weights to the chicken",
       "mask/weights of minatar-freeway dqn", each({"minatar-freeway"}, {"dqn"}), h12},
      {"H13", "Space Invaders: enemy bullets are kept only next to the cannon.",
       "share of their weight in rows 8 and 9 > 0.5", "mask/weights of minatar-space_invaders dqn",
       each({"minatar-space_invaders"}, {"dqn"}), h13},
      {"H14", "MinAtar: of the agent's channel only the row or column that it can be in survives.",
       "share of its weight there > 0.95", "mask/weights of minatar dqn",
       each({"minatar-breakout", "minatar-freeway", "minatar-space_invaders"}, {"dqn"}), h14},
      {"H15", "Breakout: the bottom rows of ball and trail are pruned.",
       "their remaining fraction below the channel's", "mask/weights of minatar-breakout dqn",
       each({"minatar-breakout"}, {"dqn"}), h15},
      {"H16", "Locomotion: near 10 % density 20 to 50 % of the inputs are gone at dense-level return.",
       "part of the inputs gone > 0.2 in the last round with P >= 1 within one standard error",
       "mask/weights of ppo on the locomotion tasks", kRobotsPpo, h16},
      {"H17", "Locomotion: early pruning improves performance.", "mean P over rounds 1-5 > 1",
       "mask/weights of ppo on the locomotion tasks", kRobotsPpo, h17},
      {"H18", "Cart-Pole: position and velocity go before angle and angular velocity.",
       "order in which inputs disappear, with input weights scaled down",
       "mask/weights of cartpole ppo, network.init = kaiming_in_scaled with input_scale = 0.1",
       each({"cartpole"}, {"ppo"}), h18},
      {"H19", "Acrobot: sines and cosines go, both angular velocities stay.", "as H18",
       "mask/weights of acrobot ppo, network.init = kaiming_in_scaled with input_scale = 0.1",
       each({"acrobot"}, {"ppo"}), h19},
      {"H20", "The input layer's initialisation controls the discovery of minimal inputs.",
       "rounds until the needless inputs, and the needed ones, are gone, by initialisation and scale",
       "mask/weights of cartpole and acrobot ppo under several network.init and network.input_scale",
       kClassicPpo, h20},
      {"H21", "Agents train on the two selected inputs alone.",
       "final return within 1 SD of the agent with all inputs",
       "ppo with inputs.select, its complement, and all inputs", kClassicPpo, h21},
      {"H22", "Larger networks do not give better tickets at equal absolute size.",
       "P at matched numbers of weights, smaller - larger > -0.05", "mask/weights of several network.hidden",
       kClassic + kMaze, h22},
      {"H23", "The mask's dominance is independent of the encoding.",
       "mask contribution > 0 under each encoding",
       "mask/permuted and permuted/permuted of mazegrid, mazegrid-rgb and mazegrid-entangled dqn",
       each({"mazegrid", "mazegrid-rgb", "mazegrid-entangled"}, {"dqn"}), h23},
      {"H24", "L2 does not harm the ticket effect; dropout lowers returns but keeps it.",
       "AUC(mask/weights) - AUC(random/re-init) > 0 with either; P with dropout below P without",
       "mazegrid dqn with reg.weight_decay, with reg.dropout, and plain", kMaze, h24},
      {"H25", "Late rewinding is not needed.", "P with rewinding - P without < 0.05",
       "mazegrid dqn with imp.rewind_step, and plain", kMaze, h25},
      {"H26",
       "MinAtar: Freeway holds at high sparsity, Breakout and Space Invaders decline, Asterix improves at "
       "first.",
       "P in the last round, its fall, and its largest value in rounds 1-10", "mask/weights of minatar dqn",
       each({"minatar-asterix", "minatar-breakout", "minatar-freeway", "minatar-space_invaders"}, {"dqn"}),
       h26},
      {"H27", "MinAtar: the mask contributes most.", "mask contribution above the other two",
       "all four baselines of minatar bc and dqn", kGames, h27},
      {"H28", "Results hold with the algorithm swapped.", "AUC(mask/weights) - AUC(permuted/permuted) > 0",
       "mask/weights and permuted/permuted of mazegrid ppo and cartpole dqn",
       each({"mazegrid"}, {"ppo"}) + each({"cartpole"}, {"dqn"}), h28},
      {"H29", "Digits: rim pixels are pruned first.",
       "weight of rim pixels below that of the centre; remaining fraction grows with the distance to the "
       "edge",
       "mask/weights of digits", each({"digits"}, {"supervised"}), h29},
  };
  return kHypotheses;
}

Verdict overall(const Findings& findings) {
  const auto any = [&](Verdict verdict) {
    return std::ranges::find(findings, verdict, &Finding::verdict) != findings.end();
  };
  if (findings.empty()) return Verdict::kNotRun;
  if (any(Verdict::kContradicted)) return Verdict::kContradicted;
  return any(Verdict::kUndecided) ? Verdict::kUndecided : Verdict::kSupported;
}

}  // namespace

std::string_view verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSupported:
      return "supported";
    case Verdict::kContradicted:
      return "contradicted";
    case Verdict::kUndecided:
      return "undecided";
    case Verdict::kNotRun:
      return "not run";
  }
  return "";
}

std::vector<JudgedHypothesis> judge(const Results& results) {
  std::vector<JudgedHypothesis> judged;
  for (const Hypothesis& hypothesis : hypotheses()) {
    JudgedHypothesis& result = judged.emplace_back();
    result.id = hypothesis.id;
    result.claim = hypothesis.claim;
    result.statistic = hypothesis.statistic;
    result.needs = hypothesis.needs;
    hypothesis.find(results, result.findings);
    result.verdict = overall(result.findings);
    for (const TaskAndAlgorithm& setting : hypothesis.settings) {
      const bool seen = std::ranges::find(result.findings, setting, &Finding::about) != result.findings.end();
      (seen ? result.seen : result.missing).push_back(setting);
    }
  }
  return judged;
}

std::string list_text(const std::vector<TaskAndAlgorithm>& settings) {
  std::vector<std::pair<std::string, std::string>> tasks;  // with their algorithms
  for (const TaskAndAlgorithm& setting : settings) {
    const auto known = std::ranges::find(tasks, setting.task, &std::pair<std::string, std::string>::first);
    if (known == tasks.end())
      tasks.emplace_back(setting.task, setting.algorithm);
    else
      known->second += ", " + setting.algorithm;
  }
  std::string text;
  for (const auto& [task, algorithms] : tasks)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", task, algorithms);
  return text;
}

std::string scope_text(const JudgedHypothesis& hypothesis) {
  const std::size_t all = hypothesis.seen.size() + hypothesis.missing.size();
  if (hypothesis.seen.empty() || all == 1) return "";
  return fmt::format("{} of {} settings: {}", hypothesis.seen.size(), all, list_text(hypothesis.seen));
}

nlohmann::json to_json(const std::vector<JudgedHypothesis>& hypotheses) {
  nlohmann::json list = nlohmann::json::array();
  for (const JudgedHypothesis& hypothesis : hypotheses) {
    nlohmann::json findings = nlohmann::json::array();
    for (const Finding& finding : hypothesis.findings)
      findings.push_back(
          {{"setting", finding.setting},
           {"statistic", finding.statistic},
           {"claim", finding.claim},
           {"value", finding.interval.mean},
           {"interval", {finding.interval.low, finding.interval.high}},
           {"seeds", finding.seeds},
           {"verdict", verdict_text(finding.verdict)},
           {"more_seeds", finding.more_seeds ? nlohmann::json(*finding.more_seeds) : nlohmann::json()},
           {"note", finding.note}});
    list.push_back({{"id", hypothesis.id},
                    {"claim", hypothesis.claim},
                    {"statistic", hypothesis.statistic},
                    {"needs", hypothesis.needs},
                    {"verdict", verdict_text(hypothesis.verdict)},
                    {"scope", scope_text(hypothesis)},
                    {"seen", list_text(hypothesis.seen)},
                    {"missing", list_text(hypothesis.missing)},
                    {"findings", findings}});
  }
  return list;
}

}  // namespace impsweep
