// The inputs that tickets find to be enough, and what initialisation has to do with it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/report/claims/claims.hpp"
#include "engine/statistics/trend.hpp"

namespace impsweep::claims {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kPaperInputScale = 0.1;  // of input weights, at which the paper finds the minimal inputs

// Inputs that the paper finds to be enough, and those that it finds to go.
struct InputSplit {
  std::string_view task;
  std::vector<std::size_t> needed, needless;
};

const InputSplit& split_of(const std::string& task) {
  static const std::array<InputSplit, 2> kSplits = {
      {{"cartpole", {2, 3}, {0, 1}}, {"acrobot", {4, 5}, {0, 1, 2, 3}}}};
  return kSplits[task == kSplits[0].task ? 0 : 1];
}

// Inputs that the paper says the robots keep at dense-level return.
double papers_inputs(const std::string& task) {
  return task == "walker2d" ? 11 : task == "ant" ? 22 : kNotANumber;
}

// Networks of any initialisation of the paper, plain otherwise.
std::vector<const Group*> initialisations(const Scope& scope) {
  return scope.select([](const Group& g) {
    return g.settings.agent.network.init != Init::kHe &&
           plain_but_for(g, {"network.init", "network.input_scale"});
  });
}

double input_scale(const Group& group) {
  const NetworkConfig& network = group.settings.agent.network;
  return network.init == Init::kKaimingInScaled ? network.input_scale : 1;
}

bool has_init(const Group& group, Init init) {
  return group.settings.agent.network.init == init;
}

// The round before which the mean of three is taken: those about 10 % density; nothing before they are there.
std::optional<std::size_t> middle_round(const Group& group, std::size_t rounds, Measurement& measurement) {
  const std::size_t middle = round_near(group, kTenPercent);
  if (std::abs(std::log(group.density[middle] / kTenPercent)) > std::log(2) || middle == 0) {
    measurement.obstacle = fmt::format("the chains end at density {:.3g}", group.density.back());
    return std::nullopt;
  }
  if (rounds < middle + 2) {
    measurement.obstacle = fmt::format("rounds {}-{} are needed, the chains are at round {}", middle - 1,
                                       middle + 1, rounds - 1);
    return std::nullopt;
  }
  measurement.note = fmt::format("rounds {}-{}, densities {:.3g} to {:.3g}", middle - 1, middle + 1,
                                 group.density[middle - 1], group.density[middle + 1]);
  return middle;
}

// Mean over these three rounds of a value, of every seed.
Measurement near_ten_percent(const Group& group, const RoundValue& value) {
  Measurement measurement = measurement_of(group);
  const SeedCurves curves = seed_curves(group, {&kTicket, 1}, value);
  if (curves.seeds.empty()) return measurement;
  const std::optional<std::size_t> middle = middle_round(group, curves.rounds, measurement);
  measurement.seeds = curves.seeds;
  for (const std::vector<double>& curve : curves.values[0])
    measurement.values.push_back(
        middle ? statistics::mean_over_rounds(curve, *middle - 1, *middle + 1).value_or(kNotANumber)
               : kNotANumber);
  return measurement;
}

double part_gone(const Group& group, const RoundFacts& round) {
  return 1 - effective_inputs(round) / group.info->observation_size;
}

// Rounds until the last needless input of a seed is gone, and until the first needed one is.
double last_needless(const Group& group, const ChainFacts& chain) {
  std::size_t last = 0;
  for (const std::size_t input : split_of(group.task).needless)
    last = std::max(last, disappearance(chain, input));
  return static_cast<double>(last);
}

double first_needed(const Group& group, const ChainFacts& chain) {
  std::size_t first = chain.size();
  for (const std::size_t input : split_of(group.task).needed)
    first = std::min(first, disappearance(chain, input));
  return static_cast<double>(first);
}

BySeed over_chains(const Group& group, double (*value)(const Group&, const ChainFacts&)) {
  BySeed values;
  for (const auto& [seed, chain] : complete_tickets(group)) {
    values.seeds.push_back(seed);
    values.values.push_back(value(group, *chain));
  }
  return values;
}

// Rounds under other initialisations less those under the paper's, one measurement for each task and network:
// the others share the paper's chains.
template <class Which>
Measurements rounds_less_papers(const Scope& scope, Which which,
                                double (*value)(const Group&, const ChainFacts&)) {
  Measurements measurements;
  const std::vector<const Group*> all = initialisations(scope);
  for (const Group* paper : all) {
    if (input_scale(*paper) != kPaperInputScale) continue;
    Measurements others;
    std::string names;
    for (const Group* other : all) {
      if (other->task != paper->task || other->algorithm != paper->algorithm ||
          other->network != paper->network || !which(*other))
        continue;
      Measurement& difference = others.emplace_back(measurement_of(*other));
      take(difference, paired_by_seed(over_chains(*other, value), over_chains(*paper, value)));
      if (difference.values.empty()) {
        others.pop_back();
        continue;
      }
      names += (names.empty() ? "" : ", ") + other->variant;
    }
    if (!others.empty())
      measurements.push_back(
          mean_of(others, fmt::format("{} against {}: {}", paper->task, paper->variant, names)));
  }
  return measurements;
}

// P of the round 0 of agents that are given some of the inputs less that of those that see all, by seed.
Measurement given_less_all(const Group& given, const Group& all, Metric metric) {
  Measurement measurement = measurement_of(given);
  measurement.setting = fmt::format("{} against all inputs", given.name());
  const Scale scale = scale_of(all, metric);
  const auto ours = given.chains.find(kTicket), theirs = all.chains.find(kTicket);
  if (!scale.usable || ours == given.chains.end() || theirs == all.chains.end()) return measurement;
  for (const auto& [seed, chain] : ours->second) {
    const auto other = theirs->second.find(seed);
    if (other == theirs->second.end() || !chain.front() || !other->second.front()) continue;
    measurement.seeds.push_back(seed);
    measurement.values.push_back(
        (return_of(metric)(*chain.front()) - return_of(metric)(*other->second.front())) / scale.range());
  }
  return measurement;
}

Measurements on_chosen_inputs(const Scope& scope, bool complement) {
  Measurements measurements;
  for (const Group* all : initialisations(scope))
    for (const Group* given : given_inputs(scope.results, *all)) {
      const InputsConfig& inputs = given->settings.inputs;
      const bool chosen = std::ranges::equal(inputs.select, split_of(all->task).needed, {},
                                             [](std::int64_t i) { return static_cast<std::size_t>(i); });
      if (chosen && inputs.complement == complement)
        measurements.push_back(given_less_all(*given, *all, scope.metric));
    }
  return measurements;
}

// The input layer and the one above it, the layer with fewer inputs to a unit first.
struct TwoLayers {
  std::size_t narrow = 0, wide = 0;
};
TwoLayers two_layers(const Group& group) {
  const std::size_t input = group.prunable[0], hidden = group.prunable[1];
  return group.tensors[input].shape[1] <= group.tensors[hidden].shape[1] ? TwoLayers{input, hidden}
                                                                         : TwoLayers{hidden, input};
}

Measurement over_area_rounds(const Group& group, const RoundValue& value) {
  Measurement measurement = measurement_of(group);
  const SeedCurves curves = seed_curves(group, {&kTicket, 1}, value);
  const std::optional<RoundRange> range = area_rounds(group, curves.rounds);
  if (!range) return measurement;
  measurement.note = range_text(*range);
  measurement.obstacle = still_under_way(group, *range);
  measurement.seeds = curves.seeds;
  for (const std::vector<double>& curve : curves.values[0])
    measurement.values.push_back(
        statistics::mean_over_rounds(curve, range->first, range->last).value_or(kNotANumber));
  return measurement;
}

Measurement layer_bias(const Group& group) {
  return over_area_rounds(group, [&](const RoundFacts& round) {
    const TwoLayers layers = two_layers(group);
    return remaining_fraction(group, round, layers.narrow) - remaining_fraction(group, round, layers.wide);
  });
}

Measurement input_layer_left(const Group& group) {
  return over_area_rounds(
      group, [&](const RoundFacts& round) { return remaining_fraction(group, round, group.prunable[0]); });
}

bool is_layered_mlp(const Group& group) {
  return group.settings.agent.network.architecture == Architecture::kMlp && group.prunable.size() > 2;
}

// A value under one initialisation less the same under another, by network.
template <class First, class Second>
Measurements between_initialisations(const Scope& scope, First first, Second second,
                                     Measurement (*value)(const Group&)) {
  Measurements measurements;
  const std::vector<const Group*> all = initialisations(scope);
  for (const Group* a : all)
    for (const Group* b : all) {
      if (!first(*a) || !second(*b) || a->task != b->task || a->algorithm != b->algorithm ||
          a->network != b->network || !is_layered_mlp(*a))
        continue;
      const Measurement of_a = value(*a), of_b = value(*b);
      Measurement difference = of_a;
      difference.setting = a->name() + " against " + b->name();
      take(difference, paired_by_seed({of_a.seeds, of_a.values}, {of_b.seeds, of_b.values}));
      measurements.push_back(std::move(difference));
    }
  return measurements;
}

}  // namespace

Measurements speed_of_learning_on_inputs_left(const Scope& scope) {
  Measurements measurements;
  for (const Group* all : scope.select(is_plain))
    for (const Group* given : given_inputs(scope.results, *all)) {
      if (given->settings.inputs.ticket_round == 0 || given->settings.inputs.complement) continue;
      const Scale scale = scale_of(*all, scope.metric);
      const auto ours = given->chains.find(kTicket), theirs = all->chains.find(kTicket);
      if (!scale.usable || ours == given->chains.end() || theirs == all->chains.end()) continue;
      Measurement measurement = measurement_of(*given);
      for (const auto& [seed, chain] : ours->second) {
        const auto other = theirs->second.find(seed);
        if (other == theirs->second.end() || !chain.front() || !other->second.front()) continue;
        measurement.seeds.push_back(seed);
        measurement.values.push_back(finite_or_missing(
            curve_area(*chain.front(), scale) / curve_area(*other->second.front(), scale) - 1));
      }
      measurements.push_back(std::move(measurement));
    }
  return measurements;
}

Measurements return_near_ten_percent(const Scope& scope) {
  Measurements measurements;
  for (const Group* group : scope.select(is_plain)) {
    const Scale scale = scale_of(*group, scope.metric);
    Measurement measurement = near_ten_percent(*group, return_of(scope.metric));
    const auto chains = group->chains.find(kTicket);
    if (chains == group->chains.end()) continue;
    for (std::size_t i = 0; i < measurement.values.size(); ++i)
      measurement.values[i] = (measurement.values[i] -
                               return_of(scope.metric)(*chains->second.at(measurement.seeds[i]).front())) /
                              scale.range();
    if (!scale.usable && !measurement.values.empty())
      measurement.obstacle = "dense agents are no better than untrained networks";
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

Measurements inputs_gone(const Scope& scope) {
  Measurements measurements;
  for (const Group* group : scope.select(is_plain)) {
    Measurement measurement =
        near_ten_percent(*group, [&](const RoundFacts& round) { return part_gone(*group, round); });
    const Measurement literal = near_ten_percent(*group, [&](const RoundFacts& round) {
      return 1 - literal_inputs(round) / group->info->observation_size;
    });
    if (measurement.obstacle.empty() && !literal.values.empty())
      measurement.note += fmt::format("; literally, by kept weights of the first layer, {:.3g}",
                                      statistics::mean(statistics::complete(literal.values).values));
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

Measurements distance_to_papers_inputs(const Scope& scope) {
  Measurements measurements;
  for (const Group* group : scope.select(is_plain)) {
    const double kept = papers_inputs(group->task);
    if (std::isnan(kept)) continue;
    const double papers = 1 - kept / group->info->observation_size;
    Measurement measurement =
        near_ten_percent(*group, [&](const RoundFacts& round) { return part_gone(*group, round) - papers; });
    for (double& value : measurement.values) value = std::abs(value);
    measurement.setting += fmt::format(", the paper keeps {:g} of {}", kept, group->info->observation_size);
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

Measurements needed_inputs_last(const Scope& scope) {
  Measurements measurements;
  for (const Group* group : initialisations(scope)) {
    if (input_scale(*group) != kPaperInputScale) continue;
    Measurement measurement = measurement_of(*group);
    take(measurement, over_chains(*group, [](const Group& g, const ChainFacts& chain) {
           return first_needed(g, chain) > last_needless(g, chain) ? 1.0 : 0.0;
         }));
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

Measurements needless_inputs_later(const Scope& scope) {
  return rounds_less_papers(
      scope, [](const Group& g) { return input_scale(g) > kPaperInputScale; }, last_needless);
}

Measurements needed_inputs_earlier(const Scope& scope) {
  return rounds_less_papers(
      scope, [](const Group& g) { return input_scale(g) < kPaperInputScale; }, first_needed);
}

Measurements two_inputs_less_all(const Scope& scope) {
  return on_chosen_inputs(scope, false);
}

Measurements other_inputs_less_all(const Scope& scope) {
  return on_chosen_inputs(scope, true);
}

Measurements narrow_layer_less_wide(const Scope& scope) {
  Measurements measurements;
  for (const Group* group : scope.select(is_plain_mlp)) {
    if (!is_layered_mlp(*group)) continue;
    Measurement bias = layer_bias(*group);
    const TwoLayers layers = two_layers(*group);
    bias.note +=
        fmt::format("; {} against {}", group->tensors[layers.narrow].name, group->tensors[layers.wide].name);
    measurements.push_back(std::move(bias));
  }
  return measurements;
}

Measurements bias_kaiming_less_xavier(const Scope& scope) {
  return between_initialisations(
      scope, [](const Group& g) { return has_init(g, Init::kKaiming); },
      [](const Group& g) { return has_init(g, Init::kXavier); }, layer_bias);
}

Measurements input_layer_scaled_less_kaiming(const Scope& scope) {
  return between_initialisations(
      scope, [](const Group& g) { return input_scale(g) == kPaperInputScale; },
      [](const Group& g) { return has_init(g, Init::kKaiming); }, input_layer_left);
}

}  // namespace impsweep::claims
