// impsweep bench: throughput of environments, kernels, updates and trainings on this machine.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "engine/bench/bench.hpp"
#include "engine/commands/command.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

std::string number(double value) {
  if (value >= 1e6) return fmt::format("{:.2f} M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.1f} k", value / 1e3);
  return fmt::format("{:.3g}", value);
}

void print_row(const BenchRow& row) {
  std::string line = fmt::format("{:<52} {:>9} {:<10}", row.name, number(row.value), row.unit);
  if (row.reference)
    line += fmt::format(" {:>9} {:<15} {:>7.2f}x", number(*row.reference), row.reference_name,
                        row.ratio.value_or(0));
  if (row.target) {
    // Rates and ratios are to be large, times and sizes small.
    const bool large_is_good = row.ratio.has_value() || row.unit.ends_with("/s");
    const double measured = row.ratio.value_or(row.value);
    const double reached = large_is_good ? measured / *row.target : *row.target / measured;
    line += fmt::format("  target {:.4g}: {}", *row.target,
                        reached >= 1 ? std::string("reached") : fmt::format("at {:.2f}", reached));
  }
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

}  // namespace

int command_bench(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "bench [--filter REGEX] [--json]",
      "Measures this machine, one core: environments, kernels, whole updates by density, and whole "
      "trainings,\n"
      "each against a strong reference in the same run (LibTorch with OpenBLAS, or our own dense form). Each "
      "row\n"
      "checks its answer first. Ratios say how many times faster than the reference. Everything takes a few\n"
      "minutes; a filter picks cases.\n\n"
      "Examples:\n"
      "  impsweep bench --filter 'update/.*128'\n"
      "  impsweep bench --filter training --json");
  usage.options.add_options()("filter", options::value<std::string>()->default_value(""),
                              "regular expression; only cases whose name contains a match")(
      "list", "names of the cases only")("json", "one JSON object instead of text");
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  std::regex filter;
  try {
    filter = std::regex((*values)["filter"].as<std::string>());
  } catch (const std::regex_error& error) {
    throw InputError("bench: --filter is no regular expression: {}", error.what());
  }

  const bool json = values->count("json") != 0;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  std::size_t matched = 0;
  int code = kComplete;
  prepare_libtorch_as_reference();
  for (const BenchCase& bench : bench_cases()) {
    if (!std::regex_search(bench.name, filter)) continue;
    ++matched;
    if (values->count("list") != 0) {
      fmt::print("{}\n", bench.name);
      continue;
    }
    try {
      for (const BenchRow& row : bench.run()) {
        if (json)
          rows.push_back(to_json(row));
        else
          print_row(row);
      }
    } catch (const std::exception& error) {  // the other cases are still worth having
      fmt::print(stderr, "impsweep: {}: {}\n", bench.name, error.what());
      code = kFailed;
    }
    if (!json) std::fflush(stdout);
  }
  if (matched == 0) throw InputError("bench: no case matches the filter; `impsweep bench --list` names them");
  if (json) fmt::print("{}\n", nlohmann::ordered_json{{"rows", rows}}.dump(2));
  return code;
}

}  // namespace impsweep
