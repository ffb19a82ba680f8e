// Claims on what is left of boards: MazeGrid and MinAtar.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/report/analysis.hpp"
#include "engine/report/claims/claims.hpp"
#include "envs/mazegrid.hpp"

namespace impsweep::claims {

void early_layers_are_pruned_most(const Results& results, Findings& findings) {
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

void enemies_are_kept_where_they_can_be(const Results& results, Findings& findings) {
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

void agents_channel_is_pruned_least(const Results& results, Findings& findings) {
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

void freeway_cars_are_pruned_by_speed(const Results& results, Findings& findings) {
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
namespace {

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

}  // namespace

void bullets_are_kept_next_to_the_cannon(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain_board(g, "minatar-space_invaders", "dqn"); }))
    decide_share(findings, *group, "enemy_bullet", {8, 9}, std::nullopt, 0.5);
}

void agents_row_or_column_survives(const Results& results, Findings& findings) {
  for (const Group* group :
       select(results, [](const Group& g) { return is_plain(g) && is_board(g) && g.algorithm == "dqn"; })) {
    if (group->task == "minatar-breakout") decide_share(findings, *group, "paddle", {9}, std::nullopt, 0.95);
    if (group->task == "minatar-space_invaders")
      decide_share(findings, *group, "cannon", {9}, std::nullopt, 0.95);
    if (group->task == "minatar-freeway") decide_share(findings, *group, "chicken", {}, 4, 0.95);
  }
}

void bottom_rows_of_breakout_are_pruned(const Results& results, Findings& findings) {
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

}  // namespace impsweep::claims
