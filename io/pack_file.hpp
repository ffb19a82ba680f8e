// io/pack_file.hpp - a whole store as one file, which is read like one: results by their digests, frozen
// jobs, the numerics fingerprint.
//
//   user block                  as of results; packs of version 0.1 have none
//   /chains/<a>/<b>             a result each, shared ones linked; or, without weights,
//   /records                    all results as columns (io/record_columns.hpp)
//   /jobs@<digest>              texts of jobs
//   /fingerprint@<entry>        as in store.toml
//   /numerics@<entry>           as in numerics/<entry>.txt
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/record.hpp"
#include "io/record_file.hpp"
#include "io/store_identity.hpp"

namespace impsweep {

class PackFile {
 public:
  // InputError if the file is none, damaged, or of a later version.
  explicit PackFile(const std::filesystem::path&);
  ~PackFile();

  bool has_weights() const;
  const Fingerprint& fingerprint() const;
  const Fingerprint& pins() const;  // versions that only some results depend on
  const std::vector<std::pair<std::string, std::string>>& jobs() const;  // digest and text, sorted
  std::vector<std::string> digests() const;
  bool has(std::string_view digest) const;
  std::optional<Record> load(std::string_view digest, RecordPart) const;
  // A pack without weights gives everything that there is.
  std::optional<Record> load(std::string_view digest, std::span<const std::string> places) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Packs begin with an array of this name, which tells them from other HDF5 files.
inline constexpr const char* kPackTable = "rounds";
inline constexpr const char* kPackRecords = "records";

}  // namespace impsweep
