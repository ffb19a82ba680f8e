// impsweep report: pictures of what stores hold, and the paper's claims judged by it.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/commands/command.hpp"
#include "engine/report/comparison.hpp"
#include "engine/report/contents.hpp"
#include "engine/report/hypotheses.hpp"
#include "engine/report/page.hpp"
#include "io/error.hpp"
#include "io/files.hpp"

namespace impsweep {
namespace {

constexpr int kMostPlotters = 8;

nlohmann::json to_json(const std::vector<ReportSection>& sections) {
  nlohmann::json figures = nlohmann::json::array();
  for (const ReportSection& section : sections)
    for (const ReportFigure& figure : section.figures)
      for (const Figure& picture : figure.pictures)
        figures.push_back({{"section", section.title},
                           {"title", figure.title},
                           {"caption", figure.caption},
                           {"file", "figures/" + picture.name}});
  return figures;
}

nlohmann::json to_json(const std::vector<StoreFacts>& stores) {
  nlohmann::json list = nlohmann::json::array();
  for (const StoreFacts& store : stores)
    list.push_back({{"store", store.path},
                    {"chains", {{"total", store.status.chains}, {"done", store.status.chains_done}}},
                    {"trainings", {{"total", store.status.trainings}, {"done", store.status.trainings_done}}},
                    {"damage", store.damage}});
  return list;
}

// Different names can become one file name; the later ones get a number.
void make_names_unique(std::vector<ReportSection>& sections) {
  std::map<std::string, int> uses;
  for (ReportSection& section : sections)
    for (ReportFigure& figure : section.figures)
      for (Figure& picture : figure.pictures)
        if (const int use = uses[picture.name]++; use > 0) picture.name += fmt::format("-{}", use + 1);
}

ReportMetrics metrics_of(const std::string& name) {
  if (name.empty()) return {};
  const std::optional<Metric> metric = find_metric(name);
  if (!metric) throw InputError("report: --metric '{}' is none of best, reevaluated and final", name);
  return {{*metric}, *metric};
}

std::vector<Figure> pictures_of(const std::vector<ReportSection>& sections) {
  std::vector<Figure> pictures;
  for (const ReportSection& section : sections)
    for (const ReportFigure& figure : section.figures)
      pictures.insert(pictures.end(), figure.pictures.begin(), figure.pictures.end());
  return pictures;
}

void draw_all(const std::vector<ReportSection>& sections, const std::filesystem::path& output) {
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  draw(pictures_of(sections), output / "figures", std::clamp(cores, 1, kMostPlotters));
}

void print(const nlohmann::json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

int report_comparison(const Results& results, const std::string& key, const ReportMetrics& metrics,
                      const std::filesystem::path& output, bool json) {
  const std::vector<Comparison> comparisons = compare(results, key, metrics.judged);
  std::vector<ReportSection> sections = {comparison_section(comparisons, metrics)};
  draw_all(sections, output);
  for (const Comparison& comparison : comparisons)
    replace_atomically(output / "figures" / (file_name_of(comparison) + ".csv"),
                       bytes_of(comparison_csv(comparison, metrics.judged)));
  replace_atomically(output / "index.html",
                     bytes_of(report_page(results, sections, {}, metrics.judged, output / "figures")));
  if (json) {
    print({{"stores", to_json(results.stores)},
           {"figures", to_json(sections)},
           {"comparisons", to_json(comparisons, metrics.judged)}});
    return kComplete;
  }
  for (const Comparison& comparison : comparisons) {
    fmt::print("{} by {}, area under the {} over the density, {}:\n", comparison.name, comparison.key,
               metric_title(metrics.judged), comparison.range);
    for (const std::vector<ComparedArm>& arms : comparison.arms)
      for (const ComparedArm& arm : arms)
        fmt::print(
            "  {:<18} {:<24} {}\n{}", info_of(arm.baseline).name, arm.value, statistics::text_of(arm.area),
            &arm == &arms.front() ? ""
                                  : fmt::format("  {:<18} {:<24} {}\n", "", "  minus " + arms.front().value,
                                                statistics::text_of(arm.difference)));
    if (!comparison.remark.empty()) fmt::print("  {}\n", comparison.remark);
    fmt::print("  table: {}\n", (output / "figures" / (file_name_of(comparison) + ".csv")).string());
  }
  fmt::print("open {}\n", (output / "index.html").string());
  return kComplete;
}

}  // namespace

int command_report(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage("report STORE... --output DIR [--paper | --figure N | --compare KEY] [--metric M] [--json]",
              "Draws what stores hold, finished or under way, as SVG, PDF and PNG in DIR/figures and as one "
              "page,\nDIR/index.html, that needs nothing else; and judges the paper's claims by it. With "
              "--paper, the\npage has the figures of the paper in its order, each beside what the paper says "
              "of it; with --figure,\nonly that one is drawn; with --compare, only the chains that differ in "
              "that key and in "
              "nothing else.\nSeveral stores are taken together.\n\n"
              "Example: impsweep report out --output report && xdg-open report/index.html");
  usage.options.add_options()("output", options::value<std::string>(), "directory to write to")(
      "paper", "all figures of the paper on one page, with the settings that differ from the paper's")(
      "figure", options::value<int>(), "number of one of the paper's figures, 1 to 15")(
      "compare", options::value<std::string>(),
      "variant, network, algorithm, baseline or a key of job files: its values drawn together, with paired "
      "differences, also as figures/compare_*.csv")(
      "metric", options::value<std::string>()->default_value(""),
      "best, reevaluated or final; else pictures show best and reevaluated, and comparisons and verdicts use "
      "reevaluated")("json", "print figures and verdicts as one JSON object");
  usage.positional = {{"stores", -1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("stores") == 0) throw InputError("report: no store given; see `impsweep report --help`");
  if (values->count("output") == 0)
    throw InputError("report: --output is missing: the directory to write to; see `impsweep report --help`");
  const auto names = (*values)["stores"].as<std::vector<std::string>>();
  const std::filesystem::path output = (*values)["output"].as<std::string>();
  const bool one_figure = values->count("figure") != 0;

  require_outside_stores(output);
  const bool json = values->count("json") != 0;
  const ReportMetrics metrics = metrics_of((*values)["metric"].as<std::string>());
  const bool whole_paper = values->count("paper") != 0;
  if (one_figure + whole_paper + (values->count("compare") != 0) > 1)
    throw InputError("report: --paper, --figure and --compare exclude each other");

  const Results results = read_results({names.begin(), names.end()});
  if (values->count("compare") != 0)
    return report_comparison(results, (*values)["compare"].as<std::string>(), metrics, output, json);
  std::vector<ReportSection> sections;
  if (one_figure) {
    const int number = (*values)["figure"].as<int>();
    sections.push_back({fmt::format("Figure {}", number), "", {}, paper_figure(results, number, metrics)});
  } else {
    sections = whole_paper ? paper_contents(results, metrics) : report_contents(results, metrics);
  }
  make_names_unique(sections);
  draw_all(sections, output);

  const std::vector<JudgedHypothesis> hypotheses = judge(results, metrics.judged);
  if (!one_figure)
    replace_atomically(output / "index.html", bytes_of(report_page(results, sections, hypotheses,
                                                                   metrics.judged, output / "figures")));
  if (json) {
    print({{"stores", to_json(results.stores)},
           {"figures", to_json(sections)},
           {"hypotheses", to_json(hypotheses)}});
    return kComplete;
  }
  for (const ReportSection& section : sections)
    for (const ReportFigure& figure : section.figures)
      if (one_figure) fmt::print("{}\n", figure.caption);
  const std::size_t drawn = pictures_of(sections).size();
  fmt::print("{} figure{} in {}\n", drawn, drawn == 1 ? "" : "s", (output / "figures").string());
  if (!one_figure) fmt::print("open {}\n", (output / "index.html").string());
  return kComplete;
}

}  // namespace impsweep
