// engine/statistics/proportions.hpp - intervals for the share of seeds that did something: k of n.
//
// Clopper-Pearson never covers less than it says (5 of 5: .48 to 1; 10 of 10: .69 to 1) and is what the
// project shows. Wilson's and Jeffreys' are shorter, cover 95 % on average over the shares, and less for some
// of them. k outside 0 to n, or n = 0, throws std::invalid_argument.
#pragma once

#include "engine/statistics/intervals.hpp"

namespace impsweep::statistics {

// Beta quantiles (a/2; k, n-k+1) and (1-a/2; k+1, n-k); 0 at k = 0, 1 at k = n.
Interval clopper_pearson_interval(int successes, int n, double confidence = 0.95);

// The shares p with |k/n - p| <= z sqrt(p (1-p) / n).
Interval wilson_interval(int successes, int n, double confidence = 0.95);

// Beta quantiles (a/2, 1-a/2; k + 1/2, n-k + 1/2).
Interval jeffreys_interval(int successes, int n, double confidence = 0.95);

}  // namespace impsweep::statistics
