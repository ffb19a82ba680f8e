// engine/job/sparsity.hpp - points of the grid whose masks change while they learn (sparse.*): such a chain
// has one baseline, and one round for each density, the densest first. No round hands a mask on to another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/imp/baseline.hpp"
#include "engine/job/settings.hpp"
#include "io/job_file.hpp"

namespace impsweep {

inline constexpr std::int64_t kMostRounds = 1000;

// A point of the grid, as far as this is concerned.
struct SparsePoint {
  Settings& settings;
  std::vector<Baseline>& baselines;
  int& rounds;
  const std::string& place;  // for messages
};

// Gives the point its rounds and baseline, and, if `takes_published`, what its entries do not say of the
// method the values of the method's sources. Throws InputError "place: ...".
void apply_sparsity(const SparsePoint&, std::span<const JobEntry> entries, bool takes_published);

// Throws InputError "place: ..." if a layer would be left without a weight.
void check_densities(const Settings&, const std::string& place);

}  // namespace impsweep
