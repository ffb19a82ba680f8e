// engine/statistics/aggregate.hpp - scores over tasks as rliable makes them (Agarwal et al. 2021), with
// stratified intervals.
//
// Strata are [task][run]. IQM and optimality gap weigh every run alike, so every task must have as many runs
// as the others; std::invalid_argument otherwise, and for NaN, infinity and empty tasks. They ignore pairing:
// they describe, and decide nothing. Scores must be normalised if tasks are to count alike.
//
// Two kinds of interval:
//   kPercentile  rliable's: quantiles .025 and .975 over stratified resamples. Of the IQM of five runs it
//                holds 89 to 91 % of nominal 95.
//   kExpanded    the same resamples at the quantiles of expanded_tail(runs) (intervals.hpp): 93 % for one
//                task and 97 % or more for four. The one to show; there is none below five runs.
// At three runs of one task the IQM is the mean.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/statistics/intervals.hpp"

namespace impsweep::statistics {

double mean_over_tasks(const Strata&);    // of the tasks' means
double median_over_tasks(const Strata&);  // of the tasks' means

// Interquartile mean: of all runs of all tasks, less the floor(n m / 4) smallest and as many largest.
double interquartile_mean(const Strata&);

// Mean over all runs of max(0, target - score): how far runs fall short of the target; not divided by it.
double optimality_gap(const Strata&, double target);

// Share of runs above each threshold (not at it), and share of tasks whose mean is.
std::vector<double> performance_profile(const Strata&, std::span<const double> thresholds);
std::vector<double> profile_of_means(const Strata&, std::span<const double> thresholds);

// P(X > Y) + P(X = Y) / 2 of a run of either, averaged over the tasks. Numbers of runs may differ between x
// and y.
double probability_of_improvement(const Strata& x, const Strata& y);

enum class BootstrapKind { kPercentile, kExpanded };

// An interval of any statistic of strata. `tasks_too` draws tasks as well: a question about a population of
// tasks, whose interval covers up to 99.9 % for the tasks at hand. Nothing if no task varies, if there is
// one run only, and below kLeastSeeds runs for kExpanded.
std::optional<Interval> stratified_interval(const Strata&,
                                            const std::function<double(const Strata&)>& statistic,
                                            const Resampling&, BootstrapKind, double confidence = 0.95,
                                            bool tasks_too = false);

// Pointwise, one interval for each threshold, from the same resamples. Empty where stratified_interval has
// none for want of runs.
std::vector<Interval> profile_intervals(const Strata&, std::span<const double> thresholds, const Resampling&,
                                        BootstrapKind, double confidence = 0.95);

// x and y resampled independently; percentile only, as there is no better one at hand. From ten runs on.
Interval probability_of_improvement_interval(const Strata& x, const Strata& y, const Resampling&,
                                             double confidence = 0.95);

}  // namespace impsweep::statistics
