// The methods agree with scipy's in tests/engine/replay/replay_statistics_test.cpp; here are the rules for
// what has no interval, and what follows from the definitions.
#include "engine/statistics/intervals.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/distributions.hpp"
#include "engine/statistics/proportions.hpp"

using namespace impsweep::statistics;

namespace {

const std::vector<double> kEight = {3.1, 4.7, 2.2, 5.9, 4.1, 3.8, 6.6, 2.9};
const Resampling kStream{"test/intervals", 2'000};

}  // namespace

TEST_CASE("intervals: Student's t by hand") {
  const auto interval = student_t_interval(std::vector<double>{1, 2, 3, 4, 5});
  REQUIRE(interval);
  const double half = 2.7764451051977987 * std::sqrt(2.5 / 5);
  CHECK(interval->low == doctest::Approx(3 - half).epsilon(1e-12));
  CHECK(interval->high == doctest::Approx(3 + half).epsilon(1e-12));
  CHECK(interval->width() == doctest::Approx(2 * half).epsilon(1e-12));
  CHECK(interval->contains(3));
  CHECK(!interval->contains(5));
}

TEST_CASE("intervals: without variance and for single values there is none") {
  for (const std::vector<double>& values :
       {std::vector<double>{}, {1}, {500, 500, 500, 500, 500}, {0.3, 0.1 + 0.2, 0.3, 0.3, 0.3}}) {
    CHECK(!student_t_interval(values));
    CHECK(!bootstrap_t_interval(values, kStream));
    CHECK(!expanded_percentile_interval(values, kStream));
    CHECK(!percentile_interval(values, kStream));
    CHECK(!basic_interval(values, kStream));
    CHECK(!bca_interval(values, kStream));
    CHECK(!sign_flip_interval(values));
  }
}

TEST_CASE("intervals: NaN, few resamples and impossible confidences are refused") {
  const std::vector<double> gap = {1, std::numeric_limits<double>::quiet_NaN(), 3};
  CHECK_THROWS_AS(student_t_interval(gap), std::invalid_argument);
  CHECK_THROWS_AS(bootstrap_t_interval(gap, kStream), std::invalid_argument);
  CHECK_THROWS_AS(expanded_percentile_interval(gap, kStream), std::invalid_argument);
  CHECK_THROWS_AS(percentile_interval(gap, kStream), std::invalid_argument);
  CHECK_THROWS_AS(bca_interval(gap, kStream), std::invalid_argument);
  CHECK_THROWS_AS(sign_flip_interval(gap), std::invalid_argument);
  CHECK_THROWS_AS(bootstrap_t_interval(kEight, {"test", 1'999}), std::invalid_argument);
  CHECK_THROWS_AS(percentile_interval(kEight, {"test", 100}), std::invalid_argument);
  CHECK_THROWS_AS(percentile_interval(kEight, {"", 2'000}), std::invalid_argument);
  for (const double confidence : {0.0, 1.0, 95.0, -0.5}) {
    CHECK_THROWS_AS(student_t_interval(kEight, confidence), std::invalid_argument);
    CHECK_THROWS_AS(bootstrap_t_interval(kEight, kStream, confidence), std::invalid_argument);
    CHECK_THROWS_AS(clopper_pearson_interval(1, 2, confidence), std::invalid_argument);
  }
}

TEST_CASE("intervals: bootstrap-t gives none where half of the values are tied or a quantile is infinite") {
  CHECK(!bootstrap_t_interval(std::vector<double>{500, 500, 500, 500, 420, 390, 460, 480}, kStream));
  CHECK(bootstrap_t_interval(std::vector<double>{500, 500, 500, 421, 420, 390, 460, 480}, kStream));
  // Three different values: a resample is constant once in nine, more often than the outer 2.5 %.
  CHECK(!bootstrap_t_interval(std::vector<double>{1, 2, 4}, kStream));
  // Five: once in 625, which the outer quantiles of a 95 % interval do not reach, but those of 99.9 % do.
  const std::vector<double> five = {1, 2, 4, 7, 12};
  CHECK(bootstrap_t_interval(five, kStream));
  CHECK(!bootstrap_t_interval(five, kStream, 0.9995));
}

TEST_CASE("intervals: bootstrap-t leans to the long tail, and moves and stretches with the values") {
  const std::vector<double> skewed = {0.1, 0.2, 0.25, 0.3, 0.45, 0.6, 0.9, 1.4, 2.2, 4.1};
  const auto t = student_t_interval(skewed), bootstrap = bootstrap_t_interval(skewed, kStream);
  REQUIRE(t);
  REQUIRE(bootstrap);
  CHECK(bootstrap->low > t->low);
  CHECK(bootstrap->high > t->high);
  std::vector<double> moved;
  for (const double value : skewed) moved.push_back(8 * value - 2);
  const auto other = bootstrap_t_interval(moved, kStream);
  REQUIRE(other);
  CHECK(other->low == doctest::Approx(8 * bootstrap->low - 2).epsilon(1e-10));
  CHECK(other->high == doctest::Approx(8 * bootstrap->high - 2).epsilon(1e-10));
}

TEST_CASE("intervals: the same name gives the same interval, another name another") {
  const auto first = bootstrap_t_interval(kEight, kStream), again = bootstrap_t_interval(kEight, kStream);
  const auto other = bootstrap_t_interval(kEight, {"test/other", 2'000});
  CHECK(first->low == again->low);
  CHECK(first->high == again->high);
  CHECK(first->low != other->low);
  // Known on every machine: the generator is counted, and sums have one order.
  const std::vector<double> means = sorted_resampled_means(kEight, kStream);
  CHECK(means.front() == doctest::Approx(2.6874999999999996).epsilon(1e-13));
  CHECK(means.back() == doctest::Approx(5.7250000000000005).epsilon(1e-13));
}

TEST_CASE("intervals: expanded is wider than percentile and stays among the values; basic mirrors") {
  const auto expanded = expanded_percentile_interval(kEight, kStream);
  const auto percentile = percentile_interval(kEight, kStream), basic = basic_interval(kEight, kStream);
  CHECK(expanded->low < percentile->low);
  CHECK(expanded->high > percentile->high);
  CHECK(expanded->low >= 2.2);
  CHECK(expanded->high <= 6.6);
  const double twice = 2 * mean(kEight);
  CHECK(basic->low == doctest::Approx(twice - percentile->high));
  CHECK(basic->high == doctest::Approx(twice - percentile->low));
  // sqrt(5/4) * 2.776 = 3.104
  CHECK(expanded_tail(5, 0.95) == doctest::Approx(normal_upper_tail(3.1041599)).epsilon(1e-6));
}

TEST_CASE("intervals: sign-flip ends are order statistics of the subset means") {
  // Five values, k = 1: the smallest and the largest value themselves, with what 31 subsets give.
  const auto five = sign_flip_interval(std::vector<double>{1, 2, 4, 7, 12});
  REQUIRE(five);
  CHECK(five->interval.low == 1);
  CHECK(five->interval.high == 12);
  CHECK(five->confidence == 0.9375);
  // Eight, k = 6: by hand the six smallest means of 1, 2, 3, ..., 8 are 1, 1.5, 2, 2, 2, 7/3.
  const auto eight = sign_flip_interval(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(eight->interval.low == doctest::Approx(7.0 / 3));
  CHECK(eight->interval.high == doctest::Approx(20.0 / 3));
  CHECK(eight->confidence == doctest::Approx(1 - 12.0 / 256));
  CHECK(!sign_flip_interval(std::vector<double>(21, 1.5)));
}

TEST_CASE("intervals: clipped at what returns can be") {
  const Interval clip = clipped({-20, 530}, 0, 500);
  CHECK(clip.low == 0);
  CHECK(clip.high == 500);
  const Interval upper = clipped({-20, 530}, std::nullopt, 500);
  CHECK(upper.low == -20);
  CHECK(upper.high == 500);
}

TEST_CASE("intervals: shares of seeds") {
  CHECK(clopper_pearson_interval(5, 5).low == doctest::Approx(0.4781762498950185).epsilon(1e-10));
  CHECK(clopper_pearson_interval(5, 5).high == 1);
  CHECK(clopper_pearson_interval(10, 10).low == doctest::Approx(0.6915028921812392).epsilon(1e-10));
  CHECK(clopper_pearson_interval(0, 3).low == 0);
  CHECK(wilson_interval(0, 3).low == 0);
  CHECK(wilson_interval(3, 3).high == 1);
  CHECK_THROWS_AS(clopper_pearson_interval(6, 5), std::invalid_argument);
  CHECK_THROWS_AS(wilson_interval(-1, 5), std::invalid_argument);
  CHECK_THROWS_AS(jeffreys_interval(0, 0), std::invalid_argument);
}
