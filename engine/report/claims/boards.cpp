// What is left of boards: MazeGrid, MinAtar and digits.
//
// A channel that is gone counts as pruned: nothing of it is left at any cell, and no seed is dropped for it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/report/claims/claims.hpp"
#include "engine/statistics/aggregate.hpp"
#include "engine/statistics/trend.hpp"
#include "envs/mazegrid.hpp"

namespace impsweep::claims {
namespace {

constexpr std::size_t kFirstLayerRound = 3;                            // H8
constexpr std::size_t kFirstChannelRound = 5, kLastChannelRound = 15;  // H10
constexpr int kRim = 4;  // H29, pixels: what MNIST leaves empty around its digits

std::vector<const Group*> boards(const Scope& scope, std::string_view task) {
  return scope.select([&](const Group& g) { return g.task == task && is_board(g) && is_plain(g); });
}

Measurements at_ten_percent_of(const Scope& scope, std::string_view task,
                               const std::function<double(const Group&, const RoundFacts&)>& value) {
  Measurements measurements;
  for (const Group* group : boards(scope, task))
    measurements.push_back(
        at_ten_percent(*group, [&](const RoundFacts& round) { return value(*group, round); }));
  return measurements;
}

// One number of each complete ticket chain: the mean over rounds first to last of a value.
Measurement mean_over_chain(const Group& group, std::size_t first, std::size_t last,
                            const RoundValue& value) {
  Measurement measurement = measurement_of(group);
  last = std::min(last, group.rounds() - 1);
  measurement.note = fmt::format("rounds {}-{}", first, last);
  for (const auto& [seed, chain] : complete_tickets(group)) {
    if (first > last) continue;
    double sum = 0;
    for (std::size_t round = first; round <= last; ++round) sum += value(*(*chain)[round]);
    measurement.seeds.push_back(seed);
    measurement.values.push_back(sum / static_cast<double>(last - first + 1));
  }
  if (measurement.values.empty() && !over_seeds(group, kTicket, 0, literal_inputs).empty())
    measurement.obstacle = "no seed has all its rounds yet";
  return measurement;
}

// Rank correlation; 0 where one side has no order at all, as everything is gone.
double order_of(const std::vector<double>& x, const std::vector<double>& y) {
  return statistics::kendall_tau(x, y).value_or(0);
}

// Part of the channel's magnitude in these cells; 0 of a channel that is gone.
double share_of_magnitude(const RoundFacts& round, const std::vector<std::size_t>& some,
                          const std::vector<std::size_t>& all) {
  double part = 0, whole = 0;
  for (const std::size_t input : some) part += round.input_magnitude[input];
  for (const std::size_t input : all) whole += round.input_magnitude[input];
  return whole > 0 ? part / whole : 0;
}

Measurements share_in(const Scope& scope, std::string_view task, std::string_view channel,
                      const std::vector<int>& rows, std::optional<int> column) {
  return at_ten_percent_of(scope, task, [&](const Group& group, const RoundFacts& round) {
    const std::size_t index = channel_named(*group.info, channel).value();
    std::vector<std::size_t> some;
    if (column) some = channel_inputs(*group.info, index, std::nullopt, column);
    for (const int row : rows) {
      const std::vector<std::size_t> more = channel_inputs(*group.info, index, row);
      some.insert(some.end(), more.begin(), more.end());
    }
    return share_of_magnitude(round, some, channel_inputs(*group.info, index));
  });
}

double channel_left(const Group& group, const RoundFacts& round, std::size_t channel) {
  return remaining_fraction_of_inputs(group, round, channel_inputs(*group.info, channel));
}

// AUROC of |weight| for the cells that an enemy can reach against the others.
double reachable_against_others(const RoundFacts& round, char enemy) {
  const auto channel = static_cast<std::size_t>(enemy == '1' ? MazeGrid::kEnemy1 : MazeGrid::kEnemy2);
  const std::size_t row = MazeGrid::kLayout.find(enemy) / MazeGrid::kColumns;
  std::vector<double> reached, others;
  for (std::size_t cell = 0; cell < MazeGrid::kCells; ++cell) {
    const char place = MazeGrid::kLayout[cell];
    const bool reachable = cell / MazeGrid::kColumns == row && (place == '-' || place == enemy);
    (reachable ? reached : others).push_back(round.input_magnitude[channel * MazeGrid::kCells + cell]);
  }
  return statistics::probability_of_improvement({reached}, {others});
}

// Pixels to the nearest edge of the board, 0 at the edge itself.
int distance_to_edge(const TaskInfo& info, std::size_t input) {
  const int row = static_cast<int>(input) / info.columns, column = static_cast<int>(input) % info.columns;
  return std::min({row, column, info.rows - 1 - row, info.columns - 1 - column});
}

void note_data_set(const Scope& scope, Measurements& measurements) {
  const std::vector<const Group*> groups = boards(scope, "digits");
  for (std::size_t i = 0; i < measurements.size(); ++i) {
    const auto content = groups[i]->settings.task_options.find("digits.content");
    if (content != groups[i]->settings.task_options.end())
      measurements[i].note += fmt::format("; of the data set {:.8}", std::get<std::string>(content->second));
  }
}

}  // namespace

Measurements later_layer_less_input_layer(const Scope& scope) {
  Measurements measurements;
  for (const Group* group : boards(scope, "mazegrid"))
    for (std::size_t layer = 1; layer < group->prunable.size(); ++layer) {
      Measurement measurement =
          mean_over_chain(*group, kFirstLayerRound, group->rounds() - 1, [&](const RoundFacts& round) {
            return remaining_fraction(*group, round, group->prunable[layer]) -
                   remaining_fraction(*group, round, group->prunable[0]);
          });
      measurement.setting += ", " + group->tensors[group->prunable[layer]].name;
      measurements.push_back(std::move(measurement));
    }
  return measurements;
}

Measurements enemies_reachable_cells(const Scope& scope) {
  return at_ten_percent_of(scope, "mazegrid", [](const Group&, const RoundFacts& round) {
    return 0.5 * (reachable_against_others(round, '1') + reachable_against_others(round, '2'));
  });
}

Measurements agents_channel_less_others(const Scope& scope) {
  Measurements measurements;
  for (const Group* group : boards(scope, "mazegrid"))
    for (std::size_t channel = 0; channel < MazeGrid::kMaps; ++channel) {
      if (channel == MazeGrid::kAgent) continue;
      Measurement measurement =
          mean_over_chain(*group, kFirstChannelRound, kLastChannelRound, [&](const RoundFacts& round) {
            return channel_left(*group, round, MazeGrid::kAgent) - channel_left(*group, round, channel);
          });
      measurement.setting += ", " + group->info->channel_names[channel];
      measurements.push_back(std::move(measurement));
    }
  return measurements;
}

Measurements freeway_speed_order(const Scope& scope) {
  return at_ten_percent_of(scope, "minatar-freeway", [](const Group& group, const RoundFacts& round) {
    std::vector<double> number, left;
    for (int speed = 1; speed <= 5; ++speed) {
      number.push_back(speed);
      left.push_back(
          channel_left(group, round, channel_named(*group.info, fmt::format("speed{}", speed)).value()));
    }
    return order_of(number, left);
  });
}

Measurements freeway_distance(const Scope& scope) {
  constexpr int kChicken = 4;  // its column
  return at_ten_percent_of(scope, "minatar-freeway", [](const Group& group, const RoundFacts& round) {
    double sum = 0, count = 0, all = 0, cells = 0;
    for (const std::size_t input : channel_inputs(*group.info, channel_named(*group.info, "car").value())) {
      const double distance = std::abs(static_cast<int>(input) % group.info->columns - kChicken);
      sum += round.input_kept[input] * distance;
      count += round.input_kept[input];
      all += distance;
      ++cells;
    }
    return (count > 0 ? sum / count : all / cells) - all / cells;
  });
}

Measurements bullets_near_the_cannon(const Scope& scope) {
  return share_in(scope, "minatar-space_invaders", "enemy_bullet", {8, 9}, std::nullopt);
}

Measurements agents_row_or_column(const Scope& scope) {
  Measurements measurements = share_in(scope, "minatar-breakout", "paddle", {9}, std::nullopt);
  for (const Measurements& more : {share_in(scope, "minatar-space_invaders", "cannon", {9}, std::nullopt),
                                   share_in(scope, "minatar-freeway", "chicken", {}, 4)})
    measurements.insert(measurements.end(), more.begin(), more.end());
  return measurements;
}

Measurements breakout_bottom_rows(const Scope& scope) {
  return at_ten_percent_of(scope, "minatar-breakout", [](const Group& group, const RoundFacts& round) {
    double sum = 0;
    for (const char* name : {"ball", "trail"}) {
      const std::size_t channel = channel_named(*group.info, name).value();
      sum += remaining_fraction_of_inputs(group, round, channel_inputs(*group.info, channel, 9)) -
             channel_left(group, round, channel);
    }
    return sum / 2;
  });
}

Measurements rim_against_centre(const Scope& scope) {
  Measurements measurements =
      at_ten_percent_of(scope, "digits", [](const Group& group, const RoundFacts& round) {
        double rim = 0, centre = 0, rim_pixels = 0, centre_pixels = 0;
        for (std::size_t input = 0; input < round.input_magnitude.size(); ++input) {
          const bool outside = distance_to_edge(*group.info, input) < kRim;
          (outside ? rim : centre) += round.input_magnitude[input];
          (outside ? rim_pixels : centre_pixels) += 1;
        }
        return (rim / rim_pixels) / (centre / centre_pixels);
      });
  note_data_set(scope, measurements);
  return measurements;
}

Measurements distance_from_the_edge(const Scope& scope) {
  Measurements measurements =
      at_ten_percent_of(scope, "digits", [](const Group& group, const RoundFacts& round) {
        std::vector<double> distance, left;
        for (int d = 0; 2 * d < std::min(group.info->rows, group.info->columns); ++d) {
          std::vector<std::size_t> ring;
          for (std::size_t input = 0; input < round.input_kept.size(); ++input)
            if (distance_to_edge(*group.info, input) == d) ring.push_back(input);
          distance.push_back(d);
          left.push_back(remaining_fraction_of_inputs(group, round, ring));
        }
        return order_of(distance, left);
      });
  note_data_set(scope, measurements);
  return measurements;
}

}  // namespace impsweep::claims
