#include "engine/statistics/trend.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

using namespace impsweep::statistics;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("trend: slopes of a line, against rounds and against logarithms of the density") {
  const std::vector<double> y = {5, 4.5, 4, 3.5, 3};
  std::vector<double> logarithm;
  for (int round = 0; round < 5; ++round) logarithm.push_back(round * std::log(0.8));
  CHECK(slope_per_round(y) == doctest::Approx(-0.5));
  CHECK(*least_squares_slope(logarithm, y) == doctest::Approx(-0.5 / std::log(0.8)));
  CHECK(*kendall_tau(logarithm, y) == 1);
}

TEST_CASE("trend: Theil-Sen ignores a collapse that bends the least-squares line") {
  const std::vector<double> x = {0, 1, 2, 3, 4, 5, 6}, y = {1, 2, 3, 4, 5, 6, -50};
  CHECK(*theil_sen_slope(x, y) == 1);
  CHECK(*least_squares_slope(x, y) < -3);
}

TEST_CASE("trend: Kendall's tau-b by hand, with ties") {
  // Pairs of {1, 2, 2, 3} against {1, 3, 2, 2}: x differs in 5, y in 5, concordant 4, discordant 0.
  const std::vector<double> x = {1, 2, 2, 3}, y = {1, 3, 2, 2};
  CHECK(*kendall_tau(x, y) == doctest::Approx((3 - 1) / std::sqrt(5.0 * 5.0)));
  CHECK(!kendall_tau(x, std::vector<double>(4, 7)));
}

TEST_CASE("trend: what is missing makes no shorter mean") {
  const std::vector<double> y = {1, 2, kNaN, 4, 5};
  CHECK(!slope_per_round(y));
  CHECK(!mean_over_rounds(y, 0, 4));
  CHECK(*mean_over_rounds(y, 3, 4) == 4.5);
  CHECK(!mean_over_rounds(y, 3, 5));
  CHECK(*rise_over_dense(y, 3, 4) == 3.5);
  CHECK(!rise_over_dense(std::vector<double>{kNaN, 1, 2}, 1, 2));
  CHECK_THROWS_AS(mean_over_rounds(y, 4, 3), std::invalid_argument);
  CHECK_THROWS_AS(slope_per_round(std::vector<double>{1, std::numeric_limits<double>::infinity()}),
                  std::invalid_argument);
  CHECK(!slope_per_round(std::vector<double>{1}));
  CHECK(!least_squares_slope(std::vector<double>{2, 2}, std::vector<double>{1, 3}));
  CHECK(!theil_sen_slope(std::vector<double>{2, 2}, std::vector<double>{1, 3}));
}

TEST_CASE("interpolation on a polyline, and nothing outside of it") {
  const std::vector<double> x = {1, 2, 4}, y = {10, 20, 0};
  CHECK(interpolate(x, y, 1) == 10);
  CHECK(*interpolate(x, y, 1.5) == doctest::Approx(15));
  CHECK(*interpolate(x, y, 3) == doctest::Approx(10));
  CHECK_FALSE(interpolate(x, y, 0.5));
  CHECK_FALSE(interpolate(x, y, 4.5));
}
