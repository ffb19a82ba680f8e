// impsweep bench: throughput of environments, kernels, updates and trainings on this machine.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>

#include "agents/native/kernels/kernels.hpp"
#include "engine/bench/bench.hpp"
#include "engine/commands/command.hpp"
#include "io/error.hpp"
#include "io/machine.hpp"

namespace impsweep {
namespace {

std::string number(double value) {
  if (value >= 1e6) return fmt::format("{:.2f} M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.1f} k", value / 1e3);
  return fmt::format("{:.3g}", value);
}

// 1 and more: the target is reached.
std::optional<double> part_of_target(const BenchRow& row) {
  if (!row.target) return std::nullopt;
  // Rates and ratios are to be large, times and sizes small.
  const bool large_is_good = row.ratio.has_value() || row.unit.ends_with("/s");
  const double measured = row.ratio.value_or(row.value);
  return large_is_good ? measured / *row.target : *row.target / measured;
}

void print_row(const BenchRow& row) {
  std::string line = fmt::format("{:<52} {:>9} {:<10}", row.name, number(row.value), row.unit);
  if (row.reference)
    line += fmt::format(" {:>9} {:<15} {:>7.2f}x", number(*row.reference), row.reference_name,
                        row.ratio.value_or(0));
  if (const std::optional<double> reached = part_of_target(row))
    line += fmt::format("  target {:.4g}: {}", *row.target,
                        *reached >= 1 ? std::string("reached") : fmt::format("at {:.2f}", *reached));
  if (!row.kernel.empty() || !row.note.empty())
    line +=
        fmt::format("  [{}{}{}]", row.kernel, row.kernel.empty() || row.note.empty() ? "" : "; ", row.note);
  fmt::print("{}\n", line);
}

nlohmann::ordered_json to_json(const BenchRow& row) {
  const auto optional = [](const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
  };
  return {{"name", row.name},
          {"value", row.value},
          {"unit", row.unit},
          {"reference", optional(row.reference)},
          {"reference_name", row.reference_name},
          {"ratio", optional(row.ratio)},
          {"target", optional(row.target)},
          {"kernel", row.kernel},
          {"note", row.note}};
}

// By groups of names, a table each.
void print_markdown(const std::vector<BenchRow>& rows) {
  const std::time_t now = std::time(nullptr);
  fmt::print("Measured on {:%Y-%m-%d}, one core of {}: {} kernels, whose peak is {:.0f} GFLOP/s.\n",
             fmt::gmtime(now), processor_name(), kernels().name, peak_gflops());
  std::string group;
  for (const BenchRow& row : rows) {
    const std::string name = row.name.substr(0, row.name.find('/'));
    if (name != group)
      fmt::print(
          "\n### {}\n\n| row | ours | reference | ratio | target | | notes "
          "|\n|---|---|---|---|---|---|---|\n",
          name);
    group = name;
    const std::optional<double> reached = part_of_target(row);
    fmt::print("| `{}` | {} {} | {} | {} | {} | {} | {} |\n", row.name, number(row.value), row.unit,
               row.reference ? fmt::format("{} ({})", number(*row.reference), row.reference_name) : "",
               row.ratio ? fmt::format("{:.2f}x", *row.ratio) : "",
               row.target ? fmt::format("{:.4g}", *row.target) : "",
               !reached        ? ""
               : *reached >= 1 ? "reached"
                               : fmt::format("at {:.2f}", *reached),
               row.note);
  }
}

}  // namespace

int command_bench(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "bench [--filter REGEX] [--format text|json|markdown]",
      "Measures this machine, one core: environments, kernels, whole updates by density, and whole "
      "trainings,\n"
      "each against a strong reference in the same run (LibTorch with OpenBLAS, or our own dense form). Each "
      "row\n"
      "checks its answer first. Ratios say how many times faster than the reference. Everything takes a few\n"
      "minutes; a filter picks cases.\n\n"
      "Examples:\n"
      "  impsweep bench --filter 'update/.*128'\n"
      "  impsweep bench --filter training --format json");
  usage.options.add_options()("filter", options::value<std::string>()->default_value(""),
                              "regular expression; only cases whose name contains a match")(
      "list", "names of the cases only")(
      "format", options::value<std::string>()->default_value("text"),
      "text, row by row; json, one object with `processor`, `peak_gflops` and `rows`; or markdown, tables")(
      "json", "the same as --format json");
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  std::regex filter;
  try {
    filter = std::regex((*values)["filter"].as<std::string>());
  } catch (const std::regex_error& error) {
    throw InputError("bench: --filter is no regular expression: {}", error.what());
  }

  const std::string format = values->count("json") != 0 ? "json" : (*values)["format"].as<std::string>();
  if (format != "text" && format != "json" && format != "markdown")
    throw InputError("bench: --format {} is none of text, json and markdown", format);
  const bool is_text = format == "text";
  std::vector<BenchRow> rows;
  std::size_t matched = 0;
  int code = kComplete;
  prepare_libtorch_as_reference();
  if (is_text && values->count("list") == 0)
    fmt::print("{}: {} kernels, peak {:.0f} GFLOP/s\n", processor_name(), kernels().name, peak_gflops());
  for (const BenchCase& bench : bench_cases()) {
    if (!std::regex_search(bench.name, filter)) continue;
    ++matched;
    if (values->count("list") != 0) {
      fmt::print("{}\n", bench.name);
      continue;
    }
    try {
      for (const BenchRow& row : bench.run()) {
        rows.push_back(row);
        if (is_text) print_row(row);
      }
    } catch (const std::exception& error) {  // the other cases are still worth having
      fmt::print(stderr, "impsweep: {}: {}\n", bench.name, error.what());
      code = kFailed;
    }
    if (is_text) std::fflush(stdout);
  }
  if (matched == 0) throw InputError("bench: no case matches the filter; `impsweep bench --list` names them");
  if (values->count("list") != 0) return code;
  if (format == "markdown") print_markdown(rows);
  if (format == "json") {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const BenchRow& row : rows) list.push_back(to_json(row));
    fmt::print("{}\n", nlohmann::ordered_json{{"processor", processor_name()},
                                              {"kernels", kernels().name},
                                              {"peak_gflops", peak_gflops()},
                                              {"rows", list}}
                           .dump(2));
  }
  return code;
}

}  // namespace impsweep
