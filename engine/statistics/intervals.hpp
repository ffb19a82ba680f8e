// engine/statistics/intervals.hpp - intervals for the mean of one sample: of a level, or of paired
// differences.
//
// Which of them to show is decided in engine/statistics/cell.hpp; these are the methods. Notation: n values,
// mean m, deviation s (divisor n - 1), error e = s / sqrt(n).
//
//   Student's t           m -+ t(.975, n-1) e
//   bootstrap-t           m - q(.975) e to m - q(.025) e, q the quantiles of (m* - m) / e* over resamples
//   percentile            quantiles .025 and .975 of m*
//   expanded percentile   quantiles Phi(-z) and Phi(z) of m*, z = sqrt(n / (n-1)) t(.975, n-1)
//   basic                 2 m minus the percentile interval
//   BCa                   quantiles shifted by bias and acceleration
//   sign-flip             order statistics of the subset means
//
// Percent of samples whose 95 % interval held the true mean (docs/statistics.md: the whole table, and the
// command that makes it). At the ceiling bootstrap-t gives none where half of the values are tied.
//
//                         normal            exponential       35 % at a ceiling
//                         n = 5  10    15      5    10    15     5    10    15
//   Student's t            94.8  94.9  95.0   88.0  90.3  91.0  90.0  92.4  92.9
//   bootstrap-t            94.8  94.7  95.0   92.7  94.1  94.2  74.3  73.7  85.8  of 77, 75, 88 % given
//   percentile             83.5  90.2  92.2   77.9  86.3  88.7  82.3  88.9  91.0
//   expanded percentile    91.7  94.4  94.7   86.3  91.0  91.6  89.4  93.3  93.8
//   BCa                    83.5  90.2  92.0   79.6  87.5  89.8  85.4  91.6  92.7
//   sign-flip              93.6  95.1  95.1   88.8  90.9  91.1  91.5  93.0  93.2
//
// Percentile, basic and BCa are too narrow by sqrt((n-1)/n) z/t and are here for comparison with other
// programs. All of them return nothing for fewer than two values and for values that do not vary, and throw
// std::invalid_argument for NaN, infinity, a confidence outside (0, 1) and too few resamples.
#pragma once

#include <optional>
#include <span>

#include "engine/statistics/resampling.hpp"

namespace impsweep::statistics {

inline constexpr std::size_t kLeastSeeds = 5;  // below, values are shown and no interval of them

struct Interval {
  double low = 0, high = 0;
  double width() const { return high - low; }
  bool contains(double value) const { return low <= value && value <= high; }
};

// What the quantity cannot leave is cut off: returns of Cart-Pole lie in 0 to 500.
Interval clipped(const Interval&, std::optional<double> lower, std::optional<double> upper);

// Exact for normal values; close for any symmetric ones and for means over rounds. One-sided error where the
// values are skewed: of an exponential sample of five, 0.4 % below and 11 % above.
std::optional<Interval> student_t_interval(std::span<const double>, double confidence = 0.95);

// Equal-tailed (Efron and Tibshirani 1993, section 12.5). A resample of equal values has error 0 and counts
// as infinite on the side of its mean, as 0 where its mean is the sample's. Nothing if a quantile that is
// needed is infinite, or if half of the values or more are equal.
std::optional<Interval> bootstrap_t_interval(std::span<const double>, const Resampling&,
                                             double confidence = 0.95);

// The percentile interval widened to what t has (Hesterberg 2015). It never leaves the range of the values.
std::optional<Interval> expanded_percentile_interval(std::span<const double>, const Resampling&,
                                                     double confidence = 0.95);

// The share that the expanded percentile interval of samples of n values cuts off at either end.
double expanded_tail(std::size_t n, double confidence);

std::optional<Interval> percentile_interval(std::span<const double>, const Resampling&,
                                            double confidence = 0.95);
std::optional<Interval> basic_interval(std::span<const double>, const Resampling&, double confidence = 0.95);

// Bias-corrected and accelerated (Efron 1987); resampled means equal to the sample's up to rounding count one
// half in the correction. Nothing where all of them lie on one side.
std::optional<Interval> bca_interval(std::span<const double>, const Resampling&, double confidence = 0.95);

// Typical values (Hartigan 1969): of the 2^n - 1 means of non-empty subsets, the k-th from either end, with
// k = floor((1 - confidence) / 2 * 2^n), at least 1. Exact for symmetric values. `confidence` is what k
// gives: 93.75 % at five values, where no 95 % exists. Nothing beyond 20 values, where t is as good.
struct AttainedInterval {
  Interval interval;
  double confidence = 0;
};
std::optional<AttainedInterval> sign_flip_interval(std::span<const double>, double confidence = 0.95);

}  // namespace impsweep::statistics
