#include "io/record_file.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>

#include "io/error.hpp"
#include "io/files.hpp"
#include "io/hdf5.hpp"
#include "io/hdf5_writer.hpp"

namespace impsweep {

namespace {

constexpr int kFormat = 1;
constexpr std::string_view kMagic = "impsweep record, format ";

std::string user_block(ByteView payload) {
  std::string block = fmt::format(
      "{}{}\n"
      "payload_bytes {}\n"
      "payload_xxh3_128 {}\n"
      "This is an HDF5 file with a user block of {} bytes; h5py, h5ls and others open it as it is.\n",
      kMagic, kFormat, payload.size(), xxh3_128_hex(payload), kUserBlockBytes);
  block.resize(kUserBlockBytes, '\0');
  return block;
}

// The format number of the first line, 0 if there is none.
int format_of(std::string_view block) {
  int format = 0;
  const char* end = block.data() + block.size();
  if (block.starts_with(kMagic)) std::from_chars(block.data() + kMagic.size(), end, format);
  return format;
}

// Says what the bytes seem to be instead of a whole record.
[[noreturn]] void throw_mismatch(ByteView bytes, const std::string& file) {
  const std::string_view block = text_of(bytes.first(std::min(bytes.size(), kUserBlockBytes)));
  if (bytes.empty()) throw DamagedFile(file, "is empty");
  if (std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; }))
    throw DamagedFile(file, fmt::format("holds nothing but zeros ({} bytes)", bytes.size()));
  if (!block.starts_with(kMagic.substr(0, block.size())))
    throw DamagedFile(file, "does not begin like an impsweep record", "check that this is the right file");
  if (bytes.size() < kUserBlockBytes) throw DamagedFile(file, "is truncated in its user block");
  if (const int format = format_of(block); format > kFormat) throw NewerFormat(file, format, kFormat);
  constexpr std::string_view key = "\npayload_bytes ";
  std::size_t expected = 0;
  if (const std::size_t at = block.find(key); at != std::string_view::npos)
    std::from_chars(block.data() + at + key.size(), block.data() + block.size(), expected);
  if (const std::size_t found = bytes.size() - kUserBlockBytes; found != expected)
    throw DamagedFile(file, fmt::format("has {} bytes of payload where {} were written", found, expected));
  throw DamagedFile(file, "is altered (its checksum does not match)");
}

// "<top>/<path>", either of which may be empty.
std::string joined(const std::string& top, const std::string& path) {
  return top.empty() || path.empty() ? top + path : top + "/" + path;
}

// Paths of a record are relative to its group in the file, `top`.
void read_attributes(const Hdf5File& file, const std::string& top, const std::string& group, Record& record) {
  for (const std::string& name : file.attribute_names(joined(top, group)))
    record.attributes[group].emplace(name, file.attribute(joined(top, group), name));
}

// Groups below groups, as records have them at most; and each object is met once, so that no link leads back.
constexpr std::size_t kDeepest = 16;
using Seen = std::set<std::uint64_t>;

void read_group(const Hdf5File& file, const std::string& top, const std::string& group, RecordPart part,
                Record& record, Seen& seen) {
  if (!seen.insert(file.address(joined(top, group))).second ||
      std::ranges::count(group, '/') > std::ptrdiff_t{kDeepest})
    throw InputError("{}: '{}' is linked twice or too deep; check that this is the right file", file.name(),
                     joined(top, group));
  read_attributes(file, top, group, record);
  for (const std::string& child : file.children(joined(top, group))) {
    const std::string path = joined(group, child);
    if (file.is_group(joined(top, path))) {
      read_group(file, top, path, part, record, seen);
    } else if (part == RecordPart::kAll) {
      record.arrays.emplace(path, file.array(joined(top, path)));
    }
  }
}

}  // namespace

void write_record(Hdf5Writer& writer, const std::string& group, const Record& record) {
  const auto require_shallow = [](const std::string& path) {
    if (std::ranges::count(path, '/') > std::ptrdiff_t{kDeepest})
      throw std::invalid_argument(fmt::format("'{}' lies deeper than records are read", path));
  };
  for (const auto& [path, array] : record.arrays) {
    require_shallow(path);
    writer.array(joined(group, path), array);
  }
  for (const auto& [owner, attributes] : record.attributes) {
    require_shallow(owner);
    if (record.has_array(owner))
      throw std::invalid_argument(
          fmt::format("'{}' is an array; a record has attributes on groups only", owner));
    for (const auto& [name, attribute] : attributes) writer.attribute(joined(group, owner), name, attribute);
  }
}

Record read_record(const Hdf5File& file, const std::string& group, RecordPart part) {
  Record record;
  Seen seen;
  read_group(file, group, "", part, record, seen);
  record.origin = file.name();
  return record;
}

Record read_record(const Hdf5File& file, const std::string& group, std::span<const std::string> places) {
  Record record;
  record.origin = file.name();
  for (const std::string& place : places) {
    if (!file.exists(joined(group, place))) continue;
    if (file.is_group(joined(group, place)))
      read_attributes(file, group, place, record);
    else
      record.arrays.emplace(place, file.array(joined(group, place)));
  }
  return record;
}

void write_user_block(Bytes& file) {
  const std::string block = user_block(ByteView(file).subspan(kUserBlockBytes));
  std::ranges::copy(bytes_of(block), file.begin());
}

bool begins_like_record(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string beginning(kMagic.size(), '\0');
  file.read(beginning.data(), std::ssize(beginning));
  return beginning == kMagic;
}

Bytes encode_record(const Record& record) {
  Hdf5Writer writer(kUserBlockBytes);
  write_record(writer, "", record);
  Bytes bytes = writer.image();
  write_user_block(bytes);
  return bytes;
}

void validate_record(ByteView bytes, const std::string& file) {
  // The user block is a function of the payload, so it is not parsed but made again and compared.
  if (bytes.size() > kUserBlockBytes &&
      text_of(bytes.first(kUserBlockBytes)) == user_block(bytes.subspan(kUserBlockBytes)))
    return;
  throw_mismatch(bytes, file);
}

namespace {

// A record whose checksum is right and that cannot be read has been made so: it is as good as damaged.
template <class Read>
Record read_or_call_damaged(const std::string& file, const Read& read) {
  try {
    return read();
  } catch (const DamagedFile&) {
    throw;
  } catch (const InputError& error) {
    const std::string_view reason = error.what();
    throw DamagedFile(file,
                      std::string(reason.starts_with(file + ": ") ? reason.substr(file.size() + 2) : reason));
  }
}

}  // namespace

Record decode_record(ByteView bytes, const std::string& file, RecordPart part) {
  validate_record(bytes, file);
  return read_or_call_damaged(file, [&] { return read_record(Hdf5File::open_image(bytes, file), "", part); });
}

Record decode_record(ByteView bytes, const std::string& name, std::span<const std::string> places) {
  validate_record(bytes, name);
  return read_or_call_damaged(name,
                              [&] { return read_record(Hdf5File::open_image(bytes, name), "", places); });
}

Record read_record_file(const std::filesystem::path& path, RecordPart part) {
  return decode_record(read_file(path), path.string(), part);
}

}  // namespace impsweep
