// engine/plan/chain_group.hpp - which chains belong together: in one table or picture those that differ in
// baseline and seed only; as one chain those that are the same trainings.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "engine/plan/identity.hpp"
#include "engine/plan/plan.hpp"

namespace impsweep {

ChainGroup group_of(const Chain&);

// Something of each chain of a group.
template <class T>
using ByBaselineAndSeed = std::map<Baseline, std::map<std::int64_t, T>>;

// The trainings of a chain, which say what it is whatever plan it stands in.
std::vector<TrainingId> digests_of(const Plan&, const Chain&);

// Whether two chains of one name are one, as far as both go; `known` then becomes the longer of the two.
bool joins(std::vector<TrainingId>& known, const std::vector<TrainingId>& digests);

}  // namespace impsweep
