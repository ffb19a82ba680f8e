// What makes a ticket: mask, weights and layer ratios, in all settings and variants.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/report/claims/claims.hpp"
#include "engine/statistics/trend.hpp"

namespace impsweep::claims {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kEarlyRounds = 5;     // H17
constexpr std::size_t kAsterixRounds = 10;  // H26
constexpr double kModerateDensity = 0.1;    // H31: rounds 1 to the last with this density or more

// Contributions to the effect of a ticket (analysis.hpp).
const std::vector<Term> kWeightsPart = {{kTicket, 1}, {kPermuted, -1}},
                        kMaskPart = {{kPermuted, 1}, {kShuffled, -1}},
                        kRatioPart = {{kShuffled, 1}, {kRandom, -1}},
                        kTicketEffect = {{kTicket, 1}, {kRandom, -1}}, kGap = {{kTicket, 1}, {kShuffled, -1}};

bool is_convolution(const Group& group) {
  return group.settings.agent.network.architecture != Architecture::kMlp;
}

bool is_of(const Group& group, PruneScope scope) {
  return group.settings.imp.scope == scope;
}

// A measurement that pairs those of two groups by seed; nothing if one of them has none.
Measurements paired(const Group& a, const Group& b, Metric metric, const std::vector<Term>& terms) {
  const Measurements first = contrasts({&a}, metric, terms), second = contrasts({&b}, metric, terms);
  if (first.empty() || second.empty()) return {};
  Measurement measurement = first.front();
  measurement.setting = a.name() + " against " + b.name();
  if (measurement.obstacle.empty()) measurement.obstacle = second.front().obstacle;
  take(measurement, paired_by_seed({first.front().seeds, first.front().values},
                                   {second.front().seeds, second.front().values}));
  return {measurement};
}

void append(Measurements& all, Measurements more) {
  for (Measurement& measurement : more) all.push_back(std::move(measurement));
}

// Differences of P to a seed's own dense agent, [seed][round]; empty if there is no scale.
struct Curves {
  std::vector<std::int64_t> seeds;
  std::vector<std::vector<double>> of;
  std::size_t rounds = 0;
  bool complete = true;
};

std::optional<Curves> ticket_curves(const Group& group, Metric metric, Measurement& measurement) {
  const Scale scale = scale_of(group, metric);
  const SeedCurves curves = seed_curves(group, {&kTicket, 1}, return_of(metric));
  if (curves.seeds.empty()) return std::nullopt;
  if (!scale.usable) {
    measurement.obstacle = "dense agents are no better than untrained networks";
    return std::nullopt;
  }
  Curves result{curves.seeds, {}, curves.rounds, curves.complete};
  for (const std::vector<double>& returns : curves.values[0]) {
    std::vector<double>& own = result.of.emplace_back();
    for (const double value : returns) own.push_back((value - returns.front()) / scale.range());
  }
  return result;
}

Measurement rise(const Group& group, Metric metric, std::size_t last) {
  Measurement measurement = measurement_of(group);
  const std::optional<Curves> curves = ticket_curves(group, metric, measurement);
  if (!curves) return measurement;
  if (curves->rounds <= last) {
    measurement.obstacle =
        fmt::format("round {} is needed, the chains are at round {}", last, curves->rounds - 1);
    return measurement;
  }
  measurement.seeds = curves->seeds;
  for (const std::vector<double>& curve : curves->of)
    measurement.values.push_back(statistics::rise_over_dense(curve, 1, last).value_or(kNotANumber));
  return measurement;
}

Measurements slopes(const Scope& scope, std::string_view task) {
  Measurements measurements;
  for (const Group* group : scope.select([&](const Group& g) { return g.task == task && is_plain_mlp(g); })) {
    Measurement measurement = measurement_of(*group);
    if (const std::optional<Curves> curves = ticket_curves(*group, scope.metric, measurement)) {
      if (curves->rounds < group->rounds()) {
        measurement.obstacle = fmt::format("round {} is needed, the chains are at round {}",
                                           group->rounds() - 1, curves->rounds - 1);
      } else if (curves->rounds > 1) {
        measurement.seeds = curves->seeds;
        // From the first round to the last.
        for (const double slope : statistics::slopes_per_round(curves->of))
          measurement.values.push_back(slope * static_cast<double>(curves->rounds - 1));
        measurement.note = fmt::format("over rounds 0-{}", curves->rounds - 1);
      }
    }
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

// Ticket chains with a key set, each with the plain chains of its network.
using Pairs = std::vector<std::pair<const Group*, const Group*>>;
template <class IsSet>
Pairs with_plain(const Scope& scope, std::initializer_list<std::string_view> keys, IsSet is_set) {
  Pairs pairs;
  for (const Group* group : scope.select([&](const Group& g) { return is_set(g) && plain_but_for(g, keys); }))
    for (const Group* plain : scope.select([&](const Group& g) {
           return g.task == group->task && g.algorithm == group->algorithm && g.network == group->network &&
                  is_plain(g);
         }))
      pairs.emplace_back(group, plain);
  return pairs;
}

bool decays(const Group& group) {
  return setting_number(group.settings, "reg.weight_decay") > 0;
}

bool drops_out(const Group& group) {
  return setting_number(group.settings, "reg.dropout") > 0;
}

bool rewinds(const Group& group) {
  return group.settings.imp.rewind_step > 0;
}

Measurements difference_to_plain(const Scope& scope, const Pairs& pairs) {
  Measurements measurements;
  for (const auto& [group, plain] : pairs)
    measurements.push_back(ticket_difference(*group, *plain, scope.metric));
  return measurements;
}

// Mean P at the sizes of the small network's rounds that those of the large one enclose, of every seed.
std::vector<double> ascending_sizes(const Group& group, std::size_t rounds) {
  std::vector<double> sizes;
  for (std::size_t round = rounds; round-- > 0;)
    sizes.push_back(std::log(static_cast<double>(std::max<std::int64_t>(1, group.kept[round]))));
  return sizes;
}

Measurement at_equal_sizes(const Group& small, const Group& large, Metric metric) {
  Measurement measurement = measurement_of(small);
  measurement.setting = small.name() + " against " + large.name();
  const Scale scale = scale_of(large, metric);
  const SeedCurves of_small = seed_curves(small, {&kTicket, 1}, return_of(metric)),
                   of_large = seed_curves(large, {&kTicket, 1}, return_of(metric));
  if (!scale.usable || of_small.seeds.empty() || of_large.seeds.empty()) return measurement;
  for (const auto& [group, curves] : {std::pair{&small, &of_small}, {&large, &of_large}})
    if (curves->rounds < group->rounds())
      measurement.obstacle = fmt::format("round {} is needed, the chains of {} are at round {}",
                                         group->rounds() - 1, group->name(), curves->rounds - 1);
  const std::vector<double> sizes = ascending_sizes(small, of_small.rounds),
                            theirs = ascending_sizes(large, of_large.rounds);
  const auto mean_at = [&](const std::vector<double>& own_sizes, std::vector<double> returns) {
    std::ranges::reverse(returns);
    double sum = 0, count = 0;
    for (const double size : sizes) {
      if (!statistics::interpolate(theirs, theirs, size)) continue;
      sum += scale.performance(statistics::interpolate(own_sizes, returns, size).value());
      ++count;
    }
    return count > 0 ? sum / count : kNotANumber;
  };
  BySeed a{of_small.seeds, {}}, b{of_large.seeds, {}};
  for (const std::vector<double>& returns : of_small.values[0]) a.values.push_back(mean_at(sizes, returns));
  for (const std::vector<double>& returns : of_large.values[0]) b.values.push_back(mean_at(theirs, returns));
  take(measurement, paired_by_seed(a, b));
  if (measurement.obstacle.empty() &&
      std::ranges::all_of(measurement.values, [](double value) { return std::isnan(value); }))
    measurement.obstacle = "the networks have no number of weights in common";
  return measurement;
}

// Every pair of plain networks of one kind, task and algorithm, the smaller first, as one measurement for
// each task and algorithm: pairs share chains.
template <class Compare>
Measurements over_sizes(const Scope& scope, Compare compare) {
  Measurements measurements;
  const std::vector<const Group*> groups = scope.select(is_plain);
  for (const TaskAndAlgorithm& setting : scope.settings) {
    Measurements pairs;
    for (const Group* small : groups)
      for (const Group* large : groups)
        if (about(*small) == setting && small->task == large->task && small->algorithm == large->algorithm &&
            small->settings.agent.network.architecture == large->settings.agent.network.architecture &&
            small->kept[0] < large->kept[0])
          append(pairs, compare(*small, *large));
    if (!pairs.empty())
      measurements.push_back(
          mean_of(pairs, fmt::format("{} {}, {} pair{} of networks", setting.task, setting.algorithm,
                                     pairs.size(), pairs.size() == 1 ? "" : "s")));
  }
  return measurements;
}

}  // namespace

Measurements ticket_less_random(const Scope& scope) {
  return contrasts(scope.select(is_plain), scope.metric, kTicketEffect);
}

Measurements rounds_survived_cloning_less_rl(const Scope& scope) {
  Measurements measurements;
  for (const Group* cloning : scope.select([](const Group& g) { return g.algorithm == "bc" && is_plain(g); }))
    for (const Group& rl : scope.results.groups) {
      if (rl.task != cloning->task || rl.algorithm != "ppo" || rl.network != cloning->network ||
          !is_plain(rl) ||
          std::abs(rl.settings.imp.prune_fraction - cloning->settings.imp.prune_fraction) > 1e-9)
        continue;
      Survival ours = survival(*cloning, kTicket, scope.metric), theirs = survival(rl, kTicket, scope.metric);
      if (ours.seeds.empty() || theirs.seeds.empty()) continue;
      Measurement measurement = measurement_of(*cloning);
      measurement.setting = cloning->name() + " against " + rl.algorithm;
      // Rounds that only one of the two was trained for say nothing about the other.
      const std::size_t last = std::min(ours.last, theirs.last);
      std::size_t censored = 0, both = 0;
      for (std::size_t i = 0; i < ours.seeds.size(); ++i) {
        const auto other = std::ranges::find(theirs.seeds, ours.seeds[i]);
        if (other == theirs.seeds.end()) continue;
        const auto& a = ours.rounds[i];
        const auto& b = theirs.rounds[static_cast<std::size_t>(other - theirs.seeds.begin())];
        measurement.seeds.push_back(ours.seeds[i]);
        if (!a || !b) {
          measurement.values.push_back(kNotANumber);
          continue;
        }
        const std::size_t first = std::min(a->survived, last + 1), second = std::min(b->survived, last + 1);
        measurement.values.push_back(static_cast<double>(first) - static_cast<double>(second));
        censored += first > last || second > last ? 1 : 0;
        both += first > last && second > last ? 1 : 0;
      }
      if (2 * both > measurement.values.size())
        measurement.obstacle =
            fmt::format("both survive all {} rounds in {} of {} seeds: more rounds are needed", last + 1,
                        both, measurement.values.size());
      else if (censored > 0 && last + 1 < std::min(cloning->rounds(), rl.rounds()))
        measurement.obstacle = fmt::format("round {} is needed, the chains are at round {}",
                                           std::min(cloning->rounds(), rl.rounds()) - 1, last);
      else if (censored > 0)
        measurement.note = fmt::format("{} of {} seeds hold to the last round: a lower bound", censored,
                                       measurement.values.size());
      if (!ours.complete || !theirs.complete)
        measurement.note += measurement.note.empty() ? "under way" : "; under way";
      measurements.push_back(std::move(measurement));
    }
  return measurements;
}

Measurements mask_of_mask_and_weights(const Scope& scope) {
  return contrasts(scope.select(is_plain_mlp), scope.metric, kMaskPart, kGap);
}

Measurements weights_of_ticket_effect(const Scope& scope) {
  return contrasts(scope.select(is_plain_mlp), scope.metric, kWeightsPart, kTicketEffect);
}

Measurements layer_ratio(const Scope& scope) {
  return contrasts(scope.select(is_plain), scope.metric, kRatioPart);
}

Measurements layer_ratio_of_actors(const Scope& scope) {
  return contrasts(scope.select([](const Group& g) {
    return is_of(g, PruneScope::kActor) && plain_but_for(g, {"imp.scope"});
  }),
                   scope.metric, kRatioPart);
}

Measurements weights(const Scope& scope) {
  return contrasts(scope.select(is_plain), scope.metric, kWeightsPart);
}

Measurements mask(const Scope& scope) {
  return contrasts(scope.select(is_plain), scope.metric, kMaskPart);
}

Measurements weights_convolutional_less_mlp(const Scope& scope) {
  Measurements measurements;
  for (const Group* cnn : scope.select(
           [](const Group& g) { return g.task.starts_with("minatar-") && is_convolution(g) && is_plain(g); }))
    for (const Group* mlp : scope.select([&](const Group& g) {
           return g.task == cnn->task && g.algorithm == cnn->algorithm && is_plain_mlp(g);
         }))
      append(measurements, paired(*cnn, *mlp, scope.metric, kWeightsPart));
  return measurements;
}

Measurements weights_atari_less_mlp(const Scope& scope) {
  std::vector<const Group*> mlps;
  for (const Group& group : scope.results.groups)
    if ((group.algorithm == "ppo" || group.algorithm == "dqn") && is_plain_mlp(group)) mlps.push_back(&group);
  const Measurements theirs = contrasts(mlps, scope.metric, kWeightsPart);
  Measurements measurements;
  if (theirs.empty()) return measurements;
  const Measurement mean = mean_of(theirs, "");
  for (Measurement& game :
       contrasts(scope.select([](const Group& g) { return g.task.starts_with("atari-") && is_plain(g); }),
                 scope.metric, kWeightsPart)) {
    game.setting += fmt::format(" against {} MLP{}", theirs.size(), theirs.size() == 1 ? "" : "s");
    if (game.obstacle.empty()) game.obstacle = mean.obstacle;
    take(game, paired_by_seed({game.seeds, game.values}, {mean.seeds, mean.values}));
    measurements.push_back(std::move(game));
  }
  return measurements;
}

Measurements early_rise(const Scope& scope) {
  Measurements measurements;
  for (const Group* group : scope.select(is_plain))
    measurements.push_back(rise(*group, scope.metric, kEarlyRounds));
  return measurements;
}

Measurements smaller_less_larger(const Scope& scope) {
  return over_sizes(scope, [&](const Group& small, const Group& large) {
    return Measurements{at_equal_sizes(small, large, scope.metric)};
  });
}

Measurements gap_larger_less_smaller(const Scope& scope) {
  return over_sizes(scope, [&](const Group& small, const Group& large) {
    return paired(large, small, scope.metric, kGap);
  });
}

Measurements ticket_with_weight_decay(const Scope& scope) {
  return contrasts(scope.select([](const Group& g) {
    return decays(g) && plain_but_for(g, {"reg.weight_decay", "reg.l2_mode"});
  }),
                   scope.metric, kTicketEffect);
}

Measurements ticket_with_dropout(const Scope& scope) {
  return contrasts(scope.select([](const Group& g) {
    return drops_out(g) && plain_but_for(g, {"reg.dropout", "reg.dropout_target"});
  }),
                   scope.metric, kTicketEffect);
}

Measurements dropout_less_plain(const Scope& scope) {
  return difference_to_plain(scope, with_plain(scope, {"reg.dropout", "reg.dropout_target"}, drops_out));
}

Measurements effect_with_weight_decay_less_without(const Scope& scope) {
  Measurements measurements;
  for (const auto& [group, plain] : with_plain(scope, {"reg.weight_decay", "reg.l2_mode"}, decays))
    append(measurements, paired(*group, *plain, scope.metric, kTicketEffect));
  return measurements;
}

Measurements rewound_less_plain(const Scope& scope) {
  return difference_to_plain(scope, with_plain(scope, {"imp.rewind_step", "imp.rewind_budget"}, rewinds));
}

Measurements asterix_rise(const Scope& scope) {
  Measurements measurements;
  for (const Group* group :
       scope.select([](const Group& g) { return g.task == "minatar-asterix" && is_plain_mlp(g); })) {
    Measurement measurement = rise(*group, scope.metric, kAsterixRounds);
    Measurement ignored;
    const std::optional<Curves> curves = ticket_curves(*group, scope.metric, ignored);
    if (curves && measurement.obstacle.empty()) {
      const statistics::RiseDecision anywhere =
          statistics::decide_rise_anywhere(curves->of, 1, kAsterixRounds);
      if (anywhere.round)
        measurement.note = fmt::format("the round with the largest t is {}, p = {:.2g} over all ten",
                                       *anywhere.round, anywhere.adjusted_p);
    }
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

Measurements breakout_slope(const Scope& scope) {
  return slopes(scope, "minatar-breakout");
}

Measurements space_invaders_slope(const Scope& scope) {
  return slopes(scope, "minatar-space_invaders");
}

Measurements freeway_slope(const Scope& scope) {
  return slopes(scope, "minatar-freeway");
}

Measurements mask_less_weights(const Scope& scope) {
  return contrasts(scope.select(is_plain_mlp), scope.metric,
                   {{kPermuted, 2}, {kShuffled, -1}, {kTicket, -1}});
}

Measurements mask_less_layer_ratio(const Scope& scope) {
  return contrasts(scope.select(is_plain_mlp), scope.metric, {{kPermuted, 1}, {kShuffled, -2}, {kRandom, 1}});
}

Measurements ticket_less_shuffled(const Scope& scope) {
  return contrasts(scope.select(is_plain), scope.metric, kGap);
}

Measurements moderate_layer_ratio(const Scope& scope) {
  const Baseline pair[] = {kShuffled, kRandom};
  Measurements measurements;
  for (const Group* group : scope.select(is_plain)) {
    if (!group->chains.contains(kShuffled) || !group->chains.contains(kRandom)) continue;
    const Scale scale = scale_of(*group, scope.metric);
    const SeedCurves curves = seed_curves(*group, pair, return_of(scope.metric));
    if (curves.seeds.empty()) continue;
    Measurement measurement = measurement_of(*group);
    std::size_t last = 0;
    while (last + 1 < group->rounds() && group->density[last + 1] >= kModerateDensity) ++last;
    if (last == 0 || curves.rounds <= last) {
      measurement.obstacle = fmt::format("densities down to 10 % are needed, the chains are at {:.3g}",
                                         group->density[curves.rounds - 1]);
    } else if (!scale.usable) {
      measurement.obstacle = "dense agents are no better than untrained networks";
    } else {
      measurement.note = fmt::format("rounds 1-{}", last);
      measurement.seeds = curves.seeds;
      for (std::size_t seed = 0; seed < curves.seeds.size(); ++seed) {
        const auto shuffled = statistics::mean_over_rounds(curves.values[0][seed], 1, last),
                   random = statistics::mean_over_rounds(curves.values[1][seed], 1, last);
        measurement.values.push_back(shuffled && random ? (*shuffled - *random) / scale.range()
                                                        : kNotANumber);
      }
    }
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

Measurements mask_of_convolutions(const Scope& scope) {
  return contrasts(scope.select([](const Group& g) { return is_convolution(g) && is_plain(g); }),
                   scope.metric, kMaskPart);
}

Measurements weights_of_convolutions(const Scope& scope) {
  return contrasts(scope.select([](const Group& g) { return is_convolution(g) && is_plain(g); }),
                   scope.metric, kWeightsPart);
}

Measurements mask_rgb_less_object_map(const Scope& scope) {
  Measurements measurements;
  for (const Group* rgb :
       scope.select([](const Group& g) { return g.task == "mazegrid-rgb" && is_plain(g); }))
    for (const Group* objects : scope.select([&](const Group& g) {
           return g.task == "mazegrid" && g.network == rgb->network && is_plain(g);
         }))
      append(measurements, paired(*rgb, *objects, scope.metric, kMaskPart));
  return measurements;
}

}  // namespace impsweep::claims
