#include "engine/statistics/power.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

using namespace impsweep::statistics;

TEST_CASE("power: the table of the paired t test") {
  struct Row {
    int n;
    double power[6], delta, holm, margin_95, margin_90;
  };
  for (const Row& row : {Row{5, {14, 28, 40, 71, 91, 100}, 1.68, 2.98, 1.94, 1.60},
                         Row{10, {29, 62, 80, 99, 100, 100}, 1.00, 1.43, 1.15, 1.00},
                         Row{15, {44, 82, 95, 100, 100, 100}, 0.78, 1.07, 0.90, 0.79}}) {
    const double deltas[] = {0.5, 0.8, 1, 1.5, 2, 3};
    for (int i = 0; i < 6; ++i)
      CHECK(100 * paired_t_power(row.n, deltas[i]) ==
            doctest::Approx(row.power[i]).epsilon(0.5 / row.power[i]));
    CHECK(std::abs(detectable_delta(row.n) - row.delta) < 0.006);
    CHECK(std::abs(detectable_delta(row.n, 0.05 / 8) - row.holm) < 0.006);
    CHECK(std::abs(equivalence_margin(row.n, 0.95) - row.margin_95) < 0.006);
    CHECK(std::abs(equivalence_margin(row.n, 0.90) - row.margin_90) < 0.006);
  }
}

TEST_CASE("power: without an effect it is the level, with a huge one it is certain") {
  CHECK(paired_t_power(7, 0) == doctest::Approx(0.05).epsilon(1e-10));
  CHECK(paired_t_power(7, 0, 0.05, Sides::kOne) == doctest::Approx(0.05).epsilon(1e-10));
  for (const int n : {2, 3, 5, 100, 1000})
    for (const double delta : {5.0, 20.0, 60.0, 1e3, 1e9}) {
      const double power = paired_t_power(n, delta);
      CHECK(power > 0.4);
      CHECK(power <= 1);
      CHECK(paired_t_power(n, -delta) == doctest::Approx(power));
      CHECK(paired_t_power(n, -delta, 0.05, Sides::kOne) < 1e-6);
    }
}

TEST_CASE("power: seeds needed are the first that suffice") {
  const auto seeds = seeds_for_power(0.4);
  REQUIRE(seeds);
  CHECK(*seeds == 52);
  CHECK(paired_t_power(*seeds, 0.4) >= 0.8);
  CHECK(paired_t_power(*seeds - 1, 0.4) < 0.8);
  CHECK(seeds_for_power(-0.4) == seeds);
  CHECK(!seeds_for_power(0));
  CHECK(!seeds_for_power(0.01));
  CHECK(!seeds_for_power(-1, 0.05, Sides::kOne));
  CHECK_THROWS_AS(paired_t_power(1, 1), std::invalid_argument);
  CHECK_THROWS_AS(equivalence_power(5, 0), std::invalid_argument);
}

TEST_CASE("power: equivalence") {
  // At the margin itself it is the level of one side.
  CHECK(equivalence_power(10, 3, 3) == doctest::Approx(0.025).epsilon(0.01));
  CHECK(equivalence_power(10, 5) == doctest::Approx(1).epsilon(1e-4));
  const auto seeds = seeds_for_equivalence(0.5);
  REQUIRE(seeds);
  CHECK(equivalence_power(*seeds, 0.5) >= 0.8);
  CHECK(equivalence_power(*seeds - 1, 0.5) < 0.8);
  CHECK(*seeds_for_equivalence(0.5, 0.2) > *seeds);
  CHECK(!seeds_for_equivalence(0.5, 0.5));
}

TEST_CASE("power: pooled and counted") {
  // One stratum is the paired t test, but for its far tail.
  CHECK(seeds_for_pooled_power(0.4, std::vector<double>{1}) == seeds_for_power(0.4));
  CHECK(*seeds_for_pooled_power(0.4, std::vector<double>{1, 1, 1, 1}) < 16);
  CHECK(!seeds_for_pooled_power(0, std::vector<double>{1}));
  CHECK(!seeds_for_pooled_power(1, std::vector<double>{0}));
  const auto seeds = seeds_for_count(0.5, 1.0 / 6);
  REQUIRE(seeds);
  CHECK(*seeds > 8);
  CHECK(*seeds < 25);
  CHECK(!seeds_for_count(0.1, 1.0 / 6));
}

TEST_CASE("the smallest number of seeds is the smallest, wherever the search begins") {
  for (const double delta : {0.05, 0.2, 0.5, 0.9, 1.7, 3.0, 12.0})
    for (const double alpha : {0.03, 0.001}) {
      CAPTURE(delta);
      CAPTURE(alpha);
      const std::optional<int> n = seeds_for_power(delta, alpha);
      if (!n) {
        CHECK(paired_t_power(kMostSeeds, delta, alpha) < kPower);
        continue;
      }
      CHECK(paired_t_power(*n, delta, alpha) >= kPower);
      if (*n > 2) CHECK(paired_t_power(*n - 1, delta, alpha) < kPower);
    }
}
