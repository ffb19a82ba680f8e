// Prints the tables of docs/verdicts.md as Markdown: build/tests/verdicts_table [TRIALS [CLAIM]]. Without
// trials, the table of claims alone; else the rates from what is measured, and those from whole returns.
#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "verdict_simulation.hpp"
#include "verdicts_from_returns.hpp"

int main(int argc, char** argv) {
  using namespace impsweep::claims;
  const int trials = argc > 1 ? std::atoi(argv[1]) : 0;
  if (trials == 0) {
    fmt::print("{}", simulation::claims_markdown());
    return 0;
  }
  fmt::print("{}", simulation::rates_header());
  for (const Claim& claim : table()) {
    if (argc > 2 && std::string(argv[2]) != claim.id) continue;
    fmt::print("{}", simulation::rates_markdown(claim, trials));
    std::fflush(stdout);
  }
  fmt::print("\n{}", simulation::returns_header());
  for (const simulation::Scenario& scenario : simulation::scenarios()) {
    if (argc > 2 && std::string(argv[2]) != scenario.claim) continue;
    fmt::print("{}", simulation::returns_markdown(scenario, trials));
    std::fflush(stdout);
  }
  return 0;
}
