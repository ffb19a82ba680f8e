#include "envs/archive.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace impsweep;

namespace {

enum class Colour : std::uint8_t { kRed, kGreen };

struct Inner {
  double x = 0;
  template <class A>
  void visit(A& archive) {
    archive("x", x);
  }
  bool operator==(const Inner&) const = default;
};

struct Everything {
  bool flag = false;
  std::int64_t count = 0;
  Colour colour = Colour::kRed;
  std::string text;
  std::vector<float> reals;
  std::vector<bool> bits;
  std::array<int, 3> three{};
  std::vector<std::string> texts;
  std::vector<Inner> inners;
  template <class A>
  void visit(A& archive) {
    archive("flag", flag);
    archive("count", count);
    archive("colour", colour);
    archive("text", text);
    archive("reals", reals);
    archive("bits", bits);
    archive("three", three);
    archive("texts", texts);
    archive("inners", inners);
  }
  bool operator==(const Everything&) const = default;
};

const Everything kExample = {true,      -5,        Colour::kGreen, "abc", {1.5f, -2}, {true, false, true},
                             {7, 8, 9}, {"", "x"}, {{0.1}, {0.2}}};

std::vector<std::byte> bytes_of(const Everything& value) {
  StateWriter writer;
  writer("value", value);
  return writer.take();
}

}  // namespace

TEST_CASE("what is written is read back") {
  const auto bytes = bytes_of(kExample);
  Everything copy;
  StateReader reader(bytes.data(), bytes.size());
  reader("value", copy);
  CHECK(copy == kExample);
  CHECK(reader.at_end());
}

TEST_CASE("bytes that are cut off anywhere are refused") {
  const auto bytes = bytes_of(kExample);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    const std::vector<std::byte> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    Everything copy;
    StateReader reader(part.data(), part.size());
    CHECK_THROWS_AS(reader("value", copy), ArchiveError);
  }
}

TEST_CASE("another name or another length is refused") {
  StateWriter writer;
  writer("apples", std::array<int, 2>{1, 2});
  double real = 0;
  StateReader renamed(writer.bytes().data(), writer.bytes().size());
  CHECK_THROWS_WITH_AS(renamed("pears", real), "saved state holds 'apples' where 'pears' was expected",
                       ArchiveError);
  std::array<int, 3> three{};
  StateReader resized(writer.bytes().data(), writer.bytes().size());
  CHECK_THROWS_WITH_AS(resized("apples", three), "saved state holds an array of another length",
                       ArchiveError);
}

TEST_CASE("a vector whose length is fixed is refused if the saved one is longer or shorter") {
  StateWriter writer;
  writer.sized("buffer", std::vector<float>(3));
  for (const std::size_t size : {2, 3, 4}) {
    StateReader reader(writer.bytes().data(), writer.bytes().size());
    std::vector<float> buffer(size);
    if (size == 3)
      CHECK_NOTHROW(reader.sized("buffer", buffer));
    else
      CHECK_THROWS_AS(reader.sized("buffer", buffer), ArchiveError);
  }
}

TEST_CASE("what is outside of its range is refused, in any form") {
  enum class Colour : std::uint8_t { kRed, kBlue };
  StateWriter writer;
  writer.ranged("row", std::int32_t{9}, 0, 9);
  writer.ranged("colour", Colour::kBlue, Colour::kRed, Colour::kBlue);
  writer.sized_ranged("angles", std::vector<double>{0.5, std::numeric_limits<double>::quiet_NaN()}, 0.0, 1.0);
  const auto reader = [&] { return StateReader(writer.bytes().data(), writer.bytes().size()); };
  std::int32_t row = 0;
  Colour colour = Colour::kRed;
  std::vector<double> angles(2);
  StateReader right = reader();
  CHECK_NOTHROW(right.ranged("row", row, 0, 9));
  CHECK_NOTHROW(right.ranged("colour", colour, Colour::kRed, Colour::kBlue));
  CHECK_THROWS_WITH_AS(right.sized_ranged("angles", angles, 0.0, 1.0),
                       "saved state holds an impossible 'angles'", ArchiveError);
  StateReader low = reader();
  CHECK_THROWS_AS(low.ranged("row", row, 0, 8), ArchiveError);
  StateReader high = reader();
  CHECK_THROWS_AS(high.ranged("row", row, 10, 20), ArchiveError);
  StateReader other = reader();
  other.ranged("row", row, 0, 9);
  CHECK_THROWS_AS(other.ranged("colour", colour, Colour::kRed, Colour::kRed), ArchiveError);
  CHECK_THROWS_AS(other.require("relation", [] { return false; }), ArchiveError);
}

TEST_CASE("a truth value is 0 or 1") {
  StateWriter writer;
  writer("flag", std::uint8_t{2});
  bool flag = false;
  StateReader reader(writer.bytes().data(), writer.bytes().size());
  CHECK_THROWS_AS(reader("flag", flag), ArchiveError);
}
