// io/store_identity.hpp - what a store is and which numerics its results share.
//
// store.toml, written once:
//
//   schema = 1
//   [fingerprint]                           # what results depend on besides their recipe, the same for all
//   "compiler" = "g++ 12.2.0"
//
// numerics/<entry>.txt, one line each, written with the first result that depends on it: versions of what
// only some results depend on, "bullet" or "torch".
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

// Entries by name, of letters, digits and '-'. The line of a file that is damaged, or no file at all, is an
// InputError.
Fingerprint read_pins(const std::filesystem::path& store);

// Writes what is missing, durably. InputError, which names the entry and both values, if one is pinned to
// another value; then nothing is written of it.
void pin(const std::filesystem::path& store, const Fingerprint& entries);

// The same without writing: InputError if one is pinned to another value.
void require_pins(const std::filesystem::path& store, const Fingerprint& entries);

// The fingerprint of an existing store. InputError if there is none, or of another schema.
Fingerprint read_identity(const std::filesystem::path& store);

}  // namespace impsweep
