// io/index_file.hpp - one small HDF5 file that shows what many hold: a table, and links into the others.
//
//   /rounds                     one compound element per row: pandas.DataFrame(file["rounds"][:])
//   /chains/<chain>/<round>     external link to the root of the file that holds the round
//
// It is derived, so it may be lost, and the file is replaced as a whole. Links are relative, so that the
// files can be moved and copied together.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/hdf5_writer.hpp"
#include "io/table.hpp"

namespace impsweep {

struct IndexLink {
  std::string chain, round;  // names without a slash
  std::string file;          // relative to the directory of the index
};

class IndexFile {
 public:
  explicit IndexFile(std::filesystem::path path) : path_(std::move(path)) {}

  // The file holds this and nothing else. The table needs at least one column; it may have no rows.
  void replace(const Table& rounds, const std::vector<IndexLink>&);

  // The file holds this as well, after what replace() and append() wrote. The work grows with what is new,
  // but for writing the bytes. False, and nothing is changed, if a text is too long for its column: then
  // replace() all of it.
  bool append(const Table& rounds, const std::vector<IndexLink>&);

 private:
  void add_links(const std::vector<IndexLink>&);

  std::filesystem::path path_;
  Hdf5Writer writer_;  // keeps what is in the file
};

}  // namespace impsweep
