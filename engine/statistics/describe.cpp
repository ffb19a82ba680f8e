#include "engine/statistics/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace impsweep::statistics {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

double largest_magnitude(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace

void require_finite(std::span<const double> values, std::string_view what) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      throw std::invalid_argument(
          fmt::format("{}: value {} of {} is {}; what was not measured must be dropped", what, i,
                      values.size(), values[i]));
}

void require_same_size(std::size_t a, std::size_t b, std::string_view what) {
  if (a != b) throw std::invalid_argument(fmt::format("{}: {} values against {}", what, a, b));
}

void require_confidence(double confidence, std::string_view what) {
  if (!(confidence > 0 && confidence < 1))
    throw std::invalid_argument(
        fmt::format("{}: the confidence {} is not between 0 and 1", what, confidence));
}

double rounding_of_sum(std::span<const double> values) {
  return static_cast<double>(values.size()) * kEpsilon * largest_magnitude(values);
}

double mean(std::span<const double> values) {
  require_finite(values, "mean");
  if (values.empty()) throw std::invalid_argument("mean: no values");
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

Description describe(std::span<const double> values) {
  Description result;
  result.n = values.size();
  result.mean = mean(values);
  const auto [smallest, largest] = std::ranges::minmax(values);
  result.smallest = smallest;
  result.largest = largest;
  result.varies = largest - smallest > rounding_of_sum(values);
  if (!result.varies) return result;
  const auto n = static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(squares / (n - 1));
  result.standard_error = result.deviation / std::sqrt(n);
  return result;
}

double quantile_of_sorted(std::span<const double> ascending, double p) {
  if (ascending.empty()) throw std::invalid_argument("quantile_of_sorted: no values");
  if (!(p >= 0 && p <= 1))
    throw std::invalid_argument(fmt::format("quantile_of_sorted: the share {} is not in [0, 1]", p));
  const double position = p * static_cast<double>(ascending.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(position), ascending.size() - 1);
  const double fraction = position - static_cast<double>(below);
  // An infinite neighbour that has no weight must not make NaN of a finite value.
  if (fraction == 0 || ascending[below] == ascending[below + 1]) return ascending[below];
  return ascending[below] + fraction * (ascending[below + 1] - ascending[below]);
}

double median(std::span<const double> values) {
  require_finite(values, "median");
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return quantile_of_sorted(sorted, 0.5);
}

std::vector<double> paired_differences(std::span<const double> a, std::span<const double> b) {
  require_same_size(a.size(), b.size(), "paired_differences");
  require_finite(a, "paired_differences");
  require_finite(b, "paired_differences");
  std::vector<double> differences(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) differences[i] = a[i] - b[i];
  if (differences.empty()) return differences;
  const auto [smallest, largest] = std::ranges::minmax(differences);
  const double rounding = 2 * kEpsilon * std::max(largest_magnitude(a), largest_magnitude(b));
  if (largest - smallest <= rounding) {
    const bool zero = smallest <= 0 && largest >= 0;
    std::ranges::fill(differences, zero ? 0 : differences.front());
  }
  return differences;
}

std::size_t count_at_upper(std::span<const double> values, double bound) {
  return static_cast<std::size_t>(
      std::ranges::count_if(values, [&](double value) { return value >= bound; }));
}

std::size_t count_at_lower(std::span<const double> values, double bound) {
  return static_cast<std::size_t>(
      std::ranges::count_if(values, [&](double value) { return value <= bound; }));
}

Tie commonest_value(std::span<const double> values) {
  require_finite(values, "commonest_value");
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  Tie commonest;
  for (std::size_t first = 0, last = 0; first < sorted.size(); first = last) {
    while (last < sorted.size() && sorted[last] == sorted[first]) ++last;
    if (last - first > commonest.count) commonest = {sorted[first], last - first};
  }
  return commonest;
}

Complete complete(std::span<const double> values) {
  Complete result;
  for (const double value : values) {
    if (std::isnan(value))
      ++result.dropped;
    else
      result.values.push_back(value);
  }
  require_finite(result.values, "complete");
  return result;
}

CompletePairs complete_pairs(std::span<const double> a, std::span<const double> b) {
  require_same_size(a.size(), b.size(), "complete_pairs");
  CompletePairs result;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) {
      ++result.dropped;
    } else {
      result.a.push_back(a[i]);
      result.b.push_back(b[i]);
    }
  }
  require_finite(result.a, "complete_pairs");
  require_finite(result.b, "complete_pairs");
  return result;
}

}  // namespace impsweep::statistics
