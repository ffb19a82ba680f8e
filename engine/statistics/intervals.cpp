#include "engine/statistics/intervals.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/distributions.hpp"

namespace impsweep::statistics {
namespace {

constexpr std::size_t kMostSubsets = 20;  // a million means

Interval quantiles(std::span<const double> ascending, double low, double high) {
  return {quantile_of_sorted(ascending, low), quantile_of_sorted(ascending, high)};
}

double tail(double confidence) {
  return (1 - confidence) / 2;
}

}  // namespace

Interval clipped(const Interval& interval, std::optional<double> lower, std::optional<double> upper) {
  Interval result = interval;
  if (lower) result = {std::max(result.low, *lower), std::max(result.high, *lower)};
  if (upper) result = {std::min(result.low, *upper), std::min(result.high, *upper)};
  return result;
}

std::optional<Interval> student_t_interval(std::span<const double> values, double confidence) {
  require_confidence(confidence, "student_t_interval");
  require_finite(values, "student_t_interval");
  if (values.size() < 2) return std::nullopt;
  const Description sample = describe(values);
  if (!sample.varies) return std::nullopt;
  const double half =
      t_quantile(1 - tail(confidence), static_cast<double>(sample.n - 1)) * sample.standard_error;
  return Interval{sample.mean - half, sample.mean + half};
}

std::optional<Interval> bootstrap_t_interval(std::span<const double> values, const Resampling& resampling,
                                             double confidence) {
  require_confidence(confidence, "bootstrap_t_interval");
  require_finite(values, "bootstrap_t_interval");
  if (values.size() < 2) return std::nullopt;
  const Description sample = describe(values);
  if (!sample.varies || 2 * commonest_value(values).count >= values.size()) return std::nullopt;
  const double rounding = rounding_of_sum(values);
  std::vector<double> statistics;
  statistics.reserve(static_cast<std::size_t>(resampling.resamples));
  for_each_resampled_mean(values, resampling, [&](const ResampledMean& drawn) {
    const double distance = drawn.mean - sample.mean;
    if (!drawn.constant)
      statistics.push_back(distance / drawn.standard_error);
    else if (std::abs(distance) <= rounding)
      statistics.push_back(0);
    else
      statistics.push_back(std::copysign(std::numeric_limits<double>::infinity(), distance));
  });
  std::ranges::sort(statistics);
  const Interval t = quantiles(statistics, tail(confidence), 1 - tail(confidence));
  if (!std::isfinite(t.low) || !std::isfinite(t.high)) return std::nullopt;
  return Interval{sample.mean - t.high * sample.standard_error, sample.mean - t.low * sample.standard_error};
}

std::optional<Interval> expanded_percentile_interval(std::span<const double> values,
                                                     const Resampling& resampling, double confidence) {
  require_confidence(confidence, "expanded_percentile_interval");
  require_finite(values, "expanded_percentile_interval");
  if (values.size() < 2 || !describe(values).varies) return std::nullopt;
  const double share = expanded_tail(values.size(), confidence);
  return quantiles(sorted_resampled_means(values, resampling), share, 1 - share);
}

double expanded_tail(std::size_t n, double confidence) {
  const auto size = static_cast<double>(n);
  return normal_upper_tail(std::sqrt(size / (size - 1)) * t_quantile(1 - tail(confidence), size - 1));
}

std::optional<Interval> percentile_interval(std::span<const double> values, const Resampling& resampling,
                                            double confidence) {
  require_confidence(confidence, "percentile_interval");
  require_finite(values, "percentile_interval");
  if (values.size() < 2 || !describe(values).varies) return std::nullopt;
  return quantiles(sorted_resampled_means(values, resampling), tail(confidence), 1 - tail(confidence));
}

std::optional<Interval> basic_interval(std::span<const double> values, const Resampling& resampling,
                                       double confidence) {
  const std::optional<Interval> percentile = percentile_interval(values, resampling, confidence);
  if (!percentile) return std::nullopt;
  const double twice = 2 * mean(values);
  return Interval{twice - percentile->high, twice - percentile->low};
}

std::optional<Interval> bca_interval(std::span<const double> values, const Resampling& resampling,
                                     double confidence) {
  require_confidence(confidence, "bca_interval");
  require_finite(values, "bca_interval");
  if (values.size() < 2) return std::nullopt;
  const Description sample = describe(values);
  if (!sample.varies) return std::nullopt;
  const std::vector<double> means = sorted_resampled_means(values, resampling);
  const double rounding = rounding_of_sum(values);
  double below = 0;
  for (const double m : means)
    below += m < sample.mean - rounding ? 1 : m <= sample.mean + rounding ? 0.5 : 0;
  const double share = below / static_cast<double>(means.size());
  if (share <= 0 || share >= 1) return std::nullopt;
  const double bias = normal_quantile(share);
  // Jackknife of a mean: leaving x out moves it by (x - mean) / (n - 1), so the skewness of the values is
  // left.
  double cubes = 0, squares = 0;
  for (const double value : values) {
    const double distance = value - sample.mean;
    squares += distance * distance;
    cubes += distance * distance * distance;
  }
  const double acceleration = cubes / (6 * std::pow(squares, 1.5));
  const auto adjusted = [&](double p) {
    const double z = bias + normal_quantile(p);
    return normal_cumulative(bias + z / (1 - acceleration * z));
  };
  return quantiles(means, adjusted(tail(confidence)), adjusted(1 - tail(confidence)));
}

std::optional<AttainedInterval> sign_flip_interval(std::span<const double> values, double confidence) {
  require_confidence(confidence, "sign_flip_interval");
  require_finite(values, "sign_flip_interval");
  if (values.size() < 2 || values.size() > kMostSubsets || !describe(values).varies) return std::nullopt;
  const std::uint32_t subsets = std::uint32_t{1} << values.size();
  std::vector<double> means;
  means.reserve(subsets - 1);
  for (std::uint32_t members = 1; members < subsets; ++members) {
    double sum = 0;
    int count = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if ((members >> i & 1) == 0) continue;
      sum += values[i];
      ++count;
    }
    means.push_back(sum / count);
  }
  // A hair is added, as .025 * 2^n must not miss a whole number by rounding.
  const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(tail(confidence) * subsets + 1e-9));
  const auto low = means.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::ranges::nth_element(means, low);
  const double smallest = *low;
  const auto high = means.end() - static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(means, high);
  return AttainedInterval{{smallest, *high}, 1 - 2 * static_cast<double>(rank) / subsets};
}

}  // namespace impsweep::statistics
