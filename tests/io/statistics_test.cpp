#include "io/statistics.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace impsweep;

TEST_CASE("mean and deviation, population form") {
  const MeanDeviation m = mean_deviation({2, 4, 4, 4, 5, 5, 7, 9});
  CHECK(m.mean == doctest::Approx(5));
  CHECK(m.deviation == doctest::Approx(2));
  CHECK(mean_deviation({}).mean == 0);
}

TEST_CASE("interquartile mean cuts a quarter of the weight at either end") {
  CHECK(interquartile_mean({100, 1, 2, -100}) == doctest::Approx(1.5));
  CHECK(interquartile_mean({1, 2, 3, 4, 5, 6, 7, 800}) == doctest::Approx(4.5));
  // Five values: 1.25 are cut, so the second and fourth count three quarters.
  CHECK(interquartile_mean({0, 1, 2, 4, 90}) == doctest::Approx((0.75 * 1 + 2 + 0.75 * 4) / 2.5));
  CHECK(interquartile_mean({7}) == doctest::Approx(7));
  CHECK(std::isnan(interquartile_mean({})));
}

TEST_CASE("bootstrap interval of the mean") {
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const Interval interval = bootstrap_interval(values);
  CHECK(interval.mean == doctest::Approx(5.5));
  // Normal approximation: 1.96 * sqrt(8.25 / 10) = 1.780; the percentile interval lies close to it.
  CHECK(interval.low == doctest::Approx(5.5 - 1.78).epsilon(0.05));
  CHECK(interval.high == doctest::Approx(5.5 + 1.78).epsilon(0.05));
  CHECK(bootstrap_interval(values).low == interval.low);
  CHECK(bootstrap_interval(values, 0.5).low > interval.low);
}

TEST_CASE("bootstrap interval of few and of equal values") {
  const Interval one = bootstrap_interval({3});
  CHECK(one.low == 3);
  CHECK(one.high == 3);
  CHECK(bootstrap_interval({2, 2, 2}).high == 2);
  CHECK(bootstrap_interval(std::vector<double>{}).mean == 0);
}

TEST_CASE("bootstrap of two samples resamples each for itself") {
  const Interval interval = bootstrap_difference({10, 10, 10}, {1, 2, 3, 4});
  CHECK(interval.mean == doctest::Approx(7.5));
  CHECK(interval.low >= 6);
  CHECK(interval.high <= 9);
  CHECK(interval.low < 7);
  const std::size_t sizes[] = {3, 5};
  bool in_range = true;
  bootstrap_interval(sizes, [&](const Resample& drawn) {
    in_range = in_range && drawn[0].size() == 3 && drawn[1].size() == 5;
    for (const std::size_t index : drawn[0]) in_range = in_range && index < 3;
    for (const std::size_t index : drawn[1]) in_range = in_range && index < 5;
    return 0.0;
  });
  CHECK(in_range);
}

TEST_CASE("how many more values a decision needs") {
  // The interval must halve, so four times as many are needed.
  CHECK(more_needed({1.0, -1.0, 3.0}, 5, 0.0) == 15);
  CHECK(more_needed({-1.0, -3.0, 1.0}, 5, 0.0) == 15);
  CHECK(more_needed({1.0, 0.5, 1.5}, 5, 0.0) == 0);
  CHECK_FALSE(more_needed({0.0, -1.0, 1.0}, 5, 0.0));
  CHECK_FALSE(more_needed({0.01, -1.0, 1.0}, 5, 0.0));
}

TEST_CASE("lowest sufficient density asks for all larger densities too") {
  const std::vector<double> density = {1, 0.8, 0.64, 0.512, 0.4096};
  CHECK(lowest_sufficient_density(density, std::vector<double>{1, 0.95, 0.9, 0.5, 0.95}, 0.9) == 0.64);
  CHECK(lowest_sufficient_density(density, std::vector<double>{1, 1, 1, 1, 1}, 0.9) == 0.4096);
  CHECK_FALSE(lowest_sufficient_density(density, std::vector<double>{0.8, 1, 1, 1, 1}, 0.9));
}

TEST_CASE("exceedance is the area under the ROC curve") {
  CHECK(exceedance(std::vector<double>{3, 4}, std::vector<double>{1, 2}) == 1);
  CHECK(exceedance(std::vector<double>{1, 2}, std::vector<double>{3, 4}) == 0);
  CHECK(exceedance(std::vector<double>{1, 3}, std::vector<double>{2, 3}) == doctest::Approx(0.375));
  CHECK(std::isnan(exceedance({}, std::vector<double>{1})));
}

TEST_CASE("rank correlation") {
  const std::vector<double> x = {1, 2, 3, 4, 5};
  CHECK(rank_correlation(x, std::vector<double>{1, 4, 9, 16, 25}) == doctest::Approx(1));
  CHECK(rank_correlation(x, std::vector<double>{5, 4, 3, 2, 1}) == doctest::Approx(-1));
  // 1 - 6 sum d^2 / (n (n^2 - 1)) with one neighbouring pair swapped: 1 - 12 / 120.
  CHECK(rank_correlation(x, std::vector<double>{2, 1, 3, 4, 5}) == doctest::Approx(0.9));
  CHECK(std::isnan(rank_correlation(x, std::vector<double>{1, 1, 1, 1, 1})));
}

TEST_CASE("interpolation between points, and nothing beyond them") {
  const std::vector<double> x = {1, 2, 4}, y = {10, 20, 0};
  CHECK(interpolate(x, y, 1.5) == 15.0);
  CHECK(interpolate(x, y, 3.0) == 10.0);
  CHECK(interpolate(x, y, 4.0) == 0.0);
  CHECK_FALSE(interpolate(x, y, 0.5));
  CHECK_FALSE(interpolate(x, y, 4.5));
}
