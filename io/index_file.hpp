// io/index_file.hpp - one small HDF5 file that shows what many hold: a table, and links into the others.
//
//   /rounds                     one compound element per row: pandas.DataFrame(file["rounds"][:])
//   /chains/<chain>/<round>     external link to the root of the file that holds the round
//
// It is derived, so it may be lost, and is replaced as a whole. Links are relative, so that the files can be
// moved and copied together.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/table.hpp"

namespace impsweep {

struct IndexLink {
  std::string chain, round;  // names without a slash
  std::string file;          // relative to the directory of the index
};

// The table needs at least one column; it may have no rows.
void write_index_file(const std::filesystem::path&, const Table& rounds, const std::vector<IndexLink>&);

}  // namespace impsweep
