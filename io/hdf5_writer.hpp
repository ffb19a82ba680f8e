// io/hdf5_writer.hpp - building HDF5 files in memory; io/files.hpp then writes the bytes.
//
// The library never writes to a disk itself: when a disk is full, closing the file fails, and HDF5 1.10 then
// crashes the process at its exit.
//
// Equal calls give identical bytes: object times are not stored, and creation order is the order of the
// calls. Arrays of more than 4 KiB are stored in chunks, shuffled and deflated. Any HDF5 library from 1.8 on
// reads the files. Paths are as in hdf5.hpp; missing groups above an object are made.
//
// Mistakes of the caller (a shape that does not fit, a name twice, a text with NUL) are
// std::invalid_argument.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "io/digest.hpp"
#include "io/record.hpp"
#include "io/table.hpp"

namespace impsweep {

class Hdf5Writer {
 public:
  // Weights hardly shrink, however hard one tries; tables do.
  enum class Effort { kFast, kSmallest };

  // A user block is space at the beginning of the file that HDF5 leaves to its user: 0, or 512, 1024, 2048,
  // ... bytes; it is zero-filled here.
  explicit Hdf5Writer(std::size_t user_block_bytes = 0, Effort = Effort::kFast);
  Hdf5Writer(Hdf5Writer&&) noexcept;
  Hdf5Writer& operator=(Hdf5Writer&&) noexcept;
  ~Hdf5Writer();

  void group(const std::string& path);
  // Texts are stored as UTF-8 of fixed length. An attribute belongs to a group or an array that exists, or a
  // group that is made for it.
  void attribute(const std::string& object, const std::string& name, const Attribute&);
  void array(const std::string& path, const Array&);
  // One compound element per row, one member per column: numpy's structured array.
  void table(const std::string& path, const Table&);
  // The same, but more rows may follow; texts are given some space to grow.
  void growing_table(const std::string& path, const Table&);
  // Rows of the same columns at the end of a growing table. False, and nothing is added, if a text is longer
  // than its column is wide.
  bool append_rows(const std::string& path, const Table&);
  // Another name for a group or an array that exists.
  void link(const std::string& path, const std::string& existing);
  // `file` is relative to the directory of the file that holds the link; it need not exist yet.
  void external_link(const std::string& path, const std::string& file, const std::string& object);

  // The bytes of the file as it is. More may be added afterwards, for another image.
  Bytes image();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace impsweep
