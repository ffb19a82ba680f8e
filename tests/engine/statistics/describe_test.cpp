#include "engine/statistics/describe.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

using namespace impsweep::statistics;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("describe: mean, sample deviation and standard error by hand") {
  const Description sample = describe(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9});
  CHECK(sample.n == 8);
  CHECK(sample.mean == 5);
  CHECK(sample.deviation == doctest::Approx(std::sqrt(32.0 / 7)).epsilon(1e-15));
  CHECK(sample.standard_error == doctest::Approx(std::sqrt(32.0 / 7 / 8)).epsilon(1e-15));
  CHECK(sample.smallest == 2);
  CHECK(sample.largest == 9);
  CHECK(sample.varies);
}

TEST_CASE("describe: a single value and values that differ by rounding do not vary") {
  CHECK(!describe(std::vector<double>{7}).varies);
  CHECK(describe(std::vector<double>{7}).deviation == 0);
  const Description rounding = describe(std::vector<double>{0.3, 0.1 + 0.2, 0.3});
  CHECK(0.1 + 0.2 != 0.3);
  CHECK(!rounding.varies);
  CHECK(rounding.standard_error == 0);
  CHECK(describe(std::vector<double>{1, 1 + 1e-12, 1}).varies);
  CHECK(describe(std::vector<double>{1e-9, 2e-9}).varies);
}

TEST_CASE("describe: differences that are equal but for the rounding of large values are made equal") {
  const std::vector<double> a = {500.1, 400.3, 300.7, 200.9}, b = {500, 400.2, 300.6, 200.8};
  const std::vector<double> d = paired_differences(a, b);
  for (const double value : d) CHECK(value == d.front());
  CHECK(d.front() == doctest::Approx(0.1).epsilon(1e-10));
  const std::vector<double> equal = paired_differences(a, a);
  for (const double value : equal) CHECK(value == 0);
  const std::vector<double> apart = paired_differences(std::vector<double>{3, 5}, std::vector<double>{1, 9});
  CHECK(apart == std::vector<double>{2, -4});
}

TEST_CASE("describe: NaN and infinity are refused by name, or dropped and counted") {
  const std::vector<double> values = {1, kNaN, 3, kNaN};
  CHECK_THROWS_WITH_AS(mean(values), doctest::Contains("value 1 of 4 is nan"), std::invalid_argument);
  CHECK_THROWS_AS(describe(std::vector<double>{1, kInfinity}), std::invalid_argument);
  CHECK_THROWS_AS(mean({}), std::invalid_argument);
  const Complete measured = complete(values);
  CHECK(measured.values == std::vector<double>{1, 3});
  CHECK(measured.dropped == 2);
  CHECK_THROWS_AS(complete(std::vector<double>{1, kInfinity}), std::invalid_argument);
  const CompletePairs pairs = complete_pairs(values, std::vector<double>{5, 6, kNaN, 8});
  CHECK(pairs.a == std::vector<double>{1});
  CHECK(pairs.b == std::vector<double>{5});
  CHECK(pairs.dropped == 3);
  CHECK_THROWS_AS(complete_pairs(values, std::vector<double>{1}), std::invalid_argument);
}

TEST_CASE("describe: quantiles interpolate between order statistics, beside infinity too") {
  const std::vector<double> values = {1, 2, 4, 8};
  CHECK(quantile_of_sorted(values, 0) == 1);
  CHECK(quantile_of_sorted(values, 0.5) == 3);
  CHECK(quantile_of_sorted(values, 0.9) == doctest::Approx(6.8));
  CHECK(quantile_of_sorted(values, 1) == 8);
  CHECK(quantile_of_sorted(std::vector<double>{-kInfinity, -kInfinity, 5, kInfinity, kInfinity}, 0.5) == 5);
  CHECK(quantile_of_sorted(std::vector<double>{-kInfinity, -kInfinity, 5}, 0.25) == -kInfinity);
  CHECK_THROWS_AS(quantile_of_sorted(values, 1.5), std::invalid_argument);
  CHECK(median(std::vector<double>{9, 1, 5}) == 5);
}

TEST_CASE("describe: ties at a bound and the commonest value") {
  const std::vector<double> values = {500, 481, 500, 12, 500.0000001};
  CHECK(count_at_upper(values, 500) == 3);
  CHECK(count_at_lower(values, 12) == 1);
  CHECK(commonest_value(values).value == 500);
  CHECK(commonest_value(values).count == 2);
  CHECK(commonest_value(std::vector<double>{3, 1, 3, 1}).value == 1);
}
