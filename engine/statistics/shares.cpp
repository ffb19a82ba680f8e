#include "engine/statistics/shares.hpp"

#include <algorithm>
#include <cmath>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/distributions.hpp"

namespace impsweep::statistics {

Share fieller_share(std::span<const double> part, std::span<const double> total, double confidence) {
  require_confidence(confidence, "fieller_share");
  require_same_size(part.size(), total.size(), "fieller_share");
  const Description p = describe(part), t = describe(total);
  Share share;
  if (t.mean != 0) share.estimate = p.mean / t.mean;
  if (p.n < 2 || (!p.varies && !t.varies)) return share;
  const auto n = static_cast<double>(p.n);
  double products = 0;
  if (p.varies && t.varies)
    for (std::size_t i = 0; i < part.size(); ++i) products += (part[i] - p.mean) * (total[i] - t.mean);
  const double quantile = t_quantile(1 - (1 - confidence) / 2, n - 1), square = quantile * quantile;
  const double a = t.mean * t.mean - square * t.standard_error * t.standard_error;
  const double b = p.mean * t.mean - square * products / (n - 1) / n;
  const double c = p.mean * p.mean - square * p.standard_error * p.standard_error;
  if (!(a > 0)) return share;
  // Where part and total are proportional the contrast vanishes at one r, and rounding may fall below 0.
  const double root = std::sqrt(std::max(0.0, b * b - a * c));
  share.interval = Interval{(b - root) / a, (b + root) / a};
  return share;
}

}  // namespace impsweep::statistics
