// engine/store/verification.hpp - trust in a store: integrity, equality with another store, and
// recomputation.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/plan/recipe.hpp"
#include "io/record.hpp"
#include "io/store.hpp"

namespace impsweep {

// A result that is not what it should be.
struct Discrepancy {
  std::string name;  // of the training, for people
  std::string digest;
  std::string reason;
};

struct Verification {
  // Content digest of every whole result, provenance aside.
  std::map<std::string, std::string, std::less<>> results;
  std::map<std::string, std::string, std::less<>> names;  // of trainings, by digest
  std::set<std::string, std::less<>> irreproducible;      // digests of those that cannot be computed again
  std::int64_t missing = 0;                               // trainings of the store's jobs without a result
  std::int64_t recomputed = 0;
  std::vector<Discrepancy> damaged, different;

  bool ok() const { return damaged.empty() && different.empty(); }
  // The digest of all results together: equal for equal results, whatever computed them.
  std::string digest() const;
};

// A result of a store whose file is whole and whose recipe has the digest that names it; else DamagedFile.
Record read_result(const Store&, const std::string& digest);

// Reads every result: length, checksum, and whether its recipe has the digest that names it.
Verification verify_store(const Store&);

// Adds what the other store holds differently, or not at all, or additionally.
void compare_stores(Verification&, const Store& other);

// Recomputes about `fraction` of the results, at least one, chosen by their digests; adds those whose bits
// differ. InputError if this machine's numerics are not the store's.
void rerun_part(Verification&, const Store&, double fraction);

}  // namespace impsweep
