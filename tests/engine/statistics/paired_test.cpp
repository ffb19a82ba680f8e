#include "engine/statistics/paired.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "engine/statistics/describe.hpp"

using namespace impsweep::statistics;

TEST_CASE("paired: a t test is where its interval ends") {
  const std::vector<double> d = {1.2, -0.4, 0.9, 2.1, 0.3, 1.7};
  const auto test = t_test(d);
  REQUIRE(test);
  CHECK(test->p_greater + test->p_less == doctest::Approx(1).epsilon(1e-14));
  const auto interval = student_t_interval(d, 1 - test->p_two_sided);
  CHECK(interval->low == doctest::Approx(0).epsilon(1e-12));
  const auto against = t_test(d, test->estimate);
  CHECK(against->statistic == 0);
  CHECK(against->p_two_sided == doctest::Approx(1));
}

TEST_CASE("paired: without variance there is no p") {
  const std::vector<double> zeros(5, 0.0), fives(5, 5.0);
  CHECK(!t_test(zeros));
  CHECK(!t_test(fives));
  CHECK(!welch_test(fives, zeros));
  CHECK(!welch_interval(fives, zeros));
  CHECK(!equivalence_test(zeros, 1));
  CHECK(!wilcoxon_test(zeros));
  CHECK(!t_test(std::vector<double>{1}));
  CHECK(sign_flip_test(zeros)->p_two_sided == 1);
  // One sample that varies is enough for Welch, and gives its degrees of freedom.
  CHECK(welch_test(fives, std::vector<double>{1, 2, 3, 4})->degrees == doctest::Approx(3));
}

TEST_CASE("paired: NaN is refused") {
  const std::vector<double> gap = {1, std::numeric_limits<double>::quiet_NaN(), 2};
  CHECK_THROWS_AS(t_test(gap), std::invalid_argument);
  CHECK_THROWS_AS(welch_test(gap, std::vector<double>{1, 2}), std::invalid_argument);
  CHECK_THROWS_AS(sign_flip_test(gap), std::invalid_argument);
  CHECK_THROWS_AS(wilcoxon_test(gap), std::invalid_argument);
  CHECK_THROWS_AS(equivalence_test(std::vector<double>{1, 2}, 0), std::invalid_argument);
  CHECK_THROWS_AS(equivalence_test(std::vector<double>{1, 2}, -1), std::invalid_argument);
}

TEST_CASE("paired: the smallest p of sign flips") {
  for (const auto& [n, smallest] : {std::pair(3, 0.25), {5, 0.0625}, {6, 0.03125}, {8, 0.0078125}}) {
    std::vector<double> positive;
    for (int i = 1; i <= n; ++i) positive.push_back(i);
    const auto test = sign_flip_test(positive);
    CHECK(test->p_two_sided == smallest);
    CHECK(test->p_greater == smallest / 2);
    CHECK(test->p_less == 1);
  }
  CHECK(!sign_flip_test(std::vector<double>(25, 1.0)));
}

TEST_CASE("paired: sums of flips that are equal up to rounding are equal") {
  // 0.1 + 0.2 - 0.3 and its mirror image must both count.
  const auto test = sign_flip_test(std::vector<double>{0.1, 0.2, -0.3});
  CHECK(test->p_greater == 5.0 / 8);
  CHECK(test->p_less == 5.0 / 8);
}

TEST_CASE("paired: equivalence is the 90 % interval within the margin") {
  const std::vector<double> d = {0.2, -0.1, 0.3, 0.05, 0.1, -0.2, 0.15};
  const auto interval = student_t_interval(d, 0.9);
  const double margin = std::max(std::abs(interval->low), std::abs(interval->high));
  CHECK(equivalence_test(d, margin)->p() == doctest::Approx(0.05).epsilon(1e-9));
  CHECK(equivalence_test(d, 1.5 * margin)->p() < 0.05);
  CHECK(equivalence_test(d, 0.5 * margin)->p() > 0.05);
}

TEST_CASE("paired: Wilcoxon's exact distribution by hand") {
  // Ranks 1, 2 and 3 positive of four: sums of 6 or more in 7 of 16 sign patterns.
  const auto test = wilcoxon_test(std::vector<double>{1, 2, 3, -4});
  CHECK(test->exact);
  CHECK(test->rank_sum == 6);
  CHECK(test->p_greater == 7.0 / 16);
  CHECK(test->p_less == 11.0 / 16);
  CHECK(!wilcoxon_test(std::vector<double>{1, 2, 3, 3})->exact);
  CHECK(!wilcoxon_test(std::vector<double>{1, 2, 0, 3})->exact);
  CHECK(wilcoxon_test(std::vector<double>{1, 2, 0, 3})->rank_sum == 6);
}
