#include "engine/statistics/distributions.hpp"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace impsweep::statistics {
namespace {

namespace math = boost::math;
// Long double is another format on another processor; double is the same everywhere.
using Policy = math::policies::policy<math::policies::promote_double<false>>;
using Normal = math::normal_distribution<double, Policy>;
using StudentsT = math::students_t_distribution<double, Policy>;

}  // namespace

double normal_cumulative(double x) {
  return math::cdf(Normal(), x);
}

double normal_upper_tail(double x) {
  return math::cdf(math::complement(Normal(), x));
}

double normal_quantile(double p) {
  return math::quantile(Normal(), p);
}

double t_upper_tail(double x, double degrees) {
  return math::cdf(math::complement(StudentsT(degrees), x));
}

double t_quantile(double p, double degrees) {
  return math::quantile(StudentsT(degrees), p);
}

double noncentral_t_upper_tail(double x, double degrees, double shift) {
  if (shift == 0) return t_upper_tail(x, degrees);
  return math::cdf(math::complement(math::non_central_t_distribution<double, Policy>(degrees, shift), x));
}

double chi_squared_upper_tail(double x, double degrees) {
  return math::cdf(math::complement(math::chi_squared_distribution<double, Policy>(degrees), x));
}

double beta_quantile(double p, double a, double b) {
  return math::quantile(math::beta_distribution<double, Policy>(a, b), p);
}

double deviation_ratio_density(double s, double degrees) {
  if (s <= 0) return 0;
  return math::pdf(math::chi_squared_distribution<double, Policy>(degrees), degrees * s * s) * 2 * degrees *
         s;
}

double binomial_at_least(int least, int n, double p) {
  if (least <= 0) return 1;
  return math::cdf(math::complement(math::binomial_distribution<double, Policy>(n, p), least - 1));
}

double binomial_at_most(int most, int n, double p) {
  if (most < 0) return 0;
  return math::cdf(math::binomial_distribution<double, Policy>(n, p), most);
}

}  // namespace impsweep::statistics
