// How often the verdicts on the paper's claims err when there is nothing, and that docs/verdicts.md says what
// the program does.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <functional>

#include "../statistics/simulation.hpp"
#include "engine/report/hypotheses.hpp"
#include "io/files.hpp"
#include "made_up.hpp"
#include "verdict_simulation.hpp"
#include "verdicts_from_returns.hpp"

using namespace impsweep;
using namespace impsweep::claims;
using statistics::Outcome;

namespace {

constexpr double kMostFalse = 5;  // percent, of each claim and to each side

void check_rates(int trials, std::initializer_list<int> numbers, std::initializer_list<bool> skewness) {
  for (const Claim& claim : table())
    for (const int seeds : numbers)
      for (const bool skewed : skewness) {
        CAPTURE(claim.id);
        CAPTURE(seeds);
        CAPTURE(skewed);
        const simulation::Rates rates = simulation::false_rates(claim, seeds, trials, skewed);
        CHECK(rates.supported <= kMostFalse + simulation::tolerance(kMostFalse, trials));
        CHECK(rates.contradicted <= kMostFalse + simulation::tolerance(kMostFalse, trials));
      }
}

void check_rates_from_returns(int trials, std::initializer_list<int> numbers) {
  for (const simulation::Scenario& scenario : simulation::scenarios())
    for (const int seeds : numbers)
      for (const simulation::Curves curves : {simulation::Curves::kSmooth, simulation::Curves::kCollapsing}) {
        CAPTURE(scenario.claim);
        CAPTURE(scenario.null);
        CAPTURE(seeds);
        const simulation::Rates rates = simulation::rates_from_returns(scenario, seeds, trials, curves);
        CHECK(rates.supported <= kMostFalse + simulation::tolerance(kMostFalse, trials));
        CHECK(rates.contradicted <= kMostFalse + simulation::tolerance(kMostFalse, trials));
      }
}

// A game whose ticket chains have returns 100 + trend * round, noise of a seed 10 and of a round 8.
Group noisy(const char* task, const char* algorithm, int seeds, double trend, const std::string& name) {
  Stream stream(name);
  std::vector<double> own;
  for (int seed = 0; seed < seeds; ++seed) own.push_back(10 * statistics::simulation::normal(stream));
  return made_up::group(
      {.task = task, .algorithm = algorithm, .seeds = seeds, .rounds = 13, .finished = 13, .left = 0.8},
      [&](Baseline, std::int64_t seed, int round) {
        return 100 + trend * round + own[static_cast<std::size_t>(seed)] +
               8 * statistics::simulation::normal(stream);
      });
}

// Percent of the trials in which the part of the claim comes out so.
double rate_of(const std::string& id, std::size_t part, Outcome outcome, int trials,
               const std::function<Group(int trial)>& group) {
  int count = 0;
  for (const Claim& claim : table()) {
    if (claim.id != id) continue;
    for (int trial = 0; trial < trials; ++trial) {
      Results results;
      results.groups.push_back(group(trial));
      const Measurements measurements =
          claim.parts[part].measure({results, claim.settings, Metric::kReevaluated});
      count += decide_part(claim.parts[part].rule, measurements).overall.outcome == outcome ? 1 : 0;
    }
  }
  return 100.0 * count / trials;
}

}  // namespace

TEST_CASE("docs/verdicts.md shows the claims as they are judged") {
  const auto root = std::filesystem::path(IMPSWEEP_TEST_DATA).parent_path().parent_path();
  const std::string page = read_text_file(root / "docs" / "verdicts.md");
  std::string rows = simulation::claims_markdown();
  // Compared row by row, so that a failure says which is missing: build/tests/verdicts_table prints them.
  for (std::size_t from = 0; from < rows.size();) {
    const std::size_t end = rows.find('\n', from);
    const std::string row = rows.substr(from, end - from);
    from = end + 1;
    CAPTURE(row);
    CHECK(page.find(row) != std::string::npos);
  }
}

TEST_CASE("false verdicts of every claim, a few samples") {
  check_rates(30, {5}, {false});
}

TEST_CASE("false verdicts of every claim, as docs/verdicts.md shows them" * doctest::skip()) {
  check_rates(1000, {5, 10, 15}, {false, true});
}

TEST_CASE("false verdicts from whole returns, a few samples") {
  check_rates_from_returns(20, {5});
}

TEST_CASE("false verdicts from whole returns, as docs/verdicts.md shows them" * doctest::skip()) {
  check_rates_from_returns(1000, {5, 10, 15});
}

TEST_CASE("from returns: equality is no improvement, and neither is a fall of one percent a round") {
  constexpr int kTrials = 100;
  for (const int seeds : {5, 10}) {
    CAPTURE(seeds);
    for (const double trend : {0.0, -1.0}) {
      CAPTURE(trend);
      const double asterix = rate_of("H26", 0, Outcome::kSupported, kTrials, [&](int trial) {
        return noisy("minatar-asterix", "dqn", seeds, trend,
                     fmt::format("asterix/{}/{}/{}", seeds, trend, trial));
      });
      CHECK(asterix <= 2 + simulation::tolerance(2, kTrials));
      const double early = rate_of("H17", 0, Outcome::kSupported, kTrials, [&](int trial) {
        return noisy("hopper", "ppo", seeds, trend, fmt::format("hopper/{}/{}/{}", seeds, trend, trial));
      });
      CHECK(early <= 2 + simulation::tolerance(2, kTrials));
    }
    const double contradicted = rate_of("H17", 0, Outcome::kContradicted, kTrials, [&](int trial) {
      return noisy("hopper", "ppo", seeds, 0, fmt::format("hopper/{}/{}", seeds, trial));
    });
    CHECK(contradicted <= 2 + simulation::tolerance(2, kTrials));
    const double declines = rate_of("H26", 1, Outcome::kSupported, kTrials, [&](int trial) {
      return noisy("minatar-breakout", "dqn", seeds, 0, fmt::format("breakout/{}/{}", seeds, trial));
    });
    CHECK(declines <= 2 + simulation::tolerance(2, kTrials));
    // A true loss of two percent a round is no dense-level return near 10 % density.
    const double level = rate_of("H16", 0, Outcome::kSupported, kTrials, [&](int trial) {
      return noisy("hopper", "ppo", seeds, -2, fmt::format("level/{}/{}", seeds, trial));
    });
    CHECK(level <= 2 + simulation::tolerance(2, kTrials));
  }
}
