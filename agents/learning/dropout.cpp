#include "agents/learning/dropout.hpp"

#include <cmath>
#include <numeric>
#include <utility>

#include "agents/native/kernels/kernels.hpp"

namespace impsweep {

Dropout::Dropout(const ModelSpec& model, double p, int max_batch, Stream stream)
    : threshold_(static_cast<std::uint32_t>(std::lround(p * 65536))),
      scale_(static_cast<float>(1 / (1 - p))),
      stride_(round_up_to_lanes(max_batch)),
      stream_(std::move(stream)) {
  if (threshold_ == 0) return;
  for (const MlpSpec& part : model.parts)
    units_.push_back(std::accumulate(part.sizes.begin() + 1, part.sizes.end() - 1, 0));
  const auto units = static_cast<std::size_t>(std::accumulate(units_.begin(), units_.end(), 0));
  factors_.assign(units * static_cast<std::size_t>(stride_), 1.0f);
}

void Dropout::set(Network& network) {
  if (threshold_ == 0) return;
  for (std::size_t i = 0; i < factors_.size(); i += 4) {  // one word decides four
    std::uint64_t bits = stream_.bits();
    for (std::size_t j = i; j < i + 4; ++j, bits >>= 16)
      factors_[j] = (bits & 0xffff) < threshold_ ? 0.0f : scale_;
  }
  const float* factors = factors_.data();
  for (std::size_t part = 0; part < units_.size(); ++part) {
    network.set_hidden_factors(static_cast<int>(part), {factors, stride_});
    factors += static_cast<std::ptrdiff_t>(units_[part]) * stride_;
  }
}

void Dropout::clear(Network& network) {
  for (std::size_t part = 0; part < units_.size(); ++part)
    network.set_hidden_factors(static_cast<int>(part), {});
}

}  // namespace impsweep
