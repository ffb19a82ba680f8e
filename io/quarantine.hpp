// io/quarantine.hpp - where files go that failed validation: kept with the reason, never deleted, never
// opened again.
#pragma once

#include <filesystem>
#include <string>

#include "io/digest.hpp"

namespace impsweep {

class Quarantine {
 public:
  explicit Quarantine(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Moves a file here under a unique name and writes the reason to "<name>.reason.txt" beside it. Returns its
  // new path, or an empty one if another process has moved it already.
  std::filesystem::path take(const std::filesystem::path& file, const std::string& reason) const;

  // Keeps bytes that never became a file.
  std::filesystem::path keep(const std::string& name, ByteView bytes, const std::string& reason) const;

 private:
  std::filesystem::path place_for(const std::filesystem::path& name) const;
  void write_reason(const std::filesystem::path& place, const std::string& origin,
                    const std::string& reason) const;

  std::filesystem::path directory_;
};

}  // namespace impsweep
