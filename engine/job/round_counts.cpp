#include "engine/job/round_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "engine/imp/round_mask.hpp"
#include "engine/imp/selection.hpp"
#include "engine/imp/units.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

template <class Enum>
std::string_view name_of(Enum value) {
  return enum_names(value)[static_cast<std::size_t>(value)];
}

// Keys that other keys leave without meaning, or that contradict each other.
void check_combinations(const PrunedPoint& point) {
  const ImpConfig& imp = point.settings.imp;
  const auto refuse = [&](std::string_view key, std::string_view value, std::string_view reason) {
    throw InputError("{}: '{}' = \"{}\" {}", point.place, key, value, reason);
  };
  const bool is_plain = prunes_plainly(imp) && imp.densities.empty();
  if (imp.prune_rule == PruneRule::kQuantile && !is_plain)
    refuse("imp.prune_rule", "quantile",
           "is a rule for one ranking of all magnitudes; use \"exact\", or leave out the other keys imp.*");
  if (imp.distribution != Distribution::kGlobal && imp.prune_bias)
    refuse("imp.distribution", name_of(imp.distribution),
           "divides weights among layers, of which biases are none; set imp.prune_bias = false");
  if (imp.unit != PruneUnit::kWeight) {
    if (imp.criterion != Criterion::kMagnitude)
      refuse("imp.unit", name_of(imp.unit), "goes by the norm of weights; set imp.criterion = \"magnitude\"");
    if (imp.distribution != Distribution::kGlobal)
      refuse("imp.unit", name_of(imp.unit),
             "removes the same part of the units of each layer; set imp.distribution = \"global\"");
    if (imp.prune_bias) refuse("imp.unit", name_of(imp.unit), "removes weights; set imp.prune_bias = false");
    if (point.settings.inputs.restricts())
      refuse("imp.unit", name_of(imp.unit), "counts whole units, and inputs.* takes inputs away; remove one");
    for (const Baseline baseline : point.baselines) {
      const std::string_view name = info_of(baseline).name;
      if ((name == "permuted/permuted" || name == "ratio/weights") &&
          imp.mask_source == MaskSource::kOwnChain)
        refuse("imp.unit", name_of(imp.unit),
               fmt::format("finds no whole units in the masks of '{}', which moves single weights; set "
                           "imp.mask_source = \"ticket\", or leave the baseline out",
                           name));
    }
  }
  if (!imp.mask_from.empty() && !imp.densities.empty())
    throw InputError("{}: 'imp.mask_from' gives the mask, so that 'imp.densities' has no effect; remove one",
                     point.place);
  const std::pair<std::string_view, bool> without_effect[] = {
      {"imp.keep_layers", !imp.keep_layers.empty()},
      {"imp.distribution", imp.distribution != Distribution::kGlobal},
      {"imp.criterion", imp.criterion != Criterion::kMagnitude}};
  for (const auto& [key, is_given] : without_effect)
    if (!imp.mask_from.empty() && is_given)
      throw InputError("{}: 'imp.mask_from' gives the mask, so that '{}' has no effect; remove one",
                       point.place, key);
  if (!imp.mask_from.empty() && point.settings.inputs.restricts())
    throw InputError(
        "{}: 'imp.mask_from' gives a mask over all inputs, and inputs.* takes some away; remove "
        "one",
        point.place);
  if (!imp.mask_from.empty() && point.rounds != 2)
    throw InputError(
        "{}: 'imp.mask_from' gives the mask of round 1, so that a chain has two rounds; set "
        "rounds = 2 (now {})",
        point.place, point.rounds);
}

void check_densities(const PrunedPoint& point) {
  const std::vector<double>& densities = point.settings.imp.densities;
  if (densities.empty()) return;
  if (point.rounds > static_cast<int>(densities.size()) + 1)
    throw InputError(
        "{}: 'imp.densities' has {} values, and rounds 1 to {} need one each; lower 'rounds', or add values",
        point.place, densities.size(), point.rounds - 1);
  if (!std::ranges::is_sorted(densities, std::ranges::greater{}))
    throw InputError("{}: 'imp.densities' rises, and what is pruned does not come back; sort it",
                     point.place);
}

void check_kept_layers(const PrunedPoint& point, const ModelSpec& model) {
  const std::vector<std::int64_t>& kept = point.settings.imp.keep_layers;
  for (const MlpSpec& part : model.parts) {
    if (part.trunk || kept.empty()) continue;
    const auto layers = static_cast<std::int64_t>(part.sizes.size()) - 1;
    std::set<std::int64_t> whole;
    for (const std::int64_t layer : kept) {
      if (layer >= layers || layer < -layers)
        throw InputError("{}: 'imp.keep_layers' has {}, and network '{}' has layers 0 to {}, or -{} to -1",
                         point.place, layer, part.name, layers - 1, layers);
      whole.insert(layer < 0 ? layer + layers : layer);
    }
    if (std::ssize(whole) == layers && point.rounds > 1)
      throw InputError(
          "{}: 'imp.keep_layers' keeps every layer of network '{}', so that there is nothing to prune; leave "
          "one out, or set rounds = 1",
          point.place, part.name);
  }
}

void check_temperature(const PrunedPoint& point, const ModelSpec& model) {
  const ImpConfig& imp = point.settings.imp;
  const bool has_logits = model.log_std == 0 && !learns_values(model);
  if (imp.criterion == Criterion::kGrasp && imp.temperature > 0 && imp.temperature != 1 && !has_logits)
    throw InputError(
        "{}: 'imp.temperature' = {} divides logits, and the networks of '{}' on '{}' have none; "
        "leave it out",
        point.place, imp.temperature, point.settings.algorithm, point.settings.task);
}

}  // namespace

std::vector<std::int64_t> kept_by_round(const Settings& settings, int rounds) {
  const ImpConfig& imp = settings.imp;
  const std::int64_t entries = prunable_entries(settings);
  if (has_changing_masks(settings)) {
    std::vector<std::int64_t> last;
    for (const double density : settings.sparse.density) last.push_back(kept_at(entries, density));
    return last;
  }
  std::vector<std::int64_t> kept = {entries};
  const ModelSpec model = imp.unit == PruneUnit::kWeight ? ModelSpec() : model_of(settings);
  const std::vector<Tensor> tensors = tensors_of(model);
  const std::vector<std::size_t> prunable = prunable_tensors(tensors, model, imp);
  for (int round = 1; round < rounds; ++round) {
    if (imp.unit != PruneUnit::kWeight)
      kept.push_back(weights_of_units(model, tensors, prunable, imp, imp.density_of_round(round)));
    else if (!imp.densities.empty())
      kept.push_back(round_half_even(imp.density_of_round(round) * static_cast<double>(entries)));
    else
      kept.push_back(kept_after(entries, imp.prune_fraction, round, imp.prune_rule));
  }
  return kept;
}

void check_pruning(const PrunedPoint& point) {
  const ImpConfig& imp = point.settings.imp;
  check_combinations(point);
  check_densities(point);
  const ModelSpec model = model_of(point.settings);
  check_kept_layers(point, model);
  check_temperature(point, model);
  constexpr std::int64_t kMostTried = 50'000'000;
  if (imp.unit != PruneUnit::kWeight && prunable_entries(point.settings) > kMostTried)
    throw InputError(
        "{}: 'imp.unit' = \"{}\" is for networks of at most {} weights, as each unit lists its own; network "
        "{} "
        "has {}",
        point.place, name_of(imp.unit), kMostTried, network_name(point.settings.agent.network),
        prunable_entries(point.settings));
  const std::vector<Tensor> all = tensors_of(model);
  if (imp.unit != PruneUnit::kWeight && units_of(model, all, prunable_tensors(all, model, imp), imp).empty())
    throw InputError(
        "{}: 'imp.unit' = \"{}\": the networks have none; give hidden layers, or convolutions "
        "(network.architecture) for filters",
        point.place, name_of(imp.unit));
  const std::vector<std::int64_t> kept = kept_by_round(point.settings, point.rounds);
  for (std::size_t round = 1; round < kept.size(); ++round)
    if (kept[round] == 0)
      throw InputError(
          "{}: no weight of network {} is left in round {} of {}; lower 'rounds' or 'imp.prune_fraction' "
          "(now {})",
          point.place, network_name(point.settings.agent.network), round, point.rounds, imp.prune_fraction);
  // A mask takes memory; of a network this large the budget is divided when it is pruned.
  if (prunes_plainly(imp) || imp.unit != PruneUnit::kWeight || kept.front() > kMostTried) return;
  const RestrictedModel given = restricted_model_of(point.settings);
  const std::vector<Tensor> tensors = tensors_of(given.model);
  const std::vector<std::size_t> prunable = prunable_tensors(tensors, given.model, imp);
  try {  // fewer weights are harder to divide
    rankings(given.model, tensors, prunable, imp, given.available, given.available, kept.back(),
             info_of(imp.criterion).by_network);
  } catch (const std::invalid_argument& error) {
    throw InputError("{}: round {} would keep {} weights of network {}: {}; lower 'rounds', or keep more",
                     point.place, point.rounds - 1, kept.back(), network_name(point.settings.agent.network),
                     error.what());
  }
}

}  // namespace impsweep
