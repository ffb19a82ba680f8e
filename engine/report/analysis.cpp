#include "engine/report/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/trend.hpp"

namespace impsweep {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

std::size_t finished_rounds(const ChainFacts& chain) {
  return static_cast<std::size_t>(std::ranges::find(chain, nullptr) - chain.begin());
}

}  // namespace

Scale scale_of(const Group& group, Metric metric) {
  const auto tickets = group.chains.find(Baseline::kMaskWeights);
  std::vector<double> untrained, dense;
  const auto add = [&](const std::map<std::int64_t, ChainFacts>& seeds) {
    for (const auto& [seed, chain] : seeds) {
      if (chain.empty() || !chain.front()) continue;
      untrained.push_back(finite_or_missing(chain.front()->curve_mean.front()));
      dense.push_back(return_of(metric)(*chain.front()));
    }
  };
  if (tickets != group.chains.end())
    add(tickets->second);
  else
    for (const auto& [baseline, seeds] : group.chains) add(seeds);
  const std::vector<double> low = statistics::complete(untrained).values,
                            high = statistics::complete(dense).values;
  if (low.empty() || high.empty() || group.density.front() < 1) return {};
  Scale scale{statistics::mean(low), statistics::mean(high), false};
  scale.usable = scale.range() > 1e-9 * (1 + std::abs(scale.untrained));
  return scale;
}

ReturnBounds return_bounds(const Group& group) {
  if (group.info->is_data_set) return {0.0, 100.0};
  const double limit = task_with(group.task, group.settings.task_options).max_steps;
  if (group.task == "cartpole" && limit > 0) return {0.0, limit};  // a point for each step
  if (group.task == "acrobot" && limit > 0) return {-limit, 0.0};  // one less for each step
  return {};
}

double finite_or_missing(double value) {
  return std::isfinite(value) ? value : kNotANumber;
}

bool of_one_schedule(const Group& a, const Group& b) {
  const ImpConfig &first = a.settings.imp, &second = b.settings.imp;
  const auto follows_from_keys = [](const Settings& settings) {
    return settings.imp.unit == PruneUnit::kWeight && settings.imp.mask_from.empty() &&
           !has_changing_masks(settings);
  };
  if (follows_from_keys(a.settings) && follows_from_keys(b.settings))
    return first.densities == second.densities &&
           (!first.densities.empty() || std::abs(first.prune_fraction - second.prune_fraction) < 1e-9);
  for (std::size_t round = 0; round < std::min(a.rounds(), b.rounds()); ++round)
    if (std::abs(a.density[round] - b.density[round]) > 1e-3 * a.density[round]) return false;
  return true;
}

RoundValue return_of(Metric metric) {
  return [metric](const RoundFacts& round) { return finite_or_missing(return_by(round.summary, metric)); };
}

std::vector<double> over_seeds(const Group& group, Baseline baseline, std::size_t round,
                               const RoundValue& value) {
  std::vector<double> values;
  const auto seeds = group.chains.find(baseline);
  if (seeds == group.chains.end()) return values;
  for (const auto& [seed, chain] : seeds->second)
    if (round < chain.size() && chain[round]) values.push_back(value(*chain[round]));
  return values;
}

statistics::Cell return_cell(const Group& group, Baseline baseline, std::size_t round, Metric metric) {
  const std::vector<double> returns = over_seeds(group, baseline, round, return_of(metric));
  ReturnBounds bounds = return_bounds(group);
  // A bound that was passed is none: of a task that was changed, or of a file that somebody wrote.
  if (std::ranges::any_of(returns, [&](double value) {
        return (bounds.lower && value < *bounds.lower) || (bounds.upper && value > *bounds.upper);
      }))
    bounds = {};
  return statistics::cell_interval(returns, bounds.lower, bounds.upper,
                                   {fmt::format("report/{}/{}/round-{}/{}", group.name(),
                                                info_of(baseline).name, round, metric_name(metric))});
}

SeedCurves seed_curves(const Group& group, std::span<const Baseline> baselines, const RoundValue& value) {
  SeedCurves curves;
  curves.values.resize(baselines.size());
  std::map<std::int64_t, std::size_t> finished;  // rounds that a seed has under all baselines
  for (std::size_t b = 0; b < baselines.size(); ++b) {
    const auto seeds = group.chains.find(baselines[b]);
    if (seeds == group.chains.end()) return curves;
    std::map<std::int64_t, std::size_t> both;
    for (const auto& [seed, chain] : seeds->second) {
      const auto before = finished.find(seed);
      if (b == 0)
        both[seed] = finished_rounds(chain);
      else if (before != finished.end())
        both[seed] = std::min(before->second, finished_rounds(chain));
    }
    finished = std::move(both);
  }
  std::vector<std::size_t> begun;
  for (const auto& [seed, rounds] : finished)
    if (rounds > 0) begun.push_back(rounds);
  curves.complete = begun.size() == finished.size() &&
                    std::ranges::all_of(begun, [&](std::size_t rounds) { return rounds == group.rounds(); });
  if (begun.empty()) return curves;
  std::ranges::sort(begun, std::greater());
  curves.rounds = begun[(begun.size() - 1) / 2];
  for (const auto& [seed, rounds] : finished) {
    if (rounds < curves.rounds) continue;
    curves.seeds.push_back(seed);
    for (std::size_t b = 0; b < baselines.size(); ++b) {
      const ChainFacts& chain = group.chains.at(baselines[b]).at(seed);
      std::vector<double>& row = curves.values[b].emplace_back();
      for (std::size_t round = 0; round < curves.rounds; ++round) row.push_back(value(*chain[round]));
    }
  }
  return curves;
}

std::optional<RoundRange> area_rounds(const Group& group, std::size_t rounds) {
  const std::size_t first = !group.density.empty() && group.density.front() < 1 ? 0 : 1;
  if (rounds <= first) return std::nullopt;
  RoundRange range{first, first};
  while (range.last + 1 < rounds && group.density[range.last + 1] >= kLeastAreaDensity) ++range.last;
  return range;
}

std::string range_text(const RoundRange& range) {
  return range.first == range.last ? fmt::format("round {}", range.first)
                                   : fmt::format("rounds {}-{}", range.first, range.last);
}

Areas areas(const Group& group, std::span<const Baseline> baselines, Metric metric) {
  const Scale scale = scale_of(group, metric);
  const SeedCurves curves = seed_curves(group, baselines, return_of(metric));
  const std::optional<RoundRange> range = area_rounds(group, curves.rounds);
  Areas areas;
  areas.complete = curves.complete;
  if (!scale.usable || !range || curves.seeds.empty()) return areas;
  areas.range = *range;
  areas.seeds = curves.seeds;
  for (const auto& seeds : curves.values) {
    std::vector<double>& own = areas.of.emplace_back();
    for (const std::vector<double>& returns : seeds)
      own.push_back(scale.performance(
          statistics::mean_over_rounds(returns, range->first, range->last).value_or(kNotANumber)));
  }
  return areas;
}

Survival survival(const Group& group, Baseline baseline, Metric metric, double alpha) {
  const Scale scale = scale_of(group, metric);
  const SeedCurves curves = seed_curves(group, {&baseline, 1}, return_of(metric));
  Survival result;
  if (!scale.usable || curves.seeds.empty()) return result;
  result.last = curves.rounds - 1;
  result.complete = curves.complete;
  result.seeds = curves.seeds;
  for (const std::vector<double>& returns : curves.values.front()) {
    std::vector<double> performance;
    performance.reserve(returns.size());
    for (const double value : returns) performance.push_back(1 + (value - returns.front()) / scale.range());
    result.rounds.push_back(statistics::critical_round(performance, alpha));
  }
  return result;
}

std::vector<const Group*> given_inputs(const Results& results, const Group& all) {
  std::vector<const Group*> groups;
  const std::vector<OptionState> wanted = list_settings(all.settings);
  for (const Group& group : results.groups) {
    if (!group.settings.inputs.restricts() || group.task != all.task || group.algorithm != all.algorithm)
      continue;
    const std::vector<OptionState> others = list_settings(ticket_settings(group.settings));
    if (std::ranges::equal(others, wanted, {}, &OptionState::value, &OptionState::value))
      groups.push_back(&group);
  }
  return groups;
}

std::optional<double> died_at(const RoundFacts& round) {
  constexpr std::size_t kFewest = 4;
  const std::vector<double>& means = round.curve_mean;
  std::size_t first = means.size();
  while (first > 1 && means[first - 1] == means.back()) --first;  // the first is the untrained network's
  const std::size_t same = means.size() - first;
  if (same < kFewest || 4 * same < means.size()) return std::nullopt;
  if (std::ranges::none_of(means, [&](double mean) { return mean > means.back(); })) return std::nullopt;
  return round.curve_step[first];
}

double curve_area(const RoundFacts& round, const Scale& scale) {
  double area = 0;
  for (std::size_t i = 1; i < round.curve_step.size(); ++i)
    area += 0.5 * (scale.performance(round.curve_mean[i - 1]) + scale.performance(round.curve_mean[i])) *
            (round.curve_step[i] - round.curve_step[i - 1]);
  return area / (round.curve_step.back() - round.curve_step.front());
}

double remaining_fraction(const Group& group, const RoundFacts& round, std::size_t tensor) {
  if (tensor >= round.kept_per_tensor.size()) return kNotANumber;
  return static_cast<double>(round.kept_per_tensor[tensor]) / static_cast<double>(group.tensors[tensor].size);
}

double remaining_fraction_of_inputs(const Group& group, const RoundFacts& round,
                                    std::span<const std::size_t> inputs) {
  double kept = 0;
  for (const std::size_t input : inputs) kept += round.input_kept[input];
  const Tensor& first = group.tensors.front();
  return kept * first.shape[1] / (static_cast<double>(inputs.size()) * static_cast<double>(first.size));
}

std::vector<std::size_t> channel_inputs(const TaskInfo& info, std::size_t channel, std::optional<int> row,
                                        std::optional<int> column) {
  std::vector<std::size_t> inputs;
  for (int r = 0; r < info.rows; ++r)
    for (int c = 0; c < info.columns; ++c)
      if (r == row.value_or(r) && c == column.value_or(c))
        inputs.push_back((channel * static_cast<std::size_t>(info.rows) + static_cast<std::size_t>(r)) *
                             static_cast<std::size_t>(info.columns) +
                         static_cast<std::size_t>(c));
  return inputs;
}

std::optional<std::size_t> channel_named(const TaskInfo& info, std::string_view name) {
  const auto found = std::ranges::find(info.channel_names, name);
  if (found == info.channel_names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - info.channel_names.begin());
}

bool is_board(const Group& group) {
  return group.info->rows > 0 && group.info->columns > 0 &&
         group.tensors.front().shape[1] == group.info->observation_size;
}

std::size_t round_near(const Group& group, double density) {
  std::size_t nearest = 0;
  const auto distance = [&](std::size_t round) { return std::abs(std::log(group.density[round] / density)); };
  for (std::size_t round = 1; round < group.rounds(); ++round)
    if (distance(round) < distance(nearest)) nearest = round;
  return nearest;
}

double literal_inputs(const RoundFacts& round) {
  return static_cast<double>(round.summary.inputs_left);
}

double effective_inputs(const RoundFacts& round) {
  if (round.summary.effective_inputs >= 0) return static_cast<double>(round.summary.effective_inputs);
  if (round.input_effective.empty()) return literal_inputs(round);
  return static_cast<double>(std::ranges::count(round.input_effective, 1));
}

bool is_read(const RoundFacts& round, std::size_t input) {
  return round.input_effective.empty() ? round.input_kept[input] > 0 : round.input_effective[input] != 0;
}

std::size_t disappearance(const ChainFacts& chain, std::size_t input) {
  for (std::size_t round = 0; round < chain.size() && chain[round]; ++round)
    if (!is_read(*chain[round], input)) return round;
  return chain.size();
}

}  // namespace impsweep
