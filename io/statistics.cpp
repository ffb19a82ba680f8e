#include "io/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>

namespace impsweep {
namespace {

constexpr int kResamples = 10'000;

}  // namespace

MeanDeviation mean_deviation(const std::vector<double>& values) {
  MeanDeviation result;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) result.mean += value / count;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  if (!values.empty()) result.deviation = std::sqrt(squares / count);
  return result;
}

Interval bootstrap_interval(const std::vector<double>& values, double confidence) {
  Interval interval;
  if (values.empty()) return interval;
  interval.mean = mean_deviation(values).mean;
  std::mt19937_64 generator(20210504);
  std::vector<double> means(kResamples);
  for (double& mean : means) {
    mean = 0;
    // The modulo's bias is below 1e-15 for any number of seeds; library distributions differ between
    // platforms.
    for (std::size_t i = 0; i < values.size(); ++i) mean += values[generator() % values.size()];
    mean /= static_cast<double>(values.size());
  }
  std::ranges::sort(means);
  const double tail = (1 - confidence) / 2;
  interval.low = means[static_cast<std::size_t>(tail * (kResamples - 1))];
  interval.high = means[static_cast<std::size_t>((1 - tail) * (kResamples - 1))];
  return interval;
}

}  // namespace impsweep
