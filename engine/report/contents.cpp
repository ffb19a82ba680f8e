#include "engine/report/contents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "engine/job/sources.hpp"
#include "engine/report/analysis.hpp"
#include "engine/report/figures.hpp"
#include "engine/report/plain.hpp"
#include "engine/report/steps.hpp"
#include "engine/report/tables.hpp"
#include "engine/report/transfers.hpp"
#include "engine/report/ways.hpp"
#include "io/human_text.hpp"

namespace impsweep {
namespace {

constexpr int kChannelWidth = 230;  // pixels

using Groups = std::vector<const Group*>;

ReportFigure single(std::string title, std::string caption, const std::string& name, const Groups& groups,
                    Panel panel) {
  ReportFigure figure{std::move(title), std::move(caption), {}, {}};
  Figure picture{file_name_of(name), {std::move(panel)}};
  const Panel& only = picture.panels.front();
  if (only.map) picture.map_scale = kMapScale;
  picture.note = figure_note(groups, only.map            ? Shown::kMaps
                                     : only.bars.empty() ? Shown::kLines
                                                         : Shown::kBars);
  figure.pictures.push_back(std::move(picture));
  return figure;
}

// One panel for each metric that is drawn, side by side.
ReportFigure by_metric(std::string title, std::string caption, const std::string& name, const Groups& groups,
                       const ReportMetrics& metrics, const std::function<Panel(Metric)>& panel) {
  ReportFigure figure{std::move(title), std::move(caption), {}, {}};
  Figure picture{file_name_of(name), {}};
  for (const Metric metric : metrics.drawn) picture.panels.push_back(panel(metric));
  picture.columns = metrics.drawn.size();
  picture.note = figure_note(groups);
  figure.pictures.push_back(std::move(picture));
  return figure;
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
    picture.map_scale = kMapScale;
    const Group* only[] = {&group};
    picture.note = figure_note(only, Shown::kMaps);
    figure.pictures.push_back(std::move(picture));
    figure.labels.push_back(
        fmt::format("{} ({} of the weights left)", round, percent_text(group.density[round])));
  }
  return figure;
}

ReportSection group_section(const Results& results, const Group& group, const ReportMetrics& metrics) {
  const std::string caption = fmt::format("{}; {}.", group.name(), coverage_text(group));
  const std::string origin = source_of_task(group.task);
  ReportSection section{
      group.name(), coverage_text(group) + (origin.starts_with("named") ? "." : "; " + origin + "."), {}, {}};
  section.tables.push_back(returns_table(group));
  if (group.rounds() > 1) section.tables.push_back(contributions_table(group, metrics.judged));
  const auto add = [&](const char* title, const std::string& text, const char* kind, Panel panel) {
    section.figures.push_back(
        single(title, text + caption, group.name() + " " + kind, {&group}, std::move(panel)));
  };
  section.figures.push_back(
      by_metric("Return against density",
                "Return of each round, mean over seeds; band: one standard deviation. " + caption,
                group.name() + " returns", {&group}, metrics,
                [&](Metric metric) { return return_panel(group, group.name(), metric); }));
  add("Layers",
      "Part of each prunable tensor that is left under mask/weights, mean over seeds; band: one "
      "standard deviation. ",
      "layers", layers_panel(group, group.name()));
  add("Inputs left", "Inputs that the policy still reads, mean over seeds; band: one standard deviation. ",
      "inputs left", inputs_left_panel(group, group.name()));
  if (std::optional<Panel> panel = units_left_panel(group, group.name()); panel && group.rounds() > 1)
    add("Hidden units left",
        "Hidden units, or filters, of each layer on a path of kept weights from an input to an output, under "
        "mask/weights, mean over seeds; band: one standard deviation. ",
        "units left", std::move(*panel));
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

ReportSection overall_section(const Results& results, const ReportMetrics& metrics) {
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
    Groups groups;
    std::string names;
    for (const Group& group : results.groups) {
      if (!has_rounds(group) || group.algorithm != algorithm || group.rounds() < 2 ||
          group.settings.imp.prune_fraction != fraction || !is_plain(group))
        continue;
      groups.push_back(&group);
      names += (names.empty() ? "" : "; ") + group.name() + ", " + coverage_text(group);
    }
    if (groups.empty()) continue;
    const std::string name = fmt::format("{}, {} pruned per round", algorithm, percent_text(fraction));
    section.figures.push_back(by_metric(
        "Normalised return, " + name,
        fmt::format("0: untrained network, 1: dense agent of round 0; mean over groups, as long as all of "
                    "them have finished the round; band: one standard deviation of their means. {}.",
                    names),
        fmt::format("aggregate {} {:g}", algorithm, fraction), groups, metrics,
        [&](Metric metric) { return aggregate_panel(groups, name, metric); }));
    ReportTable scores = scores_table(groups, metrics.judged, name);
    if (scores.table.rows.empty()) continue;
    section.tables.push_back(std::move(scores));
    section.figures.push_back(
        single("Performance profile, " + name,
               "Share of runs, one for each task and seed, whose AUC of P is above; band: 95 % pointwise, "
               "stratified bootstrap. " +
                   names + ".",
               fmt::format("profile {} {:g}", algorithm, fraction), {},
               profile_panel(groups, metrics.judged, name)));
  }
  std::ranges::move(ways_figures(results, metrics), std::back_inserter(section.figures));
  std::ranges::move(steps_figures(results, metrics), std::back_inserter(section.figures));
  for (const std::string& task : tasks) {
    std::vector<NamedGroup> groups;
    Groups compared;
    std::string names;
    bool cloning = false, reinforcement = false;
    for (const Group& group : results.groups) {
      if (!has_rounds(group) || group.task != task || group.rounds() < 2 || !is_plain(group)) continue;
      (group.algorithm == "bc" ? cloning : reinforcement) = true;
      groups.push_back({&group, group.algorithm + " " + group.network, group_colour(results, group)});
      compared.push_back(&group);
      names += (names.empty() ? "" : "; ") + groups.back().name + ", " + coverage_text(group);
    }
    if (!cloning || !reinforcement) continue;
    section.figures.push_back(
        by_metric("Cloning against reinforcement learning, " + task,
                  "Return of mask/weights, mean over seeds; band: one standard deviation. " + names + ".",
                  "cloning " + task, compared, metrics,
                  [&](Metric metric) { return comparison_panel(groups, task, metric); }));
  }
  return section;
}

}  // namespace

std::vector<ReportSection> report_contents(const Results& results, const ReportMetrics& metrics) {
  std::vector<ReportSection> sections = {overall_section(results, metrics)};
  if (std::optional<ReportSection> transfers = transfers_section(results, metrics))
    sections.push_back(std::move(*transfers));
  for (const Group& group : results.groups)
    if (has_rounds(group) && !is_shown_beside_another(results, group))
      sections.push_back(group_section(results, group, metrics));
  return sections;
}

}  // namespace impsweep
