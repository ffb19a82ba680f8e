// io/hdf5_extent.hpp - how long an HDF5 file claims to be, read from its superblock without the HDF5 library.
//
// Source: HDF5 File Format Specification 3.0, section II.A, superblock versions 0 to 3.
#pragma once

#include <cstdint>
#include <optional>

#include "io/digest.hpp"

namespace impsweep {

struct Hdf5Extent {
  std::uint64_t superblock = 0;   // offset of the signature: 0, or the length of the user block
  std::uint64_t end_of_file = 0;  // length that the file had when it was complete
};

// Looks at the offsets 0, 512, 1024, 2048, ... of a file, of which `bytes` is the beginning or all. Nothing
// if there is no signature or the superblock makes no sense.
std::optional<Hdf5Extent> hdf5_extent(ByteView bytes);

}  // namespace impsweep
