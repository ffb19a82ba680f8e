#include "engine/statistics/trend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <stdexcept>

#include "engine/statistics/describe.hpp"

namespace impsweep::statistics {
namespace {

// Whether there is nothing missing; infinite values throw.
bool all_measured(std::span<const double> values, const char* what) {
  if (std::ranges::any_of(values, [](double value) { return std::isnan(value); })) return false;
  require_finite(values, what);
  return true;
}

bool are_curve(std::span<const double> x, std::span<const double> y, const char* what) {
  require_same_size(x.size(), y.size(), what);
  return all_measured(x, what) && all_measured(y, what) && x.size() >= 2;
}

int sign(double value) {
  return value > 0 ? 1 : value < 0 ? -1 : 0;
}

}  // namespace

std::optional<double> least_squares_slope(std::span<const double> x, std::span<const double> y) {
  if (!are_curve(x, y, "least_squares_slope") || !describe(x).varies) return std::nullopt;
  const double mean_x = mean(x), mean_y = mean(y);
  double products = 0, squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    products += (x[i] - mean_x) * (y[i] - mean_y);
    squares += (x[i] - mean_x) * (x[i] - mean_x);
  }
  return products / squares;
}

std::optional<double> slope_per_round(std::span<const double> y) {
  std::vector<double> rounds(y.size());
  std::iota(rounds.begin(), rounds.end(), 0);
  return least_squares_slope(rounds, y);
}

std::optional<double> theil_sen_slope(std::span<const double> x, std::span<const double> y) {
  if (!are_curve(x, y, "theil_sen_slope")) return std::nullopt;
  std::vector<double> slopes;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = i + 1; j < x.size(); ++j)
      if (x[i] != x[j]) slopes.push_back((y[j] - y[i]) / (x[j] - x[i]));
  if (slopes.empty()) return std::nullopt;
  return median(slopes);
}

std::optional<double> kendall_tau(std::span<const double> x, std::span<const double> y) {
  if (!are_curve(x, y, "kendall_tau")) return std::nullopt;
  std::int64_t agreement = 0, different_x = 0, different_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      const int of_x = sign(x[j] - x[i]), of_y = sign(y[j] - y[i]);
      agreement += of_x * of_y;
      different_x += of_x != 0;
      different_y += of_y != 0;
    }
  }
  if (different_x == 0 || different_y == 0) return std::nullopt;
  return static_cast<double>(agreement) /
         std::sqrt(static_cast<double>(different_x) * static_cast<double>(different_y));
}

std::optional<double> mean_over_rounds(std::span<const double> y, std::size_t first, std::size_t last) {
  if (first > last)
    throw std::invalid_argument(fmt::format("mean_over_rounds: rounds {} to {} are none", first, last));
  if (last >= y.size()) return std::nullopt;
  const std::span<const double> range = y.subspan(first, last - first + 1);
  if (!all_measured(range, "mean_over_rounds")) return std::nullopt;
  return mean(range);
}

std::optional<double> rise_over_dense(std::span<const double> y, std::size_t first, std::size_t last) {
  const std::optional<double> level = mean_over_rounds(y, first, last);
  const std::optional<double> dense = mean_over_rounds(y, 0, 0);
  if (!level || !dense) return std::nullopt;
  return *level - *dense;
}

std::optional<double> interpolate(std::span<const double> x, std::span<const double> y, double at) {
  require_same_size(x.size(), y.size(), "interpolate");
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == at) return y[i];
    if (i + 1 < x.size() && x[i] < at && at < x[i + 1])
      return y[i] + (y[i + 1] - y[i]) * (at - x[i]) / (x[i + 1] - x[i]);
  }
  return std::nullopt;
}

}  // namespace impsweep::statistics
