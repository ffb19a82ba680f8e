#include "engine/statistics/pooled.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/distributions.hpp"

namespace impsweep::statistics {
namespace {

// M, V and f of the header, of strata whose values may repeat.
struct Moments {
  double mean = 0, variance = 0, degrees = 0;
  std::size_t constant_strata = 0;
  double rounding = 0;
};
Moments moments_of(const Strata& strata) {
  Moments moments;
  const auto m = static_cast<double>(strata.size());
  double denominator = 0;
  for (const std::vector<double>& stratum : strata) {
    const Description sample = describe(stratum);
    const double part = sample.standard_error * sample.standard_error / (m * m);
    moments.mean += sample.mean;
    moments.variance += part;
    denominator += part * part / static_cast<double>(sample.n - 1);
    moments.constant_strata += sample.varies ? 0 : 1;
    moments.rounding += rounding_of_sum(stratum);
  }
  moments.mean /= m;
  if (moments.variance > 0) moments.degrees = moments.variance * moments.variance / denominator;
  return moments;
}

bool can_be_pooled(const Strata& strata) {
  return !strata.empty() &&
         std::ranges::all_of(strata, [](const std::vector<double>& stratum) { return stratum.size() >= 2; });
}

struct Weighted {
  double mean = 0, weight = 0, squares = 0;  // squares: sum(w (y - mean)^2), the generalised Q
};
Weighted weighted(std::span<const double> effects, std::span<const double> variances, double tau2) {
  Weighted result;
  double sum = 0;
  for (std::size_t j = 0; j < effects.size(); ++j) {
    const double weight = 1 / (variances[j] + tau2);
    result.weight += weight;
    sum += weight * effects[j];
  }
  result.mean = sum / result.weight;
  for (std::size_t j = 0; j < effects.size(); ++j) {
    const double distance = effects[j] - result.mean;
    result.squares += distance * distance / (variances[j] + tau2);
  }
  return result;
}

// The generalised Q falls with tau^2, from Q at 0 to 0: bisection.
double paule_mandel(std::span<const double> effects, std::span<const double> variances) {
  const auto target = static_cast<double>(effects.size() - 1);
  if (weighted(effects, variances, 0).squares <= target) return 0;
  double low = 0, high = *std::ranges::max_element(variances);
  while (weighted(effects, variances, high).squares > target) high *= 2;
  for (int step = 0; step < 200 && high - low > 1e-15 * high; ++step) {
    const double middle = (low + high) / 2;
    (weighted(effects, variances, middle).squares > target ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

std::optional<Pooled> satterthwaite(const Strata& strata, double confidence) {
  require_confidence(confidence, "satterthwaite");
  for (const std::vector<double>& stratum : strata) require_finite(stratum, "satterthwaite");
  if (!can_be_pooled(strata)) return std::nullopt;
  const Moments moments = moments_of(strata);
  if (moments.constant_strata == strata.size()) return std::nullopt;
  Pooled pooled;
  pooled.estimate = moments.mean;
  pooled.standard_error = std::sqrt(moments.variance);
  pooled.degrees = moments.degrees;
  pooled.constant_strata = moments.constant_strata;
  const double statistic = pooled.estimate / pooled.standard_error;
  pooled.p_greater = t_upper_tail(statistic, pooled.degrees);
  pooled.p_less = t_upper_tail(-statistic, pooled.degrees);
  const double half = t_quantile(1 - (1 - confidence) / 2, pooled.degrees) * pooled.standard_error;
  pooled.interval = {pooled.estimate - half, pooled.estimate + half};
  return pooled;
}

std::optional<Interval> seed_means_t_interval(const Strata& strata, double confidence) {
  if (strata.empty()) return std::nullopt;
  std::vector<double> means(strata.front().size(), 0);
  for (const std::vector<double>& stratum : strata) {
    require_same_size(stratum.size(), means.size(), "seed_means_t_interval");
    for (std::size_t i = 0; i < means.size(); ++i)
      means[i] += stratum[i] / static_cast<double>(strata.size());
  }
  return student_t_interval(means, confidence);
}

std::optional<Interval> stratified_bootstrap_t_interval(const Strata& strata, const Resampling& resampling,
                                                        double confidence) {
  require_confidence(confidence, "stratified_bootstrap_t_interval");
  for (const std::vector<double>& stratum : strata)
    require_finite(stratum, "stratified_bootstrap_t_interval");
  if (!can_be_pooled(strata)) return std::nullopt;
  const Moments seen = moments_of(strata);
  if (seen.constant_strata == strata.size()) return std::nullopt;
  const bool tied = std::ranges::all_of(strata, [](const std::vector<double>& stratum) {
    return 2 * commonest_value(stratum).count >= stratum.size();
  });
  if (tied) return std::nullopt;
  const std::vector<double> t = sorted_resamples(strata, resampling, false, [&](const Strata& drawn) {
    const Moments moments = moments_of(drawn);
    const double distance = moments.mean - seen.mean;
    if (moments.variance > 0) return distance / std::sqrt(moments.variance);
    if (std::abs(distance) <= seen.rounding) return 0.0;
    return std::copysign(std::numeric_limits<double>::infinity(), distance);
  });
  const double tail = (1 - confidence) / 2, error = std::sqrt(seen.variance);
  const double low = quantile_of_sorted(t, tail), high = quantile_of_sorted(t, 1 - tail);
  if (!std::isfinite(low) || !std::isfinite(high)) return std::nullopt;
  return Interval{seen.mean - high * error, seen.mean - low * error};
}

std::optional<Interval> other_setting_t_interval(std::span<const double> effects, double confidence) {
  require_finite(effects, "other_setting_t_interval");
  if (effects.size() < kLeastOtherSettings) return std::nullopt;
  return student_t_interval(effects, confidence);
}

MetaAnalysis meta_analysis(std::span<const double> effects, std::span<const double> variances,
                           double confidence) {
  require_confidence(confidence, "meta_analysis");
  require_same_size(effects.size(), variances.size(), "meta_analysis");
  require_finite(effects, "meta_analysis");
  require_finite(variances, "meta_analysis");
  if (effects.size() < 2) throw std::invalid_argument("meta_analysis: fewer than two effects");
  for (const double variance : variances)
    if (!(variance > 0))
      throw std::invalid_argument(fmt::format("meta_analysis: the variance {} is not positive", variance));
  const auto degrees = static_cast<double>(effects.size() - 1);
  MetaAnalysis result;
  const Weighted fixed = weighted(effects, variances, 0);
  result.fixed = fixed.mean;
  result.fixed_standard_error = 1 / std::sqrt(fixed.weight);
  result.q = fixed.squares;
  result.q_p = chi_squared_upper_tail(result.q, degrees);
  result.i2 = result.q > 0 ? std::max(0.0, (result.q - degrees) / result.q) : 0;
  double squared_weights = 0;
  for (const double variance : variances) squared_weights += 1 / (variance * variance);
  result.tau2_untruncated = (result.q - degrees) / (fixed.weight - squared_weights / fixed.weight);
  result.tau2 = std::max(0.0, result.tau2_untruncated);
  const Weighted random = weighted(effects, variances, result.tau2);
  result.random = random.mean;
  result.random_standard_error = 1 / std::sqrt(random.weight);
  const double tail = (1 - confidence) / 2, half = normal_quantile(1 - tail) * result.random_standard_error;
  result.random_interval = {result.random - half, result.random + half};
  if (describe(effects).varies) {
    result.hartung_knapp_standard_error = std::sqrt(random.squares / (degrees * random.weight));
    const double reach = t_quantile(1 - tail, degrees) * result.hartung_knapp_standard_error;
    result.hartung_knapp_interval = Interval{result.random - reach, result.random + reach};
  }
  result.tau2_paule_mandel = paule_mandel(effects, variances);
  result.random_paule_mandel = weighted(effects, variances, result.tau2_paule_mandel).mean;
  return result;
}

}  // namespace impsweep::statistics
