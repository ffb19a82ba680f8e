#include "engine/report/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "engine/plan/identity.hpp"
#include "engine/report/figures.hpp"
#include "engine/statistics/paired.hpp"
#include "engine/statistics/trend.hpp"
#include "io/error.hpp"
#include "io/table.hpp"

namespace impsweep {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// What is compared: which differences belong to it, and what its values are called.
class ComparedKey {
 public:
  explicit ComparedKey(std::string key) : key_(std::move(key)) {
    for (const char* word : {"variant", "network", "algorithm", "baseline"})
      if (key_ == word) return;
    std::vector<std::string> known = known_keys();
    if (std::ranges::find(known, key_) != known.end()) return;
    known.insert(known.end(), {"variant", "network", "algorithm", "baseline"});
    const std::string nearest = nearest_word(key_, known);
    throw InputError(
        "report: --compare '{}' is neither variant, network, algorithm, baseline nor a key of job files{}",
        key_, nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
  }

  const std::string& name() const { return key_; }

  std::string value_of(const Group& group) const {
    if (key_ == "variant") return group.variant;
    if (key_ == "network") return group.network;
    if (key_ == "algorithm") return group.algorithm;
    if (key_ == "master_seed") return std::to_string(group.settings.master_seed);
    for (const OptionState& state : list_settings(group.settings))
      if (state.option.key == key_) return canonical_text(state.value);
    return "";
  }

  // The settings of two groups that differ though they are not compared.
  std::vector<SettingDifference> others(const Group& a, const Group& b) const {
    if (key_ == "variant") return {};
    std::vector<SettingDifference> found = differing_settings(a.settings, b.settings);
    std::erase_if(found, [&](const SettingDifference& difference) { return is_own(difference.key, a); });
    return found;
  }

  // Chains of these can be compared at all; if not, nobody would look for them side by side.
  bool fit(const Group& a, const Group& b) const {
    if (a.task != b.task) return false;
    if (key_ == "algorithm") return true;
    return a.algorithm == b.algorithm && (key_ != "variant" || a.network == b.network);
  }

 private:
  bool is_own(std::string_view key, const Group& group) const {
    if (key_ == "network") return key.starts_with("network.");
    if (key_ != "algorithm") return key == key_;
    const std::string& family = group.info->family;
    for (const std::string& shared : {std::string("imp."), std::string("network."), std::string("inputs."),
                                      std::string("master_seed"), group.task + ".", family + "."})
      if (key.starts_with(shared)) return false;
    return true;
  }

  std::string key_;
};

std::string text_of(const std::vector<SettingDifference>& differences) {
  std::string text;
  for (const SettingDifference& difference : differences)
    text += fmt::format("{}{} = {} and {}", text.empty() ? "" : ", ", difference.key, difference.first,
                        difference.second);
  return text;
}

bool of_one_schedule(const std::vector<ComparedArm>& arms) {
  return std::ranges::all_of(
      arms, [&](const ComparedArm& arm) { return of_one_schedule(*arm.group, *arms.front().group); });
}

// Mean of a curve over the logarithm of the density, between two densities; linear between rounds.
double area_over_density(const Group& group, const std::vector<double>& returns, double most, double least) {
  if (most <= least) return kNotANumber;
  double area = 0;
  for (std::size_t round = 1; round < returns.size(); ++round) {
    const double from = std::log(group.density[round - 1]), to = std::log(group.density[round]);
    const double begin = std::min(from, std::log(most)), end = std::max(to, std::log(least));
    if (begin <= end) continue;
    const auto at = [&](double density) {
      return returns[round - 1] + (from - density) / (from - to) * (returns[round] - returns[round - 1]);
    };
    area += 0.5 * (at(begin) + at(end)) * (begin - end);
  }
  return area / (std::log(most) - std::log(least));
}

// Fills in seeds, areas and differences; says over what.
std::string measure(std::vector<ComparedArm>& arms, Metric metric) {
  std::vector<SeedCurves> curves;
  std::size_t rounds = std::numeric_limits<std::size_t>::max();
  double most = 1, least = kLeastAreaDensity;
  for (const ComparedArm& arm : arms) {
    curves.push_back(seed_curves(*arm.group, {&arm.baseline, 1}, return_of(metric)));
    rounds = std::min(rounds, curves.back().rounds);
    most = std::min(most, arm.group->density.front());
    if (curves.back().rounds > 0) least = std::max(least, arm.group->density[curves.back().rounds - 1]);
  }
  const std::optional<RoundRange> range = area_rounds(*arms.front().group, rounds);
  const bool one_schedule = of_one_schedule(arms);
  for (std::size_t i = 0; i < arms.size(); ++i) {
    arms[i].seeds = curves[i].seeds;
    for (const std::vector<double>& returns : curves[i].values.front()) {
      if (rounds == 0)
        arms[i].areas.push_back(kNotANumber);
      else if (!range)
        arms[i].areas.push_back(returns.front());
      else if (one_schedule)
        arms[i].areas.push_back(
            statistics::mean_over_rounds(returns, range->first, range->last).value_or(kNotANumber));
      else
        arms[i].areas.push_back(area_over_density(*arms[i].group, returns, most, least));
    }
    arms[i].area = statistics::difference_interval(arms[i].areas);
    std::vector<double> differences;
    for (std::size_t s = 0; i > 0 && s < arms[i].seeds.size(); ++s) {
      const auto other = std::ranges::find(arms[0].seeds, arms[i].seeds[s]);
      if (other != arms[0].seeds.end())
        differences.push_back(arms[i].areas[s] -
                              arms[0].areas[static_cast<std::size_t>(other - arms[0].seeds.begin())]);
    }
    if (i > 0) arms[i].difference = statistics::difference_interval(differences);
  }
  if (!range) return "round 0";
  return one_schedule ? range_text(*range)
                      : fmt::format("densities from {} to {}", percent_text(most), percent_text(least));
}

std::vector<Comparison> compare_baselines(const Results& results, Metric metric) {
  std::vector<Comparison> comparisons;
  for (const Group& group : results.groups) {
    if (!has_rounds(group) || group.chains.size() < 2) continue;
    Comparison& comparison = comparisons.emplace_back();
    comparison.key = "baseline";
    comparison.name = group.name();
    std::vector<ComparedArm>& arms = comparison.arms.emplace_back();
    for (const auto& [baseline, seeds] : group.chains) {
      arms.push_back({std::string(info_of(baseline).name), &group, baseline, {}, {}, {}, {}});
      comparison.drawn.push_back(arms.back().value);
    }
    comparison.range = measure(arms, metric);
  }
  if (comparisons.empty())
    throw InputError("report: --compare baseline: no chains here have more than one baseline");
  return comparisons;
}

// Groups that agree in everything else, first come first.
struct Candidates {
  std::vector<const Group*> groups;
  std::vector<std::string> values;
};

Comparison comparison_of(const ComparedKey& key, const Candidates& set, Metric metric) {
  const Group& first = *set.groups.front();
  Comparison comparison;
  comparison.key = key.name();
  comparison.name = key.name() == "algorithm" ? first.task : first.task + " " + first.algorithm;
  if (key.name() != "network" && !key.name().starts_with("network.")) comparison.name += " " + first.network;
  comparison.drawn = set.values;
  if (key.name() == "variant")
    for (std::size_t i = 1; i < set.groups.size(); ++i)
      comparison.remark +=
          fmt::format("{}{} against {}: {}", comparison.remark.empty() ? "" : "; ", set.values[i],
                      set.values[0], differences(set.groups[i]->settings, first.settings));
  for (const auto& chains : first.chains) {
    const Baseline baseline = chains.first;
    if (!std::ranges::all_of(set.groups,
                             [&](const Group* group) { return group->chains.contains(baseline); }))
      continue;
    std::vector<ComparedArm>& arms = comparison.arms.emplace_back();
    for (std::size_t i = 0; i < set.groups.size(); ++i)
      arms.push_back({set.values[i], set.groups[i], baseline, {}, {}, {}, {}});
    const std::string range = measure(arms, metric);
    if (comparison.range.empty()) comparison.range = range;
  }
  return comparison;
}

}  // namespace

std::vector<Comparison> compare(const Results& results, const std::string& name, Metric metric) {
  const ComparedKey key(name);
  if (name == "baseline") return compare_baselines(results, metric);
  std::vector<Candidates> sets;
  std::string refusal;  // of the first pair that differs in more
  for (const Group& group : results.groups) {
    if (!has_rounds(group)) continue;
    const std::string value = key.value_of(group);
    if (value.empty()) continue;
    bool placed = false;
    for (Candidates& set : sets) {
      const Group& first = *set.groups.front();
      if (!key.fit(first, group)) continue;
      const std::vector<SettingDifference> others = key.others(first, group);
      if (others.empty()) {
        placed = true;
        if (std::ranges::find(set.values, value) != set.values.end()) break;  // the same trainings again
        set.groups.push_back(&group);
        set.values.push_back(value);
        break;
      }
      if (refusal.empty() && std::ranges::find(set.values, value) == set.values.end())
        refusal = fmt::format("{} and {} differ in {} as well", first.name(), group.name(), text_of(others));
    }
    if (!placed) sets.push_back({{&group}, {value}});
  }
  std::vector<Comparison> comparisons;
  std::string left_out;
  for (const Candidates& set : sets) {
    if (set.groups.size() > 1)
      comparisons.push_back(comparison_of(key, set, metric));
    else
      left_out += (left_out.empty() ? "" : ", ") + set.groups.front()->name();
  }
  if (comparisons.empty() && !refusal.empty())
    throw InputError(
        "report: --compare {}: {}; only chains that are equal in all other settings are compared", name,
        refusal);
  if (comparisons.empty())
    throw InputError(
        "report: --compare {}: nothing to compare, these stores hold one value of it or none: {}", name,
        left_out.empty() ? "no finished chains" : left_out);
  if (!left_out.empty())
    comparisons.front().remark +=
        fmt::format("{}not compared, as nothing equals them in all other settings: {}",
                    comparisons.front().remark.empty() ? "" : "; ", left_out);
  return comparisons;
}

std::string file_name_of(const Comparison& comparison) {
  return file_name_of(fmt::format("compare {} {}", comparison.key, comparison.name));
}

ReportSection comparison_section(const std::vector<Comparison>& comparisons, const ReportMetrics& metrics) {
  ReportSection section{
      "Comparison by " + comparisons.front().key,
      fmt::format("By {}; differences are paired by seed, intervals 95 %.", metric_title(metrics.judged)),
      {},
      {}};
  for (const Comparison& comparison : comparisons) {
    ReportTable table{
        fmt::format("{}: area under the return over the density, as mean return over {}{}{}", comparison.name,
                    comparison.range, comparison.remark.empty() ? "" : ". ", comparison.remark),
        {}};
    table.table.header = {comparison.key, "baseline", "area", "difference to the first"};
    for (const std::vector<ComparedArm>& arms : comparison.arms)
      for (const ComparedArm& arm : arms)
        table.table.rows.push_back({arm.value, std::string(info_of(arm.baseline).name),
                                    statistics::text_of(arm.area),
                                    &arm == &arms.front() ? "" : statistics::text_of(arm.difference)});
    section.tables.push_back(std::move(table));
    ReportFigure figure{fmt::format("{} by {}", comparison.name, comparison.key),
                        "Return of each round, mean over seeds; band: one standard deviation. ",
                        {},
                        {}};
    Figure picture{file_name_of(comparison), {}};
    for (const Metric metric : metrics.drawn) {
      if (comparison.key == "baseline") {
        picture.panels.push_back(return_panel(*comparison.arms[0][0].group, comparison.name, metric));
        continue;
      }
      std::vector<NamedGroup> groups;
      const std::vector<ComparedArm>& shown = comparison.arms.front();
      groups.reserve(shown.size());
      for (const ComparedArm& arm : shown) groups.push_back({arm.group, arm.value, groups.size()});
      picture.panels.push_back(comparison_panel(
          groups, fmt::format("{}, {}", comparison.name, info_of(shown.front().baseline).name), metric));
    }
    picture.columns = picture.panels.size();
    std::vector<const Group*> shown;
    for (const ComparedArm& arm : comparison.arms.front()) shown.push_back(arm.group);
    picture.note = figure_note(shown);
    for (const ComparedArm& arm : comparison.arms.front())
      figure.caption += fmt::format("{}: {}. ", arm.value, coverage_text(*arm.group));
    figure.pictures.push_back(std::move(picture));
    section.figures.push_back(std::move(figure));
  }
  return section;
}

namespace {

nlohmann::json cell_json(const statistics::Cell& cell) {
  const auto interval = cell.interval();
  nlohmann::json ends;
  if (interval) ends = {interval->low, interval->high};
  return {{"n", cell.n()},
          {"mean", cell.mean ? nlohmann::json(*cell.mean) : nlohmann::json()},
          {"interval", ends},
          {"values", cell.values}};
}

}  // namespace

std::string comparison_csv(const Comparison& comparison, Metric metric) {
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, std::vector<double>> numbers;
  std::map<std::string, std::vector<std::int64_t>> counts;
  const auto add = [&](const std::string& what, const statistics::Cell& cell) {
    const auto interval = cell.interval();
    counts[what + "_n"].push_back(static_cast<std::int64_t>(cell.n()));
    numbers[what + "_mean"].push_back(cell.mean.value_or(kNotANumber));
    numbers[what + "_low"].push_back(interval ? interval->low : kNotANumber);
    numbers[what + "_high"].push_back(interval ? interval->high : kNotANumber);
  };
  for (const std::vector<ComparedArm>& arms : comparison.arms)
    for (const ComparedArm& arm : arms) {
      texts["key"].push_back(comparison.key);
      texts["chains"].push_back(comparison.name);
      texts["range"].push_back(comparison.range);
      texts["metric"].emplace_back(metric_name(metric));
      texts["baseline"].emplace_back(info_of(arm.baseline).name);
      texts["value"].push_back(arm.value);
      texts["seeds"].push_back(fmt::format("{}", fmt::join(arm.seeds, " ")));
      texts["areas"].push_back(fmt::format("{}", fmt::join(arm.areas, " ")));
      add("area", arm.area);
      add("difference", arm.difference);
    }
  Table table;
  for (const char* name : {"key", "chains", "range", "metric", "baseline", "value"})
    table.columns.push_back({name, texts[name]});
  for (const std::string what : {"area", "difference"}) {
    table.columns.push_back({what + "_n", counts[what + "_n"]});
    for (const char* number : {"_mean", "_low", "_high"})
      table.columns.push_back({what + number, numbers[what + number]});
  }
  for (const char* name : {"seeds", "areas"}) table.columns.push_back({name, texts[name]});
  return to_csv(table);
}

nlohmann::json to_json(const std::vector<Comparison>& comparisons, Metric metric) {
  nlohmann::json list = nlohmann::json::array();
  for (const Comparison& comparison : comparisons) {
    nlohmann::json rows = nlohmann::json::array();
    for (const std::vector<ComparedArm>& arms : comparison.arms)
      for (const ComparedArm& arm : arms)
        rows.push_back(
            {{"value", arm.value},
             {"baseline", info_of(arm.baseline).name},
             {"seeds", arm.seeds},
             {"area", cell_json(arm.area)},
             {"difference", &arm == &arms.front() ? nlohmann::json() : cell_json(arm.difference)}});
    list.push_back({{"key", comparison.key},
                    {"chains", comparison.name},
                    {"range", comparison.range},
                    {"metric", metric_name(metric)},
                    {"remark", comparison.remark},
                    {"file", "figures/" + file_name_of(comparison)},
                    {"rows", rows}});
  }
  return list;
}

}  // namespace impsweep
