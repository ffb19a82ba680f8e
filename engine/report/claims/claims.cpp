#include "engine/report/claims/claims.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/trend.hpp"

namespace impsweep::claims {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

std::vector<double> combined(const Areas& areas, const std::vector<Baseline>& order,
                             const std::vector<Term>& terms) {
  std::vector<double> values(areas.seeds.size(), 0.0);
  for (const Term& term : terms) {
    const auto place = static_cast<std::size_t>(std::ranges::find(order, term.baseline) - order.begin());
    for (std::size_t seed = 0; seed < values.size(); ++seed)
      values[seed] += term.factor * areas.of[place][seed];
  }
  return values;
}

}  // namespace

bool Scope::speaks_of(const Group& group) const {
  return std::ranges::find(settings, about(group)) != settings.end();
}

TaskAndAlgorithm about(const Group& group) {
  return {group.task.starts_with("atari-") ? "atari" : group.task, group.algorithm};
}

Measurement measurement_of(const Group& group) {
  Measurement measurement;
  measurement.about = about(group);
  measurement.setting = group.name();
  return measurement;
}

std::string progress_note(const Group& group, std::size_t rounds, bool complete) {
  return complete ? "" : fmt::format("under way: rounds 0-{} of 0-{}", rounds - 1, group.rounds() - 1);
}

std::string still_under_way(const Group& group, const RoundRange& reached) {
  const std::size_t last = area_rounds(group, group.rounds()).value_or(reached).last;
  return reached.last >= last
             ? ""
             : fmt::format("round {} is needed, the chains are at round {}", last, reached.last);
}

Measurements contrasts(const std::vector<const Group*>& groups, Metric metric,
                       const std::vector<Term>& values, const std::vector<Term>& total) {
  std::vector<Baseline> order;
  for (const std::vector<Term>* terms : {&values, &total})
    for (const Term& term : *terms)
      if (std::ranges::find(order, term.baseline) == order.end()) order.push_back(term.baseline);
  Measurements measurements;
  for (const Group* group : groups) {
    if (!std::ranges::all_of(order, [&](Baseline one) { return group->chains.contains(one); })) continue;
    const Areas all = areas(*group, order, metric);
    Measurement measurement = measurement_of(*group);
    if (all.of.empty()) {
      const SeedCurves curves = seed_curves(*group, order, return_of(metric));
      if (curves.seeds.empty()) continue;
      measurement.obstacle = curves.rounds < 2 ? "round 1 is needed, and not there yet"
                                               : "dense agents are no better than untrained networks";
      measurement.values.assign(curves.seeds.size(), kNotANumber);
    } else {
      measurement.values = combined(all, order, values);
      if (!total.empty()) measurement.total = combined(all, order, total);
      measurement.seeds = all.seeds;
      measurement.note = range_text(all.range) + (all.complete ? "" : "; under way");
      measurement.obstacle = still_under_way(*group, all.range);
    }
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

BySeed paired_by_seed(const BySeed& a, const BySeed& b) {
  BySeed differences;
  for (std::size_t i = 0; i < a.seeds.size(); ++i) {
    const auto other = std::ranges::find(b.seeds, a.seeds[i]);
    if (other == b.seeds.end()) continue;
    differences.seeds.push_back(a.seeds[i]);
    differences.values.push_back(a.values[i] - b.values[static_cast<std::size_t>(other - b.seeds.begin())]);
  }
  return differences;
}

void take(Measurement& measurement, BySeed values) {
  measurement.seeds = std::move(values.seeds);
  measurement.values = std::move(values.values);
}

Measurement mean_of(const Measurements& some, std::string setting) {
  Measurement mean = some.front();
  mean.setting = std::move(setting);
  std::map<std::int64_t, std::vector<double>> by_seed;
  std::size_t used = 0;
  for (const Measurement& one : some) {
    if (!one.obstacle.empty()) continue;
    ++used;
    for (std::size_t i = 0; i < one.seeds.size(); ++i) by_seed[one.seeds[i]].push_back(one.values[i]);
  }
  if (used == 0) return mean;
  mean.obstacle.clear();
  mean.values.clear();
  mean.seeds.clear();
  for (const auto& [seed, values] : by_seed) {
    if (values.size() < used) continue;
    mean.seeds.push_back(seed);
    const bool complete = std::ranges::none_of(values, [](double value) { return std::isnan(value); });
    mean.values.push_back(complete ? statistics::mean(values) : kNotANumber);
  }
  return mean;
}

Measurement ticket_difference(const Group& group, const Group& plain, Metric metric) {
  const Scale scale = scale_of(plain, metric);
  const SeedCurves ours = seed_curves(group, {&kTicket, 1}, return_of(metric)),
                   theirs = seed_curves(plain, {&kTicket, 1}, return_of(metric));
  Measurement measurement = measurement_of(group);
  measurement.setting += " against " + plain.name();
  const std::optional<RoundRange> range = area_rounds(plain, std::min(ours.rounds, theirs.rounds));
  if (!range || !scale.usable) {
    if (ours.seeds.empty() || theirs.seeds.empty()) return measurement;
    measurement.obstacle = scale.usable ? "round 1 is needed, and not there yet"
                                        : "dense agents are no better than untrained networks";
    measurement.values.assign(ours.seeds.size(), kNotANumber);
    return measurement;
  }
  const auto area = [&](const std::vector<double>& returns) {
    return statistics::mean_over_rounds(returns, range->first, range->last).value_or(kNotANumber) /
           scale.range();
  };
  BySeed a{ours.seeds, {}}, b{theirs.seeds, {}};
  for (const std::vector<double>& returns : ours.values[0]) a.values.push_back(area(returns));
  for (const std::vector<double>& returns : theirs.values[0]) b.values.push_back(area(returns));
  take(measurement, paired_by_seed(a, b));
  measurement.note = range_text(*range) + (ours.complete && theirs.complete ? "" : "; under way");
  measurement.obstacle = still_under_way(plain, *range);
  return measurement;
}

std::vector<std::pair<std::int64_t, const ChainFacts*>> complete_tickets(const Group& group) {
  std::vector<std::pair<std::int64_t, const ChainFacts*>> chains;
  const auto tickets = group.chains.find(kTicket);
  if (tickets == group.chains.end()) return chains;
  for (const auto& [seed, chain] : tickets->second)
    if (std::ranges::find(chain, nullptr) == chain.end()) chains.emplace_back(seed, &chain);
  return chains;
}

Measurement at_ten_percent(const Group& group, const RoundValue& value) {
  Measurement measurement = measurement_of(group);
  const std::size_t round = round_near(group, kTenPercent);
  measurement.note = fmt::format("at density {:.3g}", group.density[round]);
  measurement.values = over_seeds(group, kTicket, round, value);
  if (std::abs(std::log(group.density[round] / kTenPercent)) > std::log(2)) {
    measurement.values.clear();
    measurement.obstacle = fmt::format("the chains end at density {:.3g}", group.density.back());
  } else if (measurement.values.empty() && !over_seeds(group, kTicket, 0, literal_inputs).empty())
    measurement.obstacle = fmt::format("round {} is needed, and not there yet", round);
  return measurement;
}

}  // namespace impsweep::claims
