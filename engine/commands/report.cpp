// impsweep report: pictures of what stores hold, and the paper's claims judged by it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "engine/commands/command.hpp"
#include "engine/report/comparison.hpp"
#include "engine/report/contents.hpp"
#include "engine/report/hypotheses.hpp"
#include "engine/report/page.hpp"
#include "engine/sweep/stop.hpp"
#include "io/error.hpp"
#include "io/files.hpp"
#include "io/human_text.hpp"
#include "io/local_server.hpp"
#include "io/page_files.hpp"

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
  make_directories(output / "figures");
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

// Draws everything and makes the page of it.
std::string whole_report(const Results& results, const std::filesystem::path& output,
                         const ReportMetrics& metrics, bool whole_paper) {
  std::vector<ReportSection> sections =
      whole_paper ? paper_contents(results, metrics) : report_contents(results, metrics);
  make_names_unique(sections);
  draw_all(sections, output);
  return report_page(results, sections, judge(results, metrics.judged), metrics.judged, output / "figures");
}

// Whether anything was added to the stores since: results, and what their runs have told.
std::string state_of(const std::vector<std::string>& stores) {
  std::string state;
  for (const std::string& name : stores) {
    const Store store = Store::open(name);
    std::uintmax_t told = 0;
    std::error_code gone;
    for (const std::filesystem::path& log : store.event_logs()) told += std::filesystem::file_size(log, gone);
    state += fmt::format("{} {} ", store.finished().size(), told);
  }
  return state;
}

// The page as it is served: it asks every few seconds whether there is a newer one, and then shows it with
// the same things folded out and the same sliders.
std::string served_page(std::string page, int version) {
  constexpr std::string_view kPolicy = "default-src 'none'; ", kEnd = "</body>";
  if (const std::size_t at = page.find(kPolicy); at != std::string::npos)
    page.insert(at + kPolicy.size(), "connect-src 'self'; ");
  const std::string script =
      fmt::format("<script>\nconst version = '{}';\n{}</script>\n", version, refresh_script());
  const std::size_t end = page.rfind(kEnd);
  return page.insert(end == std::string::npos ? page.size() : end, script);
}

std::optional<WebAnswer> drawn_file(const std::filesystem::path& output, const std::string& path) {
  constexpr std::string_view kFolder = "figures/";
  static const std::map<std::string, std::string> kTypes = {{".svg", "image/svg+xml"},
                                                            {".png", "image/png"},
                                                            {".pdf", "application/pdf"},
                                                            {".csv", "text/csv; charset=utf-8"}};
  if (!path.starts_with(kFolder)) return std::nullopt;
  const std::string name = path.substr(kFolder.size());
  const auto type = kTypes.find(std::filesystem::path(name).extension().string());
  if (type == kTypes.end() || name.find_first_of("/\\%") != std::string::npos || name.starts_with('.'))
    return std::nullopt;
  const std::filesystem::path file = output / "figures" / name;
  if (!is_plain_file(file)) return std::nullopt;
  return WebAnswer{type->second, read_text_file(file)};
}

// Serves the report while the sweep runs, until the user has seen enough.
int watch_report(const std::vector<std::string>& stores, const std::filesystem::path& output,
                 const ReportMetrics& metrics, bool whole_paper, std::uint16_t port,
                 std::chrono::milliseconds interval) {
  using Clock = std::chrono::steady_clock;
  install_stop_signals();
  LocalServer server(port);
  std::string state = state_of(stores);
  const auto draw_now = [&] {
    return whole_report(read_results({stores.begin(), stores.end()}), output, metrics, whole_paper);
  };
  std::string page = draw_now();
  int version = 1;
  fmt::print("{}\nfor this machine alone, and drawn anew while the sweep runs; Ctrl-C ends it\n",
             server.address());
  std::fflush(stdout);
  std::future<std::string> drawing;
  Clock::time_point next = Clock::now() + interval;
  const auto answer = [&](const std::string& path) -> std::optional<WebAnswer> {
    if (path.empty() || path == "index.html")
      return WebAnswer{"text/html; charset=utf-8", served_page(page, version)};
    if (path == "version") return WebAnswer{"text/plain", std::to_string(version)};
    return drawn_file(output, path);
  };
  while (!stop_requested()) {
    server.serve(answer, std::chrono::milliseconds(200));
    if (drawing.valid()) {
      if (drawing.wait_for(std::chrono::seconds(0)) != std::future_status::ready) continue;
      try {
        page = drawing.get();
        ++version;
      } catch (const InputError& error) {  // a store that is just being moved, say: the page stays
        fmt::print(stderr, "impsweep: {}\n", printable(error.what()));
      }
      next = Clock::now() + interval;
    } else if (Clock::now() >= next) {
      next = Clock::now() + interval;
      try {
        if (const std::string now = state_of(stores); now != std::exchange(state, now))
          drawing = std::async(std::launch::async, draw_now);
      } catch (const InputError& error) {
        fmt::print(stderr, "impsweep: {}\n", printable(error.what()));
      }
    }
  }
  return kComplete;
}

// A directory that is removed when the report has been seen.
class ScratchDirectory {
 public:
  ScratchDirectory()
      : path_(std::filesystem::temp_directory_path() / ("impsweep-report." + unique_suffix())) {
    make_directories(path_);
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

int command_report(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "report STORE... --output DIR [--paper | --figure N | --compare KEY] [--metric M] [--json]\n"
      "       impsweep report STORE... --watch [--port N] [--every D] [--paper] [--metric M]",
      "Draws what stores hold, finished or under way, as SVG, PDF and PNG in DIR/figures and as one "
      "page,\nDIR/index.html, that needs nothing else; and judges the paper's claims by it. With "
      "--paper, the\npage has the figures of the paper in its order, each beside what the paper says "
      "of it; with --figure,\nonly that one is drawn; with --compare, only the chains that differ in "
      "that key and in "
      "nothing else.\nSeveral stores are taken together, and packs are taken like stores. With --watch, "
      "the page is served\nto browsers of this machine alone, below a path that nobody can guess, and "
      "drawn anew while the\nsweep runs.\n\n"
      "Example: impsweep report out --output report && xdg-open report/index.html");
  usage.options.add_options()("output", options::value<std::string>(), "directory to write to")(
      "paper", "all figures of the paper on one page, with the settings that differ from the paper's")(
      "figure", options::value<int>(), "number of one of the paper's figures, 1 to 15")(
      "compare", options::value<std::string>(),
      "variant, network, algorithm, baseline or a key of job files: its values drawn together, with paired "
      "differences, also as figures/compare_*.csv")(
      "metric", options::value<std::string>()->default_value(""),
      "best, reevaluated or final; else pictures show best and reevaluated, and comparisons and verdicts use "
      "reevaluated")("watch", "serve the page on 127.0.0.1 while the sweep runs")(
      "port", options::value<int>()->default_value(0), "of --watch; 0: any that is free")(
      "every", options::value<std::string>()->default_value("20s"),
      "of --watch: look so often whether something is new")("json",
                                                            "print figures and verdicts as one JSON object");
  usage.positional = {{"stores", -1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("stores") == 0) throw InputError("report: no store given; see `impsweep report --help`");
  const bool watches = values->count("watch") != 0;
  if (values->count("output") == 0 && !watches)
    throw InputError("report: --output is missing: the directory to write to; see `impsweep report --help`");
  const auto names = (*values)["stores"].as<std::vector<std::string>>();
  std::optional<ScratchDirectory> scratch;
  if (values->count("output") == 0) scratch.emplace();
  const std::filesystem::path output =
      scratch ? scratch->path() : std::filesystem::path((*values)["output"].as<std::string>());
  const bool one_figure = values->count("figure") != 0;

  require_outside_stores(output);
  const bool json = values->count("json") != 0;
  const ReportMetrics metrics = metrics_of((*values)["metric"].as<std::string>());
  const bool whole_paper = values->count("paper") != 0;
  if (one_figure + whole_paper + (values->count("compare") != 0) > 1)
    throw InputError("report: --paper, --figure and --compare exclude each other");

  if (watches) {
    if (one_figure || json || values->count("compare") != 0)
      throw InputError("report: --watch shows the whole report; leave out --figure, --compare and --json");
    const int port = (*values)["port"].as<int>();
    if (port < 0 || port > 65'535) throw InputError("report: --port {} is outside 0..65535", port);
    const std::string every = (*values)["every"].as<std::string>();
    const std::optional<std::chrono::milliseconds> interval = parse_duration(every.c_str());
    if (!interval || *interval < std::chrono::milliseconds(100))
      throw InputError("report: --every '{}' is no duration of 0.1 s or more, such as 20s", every);
    return watch_report(names, output, metrics, whole_paper, static_cast<std::uint16_t>(port), *interval);
  }

  const Results results = read_results({names.begin(), names.end()});
  for (const StoreFacts& store : results.stores)
    for (const std::string& damage : store.damage)
      fmt::print(stderr, "impsweep: {}: {}; left out\n", printable(store.path), printable(damage));
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
