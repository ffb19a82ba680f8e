// io/record_file.hpp - a Record as an HDF5 file that cannot be mistaken for a whole one when it is damaged.
//
//   bytes 0-511   user block, text padded with NUL:   impsweep record, format 1
//                                                     payload_bytes 20480
//                                                     payload_xxh3_128 0123456789abcdef...
//                                                     (a line for people who open the file in a pager)
//   from 512 on   payload: an HDF5 file, groups and attributes and datasets as in the Record
//
// A reader compares length and checksum before the HDF5 library sees a byte, because a torn HDF5 file can
// crash it. Any HDF5 program opens the file as it is. Equal records give identical bytes.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "io/digest.hpp"
#include "io/error.hpp"
#include "io/record.hpp"

namespace impsweep {

// The file is there and can be read, but it is not what was once written: cut, altered, zero-filled, of
// another kind, or of a newer format. what() names file, reason and remedy.
class DamagedFile : public InputError {
 public:
  DamagedFile(const std::string& file, std::string reason,
              std::string_view remedy = "restore a copy, or remove it and run again")
      : InputError("{}: {}; {}", file, reason, remedy), reason_(std::move(reason)) {}
  const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

// A file of a later version of this program: nothing is wrong with it, and it stays where it is. what()
// names both formats.
class NewerFormat : public InputError {
 public:
  NewerFormat(const std::string& file, std::int64_t found, std::int64_t known)
      : InputError("{}: is of format {}, this program reads format {}; use the newer impsweep that made it",
                   file, found, known) {}
};

enum class RecordPart {
  kAll,
  kAttributes,  // arrays are left unread: for tables over thousands of files
};

// std::invalid_argument if the record cannot be stored: a shape that does not fit its values, a text with
// NUL, a path that is both group and array.
Bytes encode_record(const Record&);

// Adds the record to a file that is being built, below `group`; "" is the root. And reads it there again.
class Hdf5Writer;
class Hdf5File;
void write_record(Hdf5Writer&, const std::string& group, const Record&);
Record read_record(const Hdf5File&, const std::string& group, RecordPart = RecordPart::kAll);
Record read_record(const Hdf5File&, const std::string& group, std::span<const std::string> places);

// For files of other contents that prove themselves in the same way: their length, which is left free at the
// beginning of a file, and what is then written there.
inline constexpr std::size_t kUserBlockBytes = 512;
void write_user_block(Bytes& file);
// Whether the file says of itself that it has such a block.
bool begins_like_record(const std::filesystem::path&);

// `file` stands in messages and becomes the record's origin.
Record decode_record(ByteView, const std::string& file, RecordPart = RecordPart::kAll);

// Only the attributes of the groups and the arrays that `places` names, where they exist: twice as fast for a
// few of many.
Record decode_record(ByteView, const std::string& file, std::span<const std::string> places);

Record read_record_file(const std::filesystem::path&, RecordPart = RecordPart::kAll);

// Only the validation: length and checksum.
void validate_record(ByteView, const std::string& file);

}  // namespace impsweep
