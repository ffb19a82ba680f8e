#include "engine/statistics/critical_density.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "simulation.hpp"

using namespace impsweep;
using namespace impsweep::statistics;

TEST_CASE("critical density: pooling adjacent violators by hand") {
  CHECK(isotonic_non_increasing(std::vector<double>{5, 3, 4, 1, 2}) ==
        std::vector<double>{5, 3.5, 3.5, 1.5, 1.5});
  CHECK(isotonic_non_increasing(std::vector<double>{1, 2, 3}) == std::vector<double>{2, 2, 2});
  CHECK(isotonic_non_increasing(std::vector<double>{3, 2, 1}) == std::vector<double>{3, 2, 1});
  CHECK(isotonic_non_increasing({}).empty());
  CHECK_THROWS_AS(isotonic_non_increasing(std::vector<double>{1, std::numeric_limits<double>::quiet_NaN()}),
                  std::invalid_argument);
}

TEST_CASE("critical density: rounds survived, censored curves, dense agents that fail") {
  const std::vector<double> density = {1, 0.8, 0.64, 0.512};
  const auto fell = critical_round(std::vector<double>{1, 0.85, 0.97, 0.5}, 0.9);  // one dip is smoothed
  CHECK(fell->survived == 3);
  CHECK(!fell->censored);
  CHECK(critical_density(*fell, density) == 0.64);
  const auto held = critical_round(std::vector<double>{1, 1, 0.95, 0.92}, 0.9);
  CHECK(held->survived == 4);
  CHECK(held->censored);
  CHECK(critical_density(*held, density) == 0.512);
  const auto never = critical_round(std::vector<double>{0.5, 0.4, 0.3, 0.2}, 0.9);
  CHECK(never->survived == 0);
  CHECK(!critical_density(*never, density));
  CHECK(!critical_round(std::vector<double>{1, std::numeric_limits<double>::quiet_NaN()}, 0.9));
  CHECK(!critical_round({}, 0.9));
}

TEST_CASE("critical density: a summary says what is a lower bound only") {
  const std::vector<CriticalRound> rounds = {{10, false}, {14, false}, {20, true}, {12, false}, {20, true}};
  const CriticalSummary summary = summarise(rounds);
  CHECK(summary.n == 5);
  CHECK(summary.censored == 2);
  CHECK(summary.mean == doctest::Approx(15.2));
  CHECK(summary.median == 14);
  CHECK(summary.mean_is_lower_bound);
  CHECK(!summary.median_is_lower_bound);
  CHECK(summarise(std::vector<CriticalRound>{{3, true}, {1, false}}).median_is_lower_bound);
}

TEST_CASE("critical density: the fit crosses where the truth does, single rounds much too early") {
  // Performance 1 falls slowly and crosses .9 between rounds 14 and 15, then steeply, with noise .1.
  double first_below = 0, fitted = 0;
  constexpr int kCurves = 400;
  for (int trial = 0; trial < kCurves; ++trial) {
    Stream stream("test/critical/" + std::to_string(trial));
    std::vector<double> curve;
    for (int round = 0; round < 25; ++round)
      curve.push_back(1 - 0.1 * std::exp((round - 14.5) / 2.5) + 0.1 * simulation::normal(stream));
    int first = 0;
    while (first < 25 && curve[static_cast<std::size_t>(first)] >= 0.9) ++first;
    first_below += first;
    fitted += static_cast<double>(critical_round(curve, 0.9)->survived);
  }
  CHECK(first_below / kCurves < 7);
  CHECK(fitted / kCurves == doctest::Approx(15).epsilon(0.05));
}
