#include "io/digest.hpp"

#include <doctest/doctest.h>

using namespace impsweep;

TEST_CASE("SHA-256 gives the values of FIPS 180-4") {
  CHECK(sha256_hex(bytes_of("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex(bytes_of("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex(bytes_of(std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  Sha256 pieces;
  pieces.update(bytes_of("a"));
  pieces.update(bytes_of(""));
  pieces.update(bytes_of("bc"));
  CHECK(pieces.hex() == sha256_hex(bytes_of("abc")));
}

TEST_CASE("XXH3 gives the values that the tool xxhsum prints") {
  CHECK(xxh3_64(bytes_of("")) == 0x2d06800538d394c2);
  CHECK(xxh3_128_hex(bytes_of("")) == "99aa06d3014798d86001c324468d497f");
  CHECK(xxh3_64(bytes_of("abc")) == 0x78af5f94892f3950);
  CHECK(xxh3_128_hex(bytes_of("abc")) == "06b05ab6733a618578af5f94892f3950");
}
