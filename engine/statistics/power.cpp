#include "engine/statistics/power.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <stdexcept>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/distributions.hpp"

namespace impsweep::statistics {
namespace {

void require_test(int n, double alpha, const char* what) {
  if (n < 2) throw std::invalid_argument(fmt::format("{}: {} seeds", what, n));
  require_confidence(alpha, what);
}

// P((Z + shift) / S > t): the noncentral tail. Far out the series of the distribution does not converge, and
// there the power is 1 to all digits unless a single degree of freedom makes t enormous.
double upper_power(double t, double degrees, double shift) {
  constexpr double kFar = 37;  // normal tails are 0 in double precision beyond
  if (shift > kFar && shift > 8 * t) return 1;
  if (shift < -kFar) return 0;
  return noncentral_t_upper_tail(t, degrees, shift);
}

// The smallest n from 2 on with power(n) >= wanted, where power grows with n. The search goes outwards from a
// guess, as most of these powers take long: the guess decides how long, and nothing else.
template <class Power>
std::optional<int> smallest_n(double wanted, double guess, const Power& power) {
  constexpr int kLeast = 2;
  const int first = static_cast<int>(std::clamp(guess, 1.0 * kLeast, 1.0 * kMostSeeds));
  const bool enough = power(first) >= wanted;
  int low = enough ? kLeast : first + 1,
      high = enough ? first : kMostSeeds + 1;  // the answer lies in [low, high]
  for (int step = 1; enough && high > low; step *= 2) {
    const int below = std::max(low, high - step);
    if (power(below) >= wanted)
      high = below;
    else
      low = below + 1;
    if (low > kLeast) break;
  }
  for (int step = 1; !enough && low <= kMostSeeds; step *= 2) {
    const int above = std::min(kMostSeeds, low + step - 1);
    if (power(above) >= wanted) {
      high = above;
      break;
    }
    low = above + 1;
  }
  while (low < high) {
    const int middle = (low + high) / 2;
    if (power(middle) >= wanted)
      high = middle;
    else
      low = middle + 1;
  }
  return low <= kMostSeeds ? std::optional(low) : std::nullopt;
}

// What a normal test with known deviation needs, and what t needs more.
double guessed_n(double delta, double tail, double power) {
  const double sum = normal_quantile(1 - tail) + normal_quantile(power);
  return sum * sum / (delta * delta) + normal_quantile(1 - tail) * normal_quantile(1 - tail) / 2 + 1;
}

// The root of a growing function of x > 0.
template <class Power>
double smallest_x(double wanted, const Power& power) {
  double low = 0, high = 1;
  while (power(high) < wanted) high *= 2;
  for (int step = 0; step < 100 && high - low > 1e-12 * high; ++step) {
    const double middle = (low + high) / 2;
    (power(middle) < wanted ? low : high) = middle;
  }
  return high;
}

}  // namespace

double paired_t_power(int n, double delta, double alpha, Sides sides) {
  require_test(n, alpha, "paired_t_power");
  const double degrees = n - 1, shift = std::sqrt(static_cast<double>(n)) * delta;
  const double t = t_quantile(1 - (sides == Sides::kTwo ? alpha / 2 : alpha), degrees);
  const double upper = upper_power(t, degrees, shift);
  return sides == Sides::kOne ? upper : std::min(1.0, upper + upper_power(t, degrees, -shift));
}

std::optional<int> seeds_for_power(double delta, double alpha, Sides sides, double power) {
  if (delta == 0 || (sides == Sides::kOne && delta < 0)) return std::nullopt;
  return smallest_n(power, guessed_n(delta, sides == Sides::kTwo ? alpha / 2 : alpha, power),
                    [&](int n) { return paired_t_power(n, delta, alpha, sides); });
}

double detectable_delta(int n, double alpha, Sides sides, double power) {
  return smallest_x(power, [&](double delta) { return paired_t_power(n, delta, alpha, sides); });
}

double equivalence_power(int n, double margin, double shift, double confidence) {
  require_test(n, confidence, "equivalence_power");
  if (!(margin > 0)) throw std::invalid_argument(fmt::format("equivalence_power: margin {}", margin));
  const double degrees = n - 1, root = std::sqrt(static_cast<double>(n));
  const double t = t_quantile(1 - (1 - confidence) / 2, degrees);
  // Given the ratio r of the sample's deviation to the true one, the mean must lie within margin -
  // t r / sqrt(n). Summed over r, as far as it can be and as it ever is.
  const double widest = std::sqrt(1 + (12 * std::sqrt(2 * degrees) + 100) / degrees);
  const double end = std::min(root * margin / t, widest);
  const auto integrand = [&](double r) {
    const double inside = normal_cumulative(root * (margin - shift) - t * r) -
                          normal_cumulative(-root * (margin + shift) + t * r);
    return std::max(0.0, inside) * deviation_ratio_density(r, degrees);
  };
  constexpr int kPanels = 16;
  double sum = 0;
  for (int panel = 0; panel < kPanels; ++panel)
    sum += boost::math::quadrature::gauss<double, 30>::integrate(integrand, end * panel / kPanels,
                                                                 end * (panel + 1) / kPanels);
  return sum;
}

double equivalence_margin(int n, double confidence, double power) {
  return smallest_x(power, [&](double margin) { return equivalence_power(n, margin, 0, confidence); });
}

std::optional<int> seeds_for_equivalence(double margin, double shift, double confidence, double power) {
  if (std::abs(shift) >= margin) return std::nullopt;
  return smallest_n(power, guessed_n(margin - std::abs(shift), (1 - confidence) / 2, power),
                    [&](int n) { return equivalence_power(n, margin, shift, confidence); });
}

std::optional<int> seeds_for_pooled_power(double mean, std::span<const double> deviations, double alpha,
                                          double power) {
  require_finite(deviations, "seeds_for_pooled_power");
  double variances = 0, squares = 0;
  for (const double deviation : deviations) {
    variances += deviation * deviation;
    squares += std::pow(deviation, 4);
  }
  if (mean == 0 || variances == 0) return std::nullopt;
  const auto m = static_cast<double>(deviations.size());
  const double deviation = std::sqrt(variances) / m;
  return smallest_n(power, guessed_n(mean / deviation, alpha / 2, power), [&](int n) {
    const double degrees = variances * variances / squares * (n - 1);
    const double shift = std::abs(mean) / (std::sqrt(variances / n) / m);
    return upper_power(t_quantile(1 - alpha / 2, degrees), degrees, shift);
  });
}

std::optional<int> seeds_for_count(double share, double chance, double alpha, double power) {
  if (!(share > chance)) return std::nullopt;
  // The power of a count jumps up and down with n, so n is not bisected. The critical count only grows.
  int critical = 0;
  for (int n = 2; n <= kMostSeeds; ++n) {
    while (critical <= n && binomial_at_least(critical, n, chance) > alpha) ++critical;
    if (critical <= n && binomial_at_least(critical, n, share) >= power) return n;
  }
  return std::nullopt;
}

}  // namespace impsweep::statistics
