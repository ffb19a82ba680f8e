#include "engine/report/claims/claims.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace impsweep::claims {
namespace {

constexpr std::size_t kFewestSeeds = 5;  // the paper's smallest number; fewer resamples say little

}  // namespace

bool is_minatar(const Group& group) {
  return group.task.starts_with("minatar-");
}
bool is_locomotion(const Group& group) {
  const TaskInfo* task = find_task(group.task);
  return task != nullptr && task->family == "locomotion";
}
bool is(const Group& group, std::string_view task, std::string_view algorithm) {
  return group.task == task && group.algorithm == algorithm;
}
bool is_plain(const Group& group) {
  return group.variant == "default";
}
bool is_plain_mlp(const Group& group) {
  return is_plain(group) && group.settings.agent.network.architecture == Architecture::kMlp;
}
bool is_plain_board(const Group& group, std::string_view task, std::string_view algorithm) {
  return is_plain(group) && is(group, task, algorithm) && is_board(group);
}

std::string progress_note(const Group& group, std::size_t rounds, bool complete) {
  return complete ? "" : fmt::format("under way: rounds 0-{} of 0-{}", rounds - 1, group.rounds() - 1);
}

Finding decided(const Group& group, std::string statistic, const Interval& interval, std::size_t seeds,
                Side side, double reference) {
  Finding finding;
  finding.about = {group.task, group.algorithm};
  finding.setting = group.name();
  finding.statistic = std::move(statistic);
  finding.claim = fmt::format("{} {:g}", side == Side::kAbove ? ">" : "<", reference);
  finding.interval = interval;
  finding.seeds = seeds;
  const bool above = interval.low > reference, below = interval.high < reference;
  if (seeds >= kFewestSeeds && (above || below)) {
    finding.verdict = above == (side == Side::kAbove) ? Verdict::kSupported : Verdict::kContradicted;
  } else if (const auto more = more_needed(interval, seeds, reference)) {
    const std::int64_t missing = static_cast<std::int64_t>(kFewestSeeds) - static_cast<std::int64_t>(seeds);
    finding.more_seeds = std::max({*more, missing, std::int64_t{1}});
  }
  return finding;
}

void decide(Findings& findings, const Group& group, std::string statistic, const std::vector<double>& values,
            Side side, double reference, std::string note) {
  if (values.empty() || std::ranges::any_of(values, [](double v) { return std::isnan(v); })) return;
  findings.push_back(
      decided(group, std::move(statistic), bootstrap_interval(values), values.size(), side, reference));
  findings.back().note = std::move(note);
}

void decide_areas(Findings& findings, const Group& group, std::vector<Baseline> baselines,
                  const std::vector<double>& weights, std::string statistic, Side side, double reference) {
  const Areas all = areas(group, baselines);
  if (all.of.empty()) return;
  std::vector<double> values(all.of.front().size(), 0.0);
  for (std::size_t b = 0; b < all.of.size(); ++b)
    for (std::size_t seed = 0; seed < values.size(); ++seed) values[seed] += weights[b] * all.of[b][seed];
  decide(findings, group, std::move(statistic), values, side, reference,
         progress_note(group, all.rounds, all.complete));
}

void ticket_above_random(Findings& findings, const Group& group) {
  decide_areas(findings, group, {kTicket, kRandom}, {1, -1}, "AUC(mask/weights) - AUC(random/re-init)",
               Side::kAbove, 0);
}
void mask_above_weights(Findings& findings, const Group& group) {
  decide_areas(findings, group, {kPermuted, kShuffled, kTicket}, {2, -1, -1},
               "mask contribution - weight contribution", Side::kAbove, 0);
}
void mask_contributes(Findings& findings, const Group& group) {
  decide_areas(findings, group, {kPermuted, kShuffled}, {1, -1}, "mask contribution", Side::kAbove, 0);
}
void layer_ratio_contributes(Findings& findings, const Group& group, Side side) {
  decide_areas(findings, group, {kShuffled, kRandom}, {1, -1}, "AUC(permuted/permuted) - AUC(random/re-init)",
               side, 0);
}

std::vector<double> at_ten_percent(const Group& group, const RoundValue& value) {
  return over_seeds(group, kTicket, round_near(group, kTenPercent), value);
}

std::string ten_percent_text(const Group& group) {
  return fmt::format("at density {:.3g}", group.density[round_near(group, kTenPercent)]);
}

double share_of_magnitude(const RoundFacts& round, const std::vector<std::size_t>& some,
                          const std::vector<std::size_t>& all) {
  double part = 0, whole = 0;
  for (const std::size_t input : some) part += round.input_magnitude[input];
  for (const std::size_t input : all) whole += round.input_magnitude[input];
  return part / whole;
}

std::vector<const ChainFacts*> complete_tickets(const Group& group) {
  std::vector<const ChainFacts*> chains;
  const auto tickets = group.chains.find(kTicket);
  if (tickets == group.chains.end()) return chains;
  for (const auto& [seed, chain] : tickets->second)
    if (std::ranges::find(chain, nullptr) == chain.end()) chains.push_back(&chain);
  return chains;
}

std::vector<double> area_difference(const Group& group, const Group& plain) {
  const Scale scale = scale_of(plain);
  const SeedCurves ours = seed_curves(group, {&kTicket, 1}), theirs = seed_curves(plain, {&kTicket, 1});
  std::vector<double> values;
  if (!scale.usable) return values;
  for (std::size_t i = 0; i < ours.seeds.size(); ++i) {
    const auto other = std::ranges::find(theirs.seeds, ours.seeds[i]);
    if (other == theirs.seeds.end()) continue;
    const std::size_t rounds = std::min(ours.rounds, theirs.rounds);
    double sum = 0;
    for (std::size_t round = 0; round < rounds; ++round)
      sum +=
          scale.performance(ours.values[0][i][round]) -
          scale.performance(theirs.values[0][static_cast<std::size_t>(other - theirs.seeds.begin())][round]);
    values.push_back(sum / static_cast<double>(rounds));
  }
  return values;
}

}  // namespace impsweep::claims
