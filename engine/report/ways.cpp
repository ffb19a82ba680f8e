#include "engine/report/ways.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/plan/identity.hpp"
#include "engine/report/analysis.hpp"
#include "engine/report/figures.hpp"
#include "engine/statistics/describe.hpp"
#include "io/human_text.hpp"

namespace impsweep {
namespace {

using Groups = std::vector<const Group*>;

bool is_way_alike(const Group& a, const Group& b) {
  if (a.task != b.task || a.algorithm != b.algorithm || a.network != b.network) return false;
  return std::ranges::all_of(differing_settings(a.settings, b.settings), [](const SettingDifference& each) {
    return each.key.starts_with("imp.") || each.key.starts_with("sparse.");
  });
}

// Groups that stand in one picture, in their order; only where masks change.
std::vector<Groups> ways_together(const Results& results) {
  std::vector<Groups> all;
  for (const Group& group : results.groups) {
    if (!has_rounds(group)) continue;
    const auto known =
        std::ranges::find_if(all, [&](const Groups& groups) { return is_way_alike(*groups.front(), group); });
    if (known == all.end())
      all.push_back({&group});
    else
      known->push_back(&group);
  }
  std::erase_if(all, [](const Groups& groups) {
    return std::ranges::none_of(groups,
                                [](const Group* group) { return has_changing_masks(group->settings); });
  });
  return all;
}

bool needs_rounds_before(const Group& group, Baseline baseline) {
  return !has_changing_masks(group.settings) && info_of(baseline).prunes;
}

// Pruned once: each density is a group of its own, and together they are one way.
bool is_one_shot(const Group& group) {
  return !has_changing_masks(group.settings) && group.settings.imp.mask_from.empty() && group.rounds() == 2;
}

bool are_pruned_once_alike(const Group& a, const Group& b) {
  return std::ranges::all_of(differing_settings(a.settings, b.settings), [](const SettingDifference& each) {
    return each.key == "imp.prune_fraction" || each.key == "imp.densities";
  });
}

// "rigl", "static" where nothing is exchanged, or the baseline; the variant where it is not named so.
std::string way_name(const Group& group, Baseline baseline) {
  const SparseConfig& sparse = group.settings.sparse;
  if (!has_changing_masks(group.settings)) {
    const std::string name(info_of(baseline).name);
    const auto criterion =
        enum_names(group.settings.imp.criterion)[static_cast<std::size_t>(group.settings.imp.criterion)];
    if (is_one_shot(group))
      return name + ", pruned once" +
             (group.settings.imp.criterion == Criterion::kMagnitude ? "" : fmt::format(" by {}", criterion));
    return group.variant == "default" ? name : name + ", " + group.variant;
  }
  const bool exchanges = sparse.method == SparseMethod::kGradual || sparse.fraction > 0;
  const std::string name(exchanges ? enum_names(sparse.method)[static_cast<std::size_t>(sparse.method)]
                                   : "static");
  return group.variant == "default" || group.variant == name ? name : name + ", " + group.variant;
}

Panel empty_panel(const Group& group, Metric metric) {
  Panel panel;
  panel.title = fmt::format("{} {} {}", group.task, group.algorithm, group.network);
  panel.y_label = metric_title(metric);
  panel.logarithmic_x = true;
  return panel;
}

Series empty_line(const Group& group, Baseline baseline, std::size_t place) {
  constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                                   "#56b4e9", "#7a5195", "#8c6d31", "#7f7f7f"};
  constexpr std::array kMarkers = {Marker::kCircle, Marker::kTriangle, Marker::kSquare, Marker::kDiamond};
  constexpr std::array kDashes = {Dash::kSolid, Dash::kDashed, Dash::kDotted, Dash::kDashDotted};
  Series line;
  line.title = way_name(group, baseline);
  line.colour = kColours[place % kColours.size()];
  line.marker = kMarkers[place % kMarkers.size()];
  line.dash = kDashes[place / kColours.size() % kDashes.size()];
  line.on_top = has_changing_masks(group.settings);
  return line;
}

std::vector<Tick> decades(const Panel& panel, std::string (*label)(double)) {
  double least = std::numeric_limits<double>::infinity(), most = 0;
  for (const Series& line : panel.lines)
    for (const double x : line.x) {
      least = std::min(least, x);
      most = std::max(most, x);
    }
  std::vector<Tick> ticks;
  if (!(most > 0)) return ticks;
  const bool is_wide = most / least > 300;
  for (double decade = std::pow(10.0, std::floor(std::log10(least))); decade <= most; decade *= 10)
    for (const double factor : {1.0, 2.0, 5.0})
      if (const double at = decade * factor;
          at >= 0.99 * least && at <= 1.01 * most && (factor == 1 || !is_wide))
        ticks.push_back({std::clamp(at, least, most), label(at)});  // what lies outside is not drawn
  return ticks;
}

std::string operations_text(double operations) {
  const double exponent = std::floor(std::log10(operations) + 1e-9);
  return fmt::format("{:g}e{:g}", std::round(operations / std::pow(10.0, exponent)), exponent);
}

void add_round(Series& by_density, Series& by_cost, const Group& group, Baseline baseline, std::size_t round,
               Metric metric) {
  const statistics::Cell cell = return_cell(group, baseline, round, metric);
  if (!cell.mean) return;
  std::vector<double> costs;
  for (const auto& [seed, chain] : group.chains.at(baseline))
    if (round < chain.size() && chain[round])
      if (const double cost = operations_until(group, baseline, chain, round); std::isfinite(cost))
        costs.push_back(cost);
  const auto add = [&](Series& series, double x) {
    const auto interval = cell.interval();
    series.x.push_back(x);
    series.y.push_back(*cell.mean);
    series.low.push_back(interval ? interval->low : *cell.mean);
    series.high.push_back(interval ? interval->high : *cell.mean);
  };
  add(by_density, group.density[round]);
  if (!costs.empty()) add(by_cost, statistics::mean(costs));
}

}  // namespace

double operations_until(const Group& group, Baseline baseline, const ChainFacts& chain, std::size_t round) {
  double operations = 0;
  for (std::size_t each = needs_rounds_before(group, baseline) ? 0 : round; each <= round; ++each) {
    if (!chain[each]) return std::numeric_limits<double>::quiet_NaN();
    operations += chain[each]->summary.train_flops;
  }
  return operations;
}

std::vector<ReportFigure> ways_figures(const Results& results, const ReportMetrics& metrics) {
  std::vector<ReportFigure> figures;
  for (const Groups& groups : ways_together(results)) {
    const Group& first = *groups.front();
    Panel by_density = empty_panel(first, metrics.judged), by_cost = by_density;
    by_density.x_label = "prunable weights left";
    by_cost.x_label = "operations of all gradient steps for it, falling";
    std::string names;
    struct PrunedOnce {
      const Group* group;
      Baseline baseline;
      std::size_t line;  // in both panels
    };
    std::vector<PrunedOnce> pruned_once;
    for (const Group* group : groups) {
      names += (names.empty() ? "" : "; ") + group->name() + ", " + coverage_text(*group);
      for (const auto& [baseline, chains] : group->chains) {
        const auto known = std::ranges::find_if(pruned_once, [&](const PrunedOnce& each) {
          return each.baseline == baseline && are_pruned_once_alike(*each.group, *group);
        });
        const bool continues = is_one_shot(*group) && known != pruned_once.end();
        const std::size_t line = continues ? known->line : by_density.lines.size();
        if (!continues) {
          if (is_one_shot(*group)) pruned_once.push_back({group, baseline, line});
          by_density.lines.push_back(empty_line(*group, baseline, line));
          by_cost.lines.push_back(by_density.lines.back());
        }
        for (std::size_t round = continues ? 1 : 0; round < group->rounds(); ++round)
          add_round(by_density.lines[line], by_cost.lines[line], *group, baseline, round, metrics.judged);
      }
    }
    by_density.x_ticks = decades(by_density, percent_text);
    by_cost.x_ticks = decades(by_cost, operations_text);
    const std::string title =
        fmt::format("Ways to a sparse agent, {} {} {}", first.task, first.algorithm, first.network);
    ReportFigure figure{title,
                        "Return by weights left, and by floating-point operations of the gradient steps that "
                        "led to the agent (those of a pruned round include all rounds before it), mean over "
                        "seeds; band: 95 % interval of the mean, where there is one. " +
                            names + ".",
                        {},
                        {}};
    Figure picture{file_name_of("ways " + first.task + " " + first.algorithm + " " + first.network), {}};
    picture.panels = {std::move(by_density), std::move(by_cost)};
    picture.columns = 2;
    const std::string note = figure_note(groups);
    picture.note = note.substr(0, note.find(". Lines")) +
                   ". Lines: mean; bands: 95 % interval of the mean, where there is one.";
    figure.pictures.push_back(std::move(picture));
    figures.push_back(std::move(figure));
  }
  return figures;
}

}  // namespace impsweep
