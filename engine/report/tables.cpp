#include "engine/report/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/report/analysis.hpp"
#include "engine/report/figures.hpp"
#include "engine/statistics/aggregate.hpp"
#include "engine/statistics/paired.hpp"

namespace impsweep {
namespace {

constexpr double kTableDensity = 0.1;  // at which the tables give returns
constexpr double kTarget = 1;          // of the optimality gap: the dense agent's performance
constexpr std::size_t kLeastImprovementRuns = 10;
constexpr double kLargestThreshold = 1.2, kThresholdStep = 0.05;  // of performance profiles

using statistics::BootstrapKind;
using statistics::Resampling;
using statistics::Strata;

std::vector<double> differences_of(const Areas& pair) {
  const statistics::CompletePairs both = statistics::complete_pairs(pair.of[0], pair.of[1]);
  return statistics::paired_differences(both.a, both.b);
}

std::string interval_text(double value, const std::optional<statistics::Interval>& interval) {
  return interval ? fmt::format("{:.3f} [{:.3f}, {:.3f}]", value, interval->low, interval->high)
                  : fmt::format("{:.3f}", value);
}

// AUC of every task's seeds that all tasks have under all of these baselines, [baseline][task][seed].
struct Scores {
  std::vector<Baseline> baselines;
  std::vector<Strata> of;
  std::size_t tasks = 0, runs = 0;
};

std::optional<std::vector<double>> values_of(const Areas& areas, std::span<const std::int64_t> seeds) {
  std::vector<double> values;
  for (const std::int64_t seed : seeds) {
    const auto place = std::ranges::find(areas.seeds, seed);
    if (place == areas.seeds.end()) return std::nullopt;
    values.push_back(areas.of.front()[static_cast<std::size_t>(place - areas.seeds.begin())]);
  }
  return values;
}

Scores scores_of(std::span<const Group* const> groups, Metric metric) {
  Scores scores;
  for (const Baseline baseline : baselines())
    if (std::ranges::all_of(groups, [&](const Group* group) { return group->chains.contains(baseline); }))
      scores.baselines.push_back(baseline);
  std::vector<std::vector<Areas>> all;  // [baseline][group]
  std::optional<std::vector<std::int64_t>> common;
  for (const Baseline baseline : scores.baselines) {
    std::vector<Areas>& own = all.emplace_back();
    for (const Group* group : groups) {
      own.push_back(areas(*group, {&baseline, 1}, metric));
      if (own.back().of.empty()) return {};
      std::vector<std::int64_t> complete;
      for (std::size_t i = 0; i < own.back().seeds.size(); ++i)
        if (!std::isnan(own.back().of.front()[i])) complete.push_back(own.back().seeds[i]);
      if (!common) common = complete;
      std::erase_if(*common,
                    [&](std::int64_t seed) { return std::ranges::find(complete, seed) == complete.end(); });
    }
  }
  if (!common || common->empty()) return {};
  for (const std::vector<Areas>& own : all) {
    Strata& strata = scores.of.emplace_back();
    for (const Areas& of_group : own) strata.push_back(values_of(of_group, *common).value());
  }
  scores.tasks = groups.size();
  scores.runs = common->size();
  return scores;
}

bool worth_showing(const Scores& scores) {
  return scores.runs > 0 && (scores.tasks > 1 || scores.runs >= statistics::kLeastSeeds);
}

std::string improvement_text(const Scores& scores, std::size_t b, const std::string& stream) {
  const auto ticket = std::ranges::find(scores.baselines, Baseline::kMaskWeights);
  if (ticket == scores.baselines.end() || scores.baselines[b] == Baseline::kMaskWeights) return "";
  const Strata& ours = scores.of[static_cast<std::size_t>(ticket - scores.baselines.begin())];
  std::optional<statistics::Interval> interval;
  if (scores.runs >= kLeastImprovementRuns)
    interval = statistics::probability_of_improvement_interval(ours, scores.of[b], {stream});
  return interval_text(statistics::probability_of_improvement(ours, scores.of[b]), interval);
}

}  // namespace

ReportTable returns_table(const Group& group) {
  const std::size_t round = round_near(group, kTableDensity);
  ReportTable table{fmt::format("Returns at {} of the weights: mean over seeds and its 95 % interval, or the "
                                "seeds' values. Best: highest of the evaluations during training, biased "
                                "upwards; re-evaluated: fresh episodes of the best checkpoint; final: of the "
                                "last network.",
                                percent_text(group.density[round])),
                    {}};
  table.table.header = {"baseline"};
  for (const Metric metric : kMetrics) table.table.header.emplace_back(metric_title(metric));
  for (const auto& [baseline, seeds] : group.chains) {
    std::vector<std::string>& row = table.table.rows.emplace_back();
    row.emplace_back(info_of(baseline).name);
    for (const Metric metric : kMetrics) {
      const statistics::Cell cell = return_cell(group, baseline, round, metric);
      std::string text = cell.n() == 0 ? "not run" : statistics::text_of(cell);
      if (cell.dropped > 0) text += fmt::format("; {} without an episode that ended", cell.dropped);
      row.push_back(std::move(text));
    }
  }
  return table;
}

ReportTable contributions_table(const Group& group, Metric metric) {
  const Baseline shown = shown_baseline(group);
  const Areas first = areas(group, {&shown, 1}, metric);
  ReportTable table{
      fmt::format("By {}: AUC is the mean of P over {}; d* the density of the last round before "
                  "a seed falls below {} % of its own dense agent. 95 % intervals over seeds, "
                  "paired by seed where differences are shown.",
                  metric_title(metric), range_text(first.range), 100 * kSufficient),
      {}};
  table.table.header = {"baseline", "AUC of P", fmt::format("d*({})", kSufficient),
                        "AUC, mask/weights minus this"};
  for (const auto& [baseline, seeds] : group.chains) {
    std::vector<std::string>& row = table.table.rows.emplace_back();
    row.emplace_back(info_of(baseline).name);
    const Areas own = areas(group, {&baseline, 1}, metric);
    row.push_back(own.of.empty() ? "" : statistics::text_of(statistics::difference_interval(own.of.front())));
    row.push_back(survival_text(group, baseline, metric));
    const Baseline pair[] = {Baseline::kMaskWeights, baseline};
    const Areas both = baseline == pair[0] ? Areas{} : areas(group, pair, metric);
    row.push_back(
        both.of.empty() ? "" : statistics::text_of(statistics::difference_interval(differences_of(both))));
  }
  return table;
}

std::string survival_text(const Group& group, Baseline baseline, Metric metric) {
  const Survival all = survival(group, baseline, metric);
  std::vector<statistics::CriticalRound> rounds;
  for (const auto& round : all.rounds)
    if (round) rounds.push_back(*round);
  if (rounds.empty()) return "";
  const statistics::CriticalSummary summary = statistics::summarise(rounds);
  std::vector<std::size_t> survived;
  survived.reserve(rounds.size());
  for (const statistics::CriticalRound& round : rounds) survived.push_back(round.survived);
  std::ranges::sort(survived);
  // The median of an even number of seeds: between two rounds, half-way in the logarithm of the density.
  const double below = group.density[survived[(survived.size() - 1) / 2] - 1],
               above = group.density[survived[survived.size() / 2] - 1];
  std::string list;
  for (const std::size_t count : survived)
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", count == all.last + 1 ? "≥ " : "", count - 1);
  return fmt::format("{}{}, n = {}: round{} {}", summary.median_is_lower_bound ? "≤ " : "",
                     percent_text(std::sqrt(below * above)), summary.n, summary.n == 1 ? "" : "s", list);
}

ReportTable scores_table(std::span<const Group* const> groups, Metric metric, const std::string& name) {
  const Scores scores = scores_of(groups, metric);
  ReportTable table;
  if (!worth_showing(scores)) return table;
  table.caption = fmt::format(
      "Scores over {} task{} and {} seed{} of each, {}: AUC of P by {} (0: untrained, 1: dense). "
      "Interquartile mean, and mean shortfall to 1, with 95 % stratified bootstrap intervals from five seeds "
      "on; probability that a run of mask/weights scores higher, from ten.",
      scores.tasks, scores.tasks == 1 ? "" : "s", scores.runs, scores.runs == 1 ? "" : "s", name,
      metric_title(metric));
  table.table.header = {"baseline", "interquartile mean", "optimality gap", "mask/weights improves on it",
                        "n"};
  for (std::size_t b = 0; b < scores.baselines.size(); ++b) {
    const Strata& strata = scores.of[b];
    const std::string stream =
        fmt::format("report/{}/{}/{}", name, info_of(scores.baselines[b]).name, metric_name(metric));
    const auto gap = [](const Strata& of) { return statistics::optimality_gap(of, kTarget); };
    const auto with_interval = [&](const std::function<double(const Strata&)>& statistic, const char* what) {
      return interval_text(statistic(strata),
                           statistics::stratified_interval(strata, statistic, Resampling{stream + what},
                                                           BootstrapKind::kExpanded));
    };
    table.table.rows.push_back({std::string(info_of(scores.baselines[b]).name),
                                with_interval(statistics::interquartile_mean, "/iqm"),
                                with_interval(gap, "/gap"), improvement_text(scores, b, stream + "/poi"),
                                fmt::format("{} x {}", scores.tasks, scores.runs)});
  }
  return table;
}

Panel profile_panel(std::span<const Group* const> groups, Metric metric, const std::string& title) {
  Panel panel;
  panel.title = title;
  panel.x_label = "AUC of P, " + std::string(metric_title(metric));
  panel.y_label = "share of runs above";
  panel.y_minimum = 0;
  const Scores scores = scores_of(groups, metric);
  if (!worth_showing(scores)) return panel;
  std::vector<double> thresholds;
  for (int i = 0; i * kThresholdStep <= kLargestThreshold + 1e-9; ++i)
    thresholds.push_back(i * kThresholdStep);
  for (int i = 0; i <= 6; ++i) panel.x_ticks.push_back({0.2 * i, fmt::format("{:.1f}", 0.2 * i)});
  for (std::size_t b = 0; b < scores.baselines.size(); ++b) {
    const BaselineInfo& info = info_of(scores.baselines[b]);
    Series series;
    dress(series, scores.baselines[b]);
    series.marker = Marker::kNone;
    series.x = thresholds;
    series.y = statistics::performance_profile(scores.of[b], thresholds);
    for (const statistics::Interval& interval : statistics::profile_intervals(
             scores.of[b], thresholds,
             Resampling{fmt::format("report/{}/{}/{}/profile", title, info.name, metric_name(metric))},
             BootstrapKind::kExpanded)) {
      series.low.push_back(interval.low);
      series.high.push_back(interval.high);
    }
    panel.lines.push_back(std::move(series));
  }
  return panel;
}

}  // namespace impsweep
