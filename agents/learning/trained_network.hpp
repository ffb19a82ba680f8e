// agents/learning/trained_network.hpp - the networks of a training: how they begin, and how they are saved.
#pragma once

#include <memory>
#include <string_view>

#include "agents/learning/trainer.hpp"
#include "agents/network/network.hpp"
#include "envs/archive.hpp"

namespace impsweep {

// The network that is trained, with its mask and initial parameters, for batches of at most `max_batch`.
// `active_inputs`: as of NetworkOptions.
std::unique_ptr<Network> make_trained_network(const TrainingRequest&, int max_batch,
                                              double active_inputs = 0);

// The frozen network that a student learns from.
std::unique_ptr<Network> make_teacher(const TrainingRequest&, int max_batch);

// Parameters in arena order. Loading throws ArchiveError if they are of another network.
void save_parameters(StateWriter&, std::string_view name, Network&);
void load_parameters(StateReader&, std::string_view name, Network&);

}  // namespace impsweep
