// io/statistics.hpp - small statistics over repetitions, and the bootstrap intervals of any of them.
//
// Bootstrap: percentile intervals from 10,000 resamples with replacement. The draws are a fixed sequence for
// a seed, so the same values give the same interval on every machine; a report can be made again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace impsweep {

struct MeanDeviation {
  double mean = 0, deviation = 0;  // population form
};
MeanDeviation mean_deviation(const std::vector<double>&);

// Mean of the middle half: a quarter of the weight is cut off at either end, fractions of a value included.
// Robust like the median, but with less variance (Agarwal et al. 2021). NaN without values.
double interquartile_mean(std::vector<double>);

struct Interval {
  double mean = 0, low = 0, high = 0;  // `mean` is the statistic of the values themselves
};

inline constexpr std::uint64_t kBootstrapSeed = 20210504;

// The interval of the mean. With one value it is that value; without values it is zero.
Interval bootstrap_interval(const std::vector<double>&, double confidence = 0.95);

// The interval of a statistic of several independent samples, each of which is resampled for itself. The
// statistic is given, for each sample, the indices of the repetitions that were drawn. The samples may not be
// empty.
using Resample = std::vector<std::vector<std::size_t>>;
using Statistic = std::function<double(const Resample&)>;
Interval bootstrap_interval(std::span<const std::size_t> sample_sizes, const Statistic&,
                            double confidence = 0.95, std::uint64_t seed = kBootstrapSeed);

// The interval of mean(a) - mean(b), for values that are not paired.
Interval bootstrap_difference(const std::vector<double>& a, const std::vector<double>& b);

// About how many more repetitions would pull the interval of `count` of them to one side of `reference`, as
// intervals narrow with the root of their number; 0 if it lies there, nothing if a thousand would not do.
std::optional<std::int64_t> more_needed(const Interval&, std::size_t count, double reference);

// The smallest density at which, and at all larger ones, performance >= alpha; densities fall. Nothing if it
// is missed at the first.
std::optional<double> lowest_sufficient_density(std::span<const double> density,
                                                std::span<const double> performance, double alpha);

// Probability that a value of the first sample exceeds one of the second, ties counting half: the area under
// the ROC curve. NaN if a sample is empty.
double exceedance(std::span<const double> first, std::span<const double> second);

// Spearman's rank correlation, equal values sharing their mean rank; NaN if all values of a side are equal.
double rank_correlation(std::span<const double> x, std::span<const double> y);

// y at `at` on the polyline through points of ascending x; nothing outside of it.
std::optional<double> interpolate(std::span<const double> x, std::span<const double> y, double at);

}  // namespace impsweep
