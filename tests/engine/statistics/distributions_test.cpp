#include "engine/statistics/distributions.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace impsweep::statistics;

TEST_CASE("distributions: values of the printed tables") {
  CHECK(normal_quantile(0.975) == doctest::Approx(1.959963984540054).epsilon(1e-13));
  CHECK(normal_upper_tail(10) == doctest::Approx(7.619853024160527e-24).epsilon(1e-12));
  CHECK(t_quantile(0.975, 4) == doctest::Approx(2.7764451051977987).epsilon(1e-12));
  // Two degrees of freedom have a closed form.
  CHECK(t_quantile(0.975, 2) == doctest::Approx(0.95 * std::sqrt(2 / (4 * 0.975 * 0.025))).epsilon(1e-12));
  CHECK(t_upper_tail(2.7764451051977987, 4) == doctest::Approx(0.025).epsilon(1e-12));
  CHECK(t_upper_tail(-1, 7.5) + t_upper_tail(1, 7.5) == doctest::Approx(1).epsilon(1e-14));
  CHECK(chi_squared_upper_tail(3.841458820694124, 1) == doctest::Approx(0.05).epsilon(1e-12));
  CHECK(beta_quantile(0.025, 5, 1) == doctest::Approx(std::pow(0.025, 0.2)).epsilon(1e-12));
}

TEST_CASE("distributions: the noncentral t is the central one without a shift, and mirrors") {
  CHECK(noncentral_t_upper_tail(1.3, 6, 0) == t_upper_tail(1.3, 6));
  CHECK(noncentral_t_upper_tail(1.3, 6, 1e-9) == doctest::Approx(t_upper_tail(1.3, 6)).epsilon(1e-6));
  CHECK(noncentral_t_upper_tail(1.3, 6, 2) ==
        doctest::Approx(1 - noncentral_t_upper_tail(-1.3, 6, -2)).epsilon(1e-10));
}

TEST_CASE("distributions: binomial tails by hand") {
  // Three of five with chance 1/6: 10 * 25 + 5 * 5 + 1 of 7776.
  CHECK(binomial_at_least(3, 5, 1.0 / 6) == doctest::Approx(276.0 / 7776).epsilon(1e-12));
  CHECK(binomial_at_most(2, 5, 1.0 / 6) == doctest::Approx(7500.0 / 7776).epsilon(1e-12));
  CHECK(binomial_at_least(0, 5, 0.3) == 1);
  CHECK(binomial_at_least(6, 5, 0.3) == 0);
  CHECK(binomial_at_most(-1, 5, 0.3) == 0);
}

TEST_CASE("distributions: the density of the ratio of deviations integrates to one") {
  double sum = 0;
  constexpr double kStep = 1e-3;
  for (int i = 0; i < 6000; ++i) sum += deviation_ratio_density((i + 0.5) * kStep, 4) * kStep;
  CHECK(sum == doctest::Approx(1).epsilon(1e-6));
}
