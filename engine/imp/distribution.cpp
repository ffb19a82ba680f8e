#include "engine/imp/distribution.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace impsweep {
namespace {

// Shares that are whole numbers are often a rounding error below them.
constexpr double kRounding = 1e-9;

void require(bool condition, const char* what) {
  if (!condition) throw std::invalid_argument(std::string("densities of layers: ") + what);
}

// Layers in the order in which they are given one more weight, or in which one is taken back.
std::vector<std::size_t> by_fraction(std::span<const double> fractions, bool largest_first) {
  std::vector<std::size_t> order(fractions.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return largest_first ? fractions[a] > fractions[b] : fractions[a] < fractions[b];
  });
  return order;
}

}  // namespace

double raw_density(Distribution distribution, std::span<const int> shape) {
  if (distribution == Distribution::kUniform || distribution == Distribution::kGlobal) return 1;
  double sum = 0, product = 1;
  const std::size_t extents = distribution == Distribution::kErk ? shape.size() : 2;
  for (const int extent : shape.first(extents)) {
    sum += extent;
    product *= extent;
  }
  return sum / product;
}

std::vector<double> layer_shares(std::span<const LayerRoom> layers, double budget) {
  std::vector<double> shares(layers.size());
  std::vector<bool> full(layers.size());
  double left = budget, room = 0;
  const auto fill = [&](std::size_t layer) {
    shares[layer] = static_cast<double>(layers[layer].most);
    full[layer] = true;
    left -= shares[layer];
  };
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    room += static_cast<double>(layers[layer].most);
    if (layers[layer].pinned) fill(layer);
  }
  require(budget <= room + 0.5, "there are fewer weights than are to be kept");
  require(left >= -0.5, "the layers that keep all their weights have more than are to be kept");

  for (bool changed = true; changed;) {
    changed = false;
    double free = 0;
    for (std::size_t layer = 0; layer < layers.size(); ++layer)
      if (!full[layer]) free += layers[layer].raw_density * static_cast<double>(layers[layer].weights);
    const double factor = free > 0 ? std::max(left, 0.0) / free : 0;
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      if (full[layer]) continue;
      shares[layer] = factor * layers[layer].raw_density * static_cast<double>(layers[layer].weights);
      if (shares[layer] > static_cast<double>(layers[layer].most)) {
        fill(layer);
        changed = true;
      }
    }
  }
  return shares;
}

std::vector<std::int64_t> layer_counts(std::span<const LayerRoom> layers, std::span<const double> shares,
                                       std::int64_t kept) {
  std::vector<std::int64_t> counts(layers.size());
  std::vector<double> fractions(layers.size());
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const double whole = std::floor(shares[layer] + kRounding);
    const auto least = std::min<std::int64_t>(layers[layer].most, 1);
    counts[layer] = std::max(static_cast<std::int64_t>(whole), least);
    fractions[layer] = shares[layer] - static_cast<double>(counts[layer]);  // below 0 where one is given
  }
  std::int64_t rest = kept - std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  const auto pass = [&](std::int64_t step, auto may_change) {
    const std::int64_t before = rest;
    for (const std::size_t layer : by_fraction(fractions, step > 0)) {
      if (rest == 0 || !may_change(layer)) continue;
      counts[layer] += step;
      rest -= step;
    }
    require(rest != before, step > 0 ? "there are fewer weights than are to be kept"
                                     : "fewer weights are to be kept than one in each layer");
  };
  while (rest > 0) pass(1, [&](std::size_t layer) { return counts[layer] < layers[layer].most; });
  while (rest < 0) pass(-1, [&](std::size_t layer) { return !layers[layer].pinned && counts[layer] > 1; });
  return counts;
}

}  // namespace impsweep
