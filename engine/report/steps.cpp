#include "engine/report/steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "agents/config/cloning_config.hpp"
#include "engine/report/analysis.hpp"
#include "engine/report/figures.hpp"
#include "engine/statistics/describe.hpp"

namespace impsweep {
namespace {

using Groups = std::vector<const Group*>;

// "bc, fixed", "ppo"; the variant where it says something else.
std::string step_name(const Group& group) {
  std::string name = group.algorithm;
  for (const OptionState& state : list_settings(group.settings))
    if (state.option.key == group.algorithm + ".data") name += ", " + std::get<std::string>(state.value);
  const bool says_more = group.variant != "default" && !group.variant.starts_with("data=");
  return says_more ? name + ", " + group.variant : name;
}

// The steps in their order: labels before rewards, given states before own ones.
int place_of(const Group& group) {
  constexpr std::array kStates = {CloningData::kFixed, CloningData::kTeacher, CloningData::kStudent};
  const std::string name = step_name(group);
  for (std::size_t i = 0; i < kStates.size(); ++i) {
    const auto states = static_cast<std::size_t>(kStates[i]);
    if (name.starts_with(fmt::format("bc, {}", enum_names(CloningData())[states])))
      return static_cast<int>(i);
  }
  return static_cast<int>(kStates.size());
}

std::vector<Groups> steps_together(const Results& results) {
  std::vector<Groups> all;
  for (const Group& group : results.groups) {
    if (!has_rounds(group) || group.rounds() < 2 || has_changing_masks(group.settings)) continue;
    if (!group.chains.contains(Baseline::kMaskWeights)) continue;
    const auto known = std::ranges::find_if(all, [&](const Groups& groups) {
      return groups.front()->task == group.task && groups.front()->network == group.network;
    });
    if (known == all.end())
      all.push_back({&group});
    else
      known->push_back(&group);
  }
  std::erase_if(all, [](const Groups& groups) {
    std::vector<std::string> students;
    for (const Group* group : groups)
      if (group->algorithm == "bc") students.push_back(step_name(*group));
    std::ranges::sort(students);
    return std::unique(students.begin(), students.end()) - students.begin() < 2;
  });
  for (Groups& groups : all)
    std::ranges::stable_sort(groups, {}, [](const Group* group) { return place_of(*group); });
  return all;
}

// By round, seeds together; of each seed its own.
void add_performance(Panel& panel, const Group& group, Metric metric, std::size_t place) {
  constexpr std::array kColours = {"#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#7a5195"};
  constexpr std::array kMarkers = {Marker::kCircle, Marker::kTriangle, Marker::kSquare, Marker::kDiamond};
  const Scale scale = scale_of(group, metric);
  if (!scale.usable) return;
  Series series;
  series.title = step_name(group);
  series.colour = kColours[place % kColours.size()];
  series.marker = kMarkers[place % kMarkers.size()];
  for (std::size_t round = 0; round < group.rounds(); ++round) {
    std::vector<double> values =
        statistics::complete(over_seeds(group, Baseline::kMaskWeights, round, return_of(metric))).values;
    if (values.empty()) continue;
    for (double& value : values) value = scale.performance(value);
    const statistics::Description sample = statistics::describe(values);
    series.x.push_back(group.density[round]);
    series.y.push_back(sample.mean);
    series.low.push_back(sample.mean - sample.deviation);
    series.high.push_back(sample.mean + sample.deviation);
  }
  panel.lines.push_back(std::move(series));
}

void add_limit(Series& bars, const Group& group, Metric metric, std::size_t place) {
  const Survival found = survival(group, Baseline::kMaskWeights, metric);
  std::vector<double> densities;
  for (const std::optional<statistics::CriticalRound>& round : found.rounds)
    if (round)
      if (const auto density = statistics::critical_density(*round, group.density))
        densities.push_back(100 * *density);
  if (densities.empty()) return;
  bars.x.push_back(static_cast<double>(place));
  bars.y.push_back(statistics::median(densities));
  bars.low.push_back(*std::ranges::min_element(densities));
  bars.high.push_back(*std::ranges::max_element(densities));
}

}  // namespace

std::vector<ReportFigure> steps_figures(const Results& results, const ReportMetrics& metrics) {
  std::vector<ReportFigure> figures;
  for (const Groups& groups : steps_together(results)) {
    const Group& first = *groups.front();
    const std::string title = fmt::format("{} {}", first.task, first.network);
    Panel performance, limits;
    performance.title = limits.title = title;
    performance.x_label = "prunable weights left";
    performance.y_label = "part of the dense agent's return";
    performance.logarithmic_x = true;
    limits.x_label = "whose states, and what is learned";
    limits.y_label = "weights needed for 0.9 of it, %";
    limits.y_minimum = 0;
    Series bars;
    bars.title = "density for 0.9";
    bars.colour = "#7f7f7f";
    std::string names;
    for (std::size_t place = 0; place < groups.size(); ++place) {
      add_performance(performance, *groups[place], metrics.judged, place);
      limits.x_ticks.push_back({static_cast<double>(place), step_name(*groups[place])});
      add_limit(bars, *groups[place], metrics.judged, place);
      names += (names.empty() ? "" : "; ") + groups[place]->name() + ", " + coverage_text(*groups[place]);
    }
    if (!bars.x.empty()) limits.bars.push_back(std::move(bars));
    for (const double density : {1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002})
      if (density >= first.density.back()) performance.x_ticks.push_back({density, percent_text(density)});
    ReportFigure figure{
        "From cloning to reinforcement learning, " + title,
        "Left: performance of tickets, 0 as the untrained network, 1 as the dense one of the "
        "same step, mean over seeds; band: one standard deviation. Right: the density at which "
        "0.9 is reached, median over seeds and their range; an upper bound where a chain ends "
        "before. " +
            names + ".",
        {},
        {}};
    Figure picture{file_name_of("steps " + title), {}};
    picture.panels = {std::move(performance), std::move(limits)};
    picture.columns = 2;
    picture.note = figure_note(groups);
    figure.pictures.push_back(std::move(picture));
    figures.push_back(std::move(figure));
  }
  return figures;
}

}  // namespace impsweep
