#include "engine/bench/aged.hpp"

#include <limits>

namespace impsweep {
namespace {

constexpr float kOutOfReach = -100.0f;

// 0.9 times this is rounded to this again.
constexpr float kStuck = 4 * std::numeric_limits<float>::denorm_min();

}  // namespace

void kill_units(const ModelSpec& model, std::vector<float>& parameters) {
  for (const Tensor& tensor : tensors_of(model)) {
    if (tensor.part < 0 || tensor.is_weight) continue;
    const MlpSpec& part = model.parts[static_cast<std::size_t>(tensor.part)];
    const auto layer = static_cast<std::size_t>(tensor.layer);
    if (layer < part.convolutions.size() || layer + 2 >= part.sizes.size()) continue;
    for (std::size_t unit = 0; unit < tensor.size; unit += 4) parameters[tensor.offset + unit] = kOutOfReach;
  }
}

std::size_t Ageing::age(std::span<float> first_moment) const {
  std::size_t aged = 0;
  for (std::size_t i = 0; i < first_moment.size(); ++i) {
    if (network_.gradients()[i] != 0 || network_.parameters()[i] == 0) continue;
    first_moment[i] = kStuck;
    ++aged;
  }
  return aged;
}

}  // namespace impsweep
