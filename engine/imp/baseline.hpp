// engine/imp/baseline.hpp - the ticket and the three baselines of the paper (its table 1), all four called
// baselines here, and those of others: mask and parameters that a round starts from.
//
//   baseline            mask                                      weights at the places kept
//   mask/weights        m, the pruned mask of the round before    their initial values
//   mask/permuted       m                                         the initial values of the places kept,
//                                                                 shuffled within each tensor
//   permuted/permuted   m, shuffled within each tensor            the same values, shuffled over the new
//                                                                 places
//   random/re-init      uniform over all prunable entries         all parameters drawn anew
//
// and those that later work compares tickets with:
//
//   mask/re-init        m                                         drawn anew
//   ratio/weights       m, shuffled within each tensor            their initial values
//   sign/constant       m                                         their signs, times one number for each
//                                                                 weight matrix (Zhou et al. 2019)
//   random/uniform      uniform within layers, which all keep     their initial values
//                       the same part
//   random/er, erk      the same by Erdos and Renyi               their initial values
//                       (distribution.hpp)
//
// Round 0 is the same dense training for all of them, unless imp.perm_round0 permutes it. "Initial values"
// are those recorded at imp.rewind_step where that is set. A new baseline is one function and one entry of
// the table in baseline.cpp; tests/engine/imp/baseline_test.cpp runs on every entry.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/imp/pruning.hpp"
#include "engine/imp/streams.hpp"

namespace impsweep {

// The place of an entry in the table. Those of the paper have names, as its claims speak of them, and are
// what a job means that does not say which: a new entry changes no job.
enum class Baseline : std::uint8_t { kMaskWeights, kMaskPermuted, kPermutedPermuted, kRandomReinit };
inline constexpr std::array kPaperBaselines = {Baseline::kMaskWeights, Baseline::kMaskPermuted,
                                               Baseline::kPermutedPermuted, Baseline::kRandomReinit};

// What a round starts from. All arrays are [parameter_count] in dense order.
struct RoundInputs {
  const ModelSpec* model = nullptr;
  const std::vector<Tensor>* tensors = nullptr;  // of the model
  std::span<const std::size_t> prunable;         // indices into tensors
  const NetworkConfig* network = nullptr;        // initialisation scheme, for new draws
  const ImpConfig* imp = nullptr;
  const StreamNames* streams = nullptr;
  int round = 0;
  std::span<const std::uint8_t>
      available;                       // 0 at weights of inputs that are taken away (engine/job/inputs.hpp)
  std::span<const std::uint8_t> mask;  // m; in round 0 all that is available; unused by random/re-init
  std::int64_t kept = 0;               // number of ones among the prunable entries of this round's mask
  std::span<const float> initial;      // initial values, or a snapshot to rewind to
  std::span<const float> previous;     // the chain's previous round; read if imp.reset_unpruned is false
};

struct RoundStart {
  Mask mask;
  std::vector<float> parameters;  // 0 at pruned places
};

struct BaselineInfo {
  std::string_view name;        // as in job files: "mask/weights"
  std::string_view chain_name;  // as in names of chains: "mask-weights"
  std::string_view colour;      // in drawings
  bool prunes;                  // its mask comes from a trained round; false: only the count does
  bool redraws;                 // weights are drawn anew, imp.reinit_scope says which; false: initial values
  std::string_view own_option;  // the imp.* key that it reads and mask/weights does not, if there is one
  RoundStart (*start)(const RoundInputs&);
};

// All of them, the paper's first and in the order of its table.
std::size_t baseline_count();
std::vector<Baseline> baselines();
const BaselineInfo& info_of(Baseline);
std::optional<Baseline> find_baseline(std::string_view name);

// The start of a round. Throws std::invalid_argument if arrays do not fit the model.
RoundStart prepare(Baseline, const RoundInputs&);

// sign/constant of one tensor: every value becomes the standard deviation (divisor n) of those available,
// with its own sign; 0 stays. Returns the constant.
double make_signed_constant(std::span<const std::uint8_t> available, std::span<float> values);

// Whether some network of the model has nothing prunable, so that imp.reset_unpruned matters.
bool has_unpruned_network(const ModelSpec&, const std::vector<Tensor>& tensors,
                          std::span<const std::size_t> prunable);

}  // namespace impsweep
