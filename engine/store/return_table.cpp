#include "engine/store/return_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "engine/plan/chain_group.hpp"
#include "engine/statistics/cell.hpp"
#include "engine/store/status_text.hpp"

namespace impsweep {
namespace {

constexpr std::size_t kRowsShown = 12;

struct Chains {
  std::size_t rounds = 0;  // of the longest
  ByBaselineAndSeed<const Chain*> chains;
};

class GroupTable {
 public:
  GroupTable(const Plan& plan, const RoundSummaries& summaries, const Chains& group, Metric metric)
      : plan_(plan), summaries_(summaries), group_(group), metric_(metric) {}

  std::vector<std::string> curves() const {
    constexpr std::size_t kWidth = 16;
    std::vector<std::string> lines;
    for (const auto& [baseline, chains] : group_.chains) {
      std::vector<double> means;
      std::size_t finished = 0;
      for (std::size_t round = 0; round < group_.rounds; ++round) {
        double sum = 0;
        std::size_t count = 0;
        for (const auto& [seed, chain] : chains)
          if (const std::optional<double> value = return_of(*chain, round); value && !std::isnan(*value)) {
            sum += *value;
            ++count;
          }
        means.push_back(count == 0 ? std::numeric_limits<double>::quiet_NaN()
                                   : sum / static_cast<double>(count));
        if (count > 0) finished = round + 1;
      }
      means.resize(finished);
      if (means.empty()) continue;
      lines.push_back(fmt::format("  {:<17} {:<16} {:>8.1f} > {:.1f} (r{:02})", info_of(baseline).name,
                                  return_curve(means, kWidth), means.front(), means.back(), finished - 1));
    }
    return lines;
  }

  std::string text() const {
    std::string text = fmt::format("{:>5} {:>9} {:>8}", "round", "density", "weights");
    for (const auto& [baseline, chains] : group_.chains)
      text += fmt::format("  {:>18}", info_of(baseline).name);
    text += "\n";
    std::size_t last_shown = group_.rounds;
    for (std::size_t row = 0; row < std::min(kRowsShown, group_.rounds); ++row) {
      const std::size_t round =
          group_.rounds <= kRowsShown ? row : row * (group_.rounds - 1) / (kRowsShown - 1);
      if (round == last_shown) continue;
      last_shown = round;
      text += row_text(round);
    }
    return text + differences();
  }

 private:
  std::optional<double> return_of(const Chain& chain, std::size_t round) const {
    if (round >= chain.rounds.size()) return std::nullopt;
    const auto found = summaries_.find(chain.rounds[round]);
    if (found == summaries_.end()) return std::nullopt;
    return return_by(found->second, metric_);
  }

  std::string row_text(std::size_t round) const {
    std::string cells, head;
    for (const auto& [baseline, chains] : group_.chains) {
      std::vector<double> values;
      for (const auto& [seed, chain] : chains) {
        if (const std::optional<double> value = return_of(*chain, round)) values.push_back(*value);
        if (round < chain->rounds.size() && head.empty()) {
          const TrainingNode& node = plan_.trainings[chain->rounds[round]];
          head = fmt::format("{:>5} {:>7.2f} % {:>8}", round, 100 * node.density, node.kept);
        }
      }
      cells += fmt::format("  {:>18}", cell_text(values));
    }
    return head + cells + "\n";
  }

  // A single value has no deviation.
  static std::string cell_text(const std::vector<double>& values) {
    const std::vector<double> measured = statistics::complete(values).values;
    if (measured.empty()) return "-";
    const statistics::Description sample = statistics::describe(measured);
    return sample.n == 1 ? fmt::format("{:.1f}", sample.mean)
                         : fmt::format("{:.1f} +- {:.1f}", sample.mean, sample.deviation);
  }

  // Mean over rounds 1 and later of a chain's return, where all of them are there.
  std::optional<double> mean_over_rounds(const Chain& chain) const {
    double sum = 0;
    for (std::size_t round = 1; round < group_.rounds; ++round) {
      const std::optional<double> value = return_of(chain, round);
      if (!value) return std::nullopt;
      sum += *value / static_cast<double>(group_.rounds - 1);
    }
    return sum;
  }

  std::string differences() const {
    const auto tickets = group_.chains.find(Baseline::kMaskWeights);
    if (tickets == group_.chains.end() || group_.rounds < 2) return "";
    std::string text;
    for (const auto& [baseline, chains] : group_.chains) {
      if (baseline == Baseline::kMaskWeights) continue;
      std::vector<double> paired;
      for (const auto& [seed, chain] : chains) {
        const auto ticket = tickets->second.find(seed);
        if (ticket == tickets->second.end()) continue;
        const std::optional<double> ours = mean_over_rounds(*ticket->second),
                                    other = mean_over_rounds(*chain);
        if (ours && other) paired.push_back(*ours - *other);
      }
      if (paired.size() < 2) continue;
      text += fmt::format("  mask/weights - {:<18} {}\n", info_of(baseline).name,
                          statistics::text_of(statistics::difference_interval(paired)));
    }
    return text.empty() ? text
                        : fmt::format("paired differences of the {}, mean over rounds 1 and later, 95 %:\n{}",
                                      metric_title(metric_), text);
  }

  const Plan& plan_;
  const RoundSummaries& summaries_;
  const Chains& group_;
  Metric metric_;
};

std::map<ChainGroup, Chains> grouped(const Plan& plan) {
  std::map<ChainGroup, Chains> groups;
  for (const Chain& chain : plan.chains) {
    Chains& group = groups[group_of(chain)];
    group.rounds = std::max(group.rounds, chain.rounds.size());
    group.chains[chain.baseline][chain.seed] = &chain;
  }
  return groups;
}

}  // namespace

std::vector<std::string> return_curves(const Plan& plan, const RoundSummaries& summaries, Metric metric) {
  std::vector<std::string> lines;
  for (const auto& [key, group] : grouped(plan)) {
    const std::vector<std::string> curves = GroupTable(plan, summaries, group, metric).curves();
    if (curves.empty()) continue;
    lines.push_back(key.name());
    lines.insert(lines.end(), curves.begin(), curves.end());
  }
  return lines;
}

std::string return_tables(const Plan& plan, const RoundSummaries& summaries, Metric metric) {
  const std::map<ChainGroup, Chains> groups = grouped(plan);
  std::string text;
  for (const auto& [key, group] : groups) {
    std::size_t seeds = 0;
    for (const auto& [baseline, chains] : group.chains) seeds = std::max(seeds, chains.size());
    text += fmt::format("{}: {}, mean +- standard deviation over {} seed{}\n", key.name(),
                        metric_title(metric), seeds, seeds == 1 ? "" : "s");
    text += GroupTable(plan, summaries, group, metric).text() + "\n";
  }
  return text;
}

}  // namespace impsweep
