#include "engine/statistics/aggregate.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <vector>

using namespace impsweep::statistics;

namespace {

const Strata kTasks = {{0.1, 0.5, 0.9, 0.3}, {1.0, 2.0, 1.5, 1.5}, {0.2, 0.2, 0.4, 0.0}};
const Strata kFiveRuns = {{0.1, 0.5, 0.9, 0.3, 0.7}, {1.0, 2.0, 1.5, 1.5, 1.2}};
const Resampling kStream{"test/aggregate", 4'000};

}  // namespace

TEST_CASE("aggregate: means, median over tasks, interquartile mean, gap") {
  CHECK(mean_over_tasks(kTasks) == doctest::Approx((0.45 + 1.5 + 0.2) / 3));
  CHECK(median_over_tasks(kTasks) == doctest::Approx(0.45));
  // Twelve runs, three cut at either end: 0.2, 0.3, 0.4, 0.5, 0.9, 1.0 are left.
  CHECK(interquartile_mean(kTasks) == doctest::Approx(3.3 / 6));
  CHECK(optimality_gap(kTasks, 1) == doctest::Approx((0.9 + 0.5 + 0.1 + 0.7 + 0.8 + 0.8 + 0.6 + 1.0) / 12));
  // Three runs of one task: nothing is cut.
  CHECK(interquartile_mean({{1, 2, 6}}) == doctest::Approx(3));
}

TEST_CASE("aggregate: profiles count what lies above, not at, the threshold") {
  const std::vector<double> thresholds = {0.2, 1.5};
  CHECK(performance_profile(kTasks, thresholds)[0] == doctest::Approx(8.0 / 12));
  CHECK(performance_profile(kTasks, thresholds)[1] == doctest::Approx(1.0 / 12));
  CHECK(profile_of_means(kTasks, std::vector<double>{0.3, 1.5})[0] == doctest::Approx(2.0 / 3));
  CHECK(profile_of_means(kTasks, std::vector<double>{0.3, 1.5})[1] == 0);
}

TEST_CASE("aggregate: probability of improvement counts ties as one half") {
  CHECK(probability_of_improvement({{1, 2}}, {{1, 0, 2}}) ==
        doctest::Approx((0.5 + 1 + 0 + 1 + 1 + 0.5) / 6));
  CHECK(probability_of_improvement(kTasks, kTasks) == doctest::Approx(0.5));
  CHECK_THROWS_AS(probability_of_improvement(kTasks, {{1, 2}}), std::invalid_argument);
}

TEST_CASE("aggregate: unequal tasks, gaps and emptiness are refused") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Strata& tasks : {Strata{}, Strata{{}}, Strata{{1, 2}, {1}}, Strata{{1, nan}}}) {
    CHECK_THROWS_AS(mean_over_tasks(tasks), std::invalid_argument);
    CHECK_THROWS_AS(interquartile_mean(tasks), std::invalid_argument);
    CHECK_THROWS_AS(optimality_gap(tasks, 1), std::invalid_argument);
    CHECK_THROWS_AS(stratified_interval(tasks, mean_over_tasks, kStream, BootstrapKind::kPercentile),
                    std::invalid_argument);
  }
}

TEST_CASE("aggregate: intervals of constant tasks do not exist, expanded ones are wider") {
  CHECK(!stratified_interval({{1, 1}, {2, 2}}, mean_over_tasks, kStream, BootstrapKind::kPercentile));
  CHECK(!stratified_interval({{1}, {2}}, mean_over_tasks, kStream, BootstrapKind::kPercentile));
  CHECK(!stratified_interval(kTasks, interquartile_mean, kStream, BootstrapKind::kExpanded));
  const auto narrow = stratified_interval(kFiveRuns, interquartile_mean, kStream, BootstrapKind::kPercentile);
  const auto wide = stratified_interval(kFiveRuns, interquartile_mean, kStream, BootstrapKind::kExpanded);
  CHECK(wide->low < narrow->low);
  CHECK(wide->high > narrow->high);
  const auto with_tasks =
      stratified_interval(kTasks, mean_over_tasks, kStream, BootstrapKind::kPercentile, 0.95, true);
  const auto these = stratified_interval(kTasks, mean_over_tasks, kStream, BootstrapKind::kPercentile);
  CHECK(with_tasks->width() > 2 * these->width());
}

TEST_CASE("aggregate: the interval of a profile holds the profile") {
  const std::vector<double> thresholds = {0.05, 0.25, 0.45, 0.95};
  const auto profile = performance_profile(kFiveRuns, thresholds);
  const auto intervals = profile_intervals(kFiveRuns, thresholds, kStream, BootstrapKind::kExpanded);
  REQUIRE(intervals.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(intervals[i].contains(profile[i]));
  CHECK(profile_intervals(kTasks, thresholds, kStream, BootstrapKind::kExpanded).empty());
  CHECK(profile_intervals({{1}, {2}}, thresholds, kStream, BootstrapKind::kPercentile).empty());
  const Interval improvement =
      probability_of_improvement_interval(kTasks, {{0, 1}, {2, 1}, {0, 0.3}}, kStream);
  CHECK(improvement.contains(probability_of_improvement(kTasks, {{0, 1}, {2, 1}, {0, 0.3}})));
}
