#include "envs/entanglement.hpp"

#include <algorithm>

#include "envs/random.hpp"

namespace impsweep {

Entanglement::Entanglement(std::string_view stream, int size, double divisor) : size_(size) {
  const auto inputs = static_cast<std::size_t>(size);
  const std::size_t blocks = (inputs + kBlock - 1) / kBlock;
  blocks_.resize(blocks * inputs * kBlock);
  Stream draws(stream);
  for (std::size_t o = 0; o < inputs; ++o)
    for (std::size_t i = 0; i < inputs; ++i)
      blocks_[(o / kBlock * inputs + i) * kBlock + o % kBlock] =
          static_cast<float>((2 * draws.uniform() - 1) / divisor);
}

namespace {

// Four floats that are added at once, spelt out: left to itself GCC 12 keeps the sums in memory and takes
// three times as long.
using Four = float __attribute__((vector_size(16), aligned(4), may_alias));

}  // namespace

void Entanglement::mix(std::span<const std::uint16_t> active, float* out, int stride) const {
  const float* block = blocks_.data();
  for (int first = 0; first < size_; first += kBlock, block += std::ptrdiff_t{size_} * kBlock) {
    Four sum[kBlock / 4] = {};
    for (const std::uint16_t input : active) {
      const auto* const weight = reinterpret_cast<const Four*>(block + std::ptrdiff_t{input} * kBlock);
      for (int k = 0; k < kBlock / 4; ++k) sum[k] += weight[k];
    }
    const int count = std::min(kBlock, size_ - first);
    for (int k = 0; k < count; ++k) out[std::ptrdiff_t{first + k} * stride] = sum[k / 4][k % 4];
  }
}

}  // namespace impsweep
