#include "engine/statistics/paired.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/distributions.hpp"

namespace impsweep::statistics {
namespace {

constexpr std::size_t kMostFlips = 24;       // 16 million sums
constexpr std::size_t kMostExactRanks = 50;  // counts of subsets stay exact in double precision

TTest test_of(double estimate, double standard_error, double degrees, double reference) {
  TTest test;
  test.estimate = estimate;
  test.standard_error = standard_error;
  test.degrees = degrees;
  test.statistic = (estimate - reference) / standard_error;
  test.p_greater = t_upper_tail(test.statistic, degrees);
  test.p_less = t_upper_tail(-test.statistic, degrees);
  test.p_two_sided = 2 * std::min(test.p_greater, test.p_less);
  return test;
}

// Ranks from 1, equal values sharing their mean rank, and the sum of t^3 - t over groups of t equal ones.
struct Ranks {
  std::vector<double> rank;
  double ties = 0;
};
Ranks ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  Ranks result;
  result.rank.resize(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    const auto size = static_cast<double>(last - first);
    result.ties += size * size * size - size;
    for (std::size_t i = first; i < last; ++i)
      result.rank[order[i]] = static_cast<double>(first + last + 1) / 2;
  }
  return result;
}

// P(rank sum >= w) when every sign is a coin: the number of subsets of 1..n by their sum.
double rank_sum_at_least(std::size_t n, double w) {
  const std::size_t largest = n * (n + 1) / 2;
  std::vector<double> subsets(largest + 1, 0);
  subsets[0] = 1;
  for (std::size_t rank = 1; rank <= n; ++rank)
    for (std::size_t sum = largest; sum >= rank; --sum) subsets[sum] += subsets[sum - rank];
  double count = 0;
  for (std::size_t sum = 0; sum <= largest; ++sum)
    if (static_cast<double>(sum) >= w) count += subsets[sum];
  return count / std::ldexp(1.0, static_cast<int>(n));
}

}  // namespace

std::optional<TTest> t_test(std::span<const double> differences, double reference) {
  require_finite(differences, "t_test");
  if (differences.size() < 2) return std::nullopt;
  const Description sample = describe(differences);
  if (!sample.varies) return std::nullopt;
  return test_of(sample.mean, sample.standard_error, static_cast<double>(sample.n - 1), reference);
}

std::optional<TTest> welch_test(std::span<const double> a, std::span<const double> b) {
  require_finite(a, "welch_test");
  require_finite(b, "welch_test");
  if (a.size() < 2 || b.size() < 2) return std::nullopt;
  const Description first = describe(a), second = describe(b);
  if (!first.varies && !second.varies) return std::nullopt;
  const double va = first.standard_error * first.standard_error;
  const double vb = second.standard_error * second.standard_error;
  const double degrees =
      (va + vb) * (va + vb) /
      (va * va / static_cast<double>(first.n - 1) + vb * vb / static_cast<double>(second.n - 1));
  return test_of(first.mean - second.mean, std::sqrt(va + vb), degrees, 0);
}

std::optional<Interval> welch_interval(std::span<const double> a, std::span<const double> b,
                                       double confidence) {
  require_confidence(confidence, "welch_interval");
  const std::optional<TTest> test = welch_test(a, b);
  if (!test) return std::nullopt;
  const double half = t_quantile(1 - (1 - confidence) / 2, test->degrees) * test->standard_error;
  return Interval{test->estimate - half, test->estimate + half};
}

std::optional<EquivalenceTest> equivalence_test(std::span<const double> differences, double margin) {
  if (!(margin > 0) || !std::isfinite(margin))
    throw std::invalid_argument(fmt::format("equivalence_test: the margin {} is not positive", margin));
  const std::optional<TTest> lower = t_test(differences, -margin), upper = t_test(differences, margin);
  if (!lower) return std::nullopt;
  return EquivalenceTest{lower->p_greater, upper->p_less};
}

std::optional<SignFlipTest> sign_flip_test(std::span<const double> differences) {
  require_finite(differences, "sign_flip_test");
  const std::size_t n = differences.size();
  if (n < 2 || n > kMostFlips) return std::nullopt;
  double seen = 0;
  for (const double d : differences) seen += d;
  // Sums that are equal but for rounding are equal: ties decide small samples.
  const double rounding = 2 * rounding_of_sum(differences);
  const std::uint32_t flips = std::uint32_t{1} << n;
  std::uint32_t at_least = 0, at_most = 0;
  for (std::uint32_t negative = 0; negative < flips; ++negative) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += (negative >> i & 1) != 0 ? -differences[i] : differences[i];
    at_least += sum >= seen - rounding;
    at_most += sum <= seen + rounding;
  }
  SignFlipTest test;
  test.p_greater = static_cast<double>(at_least) / flips;
  test.p_less = static_cast<double>(at_most) / flips;
  test.p_two_sided = std::min(1.0, 2 * std::min(test.p_greater, test.p_less));
  return test;
}

std::optional<WilcoxonTest> wilcoxon_test(std::span<const double> differences) {
  require_finite(differences, "wilcoxon_test");
  std::vector<double> magnitudes;
  std::vector<bool> positive;
  for (const double d : differences) {
    if (d == 0) continue;
    magnitudes.push_back(std::abs(d));
    positive.push_back(d > 0);
  }
  if (magnitudes.empty()) return std::nullopt;
  const Ranks ranks = ranks_of(magnitudes);
  WilcoxonTest test;
  for (std::size_t i = 0; i < positive.size(); ++i)
    if (positive[i]) test.rank_sum += ranks.rank[i];
  const std::size_t size = magnitudes.size();
  const auto n = static_cast<double>(size);
  test.exact = ranks.ties == 0 && size == differences.size() && size <= kMostExactRanks;
  if (test.exact) {
    test.p_greater = rank_sum_at_least(size, test.rank_sum);
    // Flipping every sign turns the sum w into n (n+1) / 2 - w.
    test.p_less = rank_sum_at_least(size, n * (n + 1) / 2 - test.rank_sum);
  } else {
    const double expected = n * (n + 1) / 4;
    const double deviation = std::sqrt((n * (n + 1) * (2 * n + 1) - ranks.ties / 2) / 24);
    test.p_greater = normal_upper_tail((test.rank_sum - expected) / deviation);
    test.p_less = normal_upper_tail((expected - test.rank_sum) / deviation);
  }
  test.p_two_sided = std::min(1.0, 2 * std::min(test.p_greater, test.p_less));
  return test;
}

}  // namespace impsweep::statistics
