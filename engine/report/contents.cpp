#include "engine/report/contents.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/report/analysis.hpp"
#include "engine/report/figures.hpp"
#include "io/human_text.hpp"
#include "io/statistics.hpp"

namespace impsweep {
namespace {

constexpr double kTableDensity = 0.1;  // at which the tables give returns
constexpr int kChannelWidth = 230;     // pixels

ReportFigure single(std::string title, std::string caption, const std::string& name, Panel panel) {
  ReportFigure figure{std::move(title), std::move(caption), {}, {}};
  figure.pictures.push_back({file_name_of(name), {std::move(panel)}});
  return figure;
}

std::string interval_text(const Interval& interval, int digits = 3) {
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", interval.mean, digits, interval.low, digits, interval.high,
                     digits);
}

HtmlTable numbers_table(const Group& group) {
  const std::size_t round = round_near(group, kTableDensity);
  HtmlTable table;
  table.header = {"baseline",
                  "seeds",
                  fmt::format("best return at {}, mean ± SD", percent_text(group.density[round])),
                  "its interquartile mean",
                  "AUC of P [95 %]",
                  fmt::format("d*({}) [95 %]", kSufficient),
                  "AUC, mask/weights minus this, paired [95 %]"};
  const Scale scale = scale_of(group);
  for (const auto& [baseline, seeds] : group.chains) {
    const std::vector<double> returns = over_seeds(group, baseline, round, best_return);
    const MeanDeviation m = mean_deviation(returns);
    const Areas own = areas(group, {&baseline, 1});
    const SeedCurves curves = seed_curves(group, {&baseline, 1});
    std::vector<std::string> row = {std::string(info_of(baseline).name), fmt::format("{}", seeds.size())};
    row.push_back(returns.empty() ? "not run" : fmt::format("{:.1f} ± {:.1f}", m.mean, m.deviation));
    row.push_back(returns.empty() ? "" : fmt::format("{:.1f}", interquartile_mean(returns)));
    row.push_back(own.of.empty() ? "" : interval_text(bootstrap_interval(own.of.front())));
    const std::size_t count = curves.seeds.size();
    if (scale.usable && count > 0) {
      const Interval interval = bootstrap_interval({&count, 1}, [&](const Resample& drawn) {
        return sufficient_density(group, scale, curves.values.front(), drawn.front(), kSufficient);
      });
      // Where it held to the end, the sweep did not go far enough to find it.
      const bool to_the_end = interval.mean == group.density[curves.rounds - 1];
      row.push_back((to_the_end ? "≤ " : "") + interval_text(interval));
    } else {
      row.emplace_back();
    }
    const Baseline pair[] = {Baseline::kMaskWeights, baseline};
    const Areas both = baseline == pair[0] ? Areas{} : areas(group, pair);
    row.push_back(both.of.empty() ? ""
                                  : interval_text(bootstrap_interval(difference(both.of[0], both.of[1]))));
    table.rows.push_back(std::move(row));
  }
  return table;
}

ReportFigure board_figure(const Group& group, const std::string& caption) {
  ReportFigure figure{
      "Input layer by round",
      "Sum of |weight| from each input into the first layer, best checkpoint, mean over seeds; "
      "each round on its own scale from light to dark, inputs that are gone in grey. " +
          caption,
      {},
      {}};
  const std::size_t channels = group.info->channel_names.size();
  for (const std::size_t round : shown_rounds(group)) {
    Figure picture{file_name_of(fmt::format("{} boards r{:02}", group.name(), round)),
                   board_panels(group, round)};
    picture.columns = std::min<std::size_t>(channels, channels % 4 == 0 ? 4 : 3);
    picture.panel_width = kChannelWidth;
    picture.panel_height = kChannelWidth * group.info->rows / group.info->columns + 30;
    if (!figure.pictures.empty()) picture.formats = {PlotFormat::kSvg};
    figure.pictures.push_back(std::move(picture));
    figure.labels.push_back(
        fmt::format("{} ({} of the weights left)", round, percent_text(group.density[round])));
  }
  return figure;
}

ReportSection group_section(const Results& results, const Group& group) {
  const std::string caption = fmt::format("{}; {}.", group.name(), coverage_text(group));
  ReportSection section{group.name(), coverage_text(group), numbers_table(group), {}};
  const auto add = [&](const char* title, const std::string& text, const char* kind, Panel panel) {
    section.figures.push_back(single(title, text + caption, group.name() + " " + kind, std::move(panel)));
  };
  add("Return against density",
      "Best evaluation return of each round, mean over seeds; band: one standard deviation. ", "returns",
      return_panel(group, group.name()));
  add("Layers",
      "Part of each prunable tensor that is left under mask/weights, mean over seeds; band: one "
      "standard deviation. ",
      "layers", layers_panel(group, group.name()));
  add("Inputs left",
      "Inputs of which at least one first-layer weight is left, mean over seeds; band: one "
      "standard deviation. ",
      "inputs left", inputs_left_panel(group, group.name()));
  if (is_board(group)) {
    add("Channels", "Part of the first-layer weights of each channel that is left under mask/weights. ",
        "channels", channels_panel(group, group.name()));
    section.figures.push_back(board_figure(group, caption));
  } else if (std::optional<Panel> panel = input_magnitude_panel(group, group.name())) {
    const bool map = panel->map.has_value();
    add("Input layer by round",
        map ? "Sum of |weight| from each input into the first layer, best checkpoint, mean over seeds of "
              "mask/weights; each round on its own scale from light to dark, inputs that are gone in grey. "
            : "Sum of |weight| from each input into the first layer, best checkpoint, mean over seeds of "
              "mask/weights. ",
        "inputs", std::move(*panel));
    if (map)
      section.figures.back().pictures.front().panel_height =
          120 +
          16 * static_cast<int>(group.tensors.front().shape[1] <= 64 ? group.tensors.front().shape[1] : 24);
  }
  const Baseline curves_of = shown_baseline(group);
  add("Learning curves",
      fmt::format(
          "Evaluation return during training under {}, mean over seeds, by part of the weights left. ",
          info_of(curves_of).name),
      "curves", curves_panel(group, curves_of, group.name()));
  std::vector<const Group*> given = given_inputs(results, group);
  std::erase_if(given, [](const Group* other) { return !has_rounds(*other); });
  if (!given.empty())
    add("Dense agents on some of the inputs",
        "Evaluation return during the training of dense agents that are given these inputs alone, mean over "
        "seeds; band: one standard deviation. ",
        "given inputs", given_inputs_panel(group, given, group.name()));
  return section;
}

// Dense agents on some of the inputs have one curve, which stands beside that of all inputs.
bool is_shown_beside_another(const Results& results, const Group& group) {
  return group.rounds() == 1 && std::ranges::any_of(results.groups, [&](const Group& all) {
           return has_rounds(all) && std::ranges::count(given_inputs(results, all), &group) > 0;
         });
}

ReportSection overall_section(const Results& results) {
  ReportSection section{"Over all tasks", "", {}, {}};
  // Rounds of different pruning fractions have no density in common.
  std::vector<std::pair<std::string, double>> schedules;
  std::vector<std::string> tasks;
  const auto note = [](auto& known, const auto& item) {
    if (std::ranges::find(known, item) == known.end()) known.push_back(item);
  };
  for (const Group& group : results.groups) {
    if (!has_rounds(group)) continue;
    note(schedules, std::pair(group.algorithm, group.settings.imp.prune_fraction));
    note(tasks, group.task);
  }
  for (const auto& [algorithm, fraction] : schedules) {
    std::vector<const Group*> groups;
    std::string names;
    for (const Group& group : results.groups) {
      if (!has_rounds(group) || group.algorithm != algorithm || group.variant != "default" ||
          group.settings.imp.prune_fraction != fraction)
        continue;
      groups.push_back(&group);
      names += (names.empty() ? "" : "; ") + group.name() + ", " + coverage_text(group);
    }
    if (groups.empty()) continue;
    const std::string name = fmt::format("{}, {} pruned per round", algorithm, percent_text(fraction));
    section.figures.push_back(single(
        "Normalised return, " + name,
        fmt::format("0: untrained network, 1: dense agent of round 0; mean over groups, as long as all of "
                    "them have finished the round; band: one standard deviation of their means. {}.",
                    names),
        fmt::format("aggregate {} {:g}", algorithm, fraction), aggregate_panel(groups, name)));
  }
  for (const std::string& task : tasks) {
    std::vector<NamedGroup> groups;
    std::string names;
    bool cloning = false, reinforcement = false;
    for (const Group& group : results.groups) {
      if (!has_rounds(group) || group.task != task || group.variant != "default") continue;
      (group.algorithm == "bc" ? cloning : reinforcement) = true;
      groups.push_back({&group, group.algorithm + " " + group.network, ""});
      names += (names.empty() ? "" : "; ") + groups.back().name + ", " + coverage_text(group);
    }
    if (!cloning || !reinforcement) continue;
    section.figures.push_back(
        single("Cloning against reinforcement learning, " + task,
               "Best evaluation return of mask/weights, mean over seeds; band: one standard deviation. " +
                   names + ".",
               "cloning " + task, comparison_panel(groups, task)));
  }
  return section;
}

}  // namespace

std::vector<ReportSection> report_contents(const Results& results) {
  std::vector<ReportSection> sections = {overall_section(results)};
  for (const Group& group : results.groups)
    if (has_rounds(group) && !is_shown_beside_another(results, group))
      sections.push_back(group_section(results, group));
  return sections;
}

}  // namespace impsweep
