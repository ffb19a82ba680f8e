#include "verdicts_from_returns.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "../statistics/simulation.hpp"
#include "made_up.hpp"

namespace impsweep::claims::simulation {
namespace {

using statistics::simulation::normal;

constexpr int kRounds = 17;
constexpr double kLeft = 0.8, kDense = 100, kFallen = 20, kOfSeed = 10, kOfRound = 8;
constexpr double kFirstFall = 4, kLastFall = 14, kWidthOfFall = 1.5, kCollapses = 1.0 / 8;
constexpr double kMarginOfP = 0.05 * kDense;

// What is added to every round after the first, of mask/weights, mask/permuted, permuted/permuted and
// random/re-init.
using Shifts = std::array<double, 4>;
constexpr Shifts kEqual = {0, 0, 0, 0};

struct Chains {
  std::string task, algorithm;
  Shifts shifts = kEqual;
  double falls_at_size = 1;  // larger networks fall later by round, and at the same number of weights
};

Group simulated(const Chains& chains, int seeds, Curves curves, const std::string& name) {
  Stream stream(fmt::format("{}/{}/{}", name, chains.task, chains.algorithm));
  std::vector<double> own;
  for (int seed = 0; seed < seeds; ++seed) own.push_back(kOfSeed * normal(stream));
  const double later = std::log(chains.falls_at_size) / -std::log(kLeft);
  double fall = 0;
  // Groups are filled baseline by baseline, seed by seed and round by round.
  return made_up::group(
      {.task = chains.task,
       .algorithm = chains.algorithm,
       .seeds = seeds,
       .rounds = kRounds,
       .finished = kRounds,
       .left = kLeft},
      [&](Baseline baseline, std::int64_t seed, int round) {
        if (round == 0) {
          // All baselines share a seed's dense agent.
          fall = later + kFirstFall + (kLastFall - kFirstFall) * stream.uniform();
          Stream dense(fmt::format("{}/{}/{}/dense/{}", name, chains.task, chains.algorithm, seed));
          return kDense + own[static_cast<std::size_t>(seed)] + kOfRound * normal(dense);
        }
        const double noise = kOfRound * normal(stream);
        const bool collapsed = curves == Curves::kCollapsing && stream.uniform() < kCollapses;
        const double stands = collapsed ? 0 : 1 / (1 + std::exp((round - fall) / kWidthOfFall));
        return kFallen + (kDense - kFallen) * stands + own[static_cast<std::size_t>(seed)] + noise +
               chains.shifts[static_cast<std::size_t>(baseline)];
      });
}

template <class Change>
Group changed(Group group, Change change) {
  change(group.settings);
  group.network = network_name(group.settings.agent.network);
  group.variant = "changed";
  return group;
}

std::vector<Group> one(const char* task, const char* algorithm, const Shifts& shifts, int seeds,
                       Curves curves, const std::string& name) {
  return {simulated({task, algorithm, shifts}, seeds, curves, name)};
}

// Two groups of one task and algorithm, of which the second has other settings.
template <class Change>
std::vector<Group> two(const char* task, const char* algorithm, const Shifts& plain, const Shifts& other,
                       int seeds, Curves curves, const std::string& name, Change change) {
  std::vector<Group> groups = one(task, algorithm, plain, seeds, curves, name + "/plain");
  groups.push_back(changed(simulated({task, algorithm, other}, seeds, curves, name + "/other"), change));
  return groups;
}

Group of_size(std::int64_t units, const Shifts& shifts, int seeds, Curves curves, const std::string& name) {
  const double times = static_cast<double>(units) / 128;
  Group group =
      changed(simulated({"cartpole", "ppo", shifts, times}, seeds, curves, name), [&](Settings& settings) {
        settings.agent.network.hidden = {units, units};
      });
  group.variant = "default";
  for (std::int64_t& kept : group.kept) kept = std::llround(times * static_cast<double>(kept));
  return group;
}

void convolve(Settings& settings) {
  settings.agent.network.architecture = Architecture::kCnn;
}

Shifts all(double shift) {
  return {shift, shift, shift, shift};
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  using Name = const std::string&;
  static const std::vector<Scenario> kScenarios = {
      {"H1", "tickets equal random networks in one of two settings",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups = one("cartpole", "bc", kEqual, seeds, curves, name);
         groups.push_back(simulated({"acrobot", "ppo", {40, 0, 0, 0}}, seeds, curves, name));
         return groups;
       }},
      {"H2", "cloning and PPO fall at rounds of one distribution",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups = one("cartpole", "bc", kEqual, seeds, curves, name);
         groups.push_back(simulated({"cartpole", "ppo"}, seeds, curves, name));
         return groups;
       }},
      {"H3", "the mask is worth half of mask and weights",
       [](int seeds, Curves curves, Name name) {
         return one("cartpole", "bc", {80, 70, 60, 0}, seeds, curves, name);
       }},
      {"H3", "the weights are worth a fifth of the effect",
       [](int seeds, Curves curves, Name name) {
         return one("cartpole", "bc", {100, 80, 20, 0}, seeds, curves, name);
       }},
      {"H4", "permuted masks equal random ones",
       [](int seeds, Curves curves, Name name) {
         return one("cartpole", "bc", kEqual, seeds, curves, name);
       }},
      {"H5", "the weights are worth the margin",
       [](int seeds, Curves curves, Name name) {
         return one("cartpole", "bc", {kMarginOfP, 0, -60, -120}, seeds, curves, name);
       }},
      {"H5", "the mask is worth nothing",
       [](int seeds, Curves curves, Name name) {
         return one("cartpole", "bc", {0, 0, 0, -80}, seeds, curves, name);
       }},
      {"H5", "layer ratios are worth nothing",
       [](int seeds, Curves curves, Name name) {
         return one("cartpole", "bc", {0, 0, -80, -80}, seeds, curves, name);
       }},
      {"H6",
       "permuted masks equal random ones on three robots, and are better where the actor alone is pruned",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups;
         for (const char* robot : {"hopper", "ant", "walker2d"}) {
           groups.push_back(simulated({robot, "ppo"}, seeds, curves, name));
           groups.push_back(changed(simulated({robot, "ppo", {0, 0, 60, 0}}, seeds, curves, name + "/actor"),
                                    [](Settings& settings) { settings.imp.scope = PruneScope::kActor; }));
         }
         return groups;
       }},
      {"H7", "convolutions and perceptrons have equal weights' parts, and games a larger one",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups =
             two("minatar-asterix", "bc", {20, 0, 0, 0}, {20, 0, 0, 0}, seeds, curves, name, convolve);
         groups.push_back(simulated({"cartpole", "ppo"}, seeds, curves, name));
         groups.push_back(simulated({"atari-pong", "ppo", {60, 0, 0, 0}}, seeds, curves, name));
         return groups;
       }},
      {"H22", "larger networks are better by the margin at equal sizes",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups;
         groups.push_back(of_size(128, kEqual, seeds, curves, name + "/small"));
         groups.push_back(of_size(256, all(kMarginOfP), seeds, curves, name + "/large"));
         return groups;
       }},
      {"H23", "the mask is worth half of mask and weights in one encoding",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups = one("mazegrid", "dqn", {20, 10, 0, 0}, seeds, curves, name);
         for (const char* task : {"mazegrid-rgb", "mazegrid-entangled"})
           groups.push_back(simulated({task, "dqn", {80, 80, 0, 0}}, seeds, curves, name));
         return groups;
       }},
      {"H24", "with dropout tickets equal random networks",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups =
             two("mazegrid", "dqn", all(60), kEqual, seeds, curves, name,
                 [](Settings& settings) { settings.agent.regularisation.dropout = 0.1; });
         groups.push_back(
             changed(simulated({"mazegrid", "dqn", {60, 0, 0, 0}}, seeds, curves, name + "/l2"),
                     [](Settings& settings) { settings.agent.regularisation.weight_decay = 1e-4; }));
         return groups;
       }},
      {"H25", "rewinding is worth the margin",
       [](int seeds, Curves curves, Name name) {
         return two("mazegrid", "dqn", kEqual, all(kMarginOfP), seeds, curves, name,
                    [](Settings& settings) { settings.imp.rewind_step = 1000; });
       }},
      {"H27", "the mask is worth what the weights are",
       [](int seeds, Curves curves, Name name) {
         return one("minatar-breakout", "dqn", {40, 20, 0, 60}, seeds, curves, name);
       }},
      {"H27", "the mask is worth what layer ratios are",
       [](int seeds, Curves curves, Name name) {
         return one("minatar-breakout", "dqn", {0, 60, 30, 0}, seeds, curves, name);
       }},
      {"H28", "tickets equal permuted ones in one of two settings",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups = one("cartpole", "dqn", kEqual, seeds, curves, name);
         groups.push_back(simulated({"mazegrid", "ppo", {40, 0, 0, 0}}, seeds, curves, name));
         return groups;
       }},
      {"H31", "permuted masks equal random ones",
       [](int seeds, Curves curves, Name name) { return one("acrobot", "bc", kEqual, seeds, curves, name); }},
      {"H32", "the mask of a convolutional network is worth nothing",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups = one("minatar-asterix", "dqn", {60, 0, 0, 0}, seeds, curves, name);
         groups.front() = changed(groups.front(), convolve);
         return groups;
       }},
      {"H33", "the gap is larger by the margin in the larger network",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups;
         groups.push_back(of_size(128, {30, 0, 0, 0}, seeds, curves, name + "/small"));
         groups.push_back(of_size(256, {30 + kMarginOfP, 0, 0, 0}, seeds, curves, name + "/large"));
         return groups;
       }},
      {"H34", "the mask is worth the same under both encodings",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups = one("mazegrid", "dqn", {0, 30, 0, 0}, seeds, curves, name);
         groups.push_back(simulated({"mazegrid-rgb", "dqn", {0, 30, 0, 0}}, seeds, curves, name));
         return groups;
       }},
      {"H35", "the effect with L2 is smaller by the margin",
       [](int seeds, Curves curves, Name name) {
         return two("mazegrid", "dqn", {60, 0, 0, 0}, {60 - kMarginOfP, 0, 0, 0}, seeds, curves, name,
                    [](Settings& settings) { settings.agent.regularisation.weight_decay = 1e-4; });
       }},
      {"H36", "the mask is worth half of mask and weights in one setting",
       [](int seeds, Curves curves, Name name) {
         std::vector<Group> groups = one("cartpole", "dqn", {20, 10, 0, 0}, seeds, curves, name);
         groups.push_back(simulated({"mazegrid", "ppo", {80, 80, 0, 0}}, seeds, curves, name));
         return groups;
       }},
  };
  return kScenarios;
}

Rates rates_from_returns(const Scenario& scenario, int seeds, int trials, Curves curves) {
  const Claim* claim = nullptr;
  for (const Claim& one : table())
    if (std::strcmp(one.id, scenario.claim) == 0) claim = &one;
  std::vector<Rule> rules;
  for (const Part& part : claim->parts) rules.push_back(part.rule);
  int supported = 0, contradicted = 0;
  for (int trial = 0; trial < trials; ++trial) {
    Results results;
    results.groups = scenario.groups(seeds, curves,
                                     fmt::format("returns/{}/{}/{}/{}/{}", scenario.claim, scenario.null,
                                                 seeds, static_cast<int>(curves), trial));
    std::vector<Measurements> measurements;
    for (const Part& part : claim->parts)
      measurements.push_back(part.measure({results, claim->settings, Metric::kReevaluated}));
    const statistics::Outcome outcome = decide_claim(rules, measurements).outcome;
    if (outcome == statistics::Outcome::kNotRun)
      throw std::logic_error(fmt::format("{}: the chains do not speak to the claim", scenario.claim));
    supported += outcome == statistics::Outcome::kSupported || outcome == statistics::Outcome::kEquivalent;
    contradicted += outcome == statistics::Outcome::kContradicted;
  }
  return {100.0 * supported / trials, 100.0 * contradicted / trials};
}

const char* returns_header() {
  return "| claim | nothing is there: | supported, smooth | collapsing | contradicted, smooth | collapsing "
         "|\n"
         "|---|---|---|---|---|---|\n";
}

std::string returns_markdown(const Scenario& scenario, int trials) {
  std::array<std::string, 4> columns;
  for (const int seeds : {5, 10, 15}) {
    const char* separator = seeds == 5 ? "" : " / ";
    const Rates smooth = rates_from_returns(scenario, seeds, trials, Curves::kSmooth),
                collapsing = rates_from_returns(scenario, seeds, trials, Curves::kCollapsing);
    const double rates[] = {smooth.supported, collapsing.supported, smooth.contradicted,
                            collapsing.contradicted};
    for (std::size_t i = 0; i < columns.size(); ++i)
      columns[i] += fmt::format("{}{:.1f}", separator, rates[i]);
  }
  return fmt::format("| {} | {} | {} |\n", scenario.claim, scenario.null, fmt::join(columns, " | "));
}

}  // namespace impsweep::claims::simulation
