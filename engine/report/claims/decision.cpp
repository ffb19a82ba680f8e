#include "engine/report/claims/decision.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/distributions.hpp"
#include "engine/statistics/pooled.hpp"

namespace impsweep::claims {
namespace {

using statistics::Decision;
using statistics::Outcome;
using statistics::Side;
using statistics::Strata;

// Levels of tests that know no interval, at the confidence that claims begin with; they shrink with it.
constexpr double kCountLevel = 0.05, kSomewhereLevel = 0.01;
constexpr double kEven = 0.5;  // chance of a majority

// The confidence of each of several tests of which none may err. Bonferroni's, and half of that error again:
// the far tails of skewed differences are longer than t's, so that a fifth of the error is not had by a fifth
// of the level.
double shared_among(double confidence, std::size_t tests) {
  return tests == 1 ? confidence : 1 - (1 - confidence) / (2 * static_cast<double>(tests));
}

double level_at(double level, double confidence) {
  return level * (1 - confidence) / (1 - kConfidence);
}

bool is_claimed(Outcome outcome) {
  return outcome == Outcome::kSupported || outcome == Outcome::kEquivalent;
}

struct Count {
  int successes = 0, n = 0;
};

// Seeds on the claimed side. Values at the reference itself speak neither way.
Count majority_of(const Rule& rule, const std::vector<double>& values) {
  Count count;
  for (const double value : values) {
    if (std::isnan(value) || value == rule.bound) continue;
    ++count.n;
    count.successes += (value > rule.bound) == (rule.side == Side::kAbove) ? 1 : 0;
  }
  return count;
}

Count successes_of(const std::vector<double>& values) {
  Count count;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    ++count.n;
    count.successes += value > 0 ? 1 : 0;
  }
  return count;
}

bool counts_seeds(const Rule& rule) {
  return rule.test == Test::kMajority || rule.test == Test::kCount;
}

Count count_of(const Rule& rule, const std::vector<double>& values) {
  return rule.test == Test::kMajority ? majority_of(rule, values) : successes_of(values);
}

Decision decide_count_of(const Rule& rule, const Count& count, double confidence) {
  return statistics::decide_count(count.successes, count.n, rule.test == Test::kMajority ? kEven : rule.bound,
                                  level_at(kCountLevel, confidence));
}

// What is compared with 0: the values less the reference, or less their share of the total.
std::vector<double> contrast_of(const Rule& rule, const Measurement& measurement) {
  std::vector<double> contrast = measurement.values;
  const double sign = rule.test == Test::kNoLoss && rule.side == Side::kBelow ? -1 : 1;
  for (std::size_t i = 0; i < contrast.size(); ++i) {
    if (rule.test == Test::kOrder) contrast[i] -= rule.bound;
    if (rule.test == Test::kShare) contrast[i] -= rule.bound * measurement.total[i];
    contrast[i] *= sign;
  }
  return contrast;
}

// Back from what was compared with 0 to the estimand.
Decision in_own_units(const Rule& rule, Decision decision) {
  const double shift = rule.test == Test::kOrder ? rule.bound : 0;
  const bool turned = rule.test == Test::kNoLoss && rule.side == Side::kBelow;
  if (decision.estimate) decision.estimate = (turned ? -1 : 1) * *decision.estimate + shift;
  if (decision.interval) {
    if (turned) decision.interval = {-decision.interval->high, -decision.interval->low};
    decision.interval->low += shift;
    decision.interval->high += shift;
  }
  return decision;
}

Decision decide_setting(const Rule& rule, const Measurement& measurement, double confidence) {
  Decision decision;
  if (!measurement.obstacle.empty()) {
    decision.outcome = Outcome::kUndecided;
    decision.confidence = confidence;
    decision.n = statistics::complete(measurement.values).values.size();
    decision.reason = measurement.obstacle;
    return decision;
  }
  const std::vector<double> contrast = contrast_of(rule, measurement);
  switch (rule.test) {
    case Test::kOrder:
      decision = statistics::decide_order(contrast, {rule.side, confidence});
      break;
    case Test::kEquivalence:
      decision = statistics::decide_equivalence(contrast, rule.bound, confidence);
      break;
    case Test::kNoLoss:
      decision = statistics::decide_no_loss(contrast, rule.bound, confidence);
      break;
    case Test::kShare:
      decision = statistics::decide_share(measurement.values, measurement.total, rule.bound,
                                          {rule.side, confidence});
      if (!decision.interval) decision.estimate.reset();  // a share of next to nothing says nothing
      break;
    case Test::kMajority:
    case Test::kCount:
      decision = decide_count_of(rule, count_of(rule, measurement.values), confidence);
      break;
  }
  return in_own_units(rule, decision);
}

// Settings that can be pooled: five seeds and no obstacle.
std::vector<std::size_t> poolable(const Measurements& measurements) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < measurements.size(); ++i) {
    const std::size_t n = statistics::complete(measurements[i].values).values.size();
    if (measurements[i].obstacle.empty() && n >= statistics::kLeastSeeds) places.push_back(i);
  }
  return places;
}

// Fieller's interval of a share of pooled totals: the shares r for which the interval of the pooled part - r
// total holds 0. Its ends fall with r, as the total is above 0.
void show_pooled_share(const Strata& parts, const Strata& totals, double confidence, Decision& decision) {
  const auto of_contrast = [&](double share) {
    Strata contrast = parts;
    for (std::size_t i = 0; i < contrast.size(); ++i)
      for (std::size_t seed = 0; seed < contrast[i].size(); ++seed)
        contrast[i][seed] -= share * totals[i][seed];
    for (std::vector<double>& setting : contrast) setting = statistics::complete(setting).values;
    return statistics::satterthwaite(contrast, confidence);
  };
  const auto root = [&](const auto& falling) {
    constexpr double kFarthest = 64;
    double low = -kFarthest, high = kFarthest;
    for (int step = 0; step < 60; ++step) {
      const double middle = 0.5 * (low + high);
      (falling(of_contrast(middle)) > 0 ? low : high) = middle;
    }
    return 0.5 * (low + high);
  };
  using Contrast = std::optional<statistics::Pooled>;
  decision.estimate = root([](const Contrast& contrast) { return contrast ? contrast->estimate : 0; });
  if (!of_contrast(*decision.estimate)) return;
  decision.interval = {root([](const Contrast& contrast) { return contrast ? contrast->interval.low : 0; }),
                       root([](const Contrast& contrast) { return contrast ? contrast->interval.high : 0; })};
}

// Where no setting can be pooled, no number stands for all of them.
Decision undecided_whole(const Measurements& measurements, double confidence) {
  Decision decision;
  decision.outcome = Outcome::kUndecided;
  decision.confidence = confidence;
  for (const Measurement& measurement : measurements) {
    if (!measurement.obstacle.empty()) {
      decision.reason = measurement.obstacle;
      continue;
    }
    decision.n = std::max(decision.n, statistics::complete(measurement.values).values.size());
    decision.reason = fmt::format("{} seeds are too few, {} needed", decision.n, statistics::kLeastSeeds);
  }
  return decision;
}

Decision decide_whole(const Rule& rule, const Measurements& measurements, double confidence) {
  const std::vector<std::size_t> places = poolable(measurements);
  if (places.empty()) return undecided_whole(measurements, confidence);
  if (places.size() == 1) return decide_setting(rule, measurements[places.front()], confidence);
  if (counts_seeds(rule)) {
    Count all;
    for (const std::size_t place : places) {
      const Count own = count_of(rule, measurements[place].values);
      all.n += own.n;
      all.successes += own.successes;
    }
    return decide_count_of(rule, all, confidence);
  }
  Strata strata, totals;
  for (const std::size_t place : places) {
    strata.push_back(contrast_of(rule, measurements[place]));
    totals.push_back(measurements[place].total);
  }
  Decision decision;
  if (rule.test == Test::kEquivalence)
    decision = statistics::decide_equivalence_on_the_whole(strata, rule.bound, confidence);
  else if (rule.test == Test::kNoLoss)
    decision = statistics::decide_no_loss_on_the_whole(strata, rule.bound, confidence);
  else
    decision = statistics::decide_pooled(strata, {rule.side, confidence});
  if (rule.test == Test::kShare) {
    const Decision total = statistics::decide_pooled(totals, {Side::kAbove, confidence});
    decision.estimate.reset();
    decision.interval.reset();
    if (total.outcome != Outcome::kSupported) {
      decision.outcome = Outcome::kUndecided;
      decision.reason = "the total is not above 0";
    } else {
      Strata parts;
      for (const std::size_t place : places) parts.push_back(measurements[place].values);
      show_pooled_share(parts, totals, confidence, decision);
    }
  }
  return in_own_units(rule, decision);
}

// What the last of several decisions needs that must all be had; nothing if one never comes.
std::optional<int> seeds_of_all(const std::vector<Decision>& decisions) {
  int seeds = 0;
  for (const Decision& decision : decisions) {
    if (is_claimed(decision.outcome)) continue;
    if (!decision.n_for_80_percent_power) return std::nullopt;
    seeds = std::max(seeds, *decision.n_for_80_percent_power);
  }
  return seeds > 0 ? std::optional(seeds) : std::nullopt;
}

Decision decide_everywhere(const Rule& rule, const Measurements& measurements,
                           const std::vector<Decision>& settings, double confidence) {
  const double strict = shared_among(confidence, measurements.size());
  Decision overall;
  // The setting that is the furthest from what is claimed stands for all.
  const auto weakest = [&](const Decision& a, const Decision& b) {
    if (!a.estimate || !b.estimate) return !a.estimate && b.estimate;
    if (rule.test == Test::kEquivalence) return std::abs(*a.estimate) > std::abs(*b.estimate);
    return rule.side == Side::kAbove || counts_seeds(rule) ? *a.estimate < *b.estimate
                                                           : *a.estimate > *b.estimate;
  };
  overall = *std::ranges::min_element(settings, weakest);
  overall.n_for_80_percent_power = seeds_of_all(settings);
  if (std::ranges::all_of(settings, [](const Decision& one) { return is_claimed(one.outcome); })) {
    overall.outcome = settings.front().outcome;
    return overall;
  }
  overall.outcome = Outcome::kUndecided;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    if (settings[i].outcome != Outcome::kContradicted) continue;
    const Decision one = decide_setting(rule, measurements[i], strict);
    if (one.outcome != Outcome::kContradicted) continue;
    overall = one;
    break;
  }
  return overall;
}

Decision decide_somewhere(const Rule& rule, const Measurements& measurements, double confidence) {
  Strata strata;
  for (const Measurement& measurement : measurements)
    if (measurement.obstacle.empty()) strata.push_back(contrast_of(rule, measurement));
  if (strata.empty()) return decide_setting(rule, measurements.front(), confidence);
  return in_own_units(
      rule, statistics::decide_somewhere(strata, rule.side, level_at(kSomewhereLevel, confidence)).overall);
}

std::string needs_text(const Decision& decision) {
  const bool few =
      decision.n < statistics::kLeastSeeds && decision.reason.find("seeds are too few") != std::string::npos;
  if (!decision.reason.empty() && !few) return decision.reason;
  if (decision.n_for_80_percent_power &&
      static_cast<std::size_t>(*decision.n_for_80_percent_power) > decision.n)
    return fmt::format("about {} seeds would decide it (80 % power, if the estimate is true)",
                       *decision.n_for_80_percent_power);
  if (few) return fmt::format("{} seeds at least are needed", statistics::kLeastSeeds);
  if (decision.n_for_80_percent_power) return "a few more seeds should decide it";
  return "more seeds would hardly decide it";
}

}  // namespace

CountedEffect counted_effect(const Rule& rule, const Measurements& measurements, double confidence) {
  CountedEffect effect;
  std::vector<double> values;
  for (const Measurement& measurement : measurements) {
    if (!measurement.obstacle.empty()) continue;
    const Count own = count_of(rule, measurement.values);
    effect.successes += own.successes;
    effect.n += own.n;
    for (const double value : measurement.values)
      if (!std::isnan(value)) values.push_back(value);
  }
  if (values.empty()) return effect;
  std::ranges::sort(values);
  const auto n = static_cast<int>(values.size());
  const std::size_t middle = values.size() / 2;
  effect.median = n % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
  int outer = 0;  // values on either side that the interval may leave out
  while (2 * outer + 2 < n && 2 * statistics::binomial_at_most(outer, n, 0.5) <= 1 - confidence) ++outer;
  if (outer > 0)
    effect.interval = {values[static_cast<std::size_t>(outer - 1)],
                       values[static_cast<std::size_t>(n - outer)]};
  return effect;
}

std::string claim_text(const Rule& rule) {
  const char* sign = rule.side == Side::kAbove ? ">" : "<";
  switch (rule.test) {
    case Test::kOrder:
    case Test::kMajority:
      return fmt::format("{} {:g}", sign, rule.bound);
    case Test::kEquivalence:
      return fmt::format("within ±{:.3g}", rule.bound);
    case Test::kNoLoss:
      return rule.side == Side::kAbove ? fmt::format("> -{:g}", rule.bound)
                                       : fmt::format("< {:g}", rule.bound);
    case Test::kShare:
      return fmt::format("{} {:g} of the total", sign, rule.bound);
    case Test::kCount:
      return fmt::format("in more seeds than by chance, {:.3g}", rule.bound);
  }
  return "";
}

std::string rule_text(const Rule& rule) {
  const double percent = 100 * kConfidence;
  std::string text;
  switch (rule.test) {
    case Test::kOrder:
      text = fmt::format("{:g} % t interval {} {:g} (R1)", percent,
                         rule.side == Side::kAbove ? "above" : "below", rule.bound);
      break;
    case Test::kEquivalence:
      text = fmt::format("{:g} % t interval within ±{:.3g} (R2)", percent, rule.bound);
      break;
    case Test::kNoLoss:
      text = rule.side == Side::kAbove
                 ? fmt::format("lower end of the {:g} % t interval above -{:g} (R3)", percent, rule.bound)
                 : fmt::format("upper end of the {:g} % t interval below {:g} (R3)", percent, rule.bound);
      break;
    case Test::kShare:
      text = fmt::format("{:g} % t interval of part - {:g} total {} 0, and of the total above 0 (R4)",
                         percent, rule.bound, rule.side == Side::kAbove ? "above" : "below");
      break;
    case Test::kMajority:
      text = fmt::format("seeds {} {:g} in a majority, sign test at {:g} % (R11)",
                         rule.side == Side::kAbove ? "above" : "below", rule.bound, 100 * kCountLevel);
      break;
    case Test::kCount:
      text = fmt::format("seeds counted against a chance of {:.3g}, binomial at {:g} % (R11)", rule.bound,
                         100 * kCountLevel);
      break;
  }
  switch (rule.quantifier) {
    case Quantifier::kOnTheWhole:
      return text + "; settings pooled (R6)";
    case Quantifier::kEverywhere:
      return text + "; in every setting (R5)";
    case Quantifier::kSomewhere:
      return text + fmt::format("; in some setting and nowhere the other way, Holm at {:g} % (R7)",
                                100 * kSomewhereLevel);
  }
  return text;
}

PartDecision decide_part(const Rule& rule, const Measurements& measurements, double confidence) {
  PartDecision part;
  if (measurements.empty()) return part;
  for (const Measurement& measurement : measurements)
    part.settings.push_back(decide_setting(rule, measurement, confidence));
  part.together =
      rule.quantifier == Quantifier::kOnTheWhole ? poolable(measurements).size() : measurements.size();
  if (measurements.size() == 1)
    part.overall = part.settings.front();
  else if (rule.quantifier == Quantifier::kEverywhere)
    part.overall = decide_everywhere(rule, measurements, part.settings, confidence);
  else if (rule.quantifier == Quantifier::kSomewhere)
    part.overall = decide_somewhere(rule, measurements, confidence);
  else
    part.overall = decide_whole(rule, measurements, confidence);
  return part;
}

ClaimDecision decide_claim(const std::vector<Rule>& rules, const std::vector<Measurements>& measurements) {
  ClaimDecision claim;
  bool all = true, only_equivalences = true, contradicted = false, any = false;
  const double strict = shared_among(kConfidence, rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    claim.parts.push_back(decide_part(rules[i], measurements[i]));
    const Decision& part = claim.parts.back().overall;
    any = any || part.outcome != Outcome::kNotRun;
    all = all && is_claimed(part.outcome);
    only_equivalences = only_equivalences && rules[i].test == Test::kEquivalence;
    contradicted = contradicted ||
                   (part.outcome == Outcome::kContradicted &&
                    decide_part(rules[i], measurements[i], strict).overall.outcome == Outcome::kContradicted);
  }
  if (!any) return claim;
  claim.outcome = contradicted        ? Outcome::kContradicted
                  : !all              ? Outcome::kUndecided
                  : only_equivalences ? Outcome::kEquivalent
                                      : Outcome::kSupported;
  if (claim.outcome != Outcome::kUndecided) return claim;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Decision& part = claim.parts[i].overall;
    if (is_claimed(part.outcome)) continue;
    const std::string text = part.outcome == Outcome::kNotRun ? "not run" : needs_text(part);
    claim.what_would_decide +=
        rules.size() == 1
            ? text
            : fmt::format("{}part {}: {}", claim.what_would_decide.empty() ? "" : "; ", i + 1, text);
  }
  return claim;
}

}  // namespace impsweep::claims
