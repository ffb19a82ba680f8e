#include "envs/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "envs/archive.hpp"

using namespace impsweep;

namespace {

std::vector<std::uint64_t> words(Stream& stream, int count) {
  std::vector<std::uint64_t> result;
  for (int i = 0; i < count; ++i) result.push_back(stream.bits());
  return result;
}

std::vector<std::byte> saved(const Stream& stream) {
  StateWriter writer;
  writer("stream", stream);
  return writer.take();
}

void restore(Stream& stream, const std::vector<std::byte>& bytes) {
  StateReader reader(bytes.data(), bytes.size());
  reader("stream", stream);
  CHECK(reader.at_end());
}

}  // namespace

TEST_CASE("key and counter zero give the published Philox4x32-10 block") {
  Stream stream;  // all zero; the test vector stands in Random123's kat_vectors
  CHECK(stream.bits() == 0xe169c58d6627e8d5u);
  CHECK(stream.bits() == 0x9b00dbd8bc57ac4cu);
}

TEST_CASE("a stream is a function of its name") {
  Stream first("0/cartpole/actions"), again("0/cartpole/actions"), other("0/cartpole/action");
  const auto reference = words(first, 1000);
  CHECK(words(again, 1000) == reference);
  const auto different = words(other, 1000);
  const std::set<std::uint64_t> distinct(reference.begin(), reference.end());
  CHECK(distinct.size() == 1000);
  CHECK(std::ranges::none_of(different, [&](std::uint64_t word) { return distinct.contains(word); }));
}

TEST_CASE("a stream that is saved at any place continues identically") {
  for (int position = 0; position < 6; ++position) {
    CAPTURE(position);
    Stream stream("somewhere");
    words(stream, position);
    const auto bytes = saved(stream);
    const auto expected = words(stream, 9);

    Stream fresh;
    restore(fresh, bytes);
    CHECK(saved(fresh) == bytes);
    CHECK(words(fresh, 9) == expected);

    Stream used("elsewhere");  // at the same place of its own sequence, so that its block has the same number
    words(used, position);
    restore(used, bytes);
    CHECK(words(used, 9) == expected);
  }
}

TEST_CASE("uniform draws fill [0, 1) evenly") {
  Stream stream("uniform");
  constexpr int kDraws = 100000, kBins = 100;
  std::array<int, kBins> bins{};
  for (int i = 0; i < kDraws; ++i) {
    const double u = stream.uniform();
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    ++bins[static_cast<std::size_t>(u * kBins)];
  }
  double chi_square = 0;
  for (const int count : bins) chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  CHECK(chi_square < 148.2);  // 99 degrees of freedom, p = 0.001
}

TEST_CASE("below(n) is uniform on 0..n-1") {
  struct Case {
    std::int64_t n;
    double limit;  // of chi-square with n - 1 degrees of freedom, p = 0.001
  };
  for (const Case& example : {Case{2, 10.83}, Case{3, 13.82}, Case{7, 22.46}, Case{100, 148.2}}) {
    const std::int64_t n = example.n;
    const double limit = example.limit;
    CAPTURE(n);
    Stream stream("below");
    std::vector<int> counts(static_cast<std::size_t>(n));
    const int draws = 10000 * static_cast<int>(n);
    for (int i = 0; i < draws; ++i) {
      const std::int64_t value = stream.below(n);
      REQUIRE(value >= 0);
      REQUIRE(value < n);
      ++counts[static_cast<std::size_t>(value)];
    }
    double chi_square = 0;
    for (const int count : counts) chi_square += (count - 10000.0) * (count - 10000.0) / 10000.0;
    CHECK(chi_square < limit);
  }
}

TEST_CASE("below(n) has no bias where n is close to the size of a word") {
  // 2^64 words fall on 3 * 2^60 values: without rejection every third value would get 6 words, the others 5.
  Stream stream("large");
  const std::int64_t range = std::int64_t{3} << 60;
  std::array<int, 3> counts{};
  for (int i = 0; i < 30000; ++i) ++counts[static_cast<std::size_t>(stream.below(range) % 3)];
  double chi_square = 0;
  for (const int count : counts) chi_square += (count - 10000.0) * (count - 10000.0) / 10000.0;
  CHECK(chi_square < 13.82);  // 2 degrees of freedom, p = 0.001
  CHECK(stream.below(1) == 0);
}

TEST_CASE("shuffle writes a permutation, and every element reaches every place equally often") {
  Stream stream("shuffle");
  constexpr int kSize = 8, kRounds = 8000;
  std::array<std::array<int, kSize>, kSize> counts{};  // [place][element]
  for (int round = 0; round < kRounds; ++round) {
    std::array<std::int32_t, kSize> order;
    shuffle(stream, order.data(), kSize);
    for (int place = 0; place < kSize; ++place)
      ++counts[static_cast<std::size_t>(place)]
              [static_cast<std::size_t>(order[static_cast<std::size_t>(place)])];
    std::ranges::sort(order);
    for (int i = 0; i < kSize; ++i) REQUIRE(order[static_cast<std::size_t>(i)] == i);
  }
  double chi_square = 0;
  for (const auto& row : counts)
    for (const int count : row) chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  CHECK(chi_square < 85.35);  // 49 degrees of freedom, p = 0.001
  shuffle(stream, nullptr, 0);
}
