#include "io/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace impsweep {
namespace {

constexpr int kResamples = 10'000;
constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kManyRepetitions = 1000;

std::vector<double> mean_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    for (std::size_t i = first; i < last; ++i) ranks[order[i]] = static_cast<double>(first + last - 1) / 2;
  }
  return ranks;
}

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

double interquartile_mean(std::vector<double> values) {
  if (values.empty()) return kNotANumber;
  std::ranges::sort(values);
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto place = static_cast<double>(i);
    sum += values[i] * std::max(0.0, std::min(place + 1, 0.75 * count) - std::max(place, 0.25 * count));
  }
  return sum / (0.5 * count);
}

Interval bootstrap_interval(std::span<const std::size_t> sample_sizes, const Statistic& statistic,
                            double confidence, std::uint64_t seed) {
  Resample drawn;
  for (const std::size_t size : sample_sizes) {
    drawn.emplace_back(size);
    std::iota(drawn.back().begin(), drawn.back().end(), 0);
  }
  Interval interval;
  interval.mean = statistic(drawn);
  std::mt19937_64 generator(seed);
  std::vector<double> values(kResamples);
  for (double& value : values) {
    // The modulo's bias is below 1e-15 for any number of seeds; library distributions differ between
    // platforms.
    for (std::vector<std::size_t>& sample : drawn)
      for (std::size_t& index : sample) index = generator() % sample.size();
    value = statistic(drawn);
  }
  std::ranges::sort(values);
  const double tail = (1 - confidence) / 2;
  interval.low = values[static_cast<std::size_t>(tail * (kResamples - 1))];
  interval.high = values[static_cast<std::size_t>((1 - tail) * (kResamples - 1))];
  return interval;
}

Interval bootstrap_interval(const std::vector<double>& values, double confidence) {
  if (values.empty()) return {};
  const std::size_t size = values.size();
  return bootstrap_interval(
      {&size, 1},
      [&](const Resample& drawn) {
        double sum = 0;
        for (const std::size_t index : drawn[0]) sum += values[index];
        return sum / static_cast<double>(size);
      },
      confidence);
}

Interval bootstrap_difference(const std::vector<double>& a, const std::vector<double>& b) {
  const std::size_t sizes[] = {a.size(), b.size()};
  const auto mean = [](const std::vector<double>& values, const std::vector<std::size_t>& drawn) {
    double sum = 0;
    for (const std::size_t index : drawn) sum += values[index];
    return sum / static_cast<double>(drawn.size());
  };
  return bootstrap_interval(sizes,
                            [&](const Resample& drawn) { return mean(a, drawn[0]) - mean(b, drawn[1]); });
}

std::optional<std::int64_t> more_needed(const Interval& interval, std::size_t count, double reference) {
  const double distance = std::abs(interval.mean - reference);
  const double half_width =
      interval.mean > reference ? interval.mean - interval.low : interval.high - interval.mean;
  const double ratio = half_width / distance;
  const double needed = static_cast<double>(count) * ratio * ratio;
  if (!(needed <= static_cast<double>(kManyRepetitions))) return std::nullopt;
  return std::max<std::int64_t>(
      0, static_cast<std::int64_t>(std::ceil(needed)) - static_cast<std::int64_t>(count));
}

std::optional<double> lowest_sufficient_density(std::span<const double> density,
                                                std::span<const double> performance, double alpha) {
  std::optional<double> lowest;
  for (std::size_t i = 0; i < density.size() && performance[i] >= alpha; ++i) lowest = density[i];
  return lowest;
}

double exceedance(std::span<const double> first, std::span<const double> second) {
  if (first.empty() || second.empty()) return kNotANumber;
  double wins = 0;
  for (const double a : first)
    for (const double b : second) wins += a > b ? 1 : a == b ? 0.5 : 0;
  return wins / (static_cast<double>(first.size()) * static_cast<double>(second.size()));
}

double rank_correlation(std::span<const double> x, std::span<const double> y) {
  const std::vector<double> a = mean_ranks(x), b = mean_ranks(y);
  const MeanDeviation of_a = mean_deviation(a), of_b = mean_deviation(b);
  if (of_a.deviation == 0 || of_b.deviation == 0) return kNotANumber;
  double covariance = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    covariance += (a[i] - of_a.mean) * (b[i] - of_b.mean) / static_cast<double>(a.size());
  return covariance / (of_a.deviation * of_b.deviation);
}

std::optional<double> interpolate(std::span<const double> x, std::span<const double> y, double at) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == at) return y[i];
    if (i + 1 < x.size() && x[i] < at && at < x[i + 1])
      return y[i] + (y[i + 1] - y[i]) * (at - x[i]) / (x[i + 1] - x[i]);
  }
  return std::nullopt;
}

}  // namespace impsweep
