// io/digest.hpp - names and checksums of bytes.
//
// SHA-256 names things (two different contents never share a name); XXH3 notices damage, ten times faster.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace impsweep {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

inline ByteView bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// SHA-256 of something that arrives in pieces (library: OpenSSL's libcrypto).
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(ByteView);
  std::string hex();  // 64 lower-case digits; ends the computation

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256_hex(ByteView);

std::uint64_t xxh3_64(ByteView);
std::string xxh3_128_hex(ByteView);  // 32 lower-case digits, canonical (big-endian) order

}  // namespace impsweep
