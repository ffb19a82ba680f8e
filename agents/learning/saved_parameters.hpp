// agents/learning/saved_parameters.hpp - the parameters of a network in the saved state of its trainer.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "agents/network/network.hpp"
#include "envs/archive.hpp"

namespace impsweep {

inline void save_parameters(StateWriter& writer, Network& network) {
  const std::span<const float> parameters = network.parameters();
  writer("parameters", std::vector<float>(parameters.begin(), parameters.end()));
}

// Throws ArchiveError if they are of another network.
inline void load_parameters(StateReader& reader, Network& network) {
  std::vector<float> parameters;
  reader("parameters", parameters);
  if (parameters.size() != network.parameters().size())
    throw ArchiveError("saved parameters are of another network");
  std::ranges::copy(parameters, network.parameters().begin());
  network.parameters_changed();
}

}  // namespace impsweep
