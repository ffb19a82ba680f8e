// Prints the tables of docs/statistics.md as Markdown: build/tests/statistics_table [TRIALS].
#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "simulation.hpp"

using namespace impsweep::statistics;
using namespace impsweep::statistics::simulation;

namespace {

// Percent of all samples; and how many have an interval at all, where not all do.
std::string held(const Coverage& coverage) {
  return coverage.given < 99.5 ? fmt::format("{:.1f} of {:.0f}", coverage.held, coverage.given)
                               : fmt::format("{:.1f}", coverage.held);
}

void recommended_table(int trials) {
  fmt::print(
      "### What is shown of a cell\n\n"
      "Percent of the intervals given; levels by the rules of `cell.hpp`, differences by Student's t. Where\n"
      "few are given, at the ceiling, those are no fair sample.\n\n"
      "| data | n | interval given in | holds the mean | truth below / above | width against t | Student t "
      "holds |\n|---|---|---|---|---|---|---|\n");
  for (const Population& source : populations()) {
    for (const int n : {3, 5, 8, 10, 15}) {
      const Coverage shown = coverage(source, n, trials, recommended(source));
      const Coverage t = coverage(source, n, trials, method("Student t"));
      if (shown.given == 0)
        fmt::print("| {} | {} | 0 % | | | | {:.1f} |\n", source.name, n, t.held);
      else
        fmt::print("| {} | {} | {:.0f} % | {:.1f} | {:.1f} / {:.1f} | {:.2f} | {:.1f} |\n", source.name, n,
                   shown.given, shown.held_if_given, shown.below, shown.above, shown.width, t.held);
      std::fflush(stdout);
    }
  }
}

void method_table(int trials) {
  fmt::print(
      "\n### Methods for one sample\n\n"
      "Percent of all samples whose interval held the mean, in parentheses the median width against "
      "Student's\n"
      "t. \"74.9 of 77\": the method gives an interval of 77 % of the samples.\n");
  fmt::print("\n| data | n |");
  for (const NamedMethod& named : methods()) fmt::print(" {} |", named.name);
  fmt::print("\n|---|---|");
  for (std::size_t i = 0; i < methods().size(); ++i) fmt::print("---|");
  fmt::print("\n");
  for (const Population& source : populations()) {
    for (const int n : {3, 5, 8, 10, 15}) {
      fmt::print("| {} | {} |", source.name, n);
      for (const NamedMethod& named : methods()) {
        const Coverage result = coverage(source, n, trials, named.method);
        if (result.given < 0.5)
          fmt::print(" none |");
        else
          fmt::print(" {} ({:.2f}) |", held(result), result.width);
        std::fflush(stdout);
      }
      fmt::print("\n");
    }
  }
}

void pooled_table(int trials) {
  fmt::print("\n### Pooled over one / four tasks\n\nTasks have scales from .3 to 3, but at the ceiling.\n");
  fmt::print("\n| data | n |");
  for (const NamedPooledMethod& named : pooled_methods()) fmt::print(" {} |", named.name);
  fmt::print("\n|---|---|");
  for (std::size_t i = 0; i < pooled_methods().size(); ++i) fmt::print("---|");
  fmt::print("\n");
  for (const Family& family : families()) {
    const double iqm[] = {population_iqm(family, 1), population_iqm(family, 4)};
    for (const int n : {3, 5, 10}) {
      fmt::print("| {} | {} |", family.name, n);
      for (const NamedPooledMethod& named : pooled_methods()) {
        const bool of_iqm = named.name.starts_with("IQM");
        for (const std::size_t tasks : {std::size_t{1}, std::size_t{4}}) {
          const double truth = of_iqm ? iqm[tasks == 1 ? 0 : 1] : family.mean(tasks);
          const Coverage result = pooled_coverage(family, tasks, n, trials, named.method, truth);
          fmt::print("{}{}", tasks == 1 ? " " : " / ", result.given < 0.5 ? "none" : held(result));
          std::fflush(stdout);
        }
        fmt::print(" |");
      }
      fmt::print("\n");
    }
  }
}

void rule_table(int trials) {
  fmt::print("\n### False verdicts of the rules\n\nPercent at 5 / 10 / 15 seeds when nothing is there.\n");
  fmt::print("\n| rule | data | supported | contradicted | equivalent |\n|---|---|---|---|---|\n");
  for (const Scenario& source : scenarios()) {
    std::string supported, contradicted, equivalent;
    for (const int n : {5, 10, 15}) {
      const Verdicts found = verdicts(source, n, trials);
      const char* separator = n == 5 ? "" : " / ";
      supported += fmt::format("{}{:.1f}", separator, found.supported);
      contradicted += fmt::format("{}{:.1f}", separator, found.contradicted);
      equivalent += fmt::format("{}{:.1f}", separator, found.equivalent);
    }
    fmt::print("| {} | {} | {} | {} | {} |\n", source.rule, source.data, supported, contradicted,
               source.rule == "R2" ? equivalent : "");
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int trials = argc > 1 ? std::atoi(argv[1]) : 10'000;
  if (trials < 1) {
    fmt::print(stderr, "usage: statistics_table [TRIALS]\n");
    return 2;
  }
  recommended_table(trials);
  method_table(trials);
  pooled_table(trials);
  rule_table(trials);
  return 0;
}
