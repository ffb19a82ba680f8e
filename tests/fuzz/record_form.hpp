// tests/fuzz/record_form.hpp - a Record as bytes that a fuzzer can change without breaking the whole: any
// bytes are some record. HDF5 and checksums are added afterwards, so that the readers behind them are
// reached.
//
// One entry after the other, until the bytes end:
//   kind    [1]      modulo 11: attributes (integer, real, text, integers, reals, texts), then arrays
//                    (float32, float64, int32, int64, uint8)
//   path    [1 + n]  length and text; for attributes followed by the name in the same form
//   value            numbers as they are, texts and lists with a count of 4 bytes in front; arrays with their
//                    rank [1] and extents [4 each] before that, which are one extent if they do not fit
// make_seeds.py writes the same form from genuine files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "io/digest.hpp"
#include "io/record.hpp"

namespace impsweep::fuzz {

Record record_of(std::span<const std::uint8_t> bytes);

// A place of this process alone, in memory where there is such a file system. And a file there, without
// waiting for any disk.
std::filesystem::path scratch_path(const std::string& name);
void spill(const std::filesystem::path&, ByteView);

}  // namespace impsweep::fuzz
