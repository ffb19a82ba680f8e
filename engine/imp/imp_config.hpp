// engine/imp/imp_config.hpp - the options of iterative magnitude pruning, declared once (see
// agents/config/option_field.hpp).
//
// Where the paper leaves a point open, the default is the most likely reading and the other values are the
// alternatives; section 1 and table 1 of the paper define the rest.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agents/config/config.hpp"

namespace impsweep {

// Raised whenever pruning or the start of a pruned round changes its results.
inline constexpr int kImpSemantics = 1;

// Environment steps at which the dense training of round 0 always records its parameters, so that late
// rewinding to one of them (figure 14) shares round 0 with the plain chain.
inline constexpr std::array<std::int64_t, 3> kSnapshotSteps = {100'000, 400'000, 4'000'000};

enum class PruneScope { kActor, kActorCritic };
constexpr auto enum_names(PruneScope) {
  return std::array<std::string_view, 2>{"actor", "actor_critic"};
}

enum class PruneRule { kExact, kQuantile };
constexpr auto enum_names(PruneRule) {
  return std::array<std::string_view, 2>{"exact", "quantile"};
}

// How the weights that are kept are divided among layers (distribution.hpp).
enum class Distribution { kGlobal, kUniform, kEr, kErk };
constexpr auto enum_names(Distribution) {
  return std::array<std::string_view, 4>{"global", "uniform", "er", "erk"};
}

// What a weight is ranked by (criterion.hpp).
enum class Criterion { kMagnitude, kNormalised, kLamp, kMovement, kRandom, kSnip, kGrasp, kSynflow };
constexpr auto enum_names(Criterion) {
  return std::array<std::string_view, 8>{"magnitude", "normalised", "lamp",  "movement",
                                         "random",    "snip",       "grasp", "synflow"};
}

enum class Normalisation { kBound, kNorm };
constexpr auto enum_names(Normalisation) {
  return std::array<std::string_view, 2>{"bound", "norm"};
}

enum class Movement { kIncrease, kDistance };
constexpr auto enum_names(Movement) {
  return std::array<std::string_view, 2>{"increase", "distance"};
}

// What goes at once (units.hpp).
enum class PruneUnit { kWeight, kNeuron, kInput, kFilter };
constexpr auto enum_names(PruneUnit) {
  return std::array<std::string_view, 4>{"weight", "neuron", "input", "filter"};
}

enum class PruneFrom { kBest, kFinal };
constexpr auto enum_names(PruneFrom) {
  return std::array<std::string_view, 2>{"best", "final"};
}

enum class MaskSource { kOwnChain, kTicket };
constexpr auto enum_names(MaskSource) {
  return std::array<std::string_view, 2>{"own_chain", "ticket"};
}

enum class MaskPermutation { kElement, kAxis0 };
constexpr auto enum_names(MaskPermutation) {
  return std::array<std::string_view, 2>{"element", "axis0"};
}

enum class ReinitScope { kAll, kPrunable };
constexpr auto enum_names(ReinitScope) {
  return std::array<std::string_view, 2>{"all", "prunable"};
}

enum class RewindBudget { kFull, kRemaining };
constexpr auto enum_names(RewindBudget) {
  return std::array<std::string_view, 2>{"full", "remaining"};
}

struct ImpConfig {
  double prune_fraction = 0.2;
  PruneScope scope = PruneScope::kActor;
  PruneRule prune_rule = PruneRule::kExact;
  bool prune_bias = false;
  PruneFrom prune_from = PruneFrom::kBest;
  MaskSource mask_source = MaskSource::kOwnChain;
  MaskPermutation mask_perm = MaskPermutation::kElement;
  bool perm_round0 = false;
  ReinitScope reinit_scope = ReinitScope::kAll;
  bool reset_unpruned = true;
  std::int64_t rewind_step = 0;
  RewindBudget rewind_budget = RewindBudget::kFull;
  Criterion criterion = Criterion::kMagnitude;
  Distribution distribution = Distribution::kGlobal;
  PruneUnit unit = PruneUnit::kWeight;
  std::vector<double> densities;
  std::vector<std::int64_t> keep_layers;
  Normalisation normalise = Normalisation::kBound;
  Movement movement = Movement::kIncrease;
  double temperature = 0;
  std::string mask_from;

  // Whether masks follow from the network before its training, and not from a round before.
  bool prunes_at_start() const {
    return criterion == Criterion::kSnip || criterion == Criterion::kGrasp ||
           criterion == Criterion::kSynflow;
  }

  // Whether what a round keeps is known without the mask of the round before.
  bool counts_are_given() const {
    return !densities.empty() || unit != PruneUnit::kWeight || prunes_at_start();
  }

  // Part of the weights, or units, that round `round` is to keep. Meant for the exact rule.
  double density_of_round(int round) const {
    if (densities.empty()) return std::pow(1 - prune_fraction, round);
    return round == 0 ? 1 : densities[static_cast<std::size_t>(round) - 1];
  }

  template <class V>
  void visit(V& v) {
    v("imp.prune_fraction", prune_fraction, Range{0.001, 0.999},
      "part of the remaining prunable weights that a round removes");
    v("imp.scope", scope, kAny, "actor: only the actor is pruned; actor_critic: both, in one ranking");
    v("imp.prune_rule", prune_rule, kAny,
      "exact: a fixed count of the smallest; quantile: all below the quantile of all entries, zeros "
      "included");
    v("imp.prune_bias", prune_bias, kAny, "biases of the pruned networks take part in the pruning");
    v("imp.prune_from", prune_from, kAny, "prune the best checkpoint or the final network");
    v("imp.mask_source", mask_source, kAny,
      "own_chain: a baseline prunes its own trainings; ticket: it takes the masks of mask/weights");
    v("imp.mask_perm", mask_perm, kAny,
      "permuted/permuted: element shuffles single entries; axis0 moves all weights of an input together");
    v("imp.perm_round0", perm_round0, kAny, "mask/permuted permutes the weights of round 0 as well");
    v("imp.reinit_scope", reinit_scope, kAny,
      "random/re-init and mask/re-init draw all parameters anew, or only the prunable ones");
    v("imp.reset_unpruned", reset_unpruned, kAny,
      "networks without prunable weights (the critic) start every round from their initial values; false: "
      "they continue from the previous round");
    v("imp.rewind_step", rewind_step, kNonNegative,
      "late rewinding: reset to the parameters of round 0 at this environment step; 0: to the initial ones");
    v("imp.rewind_budget", rewind_budget, kAny,
      "after late rewinding: the full budget, or what remained at that step with schedules resumed");
    v("imp.criterion", criterion, kAny,
      "what weights are ranked by: magnitude, normalised, lamp, movement and random after a training; snip, "
      "grasp and synflow before it, so that each round prunes the untrained network");
    v("imp.distribution", distribution, kAny,
      "global: one ranking; uniform, er, erk: each layer keeps a number of weights of its own");
    v("imp.unit", unit, kAny,
      "what goes at once: a weight, or a whole neuron, input or filter by the norm of its weights");
    v("imp.densities", densities, Range{1e-6, 1},
      "part of the weights (or units) left in round 1, 2, ...; []: by imp.prune_fraction");
    v("imp.keep_layers", keep_layers, Range{-100, 100},
      "layers of each network that are not pruned: 0 is the first, -1 the last; their weights count");
    v("imp.normalise", normalise, kAny,
      "normalised: magnitudes divided by the bound of a layer's initial weights, or by the norm of the "
      "layer");
    v("imp.movement", movement, kAny, "movement: |w| - |w0|, or |w - w0|, from the start of the training");
    v("imp.temperature", temperature, Range{0, 1e6},
      "grasp: of the policy's logits; 0: 200 where a student or classifier learns by cross-entropy, else 1");
    v("imp.mask_from", mask_from, kAny,
      "round 1 has the mask of a finished round of another chain: \"CHAIN:ROUND\"; without its seed at the "
      "end, CHAIN is the one of the same seed");
  }
};

}  // namespace impsweep
