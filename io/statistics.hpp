// io/statistics.hpp - small statistics over repetitions.
#pragma once

#include <vector>

namespace impsweep {

struct MeanDeviation {
  double mean = 0, deviation = 0;  // population form
};
MeanDeviation mean_deviation(const std::vector<double>&);

// Percentile bootstrap of the mean: resamples with replacement from a fixed random sequence, so the same
// values give the same interval. With one value the interval is that value.
struct Interval {
  double mean = 0, low = 0, high = 0;
};
Interval bootstrap_interval(const std::vector<double>&, double confidence = 0.95);

}  // namespace impsweep
