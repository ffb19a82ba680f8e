#include "engine/report/hypotheses.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/report/claims/claims.hpp"
#include "engine/report/figures.hpp"
#include "engine/statistics/describe.hpp"

namespace impsweep {
namespace {

using statistics::Outcome;

// How far settings differ that are spoken of together. No test of it: with few seeds those claim too much.
std::string heterogeneity_note(const std::vector<statistics::Decision>& settings) {
  std::vector<double> estimates;
  std::ptrdiff_t against = 0;
  for (const statistics::Decision& setting : settings) {
    if (setting.estimate) estimates.push_back(*setting.estimate);
    against += setting.outcome == Outcome::kContradicted ? 1 : 0;
  }
  if (estimates.size() < 2) return "";
  std::string note =
      fmt::format("settings from {:.3g} to {:.3g}", std::ranges::min(estimates), std::ranges::max(estimates));
  if (against > 0) note += fmt::format("; {} of {} contradict by themselves", against, settings.size());
  return note;
}

std::string together_text(claims::Quantifier quantifier, std::size_t settings, std::size_t pooled) {
  switch (quantifier) {
    case claims::Quantifier::kOnTheWhole:
      return pooled == settings ? fmt::format("{} settings, pooled", settings)
                                : fmt::format("{} of {} settings, pooled", pooled, settings);
    case claims::Quantifier::kEverywhere:
      return fmt::format("{} settings, the weakest", settings);
    case claims::Quantifier::kSomewhere:
      return fmt::format("{} settings, the strongest", settings);
  }
  return "";
}

// Rules that count seeds show what was measured, and the count in words.
void show_what_was_measured(const claims::Rule& rule, const claims::Measurements& measurements,
                            Finding& finding) {
  if (rule.test != claims::Test::kMajority) return;
  const claims::CountedEffect effect = claims::counted_effect(rule, measurements);
  finding.decision.estimate = effect.median;
  finding.decision.interval = effect.interval;
  if (effect.n > 0)
    finding.note += fmt::format("{}{} of {} seeds do so; median", finding.note.empty() ? "" : "; ",
                                effect.successes, effect.n);
}

void add_findings(std::vector<Finding>& findings, const claims::Part& part,
                  const claims::Measurements& measurements, const claims::PartDecision& decision) {
  for (std::size_t i = 0; i < measurements.size(); ++i) {
    std::string note = measurements[i].note;
    if (decision.settings[i].dropped > 0)
      note += fmt::format("{}{} seed{} without a return", note.empty() ? "" : "; ",
                          decision.settings[i].dropped, decision.settings[i].dropped == 1 ? "" : "s");
    findings.push_back({measurements[i].about, measurements[i].setting, part.estimand,
                        claims::claim_text(part.rule), false, decision.settings[i], std::move(note)});
    show_what_was_measured(part.rule, {measurements[i]}, findings.back());
  }
  if (measurements.size() > 1)
    findings.push_back({{},
                        together_text(part.rule.quantifier, measurements.size(), decision.together),
                        part.estimand,
                        claims::claim_text(part.rule),
                        true,
                        decision.overall,
                        heterogeneity_note(decision.settings)});
  if (measurements.size() > 1) {
    claims::Measurements pooled;
    for (const claims::Measurement& measurement : measurements)
      if (statistics::complete(measurement.values).values.size() >= statistics::kLeastSeeds)
        pooled.push_back(measurement);
    show_what_was_measured(part.rule, pooled, findings.back());
  }
}

}  // namespace

std::string_view verdict_text(Outcome verdict) {
  return verdict == Outcome::kNotRun ? "not run" : statistics::outcome_text(verdict);
}

std::vector<JudgedHypothesis> judge(const Results& results, Metric metric) {
  std::vector<JudgedHypothesis> judged;
  for (const claims::Claim& claim : claims::table()) {
    JudgedHypothesis& result = judged.emplace_back();
    result.id = claim.id;
    result.claim = claim.text;
    result.needs = claim.chains;
    result.remark = claim.remark;
    std::vector<claims::Rule> rules;
    std::vector<claims::Measurements> measurements;
    for (const claims::Part& part : claim.parts) {
      rules.push_back(part.rule);
      measurements.push_back(part.measure({results, claim.settings, metric}));
      std::erase_if(measurements.back(), [](const claims::Measurement& measurement) {
        return measurement.values.empty() && measurement.obstacle.empty();
      });
      result.rules.push_back(fmt::format("{} {}: {}", part.estimand, claims::claim_text(part.rule),
                                         claims::rule_text(part.rule)));
    }
    const claims::ClaimDecision decision = claims::decide_claim(rules, measurements);
    result.verdict = decision.outcome;
    result.what_would_decide = decision.what_would_decide;
    for (std::size_t i = 0; i < claim.parts.size(); ++i)
      add_findings(result.findings, claim.parts[i], measurements[i], decision.parts[i]);
    for (const TaskAndAlgorithm& setting : claim.settings) {
      const bool seen = std::ranges::find(result.findings, setting, &Finding::about) != result.findings.end();
      const bool there = std::ranges::any_of(results.groups, [&](const Group& group) {
        return claims::about(group) == setting && has_rounds(group);
      });
      (seen ? result.seen : there ? result.unfit : result.missing).push_back(setting);
    }
  }
  return judged;
}

std::string list_text(const std::vector<TaskAndAlgorithm>& settings) {
  std::vector<std::pair<std::string, std::string>> tasks;  // with their algorithms
  for (const TaskAndAlgorithm& setting : settings) {
    const auto known = std::ranges::find(tasks, setting.task, &std::pair<std::string, std::string>::first);
    if (known == tasks.end())
      tasks.emplace_back(setting.task, setting.algorithm);
    else
      known->second += ", " + setting.algorithm;
  }
  std::string text;
  for (const auto& [task, algorithms] : tasks)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", task, algorithms);
  return text;
}

std::string scope_text(const JudgedHypothesis& hypothesis) {
  const std::size_t all = hypothesis.seen.size() + hypothesis.unfit.size() + hypothesis.missing.size();
  if (hypothesis.seen.empty() || all == 1) return "";
  return fmt::format("{} of {} settings: {}", hypothesis.seen.size(), all, list_text(hypothesis.seen));
}

nlohmann::json to_json(const std::vector<JudgedHypothesis>& hypotheses) {
  const auto or_null = [](const auto& value) { return value ? nlohmann::json(*value) : nlohmann::json(); };
  nlohmann::json list = nlohmann::json::array();
  for (const JudgedHypothesis& hypothesis : hypotheses) {
    nlohmann::json findings = nlohmann::json::array();
    for (const Finding& finding : hypothesis.findings) {
      const statistics::Decision& decision = finding.decision;
      nlohmann::json interval;
      if (decision.interval) interval = {decision.interval->low, decision.interval->high};
      nlohmann::json more;
      if (decision.n_for_80_percent_power && decision.outcome == Outcome::kUndecided)
        more = std::max<std::int64_t>(
            1, *decision.n_for_80_percent_power - static_cast<std::int64_t>(decision.n));
      findings.push_back({{"setting", finding.setting},
                          {"statistic", finding.estimand},
                          {"claim", finding.claim},
                          {"value", or_null(decision.estimate)},
                          {"interval", interval},
                          {"confidence", decision.confidence},
                          {"seeds", decision.n},
                          {"verdict", verdict_text(decision.outcome)},
                          {"more_seeds", more},
                          {"reason", decision.reason},
                          {"note", finding.note}});
    }
    list.push_back({{"id", hypothesis.id},
                    {"claim", hypothesis.claim},
                    {"statistic", hypothesis.rules},
                    {"needs", hypothesis.needs},
                    {"remark", hypothesis.remark},
                    {"verdict", verdict_text(hypothesis.verdict)},
                    {"undecided", hypothesis.what_would_decide},
                    {"scope", scope_text(hypothesis)},
                    {"seen", list_text(hypothesis.seen)},
                    {"missing", list_text(hypothesis.missing)},
                    {"unfit", list_text(hypothesis.unfit)},
                    {"findings", findings}});
  }
  return list;
}

}  // namespace impsweep
