// engine/store/ticket.hpp - one finished round for other programs: what it was pruned to, began with and
// reached.
//
//   texts     chain-free identity (task, algorithm, network, baseline), round, density, best_return, recipe
//   mask      [tensor] bytes, 1 = kept
//   initial   [tensor] the values that the round's training started from, 0 where pruned
//   best      [tensor] its best checkpoint, 0 where pruned
//   compact   [tensor] the best checkpoint as smaller dense networks (engine/imp/compact.hpp), if asked for,
//   inputs    [observation] and bytes, 1 = feature that they are shown
//
// Tensors are called "actor.0.weight": network, layer, kind; weights are [out][in] as in PyTorch. A network
// that normalises its observations has observation_mean, observation_variance and observation_count as well
// (ModelSpec in agents/network/network.hpp says how).
#pragma once

#include "agents/torch/tensor_file.hpp"
#include "engine/plan/plan.hpp"
#include "io/digest.hpp"
#include "io/store.hpp"

namespace impsweep {

// The ticket of a finished training. InputError if a round that its start is computed from is missing.
TensorFile make_ticket(const Store&, const Plan&, TrainingIndex, bool with_compact = false);

// The same tree as an HDF5 file: groups, datasets, and the texts as attributes of the root.
Bytes hdf5_file(const TensorFile&);

}  // namespace impsweep
