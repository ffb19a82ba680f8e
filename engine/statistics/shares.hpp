// engine/statistics/shares.hpp - how much of a total a part is, from paired values of both (Fieller 1954).
//
// The share mean(part) / mean(total) has no useful bootstrap interval at few seeds (percentile: 83 % at
// five). Fieller's set holds every r with |mean(part - r total)| <= t(n-1) error(part - r total); with
//   A = T^2 - t^2 s_TT / n,  B = P T - t^2 s_PT / n,  C = P^2 - t^2 s_PP / n
// it is the interval (B -+ sqrt(B^2 - A C)) / A if A > 0: if the total itself differs from 0. Otherwise it is
// unbounded, and there is none. Covers 94.6 to 95.3 % at 5, 10 and 15 seeds for normal values. State the
// denominator beside it: "of all that pruning costs" and "of mask and weights" are different totals.
#pragma once

#include <optional>
#include <span>

#include "engine/statistics/intervals.hpp"

namespace impsweep::statistics {

struct Share {
  std::optional<double> estimate;    // nothing if the total's mean is 0
  std::optional<Interval> interval;  // nothing if the total does not differ from 0 at this confidence
};
// Nothing but an estimate for fewer than two seeds and for a total and a part that do not vary.
Share fieller_share(std::span<const double> part, std::span<const double> total, double confidence = 0.95);

}  // namespace impsweep::statistics
