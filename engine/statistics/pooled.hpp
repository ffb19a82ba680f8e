// engine/statistics/pooled.hpp - one effect from several tasks or settings.
//
// Strata are [task or setting][seed]; values must be comparable across them (normalised first). Two
// questions, two answers:
//
//   the mean over *these* tasks       satterthwaite (seeds independent between tasks), seed_means_t (the same
//                                     seeds behind all tasks: shared teachers, one initialisation),
//                                     stratified_bootstrap_t (skewed levels)
//   the effect in *another* setting   other_setting_t, from four settings on
//
// Weights by inverse variance (meta_analysis) are those of the literature and are there for comparison: below
// 15 seeds the weights come from chance. Nothing is pooled that does not vary.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "engine/statistics/intervals.hpp"

namespace impsweep::statistics {

// M = mean over m strata of mean_j; V = sum v_j / m^2, v_j = s_j^2 / n_j; f = V^2 / sum((v_j / m^2)^2 /
// (n_j - 1)); M -+ t(.975, f) sqrt(V) (Welch-Satterthwaite). Covers 94 to 96 % from three seeds on where
// tasks have different scales, 90 % for exponential levels of five seeds. Two seeds in each stratum at least.
struct Pooled {
  double estimate = 0, standard_error = 0, degrees = 0;
  double p_greater = 0, p_less = 0;
  Interval interval;
  std::size_t constant_strata = 0;  // that do not vary, and so add nothing to V
};
std::optional<Pooled> satterthwaite(const Strata&, double confidence = 0.95);

// Student's t over the seeds' means across strata: seed i is entry i of each stratum. Covers as well, and is
// 12 to 23 % wider at five seeds.
std::optional<Interval> seed_means_t_interval(const Strata&, double confidence = 0.95);

// Equal-tailed bootstrap-t of M, each stratum resampled for itself. Infinite and missing as in
// bootstrap_t_interval.
std::optional<Interval> stratified_bootstrap_t_interval(const Strata&, const Resampling&,
                                                        double confidence = 0.95);

// Student's t over the effects of settings, m - 1 degrees of freedom: what another setting like these may
// show. Nothing below four settings.
inline constexpr std::size_t kLeastOtherSettings = 4;
std::optional<Interval> other_setting_t_interval(std::span<const double> effects, double confidence = 0.95);

// Effects y_j with known variances v_j, w_j = 1 / v_j. False positives at 5, 10, 15 seeds when s_j^2 / n_j is
// put in for v_j: fixed effect 22, 11, 8 %; DerSimonian-Laird 8, 6, 5 %; Q as a test 28, 15, 11 %.
struct MetaAnalysis {
  double fixed = 0, fixed_standard_error = 0;  // sum(w y) / sum(w), 1 / sqrt(sum(w))
  double q = 0, q_p = 0;                       // Cochran: sum(w (y - fixed)^2), chi^2 with m - 1
  double i2 = 0;                               // max(0, (Q - (m-1)) / Q)
  double tau2_untruncated = 0,
         tau2 = 0;  // DerSimonian-Laird: (Q - (m-1)) / (sum(w) - sum(w^2) / sum(w)), cut at 0
  double random = 0, random_standard_error = 0;    // the same as fixed, with w = 1 / (v + tau^2)
  Interval random_interval;                        // normal
  double hartung_knapp_standard_error = 0;         // sqrt(sum(w (y - random)^2) / ((m-1) sum(w)))
  std::optional<Interval> hartung_knapp_interval;  // t with m - 1; nothing if the effects do not vary
  double tau2_paule_mandel = 0;                    // makes the generalised Q equal m - 1
  double random_paule_mandel = 0;
};
// Two effects at least, variances positive; else std::invalid_argument.
MetaAnalysis meta_analysis(std::span<const double> effects, std::span<const double> variances,
                           double confidence = 0.95);

}  // namespace impsweep::statistics
