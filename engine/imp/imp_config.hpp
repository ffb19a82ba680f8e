// engine/imp/imp_config.hpp - the options of iterative magnitude pruning, declared once (see
// agents/config/option_field.hpp).
//
// Where the paper leaves a point open, the default is the most likely reading and the other values are the
// alternatives; section 1 and table 1 of the paper define the rest.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

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
      "random/re-init draws all parameters anew, or only the prunable ones");
    v("imp.reset_unpruned", reset_unpruned, kAny,
      "networks without prunable weights (the critic) start every round from their initial values; false: "
      "they continue from the previous round");
    v("imp.rewind_step", rewind_step, kNonNegative,
      "late rewinding: reset to the parameters of round 0 at this environment step; 0: to the initial ones");
    v("imp.rewind_budget", rewind_budget, kAny,
      "after late rewinding: the full budget, or what remained at that step with schedules resumed");
  }
};

}  // namespace impsweep
