#include "io/hdf5_extent.hpp"

#include <algorithm>

namespace impsweep {

namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";

std::optional<std::uint64_t> little_endian(ByteView bytes, std::size_t offset, std::size_t width) {
  if (width == 0 || width > 8 || offset + width > bytes.size()) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;)
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[offset + i]);
  return value;
}

std::optional<std::uint64_t> end_of_file(ByteView superblock) {
  const auto version = little_endian(superblock, 8, 1);
  if (!version || *version > 3) return std::nullopt;
  // Addresses in order: base, free space (or extension from version 2 on), end of file.
  const bool compact = *version >= 2;
  const auto address_width = little_endian(superblock, compact ? 9 : 13, 1);
  if (!address_width) return std::nullopt;
  const std::size_t first_address = compact ? 12 : (*version == 0 ? 24 : 28);
  return little_endian(superblock, first_address + 2 * *address_width, *address_width);
}

}  // namespace

std::optional<Hdf5Extent> hdf5_extent(ByteView bytes) {
  for (std::size_t offset = 0; offset + kSignature.size() <= bytes.size();
       offset = std::max<std::size_t>(512, 2 * offset)) {
    const ByteView superblock = bytes.subspan(offset);
    if (text_of(superblock.first(kSignature.size())) != kSignature) continue;
    if (const auto end = end_of_file(superblock)) return Hdf5Extent{offset, *end};
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace impsweep
