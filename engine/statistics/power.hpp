// engine/statistics/power.hpp - how many seeds a decision needs, before and after looking.
//
// delta is the mean difference in deviations of the differences, normal values assumed. Of the paired t test,
// two-sided at 5 %:
//
//   n    power at delta .5 / .8 / 1 / 1.5 / 2    80 % at    equivalence shown with 80 % (95 / 90 % interval)
//   5             14 / 28 / 40 / 71 / 91 %         1.68          within 1.94 / 1.60 deviations
//   10            29 / 62 / 80 / 99 / 100 %        1.00          within 1.15 / 1.00
//   15            44 / 82 / 95 / 100 / 100 %       0.78          within 0.90 / 0.79
//
// Power at the delta that was observed says how many seeds an undecided comparison would need if the estimate
// were the truth, and nothing more. n is 2 at least, else std::invalid_argument.
#pragma once

#include <optional>
#include <span>

namespace impsweep::statistics {

enum class Sides { kOne, kTwo };

inline constexpr double kPower = 0.8;
inline constexpr int kMostSeeds = 1000;  // more are as good as never

// Noncentral t with n - 1 degrees of freedom and shift sqrt(n) delta. One-sided: of the greater side.
double paired_t_power(int n, double delta, double alpha = 0.05, Sides = Sides::kTwo);

// The smallest n, and the smallest delta > 0, with that power. No n for delta 0 and where kMostSeeds are too
// few.
std::optional<int> seeds_for_power(double delta, double alpha = 0.05, Sides = Sides::kTwo,
                                   double power = kPower);
double detectable_delta(int n, double alpha = 0.05, Sides = Sides::kTwo, double power = kPower);

// P(the interval of Student's t lies inside (-margin, margin)), margin and true mean `shift` in deviations.
double equivalence_power(int n, double margin, double shift = 0, double confidence = 0.95);

// The smallest margin with that power when there is no difference, and the smallest n for a margin.
double equivalence_margin(int n, double confidence = 0.95, double power = kPower);
std::optional<int> seeds_for_equivalence(double margin, double shift = 0, double confidence = 0.95,
                                         double power = kPower);

// Seeds per stratum for the pooled mean M of pooled.hpp: deviations s_j of the strata, all with as many
// seeds.
std::optional<int> seeds_for_pooled_power(double mean, std::span<const double> deviations,
                                          double alpha = 0.05, double power = kPower);

// Seeds at which as many successes as make k of n significant (one-sided, alpha) come with that power, when
// each comes with probability `share` instead of `chance`. Nothing unless share > chance.
std::optional<int> seeds_for_count(double share, double chance, double alpha = 0.05, double power = kPower);

}  // namespace impsweep::statistics
