#include "agents/sparsity/mask_update.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <utility>
#include <vector>

namespace impsweep {
namespace {

constexpr double kNearlyWhole = 1e-6;

// Absolute values in the order of unsigned integers: the bits without the sign. What is not a number comes
// after all numbers, so that the order is one in any case.
std::uint32_t size_of(float value) {
  return std::bit_cast<std::uint32_t>(value) & 0x7fffffffu;
}

// Moves the `count` places of the largest values to the front.
void partition_largest(std::vector<std::uint32_t>& places, std::span<const float> values,
                       std::int64_t count) {
  assert(count >= 0 && count <= std::ssize(places));
  std::nth_element(places.begin(), places.begin() + count, places.end(),
                   [&](std::uint32_t a, std::uint32_t b) {
                     const std::uint32_t x = size_of(values[a]), y = size_of(values[b]);
                     return x != y ? x > y : a < b;
                   });
}

std::vector<std::uint32_t> pruned_places(std::span<const std::uint8_t> mask,
                                         std::span<const std::uint8_t> available) {
  std::vector<std::uint32_t> places;
  for (std::uint32_t i = 0; i < mask.size(); ++i)
    if (mask[i] == 0 && (available.empty() || available[i] != 0)) places.push_back(i);
  return places;
}

}  // namespace

std::int64_t kept_in(std::span<const std::uint8_t> mask) {
  return std::ranges::count_if(mask, [](std::uint8_t kept) { return kept != 0; });
}

std::int64_t drop_count(std::int64_t active, double fraction) {
  return static_cast<std::int64_t>(std::floor(static_cast<double>(active) * fraction + kNearlyWhole));
}

void keep_largest(std::span<const float> weights, std::int64_t count, std::span<std::uint8_t> mask) {
  std::vector<std::uint32_t> places;
  for (std::uint32_t i = 0; i < mask.size(); ++i)
    if (mask[i] != 0) places.push_back(i);
  if (count >= std::ssize(places)) return;
  partition_largest(places, weights, count);
  for (std::size_t i = static_cast<std::size_t>(count); i < places.size(); ++i) mask[places[i]] = 0;
}

void grow_largest(std::span<const float> score, std::span<const std::uint8_t> available, std::int64_t count,
                  std::span<std::uint8_t> mask) {
  std::vector<std::uint32_t> places = pruned_places(mask, available);
  partition_largest(places, score, count);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) mask[places[i]] = 1;
}

void grow_at_random(RandomSource& random, std::span<const std::uint8_t> available, std::int64_t count,
                    std::span<std::uint8_t> mask) {
  std::vector<std::uint32_t> places = pruned_places(mask, available);
  assert(count <= std::ssize(places));
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const auto left = static_cast<std::int64_t>(places.size() - i);
    std::swap(places[i], places[i + static_cast<std::size_t>(random.below(left))]);
    mask[places[i]] = 1;
  }
}

}  // namespace impsweep
