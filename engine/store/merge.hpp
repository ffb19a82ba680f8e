// engine/store/merge.hpp - uniting stores that were filled in different places.
#pragma once

#include <cstdint>
#include <span>
#include <string>
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

// Whatever speaks against uniting these stores is found before anything is copied or made: other
// numerics, and names that mean other results elsewhere. `store` may be null: there is none yet at
// `directory`. Throws InputError.
void require_mergeable(const Store* store, const std::string& directory, std::span<const Store> sources);

// Copies into `store` what `source` has and it has not: results, each read and validated, jobs and event
// logs. The source is not changed. Call require_mergeable() first.
void merge_store(const Store& store, const Store& source, Merge&);

}  // namespace impsweep
