#include "engine/imp/units.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine/imp/selection.hpp"

namespace impsweep {
namespace {

constexpr int kBisections = 80;  // beyond the digits of a double

// Positions of the weights out of entry `channel` of `channels` that a layer reads.
void append_outgoing(const Tensor& weight, std::size_t channel, std::size_t channels,
                     std::vector<std::size_t>& positions) {
  const auto rows = static_cast<std::size_t>(weight.shape[0]);
  const std::size_t row = weight.size / rows, width = row / channels;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t i = 0; i < width; ++i)
      positions.push_back(weight.offset + r * row + channel * width + i);
}

std::vector<std::int64_t> counts_at(const std::vector<std::vector<Unit>>& layers, double density) {
  std::vector<std::int64_t> counts;
  for (const std::vector<Unit>& units : layers)
    counts.push_back(std::max<std::int64_t>(
        1, static_cast<std::int64_t>(std::floor(static_cast<double>(units.size()) * density + 0.5))));
  return counts;
}

void remove(const Unit& unit, Mask& mask) {
  for (const std::size_t position : unit.ranked) mask[position] = 0;
  for (const std::size_t position : unit.others) mask[position] = 0;
}

std::int64_t count_kept(const std::vector<Tensor>& tensors, std::span<const std::size_t> prunable,
                        const Mask& mask) {
  std::int64_t kept = 0;
  for (const std::int64_t of_tensor : kept_per_tensor(tensors, prunable, mask)) kept += of_tensor;
  return kept;
}

// Which units of a layer are left makes no difference to the number of weights.
std::int64_t weights_at(const std::vector<std::vector<Unit>>& layers, const std::vector<Tensor>& tensors,
                        std::span<const std::size_t> prunable, double density) {
  Mask mask(tensors.back().offset + tensors.back().size, 1);
  const std::vector<std::int64_t> counts = counts_at(layers, density);
  for (std::size_t layer = 0; layer < layers.size(); ++layer)
    for (std::size_t u = static_cast<std::size_t>(counts[layer]); u < layers[layer].size(); ++u)
      remove(layers[layer][u], mask);
  return count_kept(tensors, prunable, mask);
}

}  // namespace

std::vector<std::vector<Unit>> units_of(const ModelSpec& model, const std::vector<Tensor>& tensors,
                                        std::span<const std::size_t> prunable, const ImpConfig& imp) {
  const auto weight_of = [&](std::size_t part, std::size_t layer) -> const Tensor* {
    for (const std::size_t index : prunable)
      if (tensors[index].is_weight && tensors[index].part == static_cast<int>(part) &&
          tensors[index].layer == static_cast<int>(layer))
        return &tensors[index];
    return nullptr;
  };
  std::vector<std::vector<Unit>> layers;
  for (std::size_t p = 0; p < model.parts.size(); ++p) {
    const MlpSpec& part = model.parts[p];
    const std::size_t last = part.sizes.size() - 2;
    if (imp.unit == PruneUnit::kInput) {
      const Tensor* first = weight_of(p, 0);
      if (first == nullptr || part.trunk || is_kept_layer(model, *first, imp)) continue;
      std::vector<Unit>& units = layers.emplace_back(static_cast<std::size_t>(first->shape[1]));
      for (std::size_t u = 0; u < units.size(); ++u)
        append_outgoing(*first, u, units.size(), units[u].ranked);
      continue;
    }
    for (std::size_t l = 0; l < last; ++l) {
      const bool is_filter = l < part.convolutions.size();
      const Tensor* into = weight_of(p, l);
      const Tensor* out = weight_of(p, l + 1);
      if (is_filter != (imp.unit == PruneUnit::kFilter) || into == nullptr) continue;
      if (is_kept_layer(model, *into, imp) || (out != nullptr && is_kept_layer(model, *out, imp))) continue;
      std::vector<Unit>& units = layers.emplace_back(static_cast<std::size_t>(into->shape[0]));
      const std::size_t row = into->size / units.size();
      for (std::size_t u = 0; u < units.size(); ++u) {
        for (std::size_t i = 0; i < row; ++i) units[u].ranked.push_back(into->offset + u * row + i);
        if (out != nullptr) append_outgoing(*out, u, units.size(), units[u].others);
        if (l + 1 < last) continue;
        for (std::size_t head = 0; head < model.parts.size(); ++head)
          if (model.parts[head].trunk == static_cast<int>(p))
            if (const Tensor* weight = weight_of(head, 0))
              append_outgoing(*weight, u, units.size(), units[u].others);
      }
    }
  }
  return layers;
}

std::int64_t weights_of_units(const ModelSpec& model, const std::vector<Tensor>& tensors,
                              std::span<const std::size_t> prunable, const ImpConfig& imp, double density) {
  return weights_at(units_of(model, tensors, prunable, imp), tensors, prunable, density);
}

Mask mask_by_units(const ScoreInputs& in, std::int64_t kept) {
  const std::vector<std::vector<Unit>> layers = units_of(*in.model, *in.tensors, in.prunable, *in.imp);
  // The number of weights says what the density was.
  double below = 0, density = 1;
  for (int i = 0; i < kBisections; ++i) {
    const double middle = 0.5 * (below + density);
    (weights_at(layers, *in.tensors, in.prunable, middle) >= kept ? density : below) = middle;
  }
  const std::vector<std::int64_t> counts = counts_at(layers, density);
  Mask mask(in.mask.begin(), in.mask.end());
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const std::vector<Unit>& units = layers[layer];
    std::vector<std::size_t> left;
    std::vector<double> norm(units.size());
    for (std::size_t u = 0; u < units.size(); ++u) {
      bool is_left = false;
      for (const std::size_t position : units[u].ranked) {
        if (in.mask[position] == 0) continue;
        is_left = true;
        norm[u] += std::pow(static_cast<double>(in.weights[position]), 2);
      }
      if (!std::isfinite(norm[u])) throw std::invalid_argument("the norm of a unit is no finite number");
      if (is_left) left.push_back(u);
    }
    const auto removed = static_cast<std::ptrdiff_t>(left.size()) - counts[layer];
    if (removed < 0) throw std::invalid_argument("more units are to be kept than are left of a layer");
    std::ranges::stable_sort(left, {}, [&](std::size_t u) { return norm[u]; });
    for (std::ptrdiff_t i = 0; i < removed; ++i) remove(units[left[static_cast<std::size_t>(i)]], mask);
  }
  if (count_kept(*in.tensors, in.prunable, mask) != kept)
    throw std::invalid_argument(
        "the mask before has holes within units, so that whole ones cannot be counted");
  return mask;
}

}  // namespace impsweep
