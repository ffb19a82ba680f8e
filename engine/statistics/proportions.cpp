#include "engine/statistics/proportions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/distributions.hpp"

namespace impsweep::statistics {
namespace {

void require_count(int successes, int n, double confidence, const char* what) {
  require_confidence(confidence, what);
  if (n < 1 || successes < 0 || successes > n)
    throw std::invalid_argument(fmt::format("{}: {} of {}", what, successes, n));
}

}  // namespace

Interval clopper_pearson_interval(int successes, int n, double confidence) {
  require_count(successes, n, confidence, "clopper_pearson_interval");
  const double tail = (1 - confidence) / 2;
  return {successes == 0 ? 0 : beta_quantile(tail, successes, n - successes + 1),
          successes == n ? 1 : beta_quantile(1 - tail, successes + 1, n - successes)};
}

Interval wilson_interval(int successes, int n, double confidence) {
  require_count(successes, n, confidence, "wilson_interval");
  const double z = normal_quantile(1 - (1 - confidence) / 2), share = static_cast<double>(successes) / n;
  const double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4.0 * n * n));
  return {successes == 0 ? 0 : std::max(0.0, centre - half),
          successes == n ? 1 : std::min(1.0, centre + half)};
}

Interval jeffreys_interval(int successes, int n, double confidence) {
  require_count(successes, n, confidence, "jeffreys_interval");
  const double tail = (1 - confidence) / 2;
  return {beta_quantile(tail, successes + 0.5, n - successes + 0.5),
          beta_quantile(1 - tail, successes + 0.5, n - successes + 0.5)};
}

}  // namespace impsweep::statistics
