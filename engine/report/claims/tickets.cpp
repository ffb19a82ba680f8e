// Claims on what makes a ticket: mask, weights and layer ratios, in all settings and variants.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/report/analysis.hpp"
#include "engine/report/claims/claims.hpp"

namespace impsweep::claims {
namespace {

constexpr std::size_t kEarlyRounds = 5;  // H17

}  // namespace

void tickets_exist(const Results& results, Findings& findings) {
  for (const Group* group : select(results, is_plain)) ticket_above_random(findings, *group);
}

void clones_are_pruned_further(const Results& results, Findings& findings) {
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
        return std::log10(sufficient_density(*cloning, of_a, a.values[0], drawn[0], kSufficient) /
                          sufficient_density(*rl, of_b, b.values[0], drawn[1], kSufficient));
      });
      findings.push_back(decided(*cloning, "log10 of d*(0.9) of cloning over that of RL", interval,
                                 std::min(a.seeds.size(), b.seeds.size()), Side::kBelow, 0));
      findings.back().setting =
          fmt::format("{} {} against {}", cloning->task, cloning->network, rl->algorithm);
      if (!a.complete || !b.complete) findings.back().note = "under way";
    }
}

void mask_explains_most(const Results& results, Findings& findings) {
  for (const Group* group : select(results, is_plain_mlp)) mask_above_weights(findings, *group);
}

void layer_ratios_contribute_in_cloning(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain(g) && g.algorithm == "bc"; }))
    layer_ratio_contributes(findings, *group);
}

void baselines_come_in_order_in_cloning(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain(g) && g.algorithm == "bc"; })) {
    mask_above_weights(findings, *group);
    mask_contributes(findings, *group);
    layer_ratio_contributes(findings, *group);
  }
}

void permuting_fails_where_the_critic_is_pruned(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_locomotion(g) && g.algorithm == "ppo"; }))
    layer_ratio_contributes(findings, *group,
                            group->settings.imp.scope == PruneScope::kActor ? Side::kAbove : Side::kBelow);
}

void weights_matter_more_in_convolutions(const Results& results, Findings& findings) {
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

void early_pruning_improves_robots(const Results& results, Findings& findings) {
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

void larger_networks_give_no_better_tickets(const Results& results, Findings& findings) {
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

void mask_dominates_under_every_encoding(const Results& results, Findings& findings) {
  for (const Group* group : select(results, [](const Group& g) {
         return is_plain(g) && g.task.starts_with("mazegrid") && g.algorithm == "dqn";
       }))
    mask_contributes(findings, *group);
}
namespace {

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

}  // namespace

void regularised_tickets_exist(const Results& results, Findings& findings) {
  for (const char* key : {"reg.weight_decay", "reg.dropout"})
    for (const auto& [group, plain] : maze_variants(results, key)) {
      ticket_above_random(findings, *group);
      if (key == std::string_view("reg.dropout"))
        decide(findings, *group, "P with dropout - P without, mean over rounds",
               area_difference(*group, *plain), Side::kBelow, 0);
    }
}

void late_rewinding_is_not_needed(const Results& results, Findings& findings) {
  for (const auto& [group, plain] : maze_variants(results, "imp.rewind_step"))
    decide(findings, *group, "P with late rewinding - P without, mean over rounds",
           area_difference(*group, *plain), Side::kBelow, kMargin);
}

void games_hold_decline_or_improve(const Results& results, Findings& findings) {
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
      decide(findings, *group, "P " + place, last, Side::kAbove, kSufficient, note);
    if (group->task == "minatar-breakout" || group->task == "minatar-space_invaders")
      decide(findings, *group, "P " + place + " - P of the dense agent", fall, Side::kBelow, 0, note);
    if (group->task == "minatar-asterix")
      decide(findings, *group, "largest P in rounds 1-10 - P of the dense agent", best, Side::kAbove, 0,
             note);
  }
}

void mask_contributes_most_in_games(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain_mlp(g) && is_minatar(g); })) {
    mask_above_weights(findings, *group);
    // (mp - pp) - (pp - rr)
    decide_areas(findings, *group, {kPermuted, kShuffled, kRandom}, {1, -2, 1},
                 "mask contribution - layer ratio contribution", Side::kAbove, 0);
  }
}

void tickets_exist_with_algorithms_swapped(const Results& results, Findings& findings) {
  for (const Group* group : select(results, [](const Group& g) {
         return is_plain(g) && (is(g, "mazegrid", "ppo") || is(g, "cartpole", "dqn"));
       }))
    decide_areas(findings, *group, {kTicket, kShuffled}, {1, -1},
                 "AUC(mask/weights) - AUC(permuted/permuted)", Side::kAbove, 0);
}

}  // namespace impsweep::claims
