// engine/statistics/distributions.hpp - the distributions that tests and intervals refer to.
//
// All by Boost.Math in double precision, good to about twelve digits. Upper tails are computed as such, so
// that small ones keep their digits. Degrees of freedom are positive reals: Welch's are no integers. Shares p
// lie in (0, 1). Anything else throws std::domain_error.
#pragma once

namespace impsweep::statistics {

double normal_cumulative(double x);  // P(Z <= x)
double normal_upper_tail(double x);  // P(Z > x)
double normal_quantile(double p);

double t_upper_tail(double x, double degrees);  // P(T > x)
double t_quantile(double p, double degrees);

// P(T > x), where T = (Z + shift) / sqrt(chi^2 / degrees): Student's noncentral t.
double noncentral_t_upper_tail(double x, double degrees, double shift);

double chi_squared_upper_tail(double x, double degrees);
double beta_quantile(double p, double a, double b);

// The density of s = sqrt(chi^2 / degrees), the ratio of a sample's deviation to the true one.
double deviation_ratio_density(double s, double degrees);

// Successes X of n independent trials with probability p each: P(X >= least), P(X <= most).
double binomial_at_least(int least, int n, double p);
double binomial_at_most(int most, int n, double p);

}  // namespace impsweep::statistics
