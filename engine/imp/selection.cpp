#include "engine/imp/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <stdexcept>

namespace impsweep {
namespace {

// The extents that count: inputs that were taken away are none of a layer's.
std::vector<int> connected_shape(const Tensor& tensor) {
  if (tensor.shape.size() != 2) return tensor.shape;
  return {tensor.shape[0], tensor.fan_in};
}

std::int64_t count_in(std::span<const std::uint8_t> mask, const Tensor& tensor) {
  return std::ranges::count(mask.subspan(tensor.offset, tensor.size), std::uint8_t{1});
}

int network_of(const ModelSpec& model, const Tensor& tensor) {
  return model.parts[static_cast<std::size_t>(tensor.part)].trunk.value_or(tensor.part);
}

}  // namespace

bool is_kept_layer(const ModelSpec& model, const Tensor& tensor, const ImpConfig& imp) {
  const auto layers =
      static_cast<std::int64_t>(model.parts[static_cast<std::size_t>(tensor.part)].sizes.size()) - 1;
  return std::ranges::any_of(imp.keep_layers, [&](std::int64_t layer) {
    return (layer < 0 ? layers + layer : layer) == tensor.layer;
  });
}

std::vector<Ranking> rankings(const ModelSpec& model, const std::vector<Tensor>& tensors,
                              std::span<const std::size_t> prunable, const ImpConfig& imp,
                              std::span<const std::uint8_t> available, std::span<const std::uint8_t> mask,
                              std::int64_t kept, bool by_network) {
  const bool by_layer = imp.distribution != Distribution::kGlobal;
  // Groups that have a count of their own: layers, networks, or everything together; and kept layers.
  std::vector<Ranking> groups;
  std::vector<LayerRoom> rooms;
  std::map<int, std::size_t> of_network;
  for (const std::size_t index : prunable) {
    const Tensor& tensor = tensors[index];
    const bool pinned = is_kept_layer(model, tensor, imp);
    const int network = by_network ? network_of(model, tensor) : 0;
    std::size_t group = groups.size();
    if (!by_layer && !pinned) group = of_network.try_emplace(network, groups.size()).first->second;
    if (group == groups.size()) {
      groups.emplace_back();
      rooms.push_back({.pinned = pinned});
      if (by_layer) rooms.back().raw_density = raw_density(imp.distribution, connected_shape(tensor));
    }
    groups[group].tensors.push_back(index);
    rooms[group].weights += count_in(available, tensor);
    rooms[group].most += count_in(mask, tensor);
  }
  if (groups.size() == 1) {
    groups.front().kept = kept;
    return groups;
  }
  const std::vector<std::int64_t> counts =
      layer_counts(rooms, layer_shares(rooms, static_cast<double>(kept)), kept);
  for (std::size_t group = 0; group < groups.size(); ++group) groups[group].kept = counts[group];
  return groups;
}

void keep_highest(std::span<const double> score, const std::vector<Tensor>& tensors,
                  std::span<const Ranking> rankings, Mask& mask) {
  std::vector<std::size_t> left;
  for (const Ranking& ranking : rankings) {
    left.clear();
    for (const std::size_t index : ranking.tensors)
      for (std::size_t i = tensors[index].offset; i < tensors[index].offset + tensors[index].size; ++i) {
        if (mask[i] == 0) continue;
        if (!std::isfinite(score[i]))
          throw std::invalid_argument(
              fmt::format("the score of a weight of '{}' is {}, so that weights cannot be ranked",
                          tensors[index].name, score[i]));
        left.push_back(i);
      }
    const auto removed = static_cast<std::ptrdiff_t>(left.size()) - ranking.kept;
    if (removed < 0) throw std::invalid_argument("more weights are to be kept than are left");
    // Places in the order of the tensors, which need not be that of their offsets.
    std::vector<std::size_t> order(left.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::nth_element(order, order.begin() + removed, [&](std::size_t a, std::size_t b) {
      const double first = score[left[a]], second = score[left[b]];
      return first < second || (first == second && a < b);
    });
    for (std::ptrdiff_t i = 0; i < removed; ++i) mask[left[order[static_cast<std::size_t>(i)]]] = 0;
  }
}

}  // namespace impsweep
