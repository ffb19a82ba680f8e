#include "envs/entanglement.hpp"

#include <algorithm>
#include <array>

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

void Entanglement::mix(std::span<const std::uint16_t> active, float* out, int stride) const {
  const float* block = blocks_.data();
  for (int first = 0; first < size_; first += kBlock, block += std::ptrdiff_t{size_} * kBlock) {
    std::array<float, kBlock> sum{};
    for (const std::uint16_t input : active) {
      const float* const weight = block + std::ptrdiff_t{input} * kBlock;
      for (std::size_t k = 0; k < kBlock; ++k) sum[k] += weight[k];
    }
    const int count = std::min(kBlock, size_ - first);
    for (int k = 0; k < count; ++k)
      out[std::ptrdiff_t{first + k} * stride] = sum[static_cast<std::size_t>(k)];
  }
}

}  // namespace impsweep
