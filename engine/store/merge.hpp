// engine/store/merge.hpp - uniting stores that were filled in different places.
#pragma once

#include <vector>

#include "engine/store/verification.hpp"
#include "io/store.hpp"

namespace impsweep {

struct Merge {
  std::int64_t copied = 0, already_there = 0, jobs = 0, logs = 0;
  std::vector<Discrepancy> damaged;  // in the source; they stay there
  // The same recipe with another result: determinism is broken, both are kept.
  std::vector<Discrepancy> different;
};

// Copies into `store` what `source` has and it has not: results, each read and validated, jobs and event
// logs. The source is not changed. InputError if the two were computed with different numerics.
void merge_store(const Store& store, const Store& source, Merge&);

}  // namespace impsweep
