// engine/plan/work_counts.hpp - what a training does, counted from its settings before it runs: products,
// updates, steps, episodes. No clock and no file; rates.hpp says what a unit of each kind costs.
//
// A network's work is counted layer by layer in the form that the native backend would choose for it
// (agents/native/masked_layer.hpp). Which weights a mask leaves over is not known before; they are taken to
// lie at random, so that of a level's units the part 1 - (1 - density)^(units behind that matter) matters.
// Binary inputs cost by how many of them are usually 1.
//
// All counts are doubles: settings may be absurd, and nothing here grows with them.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "engine/plan/plan.hpp"

namespace impsweep {

// Kinds of work, and the unit of each. FLOP are those of kept weights, of batches in whole lanes.
enum class WorkKind : std::size_t {
  kProducts,          // FLOP of dense layers, forward
  kFewProducts,       // the same for batches below sixteen samples
  kProductGradients,  // FLOP of both gradients of dense layers
  kSparse,            // FLOP of sparse layers, forward
  kSparseGradients,   // FLOP of both gradients of sparse layers
  kWideSparse,        // FLOP of both where a batch does not fit in the second-level cache, in addition
  kWeightSums,        // gradients of single kept weights, summed up over the lanes
  kSegments,          // rows of sparse layers
  kRows,              // FLOP of adding up rows of weights under binary inputs, forward
  kRowGradients,      // the same, backward
  kLists,             // ones of binary observations, listed
  kExpanded,          // numbers of binary observations written out
  kUnits,             // activations, forward, and numbers of inputs
  kUnitGradients,     // the same, backward
  kTanh,              // of them, those that are a hyperbolic tangent
  kPasses,            // of one network over a batch
  kBackwardPasses,
  kConvolutions,  // FLOP of convolutions
  kFarWeights,    // weights of layers that no cache near the core holds, read once
  kOptimizer,     // parameters, in every step of Adam
  kFarOptimizer,  // of them, those of networks that no cache near the core holds
  kUpdates,       // steps of Adam
  kGathered,      // numbers of observations that are put into minibatches
  kLosses,        // outputs that a loss is evaluated of
  kDraws,         // transitions drawn from a replay memory
  kDrawnOnes,     // numbers or ones of observations drawn from it
  kActions,       // steps of a lane, without the environment's own work
  kStored,        // numbers of observations that are kept of a step
  kSteps,         // seconds of the environment, on the reference machine
  kPhysics,       // the same for robots
  kEpisodes,      // evaluation episodes
  kTrainings,     // to begin and to end one
  kParameters,    // of all networks, to initialise, mask, hash and store
  kCount
};
inline constexpr std::size_t kWorkKinds = static_cast<std::size_t>(WorkKind::kCount);

// For people: "products".
std::string_view name_of(WorkKind);

struct WorkCounts {
  std::array<double, kWorkKinds> units = {};

  double& operator[](WorkKind kind) { return units[static_cast<std::size_t>(kind)]; }
  double operator[](WorkKind kind) const { return units[static_cast<std::size_t>(kind)]; }
  void add(const WorkCounts& other, double times = 1) {
    for (std::size_t k = 0; k < kWorkKinds; ++k) units[k] += times * other.units[k];
  }
};

// Steps of an evaluation episode as an agent learns: from what an untrained agent reaches half-way to what a
// trained one does after so many environment steps, and half of the rest after as many again.
struct EpisodeLength {
  double first = 1, last = 1, half_way = 1;
  double mean_until(double steps) const;  // over the evaluations until then
  double at(double steps) const;
};

struct TrainingWork {
  double steps = 0, first_learning_step = 0;
  EpisodeLength episode;
  WorkCounts start, playing, learning, evaluation, conclusion;
  WorkCounts total() const;
};
TrainingWork work_of(const Plan&, TrainingIndex);

// Evaluations of a training of so many steps, the one of the untrained network included.
double evaluations(const AgentConfig&, double env_steps);

}  // namespace impsweep
