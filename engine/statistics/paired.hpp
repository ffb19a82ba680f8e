// engine/statistics/paired.hpp - tests of paired differences d_i = a_i - b_i, one for each seed, and Welch's
// for samples that nothing pairs.
//
// Pairing is the default here, as the arms of a seed share their round 0; choose before looking. Where the
// arms do not correlate, the paired test needs a difference of 2.4 deviations of an arm for 80 % power at
// n = 5, Welch's 2.0.
//
// Differences that do not vary have no t test: nothing is returned. Fewer than two values likewise. NaN and
// infinity throw std::invalid_argument.
#pragma once

#include <optional>
#include <span>

#include "engine/statistics/intervals.hpp"

namespace impsweep::statistics {

// (mean - reference) / error against Student's t with n - 1 degrees of freedom.
struct TTest {
  double estimate = 0, standard_error = 0, degrees = 0;
  double statistic = 0;
  double p_greater = 0, p_less = 0, p_two_sided = 0;
};
std::optional<TTest> t_test(std::span<const double> differences, double reference = 0);

// mean(a) - mean(b) with error sqrt(v_a + v_b), v = s^2 / n, and (v_a + v_b)^2 / (v_a^2 / (n_a - 1) + v_b^2 /
// (n_b - 1)) degrees of freedom.
std::optional<TTest> welch_test(std::span<const double> a, std::span<const double> b);
std::optional<Interval> welch_interval(std::span<const double> a, std::span<const double> b,
                                       double confidence = 0.95);

// Two one-sided tests of |mean| < margin (Schuirmann 1987): equivalent at level alpha if p < alpha, which is
// the same as the 1 - 2 alpha interval lying within the margin.
struct EquivalenceTest {
  double p_lower = 0;  // of mean <= -margin
  double p_upper = 0;  // of mean >= margin
  double p() const { return p_lower > p_upper ? p_lower : p_upper; }
};
std::optional<EquivalenceTest> equivalence_test(std::span<const double> differences, double margin);

// The share of all 2^n flips of signs whose mean reaches the one seen; two-sided is twice the smaller, at
// most 1. Exact if the two arms are exchangeable, and of nothing weaker. Smallest two-sided p: .25 (n = 3),
// .0625 (5), .031 (6), .0078 (8), .002 (10). It alone is defined without variance: zeros give 1. Nothing
// beyond 24 values, where flips are too many and t is as good.
struct SignFlipTest {
  double p_greater = 0, p_less = 0, p_two_sided = 0;
};
std::optional<SignFlipTest> sign_flip_test(std::span<const double> differences);

// Wilcoxon's signed ranks; zeros are dropped. Exact without zeros and ties up to 50 values, else the normal
// approximation with the variance corrected for ties and no correction for continuity. Nothing if all
// differences are zero.
struct WilcoxonTest {
  double rank_sum = 0;  // of the positive differences
  bool exact = false;
  double p_greater = 0, p_less = 0, p_two_sided = 0;
};
std::optional<WilcoxonTest> wilcoxon_test(std::span<const double> differences);

}  // namespace impsweep::statistics
