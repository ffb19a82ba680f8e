// impsweep report: pictures of what stores hold, and the paper's claims judged by it.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/commands/command.hpp"
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
        if (picture.formats.size() > 1)
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

}  // namespace

int command_report(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage("report STORE... --output DIR [--figure N] [--json]",
              "Draws what stores hold, finished or under way, as SVG, PDF and PNG in DIR/figures and as one "
              "page,\nDIR/index.html, that needs nothing else; and judges the paper's claims by it. With "
              "--figure, only "
              "that\nfigure of the paper. Several stores are taken together.\n\n"
              "Example: impsweep report out --output report && xdg-open report/index.html");
  usage.options.add_options()("output", options::value<std::string>(), "directory to write to")(
      "figure", options::value<int>(), "number of one of the paper's figures, 1 to 15")(
      "json", "print figures and verdicts as one JSON object");
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
  const Results results = read_results({names.begin(), names.end()});
  std::vector<ReportSection> sections;
  if (one_figure) {
    const int number = (*values)["figure"].as<int>();
    sections.push_back({fmt::format("Figure {}", number), "", {}, paper_figure(results, number)});
  } else {
    sections = report_contents(results);
  }
  make_names_unique(sections);
  std::vector<Figure> pictures;
  for (const ReportSection& section : sections)
    for (const ReportFigure& figure : section.figures)
      pictures.insert(pictures.end(), figure.pictures.begin(), figure.pictures.end());
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  draw(pictures, output / "figures", std::clamp(cores, 1, kMostPlotters));

  const std::vector<JudgedHypothesis> hypotheses = judge(results);
  if (!one_figure)
    replace_atomically(output / "index.html",
                       bytes_of(report_page(results, sections, hypotheses, output / "figures")));
  if (values->count("json") != 0) {
    const nlohmann::json report = {{"stores", to_json(results.stores)},
                                   {"figures", to_json(sections)},
                                   {"hypotheses", to_json(hypotheses)}};
    fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return kComplete;
  }
  for (const ReportSection& section : sections)
    for (const ReportFigure& figure : section.figures)
      if (one_figure) fmt::print("{}\n", figure.caption);
  const auto drawn = std::ranges::count_if(pictures, [](const Figure& f) { return f.formats.size() > 1; });
  fmt::print("{} figure{} in {}\n", drawn, drawn == 1 ? "" : "s", (output / "figures").string());
  if (!one_figure) fmt::print("open {}\n", (output / "index.html").string());
  return kComplete;
}

}  // namespace impsweep
