#include "engine/report/transfers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/report/analysis.hpp"
#include "engine/report/figures.hpp"
#include "engine/statistics/describe.hpp"

namespace impsweep {
namespace {

constexpr double kLeastShown = 0.01;  // of a cell that is there: nothing at all is drawn in grey
constexpr int kRowHeight = 34, kMargins = 90, kLabels = 330, kColumnWidth = 90;

std::vector<std::string> words_of(const std::string& chain) {
  std::vector<std::string> words(1);
  for (const char letter : chain) {
    if (letter == '.')
      words.emplace_back();
    else
      words.back() += letter;
  }
  return words;
}

// Place of `name` in a list that it is added to where it is new.
std::size_t place_in(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  names.push_back(name);
  return names.size() - 1;
}

Panel matrix_panel(const TransferMatrix& matrix, Metric metric) {
  Panel panel;
  panel.title = metric_title(metric);
  panel.x_label = "learned by";
  HeatMap map{matrix.sources.size(), matrix.learners.size(), {}, 1, false};
  for (std::size_t row = 0; row < map.rows; ++row)
    panel.y_ticks.push_back({static_cast<double>(row), matrix.sources[row]});
  for (std::size_t column = 0; column < map.columns; ++column)
    panel.x_ticks.push_back({static_cast<double>(column), matrix.learners[column]});
  for (const auto& row : matrix.performance)
    for (const std::vector<double>& seeds : row) {
      const std::vector<double> values = statistics::complete(seeds).values;
      map.cells.push_back(values.empty() ? 0 : std::clamp(statistics::mean(values), kLeastShown, 1.0));
    }
  panel.map = std::move(map);
  return panel;
}

}  // namespace

std::string source_text(const std::string& mask_from, const Group& reader) {
  const std::size_t colon = mask_from.rfind(':');
  std::vector<std::string> words = words_of(mask_from.substr(0, colon));
  const std::string round = colon == mask_from.npos ? "" : mask_from.substr(colon + 1);
  std::string seed;
  if (words.back().size() > 1 && words.back()[0] == 's' &&
      words.back().find_first_not_of("0123456789", 1) == std::string::npos) {
    seed = fmt::format(", seed {}", std::stoll(words.back().substr(1)));
    words.pop_back();
  }
  constexpr std::size_t kLeastWords = 5;  // task, algorithm, network, variant, baseline
  if (words.size() < kLeastWords) return mask_from;
  std::string text = words[0] == reader.task ? words[1] : words[0] + " " + words[1];
  if (words[2] != reader.network) text += " " + words[2];
  const std::string baseline = words.back();
  words.pop_back();
  for (std::size_t i = 3; i < words.size(); ++i)
    if (words[i] != "default") text += (i == 3 ? " " : ".") + words[i];
  if (baseline != info_of(Baseline::kMaskWeights).chain_name) text += " " + baseline;
  return fmt::format("{}{}, round {}", text, seed, round.starts_with('r') ? round.substr(1) : round);
}

std::vector<TransferMatrix> transfer_matrices(const Results& results, Metric metric) {
  std::vector<TransferMatrix> matrices;
  for (const Group& group : results.groups) {
    const std::string& mask_from = group.settings.imp.mask_from;
    if (mask_from.empty() || !has_rounds(group)) continue;
    const Scale scale = scale_of(group, metric);
    for (const auto& [baseline, seeds] : group.chains) {
      const std::string name = fmt::format("{} {}, {}", group.task, group.network, info_of(baseline).name);
      auto matrix = std::ranges::find(matrices, name, &TransferMatrix::name);
      if (matrix == matrices.end()) matrix = matrices.insert(matrices.end(), {name, {}, {}, {}});
      const std::size_t row = place_in(matrix->sources, source_text(mask_from, group));
      const std::size_t column = place_in(matrix->learners, group.algorithm);
      matrix->performance.resize(matrix->sources.size());
      for (auto& cells : matrix->performance) cells.resize(matrix->learners.size());
      if (!scale.usable) continue;
      std::vector<double>& cell = matrix->performance[row][column];
      for (const double value : over_seeds(group, baseline, 1, return_of(metric)))
        cell.push_back(scale.performance(value));
    }
  }
  return matrices;
}

std::optional<ReportSection> transfers_section(const Results& results, const ReportMetrics& metrics) {
  ReportSection section{
      "Masks of other chains",
      "P of agents that were trained with the mask of another chain's round: 0 as the untrained network, 1 "
      "as the "
      "learner's own dense agent. Sources without a seed are those of the learner's own seed.",
      {},
      {}};
  for (const TransferMatrix& matrix : transfer_matrices(results, metrics.judged)) {
    ReportTable table{fmt::format("{}: P by {}", matrix.name, metric_title(metrics.judged)), {}};
    table.table.header = {"mask of"};
    for (const std::string& learner : matrix.learners) table.table.header.push_back("learned by " + learner);
    for (std::size_t row = 0; row < matrix.sources.size(); ++row) {
      std::vector<std::string>& cells = table.table.rows.emplace_back();
      cells.push_back(matrix.sources[row]);
      for (const std::vector<double>& seeds : matrix.performance[row])
        cells.push_back(statistics::text_of(statistics::difference_interval(seeds)));
    }
    section.tables.push_back(std::move(table));
  }
  if (section.tables.empty()) return std::nullopt;
  std::vector<std::vector<TransferMatrix>> by_metric;
  for (const Metric metric : metrics.drawn) by_metric.push_back(transfer_matrices(results, metric));
  for (std::size_t i = 0; i < section.tables.size(); ++i) {
    const TransferMatrix& first = by_metric.front()[i];
    ReportFigure figure{"Transfer of masks, " + first.name,
                        "Mean of P over seeds, of the masks in the rows under the learners in the columns.",
                        {},
                        {}};
    Figure picture{file_name_of("transfer " + first.name), {}};
    for (std::size_t metric = 0; metric < by_metric.size(); ++metric)
      picture.panels.push_back(matrix_panel(by_metric[metric][i], metrics.drawn[metric]));
    picture.columns = picture.panels.size();
    picture.panel_width = kLabels + kColumnWidth * static_cast<int>(first.learners.size());
    picture.panel_height = kMargins + kRowHeight * static_cast<int>(first.sources.size());
    picture.map_scale =
        "P: 0 as the untrained network, 1 as the learner's dense agent or better; grey: not there";
    picture.map_ends = {"0", "1"};
    figure.pictures.push_back(std::move(picture));
    section.figures.push_back(std::move(figure));
  }
  return section;
}

}  // namespace impsweep
