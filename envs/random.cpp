#include "envs/random.hpp"

#include <Random123/philox.h>
#include <xxhash.h>

#include <cmath>
#include <numbers>
#include <utility>

namespace impsweep {

Stream::Stream(std::string_view name) {
  const XXH128_hash_t hash = XXH3_128bits(name.data(), name.size());
  key_[0] = static_cast<std::uint32_t>(hash.low64);
  key_[1] = static_cast<std::uint32_t>(hash.low64 >> 32);
  high_ = hash.high64;
}

std::uint64_t Stream::bits() {
  const std::uint64_t block = position_ / 2;
  const bool second = position_ % 2 != 0;
  ++position_;
  if (second && spare_block_ == block) return spare_;
  const r123::Philox4x32::ctr_type counter = {
      {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
       static_cast<std::uint32_t>(high_), static_cast<std::uint32_t>(high_ >> 32)}};
  const r123::Philox4x32::key_type key = {{key_[0], key_[1]}};
  const r123::Philox4x32::ctr_type word = r123::Philox4x32{}(counter, key);
  spare_ = (std::uint64_t{word[3]} << 32) | word[2];
  spare_block_ = block;
  return second ? spare_ : (std::uint64_t{word[1]} << 32) | word[0];
}

double Stream::uniform() {
  return static_cast<double>(bits() >> 11) * 0x1p-53;
}

std::int64_t Stream::below(std::int64_t n) {
  const auto range = static_cast<std::uint64_t>(n);
  __extension__ using Wide = unsigned __int128;
  Wide product = Wide{bits()} * range;
  if (static_cast<std::uint64_t>(product) < range) {
    const std::uint64_t threshold = -range % range;
    while (static_cast<std::uint64_t>(product) < threshold) product = Wide{bits()} * range;
  }
  return static_cast<std::int64_t>(product >> 64);
}

double draw_normal(Stream& stream) {
  const double radius = std::sqrt(-2 * std::log(1 - stream.uniform()));  // of a number in (0, 1]
  return radius * std::cos(2 * std::numbers::pi * stream.uniform());
}

void shuffle(Stream& stream, std::int32_t* order, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) order[i] = static_cast<std::int32_t>(i);
  for (std::int64_t i = n - 1; i > 0; --i) std::swap(order[i], order[stream.below(i + 1)]);
}

}  // namespace impsweep
