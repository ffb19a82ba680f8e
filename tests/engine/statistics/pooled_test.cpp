#include "engine/statistics/pooled.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "engine/statistics/describe.hpp"

using namespace impsweep::statistics;

TEST_CASE("pooled: one stratum is Student's t") {
  const Strata one = {{1, 2, 3, 4, 6}};
  const auto pooled = satterthwaite(one);
  const auto t = student_t_interval(one.front());
  CHECK(pooled->estimate == 3.2);
  CHECK(pooled->degrees == doctest::Approx(4));
  CHECK(pooled->interval.low == doctest::Approx(t->low).epsilon(1e-12));
  CHECK(pooled->interval.high == doctest::Approx(t->high).epsilon(1e-12));
}

TEST_CASE("pooled: mean, variance and degrees of freedom by hand") {
  // s^2 = 1 and 4, n = 3 and 4: V = (1/3 + 1) / 4 = 1/3, f = (1/9) / ((1/12)^2 / 2 + (1/4)^2 / 3).
  const double step = std::sqrt(3.0);  // {-a, -a, a, a} has the sample variance 4 a^2 / 3
  const Strata strata = {{1, 2, 3}, {7 - step, 7 - step, 7 + step, 7 + step}};
  const auto pooled = satterthwaite(strata);
  CHECK(pooled->estimate == doctest::Approx(4.5));
  CHECK(pooled->standard_error == doctest::Approx(std::sqrt(1.0 / 3)));
  CHECK(pooled->degrees == doctest::Approx((1.0 / 9) / (1.0 / 288 + 1.0 / 48)));
  CHECK(pooled->constant_strata == 0);
  CHECK(pooled->p_greater + pooled->p_less == doctest::Approx(1));
}

TEST_CASE("pooled: strata that do not vary are counted, and alone give nothing") {
  const auto pooled = satterthwaite({{1, 2, 3}, {5, 5, 5}});
  CHECK(pooled->constant_strata == 1);
  CHECK(pooled->degrees == doctest::Approx(2));
  CHECK(!satterthwaite({{4, 4, 4}, {5, 5, 5}}));
  CHECK(!satterthwaite({}));
  CHECK(!satterthwaite({{1, 2}, {1}}));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(satterthwaite({{1, 2}, {1, nan}}), std::invalid_argument);
}

TEST_CASE("pooled: t over the seeds' means") {
  const auto interval = seed_means_t_interval({{1, 2, 3}, {3, 6, 9}});
  const auto expected = student_t_interval(std::vector<double>{2, 4, 6});
  CHECK(interval->low == doctest::Approx(expected->low));
  CHECK(interval->high == doctest::Approx(expected->high));
  CHECK_THROWS_AS(seed_means_t_interval({{1, 2, 3}, {3, 6}}), std::invalid_argument);
}

TEST_CASE("pooled: stratified bootstrap-t of one stratum is bootstrap-t") {
  const std::vector<double> values = {3.1, 4.7, 2.2, 5.9, 4.1, 3.8, 6.6, 2.9};
  const auto one = stratified_bootstrap_t_interval({values}, {"test/pooled", 4'000});
  const auto plain = bootstrap_t_interval(values, {"test/pooled", 4'000});
  CHECK(one->low == doctest::Approx(plain->low).epsilon(1e-12));
  CHECK(one->high == doctest::Approx(plain->high).epsilon(1e-12));
  CHECK(!stratified_bootstrap_t_interval({{1, 1, 2, 3}, {5, 5, 6, 9}}, {"test/pooled", 4'000}));
}

TEST_CASE("pooled: another setting needs four settings") {
  CHECK(!other_setting_t_interval(std::vector<double>{1, 2, 3}));
  CHECK(other_setting_t_interval(std::vector<double>{1, 2, 3, 4}));
}

TEST_CASE("pooled: meta-analysis of equal variances is the plain mean") {
  const std::vector<double> effects = {1, 2, 3, 6}, variances(4, 0.5);
  const MetaAnalysis meta = meta_analysis(effects, variances);
  CHECK(meta.fixed == doctest::Approx(3));
  CHECK(meta.fixed_standard_error == doctest::Approx(std::sqrt(0.5 / 4)));
  CHECK(meta.q == doctest::Approx(14 / 0.5));
  CHECK(meta.i2 == doctest::Approx(25.0 / 28));
  // tau^2 + v is then the variance of the effects for either estimator.
  CHECK(meta.tau2 == doctest::Approx(14.0 / 3 - 0.5));
  CHECK(meta.tau2_paule_mandel == doctest::Approx(14.0 / 3 - 0.5).epsilon(1e-10));
  const auto t = student_t_interval(effects);
  CHECK(meta.hartung_knapp_interval->low == doctest::Approx(t->low).epsilon(1e-10));
  CHECK(meta.hartung_knapp_interval->high == doctest::Approx(t->high).epsilon(1e-10));
  CHECK(!meta_analysis(std::vector<double>{1, 1}, std::vector<double>{1, 2}).hartung_knapp_interval);
  CHECK_THROWS_AS(meta_analysis(effects, std::vector<double>{1, 1, 1, 0}), std::invalid_argument);
  CHECK_THROWS_AS(meta_analysis(effects, std::vector<double>{1, 1}), std::invalid_argument);
  CHECK_THROWS_AS(meta_analysis(std::vector<double>{1}, std::vector<double>{1}), std::invalid_argument);
}
