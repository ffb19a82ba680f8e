// engine/statistics/describe.hpp - numbers that describe one sample, and what every method asks of its
// values.
//
//   mean       sum(x) / n
//   deviation  sqrt(sum((x - mean)^2) / (n - 1)), the sample's
//   error      deviation / sqrt(n), of the mean
//
// Sums run in the order of the values, so that equal values give equal bits. No method of this folder lets
// NaN or infinity take part: they throw std::invalid_argument, which names the value. Whoever has gaps in his
// data drops them first, by complete() or complete_pairs(), and says how many.
//
// Values that differ by rounding alone do not vary: their deviation would be noise of the arithmetic, and a t
// statistic made of it would be huge. No test and no interval of a mean exists then (`varies` is false).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace impsweep::statistics {

struct Description {
  std::size_t n = 0;
  double mean = 0;
  double deviation = 0;       // 0 for a single value
  double standard_error = 0;  // 0 for a single value
  double smallest = 0, largest = 0;
  bool varies = false;  // two values at least, which differ by more than rounding
};
// At least one value.
Description describe(std::span<const double>);

double mean(std::span<const double>);
double median(std::span<const double>);

// Quantile p in [0, 1] of ascending values, interpolated linearly between order statistics (type 7 of Hyndman
// and Fan 1996, as numpy's): position p (n - 1).
double quantile_of_sorted(std::span<const double> ascending, double p);

// a[i] - b[i]. Where all differences agree up to the rounding of the values that they were made of, they are
// made equal.
std::vector<double> paired_differences(std::span<const double> a, std::span<const double> b);

// How many values have reached the bound: at or above an upper one, at or below a lower one.
std::size_t count_at_upper(std::span<const double>, double bound);
std::size_t count_at_lower(std::span<const double>, double bound);

// The value that occurs most often (of several the smallest), and how often.
struct Tie {
  double value = 0;
  std::size_t count = 0;
};
Tie commonest_value(std::span<const double>);

// Without the NaN among the values, which stand for what was not measured. Infinite values throw.
struct Complete {
  std::vector<double> values;
  std::size_t dropped = 0;
};
Complete complete(std::span<const double>);

// Pairs of which both were measured.
struct CompletePairs {
  std::vector<double> a, b;
  std::size_t dropped = 0;
};
CompletePairs complete_pairs(std::span<const double> a, std::span<const double> b);

// What the methods are guarded by. `what` begins the message: "student_t_interval".
void require_finite(std::span<const double>, std::string_view what);
void require_same_size(std::size_t a, std::size_t b, std::string_view what);
void require_confidence(double confidence, std::string_view what);  // in (0, 1)

// Sums of these values that differ by less are the same number: n times the rounding of the largest.
double rounding_of_sum(std::span<const double>);

}  // namespace impsweep::statistics
