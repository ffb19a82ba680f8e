// engine/imp/criterion.hpp - what weights are ranked by when a round removes the lowest: one table, to which
// a new criterion adds an entry and its function.
//
//   criterion    score of a weight w                            prunes
//   magnitude    |w|                                            trained networks: chains of rounds
//   normalised   |w| / b, b the bound of the layer's initial    the same
//                values, or the norm of what is left of the layer
//   lamp         w^2 / sum of v^2 over the layer's |v| >= |w|   the same (Lee et al. 2021)
//   movement     |w| - |w0| or |w - w0|                         the same (Zhou et al. 2019)
//   random       uniform                                        the same
//   snip         |g w|, g the gradient of the loss              the untrained network (Lee et al. 2019)
//   grasp        w (H g), H its second derivatives              the same (Wang et al. 2020; the higher, the
//                                                               more a removal would slow the first steps)
//   synflow      w dR/dw of the network of absolute values      the same (Tanaka et al. 2020), in 100 steps
//
// Gradients are those of the weights that may be pruned alone, all networks in scope together. Everything is
// computed in double precision.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "agents/network/derivatives.hpp"
#include "engine/imp/pruning.hpp"
#include "engine/imp/streams.hpp"

namespace impsweep {

// Arrays are [parameter_count] in dense order.
struct ScoreInputs {
  const ModelSpec* model = nullptr;
  const std::vector<Tensor>* tensors = nullptr;
  std::span<const std::size_t> prunable;
  const NetworkConfig* network = nullptr;  // initialisation scheme
  const ImpConfig* imp = nullptr;
  const StreamNames* streams = nullptr;     // random
  std::span<const std::uint8_t> available;  // 0 at weights that there never were
  std::span<const std::uint8_t> mask;       // before the pruning
  std::span<const float> weights;           // that are pruned
  std::span<const float> initial;           // movement: what their training started from
  const BatchLoss* loss = nullptr;          // snip, grasp: of the network's first batch
};

struct CriterionInfo {
  std::string_view name;
  bool at_start;    // of the untrained network
  bool needs_loss;  // a batch of experience, and the loss on it
  bool by_network;  // without a distribution every network keeps the same part
  int steps;        // in which the count falls from all to what is kept, each with scores of its own
  std::vector<double> (*scores)(const ScoreInputs&);
};
const CriterionInfo& info_of(Criterion);

// Scores by the criterion of the options, [parameter_count]; meaningless where `mask` is 0 or nothing may be
// pruned.
std::vector<double> scores(const ScoreInputs&);

// In how many steps the count falls, geometrically, from all weights that are left to a part `density` of
// them. As is, both are what the criterion and the count say; recordings have others.
struct PruningSteps {
  int count = 0;
  double density = 0;
  std::vector<std::int64_t>* kept = nullptr;  // if given, takes what every step kept
};

// The mask that keeps `kept` weights. Throws std::invalid_argument if a score is no finite number or the
// counts are impossible.
Mask mask_by_criterion(const ScoreInputs&, std::int64_t kept, PruningSteps = {});

}  // namespace impsweep
