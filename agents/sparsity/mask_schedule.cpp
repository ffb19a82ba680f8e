#include "agents/sparsity/mask_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace impsweep {

double cubic_sparsity(std::int64_t t, std::int64_t start, std::int64_t end, double initial, double target) {
  if (t >= end) return target;
  if (t <= start) return initial;
  const double left = 1.0 - static_cast<double>(t - start) / static_cast<double>(end - start);
  return target + (initial - target) * left * left * left;
}

double cosine_fraction(std::int64_t t, double fraction, std::int64_t end) {
  if (t >= end) return 0.0;
  return fraction / 2.0 *
         (1.0 + std::cos(std::numbers::pi * static_cast<double>(t) / static_cast<double>(end)));
}

std::optional<std::int64_t> MaskSchedule::last_change(std::int64_t before, std::int64_t now) const {
  const auto if_after = [&](std::int64_t t) { return t > before ? std::optional(t) : std::nullopt; };
  switch (method) {
    case SparseMethod::kNone:
      return std::nullopt;
    case SparseMethod::kGradual:
      if (now >= end) return if_after(end);
      if (now < start) return std::nullopt;
      return if_after(start + (now - start) / interval * interval);
    case SparseMethod::kSet:
    case SparseMethod::kRigl:
      const std::int64_t last = std::min(now, end - 1) / interval * interval;
      return last > 0 ? if_after(last) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace impsweep
