#include "engine/report/hypotheses.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/report/claims/claims.hpp"

namespace impsweep {
namespace {

Verdict overall(const std::vector<Finding>& findings) {
  const auto any = [&](Verdict verdict) {
    return std::ranges::find(findings, verdict, &Finding::verdict) != findings.end();
  };
  if (findings.empty()) return Verdict::kNotRun;
  if (any(Verdict::kContradicted)) return Verdict::kContradicted;
  return any(Verdict::kUndecided) ? Verdict::kUndecided : Verdict::kSupported;
}

}  // namespace

std::string_view verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSupported:
      return "supported";
    case Verdict::kContradicted:
      return "contradicted";
    case Verdict::kUndecided:
      return "undecided";
    case Verdict::kNotRun:
      return "not run";
  }
  return "";
}

std::vector<JudgedHypothesis> judge(const Results& results) {
  std::vector<JudgedHypothesis> judged;
  for (const claims::Hypothesis& hypothesis : claims::hypotheses()) {
    JudgedHypothesis& result = judged.emplace_back();
    result.id = hypothesis.id;
    result.claim = hypothesis.claim;
    result.statistic = hypothesis.statistic;
    result.needs = hypothesis.needs;
    hypothesis.find(results, result.findings);
    result.verdict = overall(result.findings);
    for (const TaskAndAlgorithm& setting : hypothesis.settings) {
      const bool seen = std::ranges::find(result.findings, setting, &Finding::about) != result.findings.end();
      (seen ? result.seen : result.missing).push_back(setting);
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
  const std::size_t all = hypothesis.seen.size() + hypothesis.missing.size();
  if (hypothesis.seen.empty() || all == 1) return "";
  return fmt::format("{} of {} settings: {}", hypothesis.seen.size(), all, list_text(hypothesis.seen));
}

nlohmann::json to_json(const std::vector<JudgedHypothesis>& hypotheses) {
  nlohmann::json list = nlohmann::json::array();
  for (const JudgedHypothesis& hypothesis : hypotheses) {
    nlohmann::json findings = nlohmann::json::array();
    for (const Finding& finding : hypothesis.findings)
      findings.push_back(
          {{"setting", finding.setting},
           {"statistic", finding.statistic},
           {"claim", finding.claim},
           {"value", finding.interval.mean},
           {"interval", {finding.interval.low, finding.interval.high}},
           {"seeds", finding.seeds},
           {"verdict", verdict_text(finding.verdict)},
           {"more_seeds", finding.more_seeds ? nlohmann::json(*finding.more_seeds) : nlohmann::json()},
           {"note", finding.note}});
    list.push_back({{"id", hypothesis.id},
                    {"claim", hypothesis.claim},
                    {"statistic", hypothesis.statistic},
                    {"needs", hypothesis.needs},
                    {"verdict", verdict_text(hypothesis.verdict)},
                    {"scope", scope_text(hypothesis)},
                    {"seen", list_text(hypothesis.seen)},
                    {"missing", list_text(hypothesis.missing)},
                    {"findings", findings}});
  }
  return list;
}

}  // namespace impsweep
