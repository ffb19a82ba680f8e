#include "engine/statistics/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "engine/statistics/distributions.hpp"
#include "engine/statistics/multiplicity.hpp"
#include "engine/statistics/paired.hpp"
#include "engine/statistics/pooled.hpp"
#include "engine/statistics/power.hpp"
#include "engine/statistics/proportions.hpp"
#include "engine/statistics/shares.hpp"
#include "engine/statistics/trend.hpp"

namespace impsweep::statistics {
namespace {

constexpr double kLevel = 0.05;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

std::optional<int> at_least(std::optional<int> n, std::size_t least) {
  return n ? std::optional(std::max(*n, static_cast<int>(least))) : std::nullopt;
}

// What all rules on one sample begin with: the values that are there, their mean, and whether t may speak.
struct Sample {
  std::vector<double> values;
  Description description;
  std::optional<TTest> test;  // nothing where `decision.reason` says why
  Decision decision;
};

Sample sample_of(std::span<const double> differences, std::size_t least_seeds, double confidence) {
  Complete measured = complete(differences);
  Sample sample;
  sample.values = std::move(measured.values);
  Decision& decision = sample.decision;
  decision.n = sample.values.size();
  decision.dropped = measured.dropped;
  decision.confidence = confidence;
  if (sample.values.empty()) return sample;
  sample.description = describe(sample.values);
  decision.outcome = Outcome::kUndecided;
  decision.estimate = sample.description.mean;
  const auto zeros = static_cast<std::size_t>(std::ranges::count(sample.values, 0.0));
  if (decision.n < least_seeds) {
    decision.reason = fmt::format("{} seeds are too few, {} needed", decision.n, least_seeds);
  } else if (!sample.description.varies) {
    decision.reason = "the seeds do not vary";
  } else if (2 * zeros > decision.n) {
    decision.reason = fmt::format("{} of {} differences are exactly 0", zeros, decision.n);
  } else {
    sample.test = t_test(sample.values);
    decision.p_greater = sample.test->p_greater;
    decision.p_less = sample.test->p_less;
    decision.interval = student_t_interval(sample.values, confidence);
  }
  return sample;
}

double delta_of(const Description& sample, double reference = 0) {
  return (sample.mean - reference) / sample.deviation;
}

// By the side of 0 on which the interval lies.
Outcome side_of(const Interval& interval, Side claimed) {
  if (interval.low > 0) return claimed == Side::kAbove ? Outcome::kSupported : Outcome::kContradicted;
  if (interval.high < 0) return claimed == Side::kBelow ? Outcome::kSupported : Outcome::kContradicted;
  return Outcome::kUndecided;
}

// Where the interval of a difference lies to a margin about 0.
Outcome within(const Interval& interval, double margin) {
  if (interval.low > -margin && interval.high < margin) return Outcome::kEquivalent;
  return interval.low > margin || interval.high < -margin ? Outcome::kContradicted : Outcome::kUndecided;
}

void require_margin(double margin, const char* what) {
  if (!(margin > 0) || !std::isfinite(margin))
    throw std::invalid_argument(fmt::format("{}: the margin {} is not positive", what, margin));
}

// R1 in each setting, and Holm over those that could be tested.
SettingsDecision settings_of(const Strata& differences, const OrderRule& rule) {
  SettingsDecision result;
  std::vector<double> claimed, other;
  for (const std::vector<double>& setting : differences) {
    const Decision decision = decide_order(setting, rule);
    if (decision.p_greater) {
      claimed.push_back(rule.claimed == Side::kAbove ? *decision.p_greater : *decision.p_less);
      other.push_back(rule.claimed == Side::kAbove ? *decision.p_less : *decision.p_greater);
    }
    result.settings.push_back(decision);
  }
  claimed = holm(claimed);
  other = holm(other);
  std::size_t tested = 0;
  for (const Decision& decision : result.settings) {
    result.adjusted_p.push_back(decision.p_greater ? claimed[tested] : 1);
    result.adjusted_p_other_side.push_back(decision.p_greater ? other[tested] : 1);
    tested += decision.p_greater ? 1 : 0;
  }
  return result;
}

std::optional<double> p_of(const Decision& decision, Side side) {
  return side == Side::kAbove ? decision.p_greater : decision.p_less;
}

// The setting whose p on this side is the smallest, or the largest; settings without a test come last.
std::optional<std::size_t> setting_by_p(const std::vector<Decision>& settings, Side side, bool largest) {
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const auto p = p_of(settings[i], side);
    if (!p) continue;
    if (!chosen || (largest ? *p > *p_of(settings[*chosen], side) : *p < *p_of(settings[*chosen], side)))
      chosen = i;
  }
  if (!chosen && !settings.empty()) chosen = 0;
  return chosen;
}

bool any_significant(const std::vector<double>& adjusted, double level) {
  return std::ranges::any_of(adjusted, [&](double p) { return p <= level; });
}

bool were_run(const std::vector<Decision>& settings) {
  return std::ranges::any_of(settings,
                             [](const Decision& decision) { return decision.outcome != Outcome::kNotRun; });
}

}  // namespace

std::string_view outcome_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSupported:
      return "supported";
    case Outcome::kContradicted:
      return "contradicted";
    case Outcome::kEquivalent:
      return "equivalent";
    case Outcome::kUndecided:
      return "undecided";
    case Outcome::kNotRun:
      return "not_run";
  }
  return "";
}

Decision decide_order(std::span<const double> differences, const OrderRule& rule) {
  require_confidence(rule.confidence, "decide_order");
  Sample sample = sample_of(differences, rule.least_seeds, rule.confidence);
  if (!sample.test) return sample.decision;
  sample.decision.outcome = side_of(*sample.decision.interval, rule.claimed);
  sample.decision.n_for_80_percent_power =
      at_least(seeds_for_power(delta_of(sample.description), 1 - rule.confidence), rule.least_seeds);
  return sample.decision;
}

Decision decide_equivalence(std::span<const double> differences, double margin, double confidence) {
  require_margin(margin, "decide_equivalence");
  require_confidence(confidence, "decide_equivalence");
  Sample sample = sample_of(differences, kLeastSeeds, confidence);
  if (!sample.test) return sample.decision;
  sample.decision.outcome = within(*sample.decision.interval, margin);
  const double deviation = sample.description.deviation;
  sample.decision.n_for_80_percent_power =
      at_least(seeds_for_equivalence(margin / deviation, sample.description.mean / deviation, confidence),
               kLeastSeeds);
  return sample.decision;
}

Decision decide_no_loss(std::span<const double> differences, double margin, double confidence) {
  require_margin(margin, "decide_no_loss");
  require_confidence(confidence, "decide_no_loss");
  Sample sample = sample_of(differences, kLeastSeeds, confidence);
  if (!sample.test) return sample.decision;
  const double against = std::max(confidence, 1 - kLevel);
  if (sample.decision.interval->low > -margin)
    sample.decision.outcome = Outcome::kSupported;
  else if (student_t_interval(sample.values, against)->high < -margin)
    sample.decision.outcome = Outcome::kContradicted;
  sample.decision.n_for_80_percent_power = at_least(
      seeds_for_power(delta_of(sample.description, -margin), (1 - confidence) / 2, Sides::kOne), kLeastSeeds);
  return sample.decision;
}

Decision decide_share(std::span<const double> part, std::span<const double> total, double share,
                      const OrderRule& rule) {
  const CompletePairs pairs = complete_pairs(part, total);
  std::vector<double> contrast(pairs.a.size());
  for (std::size_t i = 0; i < contrast.size(); ++i) contrast[i] = pairs.a[i] - share * pairs.b[i];
  const Decision of_total = decide_order(pairs.b, {Side::kAbove, rule.confidence, rule.least_seeds});
  Decision decision = decide_order(contrast, rule);
  decision.dropped = pairs.dropped;
  decision.estimate.reset();
  decision.interval.reset();
  if (pairs.a.empty()) return decision;
  const Share fieller = fieller_share(pairs.a, pairs.b, rule.confidence);
  decision.estimate = fieller.estimate;
  if (of_total.outcome != Outcome::kSupported) {
    decision.outcome = Outcome::kUndecided;
    if (decision.reason.empty())
      decision.reason =
          of_total.reason.empty() ? "the total is not above 0" : "the total: " + of_total.reason;
  } else {
    decision.interval = fieller.interval;
  }
  // Both must be found; the one that needs more seeds decides.
  if (!of_total.n_for_80_percent_power)
    decision.n_for_80_percent_power.reset();
  else if (decision.n_for_80_percent_power)
    decision.n_for_80_percent_power =
        std::max(*decision.n_for_80_percent_power, *of_total.n_for_80_percent_power);
  return decision;
}

SettingsDecision decide_everywhere(const Strata& differences, const OrderRule& rule) {
  SettingsDecision result = settings_of(differences, rule);
  if (!were_run(result.settings)) return result;
  result.deciding = setting_by_p(result.settings, rule.claimed, true);
  result.overall = result.settings[*result.deciding];
  result.overall.outcome = Outcome::kUndecided;
  result.overall.reason.clear();
  std::optional<int> seeds = 0;
  bool all = true;
  for (const Decision& setting : result.settings) {
    all = all && setting.outcome == Outcome::kSupported;
    const bool right_side =
        setting.estimate && (rule.claimed == Side::kAbove ? *setting.estimate > 0 : *setting.estimate < 0);
    if (!right_side || !setting.n_for_80_percent_power)
      seeds.reset();
    else if (seeds)
      seeds = std::max(*seeds, *setting.n_for_80_percent_power);
  }
  result.overall.n_for_80_percent_power = seeds;
  if (all)
    result.overall.outcome = Outcome::kSupported;
  else if (any_significant(result.adjusted_p_other_side, (1 - rule.confidence) / 2))
    result.overall.outcome = Outcome::kContradicted;
  else
    for (const Decision& setting : result.settings)
      if (!setting.p_greater) result.overall.reason = "a setting has no verdict: " + setting.reason;
  return result;
}

Decision decide_pooled(const Strata& differences, const OrderRule& rule) {
  Strata measured;
  Decision overall;
  overall.confidence = rule.confidence;
  overall.n = std::numeric_limits<std::size_t>::max();
  std::vector<double> deviations;
  bool any = false;
  for (const std::vector<double>& setting : differences) {
    Complete values = complete(setting);
    any = any || !values.values.empty();
    overall.n = std::min(overall.n, values.values.size());
    overall.dropped += values.dropped;
    measured.push_back(std::move(values.values));
  }
  if (!any) return {};
  overall.outcome = Outcome::kUndecided;
  if (overall.n < rule.least_seeds) {
    overall.reason = fmt::format("a setting has {} seeds, {} needed", overall.n, rule.least_seeds);
    return overall;
  }
  overall.estimate = 0;
  for (const std::vector<double>& setting : measured) {
    const Description sample = describe(setting);
    *overall.estimate += sample.mean / static_cast<double>(measured.size());
    deviations.push_back(sample.deviation);
  }
  const std::optional<Pooled> pooled = satterthwaite(measured, rule.confidence);
  if (!pooled) {
    overall.reason = "the seeds do not vary";
    return overall;
  }
  overall.interval = pooled->interval;
  overall.p_greater = pooled->p_greater;
  overall.p_less = pooled->p_less;
  overall.outcome = side_of(pooled->interval, rule.claimed);
  overall.n_for_80_percent_power =
      at_least(seeds_for_pooled_power(pooled->estimate, deviations, 1 - rule.confidence), rule.least_seeds);
  return overall;
}

SettingsDecision decide_on_the_whole(const Strata& differences, const OrderRule& rule) {
  SettingsDecision result = settings_of(differences, rule);
  if (were_run(result.settings)) result.overall = decide_pooled(differences, rule);
  return result;
}

namespace {

// As if one seed's mean over the settings were one value: what its deviation is.
double pooled_deviation(const Strata& differences) {
  double variance = 0;
  for (const std::vector<double>& setting : differences) {
    const double deviation = describe(complete(setting).values).deviation;
    variance += deviation * deviation;
  }
  return std::sqrt(variance) / static_cast<double>(differences.size());
}

}  // namespace

Decision decide_equivalence_on_the_whole(const Strata& differences, double margin, double confidence) {
  require_margin(margin, "decide_equivalence_on_the_whole");
  Decision decision = decide_pooled(differences, {Side::kAbove, confidence});
  if (!decision.interval) return decision;
  decision.outcome = within(*decision.interval, margin);
  const double deviation = pooled_deviation(differences);
  decision.n_for_80_percent_power = at_least(
      seeds_for_equivalence(margin / deviation, *decision.estimate / deviation, confidence), kLeastSeeds);
  return decision;
}

Decision decide_no_loss_on_the_whole(const Strata& differences, double margin, double confidence) {
  require_margin(margin, "decide_no_loss_on_the_whole");
  Decision decision = decide_pooled(differences, {Side::kAbove, confidence});
  if (!decision.interval) return decision;
  const Decision against = decide_pooled(differences, {Side::kAbove, std::max(confidence, 1 - kLevel)});
  decision.outcome = decision.interval->low > -margin   ? Outcome::kSupported
                     : against.interval->high < -margin ? Outcome::kContradicted
                                                        : Outcome::kUndecided;
  decision.n_for_80_percent_power =
      at_least(seeds_for_power((*decision.estimate + margin) / pooled_deviation(differences),
                               (1 - confidence) / 2, Sides::kOne),
               kLeastSeeds);
  return decision;
}

SettingsDecision decide_somewhere(const Strata& differences, Side claimed, double level) {
  require_confidence(level, "decide_somewhere");
  const OrderRule rule{claimed, 1 - 2 * level, kLeastSeeds};
  SettingsDecision result = settings_of(differences, rule);
  if (!were_run(result.settings)) return result;
  result.deciding = setting_by_p(result.settings, claimed, false);
  Decision& overall = result.overall;
  overall = result.settings[*result.deciding];
  overall.outcome = Outcome::kUndecided;
  const bool there = any_significant(result.adjusted_p, level);
  const bool other_way = any_significant(result.adjusted_p_other_side, level);
  if (there && other_way)
    overall.reason = "settings lie on both sides";
  else if (there)
    overall.outcome = Outcome::kSupported;
  else if (other_way)
    overall.outcome = Outcome::kContradicted;
  const double sign = claimed == Side::kAbove ? 1 : -1;
  overall.n_for_80_percent_power.reset();
  if (overall.p_greater) {
    const auto tested = static_cast<double>(std::ranges::count_if(
        result.settings, [](const Decision& setting) { return setting.p_greater.has_value(); }));
    const Description strongest = describe(complete(differences[*result.deciding]).values);
    overall.n_for_80_percent_power =
        at_least(seeds_for_power(sign * delta_of(strongest), level / tested, Sides::kOne), kLeastSeeds);
  }
  return result;
}

std::vector<double> slopes_per_round(const Strata& curves) {
  std::vector<double> slopes;
  for (const std::vector<double>& curve : curves) slopes.push_back(slope_per_round(curve).value_or(kMissing));
  return slopes;
}

Decision decide_slope(const Strata& curves, const OrderRule& rule) {
  return decide_order(slopes_per_round(curves), rule);
}

Decision decide_rise(const Strata& curves, std::size_t first, std::size_t last, const OrderRule& rule) {
  std::vector<double> rises;
  for (const std::vector<double>& curve : curves)
    rises.push_back(rise_over_dense(curve, first, last).value_or(kMissing));
  return decide_order(rises, rule);
}

namespace {

// Differences to round 0, [round of the range][seed], of the seeds that have all of them.
struct Rises {
  Strata by_round;
  std::size_t dropped = 0;
};
Rises rises_of(const Strata& curves, std::size_t first, std::size_t last) {
  Rises rises;
  rises.by_round.resize(last - first + 1);
  for (const std::vector<double>& curve : curves) {
    if (!mean_over_rounds(curve, first, last) || !mean_over_rounds(curve, 0, 0)) {
      ++rises.dropped;
      continue;
    }
    for (std::size_t round = first; round <= last; ++round)
      rises.by_round[round - first].push_back(curve[round] - curve[0]);
  }
  return rises;
}

// The largest t over rounds when every seed's differences keep or flip their signs together. A flip leaves
// the sum of squares as it is.
double largest_t(const Strata& by_round, std::uint32_t negative) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const std::vector<double>& differences : by_round) {
    const auto n = static_cast<double>(differences.size());
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < differences.size(); ++i) {
      sum += (negative >> i & 1) != 0 ? -differences[i] : differences[i];
      squares += differences[i] * differences[i];
    }
    const double variance = (squares - sum * sum / n) / (n - 1) / n;
    if (squares > 0) largest = std::max(largest, sum / n / std::sqrt(std::max(variance, 1e-12 * squares)));
  }
  return largest;
}

double flipped_maximum_p(const Strata& by_round, std::size_t n) {
  const std::uint32_t flips = std::uint32_t{1} << n;
  const double seen = largest_t(by_round, 0);
  std::uint32_t reached = 0;
  for (std::uint32_t negative = 0; negative < flips; ++negative)
    reached += largest_t(by_round, negative) >= seen - 1e-9 * std::abs(seen);
  return static_cast<double>(reached) / flips;
}

}  // namespace

RiseDecision decide_rise_anywhere(const Strata& curves, std::size_t first, std::size_t last,
                                  MaximumTest method) {
  if (first < 1 || last < first)
    throw std::invalid_argument(
        fmt::format("decide_rise_anywhere: rounds {} to {} are none after round 0", first, last));
  constexpr std::size_t kLeastFlips = 6, kMostFlips = 16;
  const Rises rises = rises_of(curves, first, last);
  const auto rounds = static_cast<double>(rises.by_round.size());
  const double confidence = 1 - 2 * kLevel / rounds;
  RiseDecision result;
  Decision& decision = result.decision;
  decision.dropped = rises.dropped;
  const std::size_t n = rises.by_round.front().size();
  decision.n = n;
  if (n == 0) return result;
  decision.outcome = Outcome::kUndecided;
  std::optional<double> largest;
  bool all_below = true;
  for (std::size_t round = 0; round < rises.by_round.size(); ++round) {
    const Sample sample = sample_of(rises.by_round[round], kLeastSeeds, confidence);
    all_below = all_below && decide_order(rises.by_round[round]).outcome == Outcome::kContradicted;
    if (!sample.test || (largest && sample.test->statistic <= *largest)) continue;
    largest = sample.test->statistic;
    result.round = first + round;
    decision = sample.decision;
    decision.dropped = rises.dropped;
    decision.n_for_80_percent_power =
        at_least(seeds_for_power(delta_of(sample.description), kLevel / rounds, Sides::kOne), kLeastSeeds);
  }
  if (!largest) {
    decision.reason = sample_of(rises.by_round.front(), kLeastSeeds, confidence).decision.reason;
    return result;
  }
  result.adjusted_p = method == MaximumTest::kSignFlip && n >= kLeastFlips && n <= kMostFlips
                          ? flipped_maximum_p(rises.by_round, n)
                          : std::min(1.0, rounds * *decision.p_greater);
  if (result.adjusted_p <= kLevel)
    decision.outcome = Outcome::kSupported;
  else if (all_below)
    decision.outcome = Outcome::kContradicted;
  return result;
}

Decision decide_count(int successes, int n, double chance, double level) {
  if (n < 0 || successes < 0 || successes > n)
    throw std::invalid_argument(fmt::format("decide_count: {} of {} seeds", successes, n));
  require_confidence(chance, "decide_count");
  require_confidence(1 - level, "decide_count");
  Decision decision;
  if (n == 0) return decision;
  decision.n = static_cast<std::size_t>(n);
  decision.outcome = Outcome::kUndecided;
  decision.estimate = static_cast<double>(successes) / n;
  if (decision.n < kLeastSeeds) {
    decision.reason = fmt::format("{} seeds are too few, {} needed", n, kLeastSeeds);
    return decision;
  }
  decision.interval = clopper_pearson_interval(successes, n);
  decision.p_greater = binomial_at_least(successes, n, chance);
  decision.p_less = binomial_at_most(successes, n, chance);
  decision.n_for_80_percent_power = at_least(seeds_for_count(*decision.estimate, chance, level), kLeastSeeds);
  // What the side of "more" really uses up of the level, as counts are whole numbers.
  int critical = level < 0.5 ? static_cast<int>(chance * n) : 0;  // no more than the median
  while (binomial_at_least(critical, n, chance) > level) ++critical;
  const double left = level - binomial_at_least(critical, n, chance);
  if (successes >= critical)
    decision.outcome = Outcome::kSupported;
  else if (*decision.p_less <= left)
    decision.outcome = Outcome::kContradicted;
  return decision;
}

Decision decide_survival(std::span<const std::optional<CriticalRound>> a,
                         std::span<const std::optional<CriticalRound>> b, const OrderRule& rule) {
  require_same_size(a.size(), b.size(), "decide_survival");
  std::vector<double> differences;
  std::size_t both_censored = 0, any_censored = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i] || !b[i]) {
      differences.push_back(kMissing);
      continue;
    }
    both_censored += a[i]->censored && b[i]->censored ? 1 : 0;
    any_censored += a[i]->censored || b[i]->censored ? 1 : 0;
    differences.push_back(static_cast<double>(a[i]->survived) - static_cast<double>(b[i]->survived));
  }
  Decision decision = decide_order(differences, rule);
  decision.size_is_lower_bound = any_censored > 0;
  if (2 * both_censored > decision.n) {
    decision.outcome = Outcome::kUndecided;
    decision.reason = fmt::format("both arms survive all rounds in {} of {} seeds: more rounds are needed",
                                  both_censored, decision.n);
  }
  return decision;
}

}  // namespace impsweep::statistics
