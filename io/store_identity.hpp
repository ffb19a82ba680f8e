// io/store_identity.hpp - the file store.toml: what a store is and which numerics its results share.
//
//   schema = 1
//   [fingerprint]                           # what results depend on besides their recipe, the same for all
//   "blas" = "OpenBLAS 0.3.21 Haswell"
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace impsweep {

inline constexpr int kStoreSchema = 1;

using Fingerprint = std::map<std::string, std::string>;

// InputError if the directory holds files and is no store: they may be a user's. The leftovers of a
// start that was killed are none.
void require_free_for_store(const std::filesystem::path&);

// Writes store.toml, or compares with the one that is there: two starters may race, both end with the same
// file. InputError if the schema or an entry differs; it names every entry that does.
void establish_identity(const std::filesystem::path& store, const Fingerprint&);

// The fingerprint of an existing store. InputError if there is none, or of another schema.
Fingerprint read_identity(const std::filesystem::path& store);

}  // namespace impsweep
