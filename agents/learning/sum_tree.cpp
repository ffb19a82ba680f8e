#include "agents/learning/sum_tree.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace impsweep {

SumTree::SumTree(std::size_t leaves)
    : leaves_(leaves), width_(std::bit_ceil(std::max<std::size_t>(leaves, 1))), nodes_(2 * width_, 0.0) {}

void SumTree::draw(std::span<const double> uniform, std::span<std::uint32_t> leaf) {
  assert(uniform.size() == leaf.size() && total() > 0);
  const std::size_t count = uniform.size();
  mass_.resize(std::max(mass_.size(), count));
  for (std::size_t j = 0; j < count; ++j) {
    mass_[j] = uniform[j] * nodes_[1];
    leaf[j] = 1;
  }
  // All members go down together, so that the cache misses of a level overlap.
  for (std::size_t level = width_; level > 1; level /= 2) {
    for (std::size_t j = 0; j < count; ++j) {
      const std::size_t child = 2 * std::size_t{leaf[j]};
      const double left = nodes_[child], right = nodes_[child + 1];
      // Rounding may carry the mass to the far side of a subtree, but never into an empty one. Without
      // branches: which way a draw goes cannot be predicted, and a wrong guess costs more than the rest.
      const bool goes_right = ((mass_[j] > left) & (right > 0)) | (left == 0);
      mass_[j] -= left * static_cast<double>(goes_right);
      const std::size_t next = child + static_cast<std::size_t>(goes_right);
      leaf[j] = static_cast<std::uint32_t>(next);
      if (level > 2) __builtin_prefetch(&nodes_[2 * next]);
    }
  }
  for (std::uint32_t& node : leaf) node -= static_cast<std::uint32_t>(width_);
}

void SumTree::sum_level(std::size_t first, std::size_t last) {
  for (std::size_t i = first; i <= last; ++i) nodes_[i] = nodes_[2 * i] + nodes_[2 * i + 1];
}

void SumTree::assign(std::span<const std::uint32_t> leaf, std::span<const double> value) {
  assert(leaf.size() == value.size());
  const std::size_t count = leaf.size();
  place_.resize(std::max(place_.size(), count));
  for (std::size_t j = count; j-- > 0;) {  // backwards, so that the first occurrence is written last
    place_[j] = static_cast<std::uint32_t>(width_ + leaf[j]);
    nodes_[place_[j]] = value[j];
  }
  std::size_t level = width_ / 2;  // also the first node of the level
  for (; level > count; level /= 2) {
    for (std::size_t j = 0; j < count; ++j) {
      const std::size_t node = place_[j] / 2;
      place_[j] = static_cast<std::uint32_t>(node);
      nodes_[node] = nodes_[2 * node] + nodes_[2 * node + 1];
    }
  }
  // Further up a level has no more nodes than the batch has members.
  for (; level > 0; level /= 2) sum_level(level, 2 * level - 1);
}

void SumTree::fill(std::size_t first, std::size_t count, double value) {
  if (count == 0) return;
  assert(first + count <= leaves_);
  std::size_t low = width_ + first, high = low + count - 1;
  std::fill(nodes_.begin() + static_cast<std::ptrdiff_t>(low),
            nodes_.begin() + static_cast<std::ptrdiff_t>(high) + 1, value);
  while (low > 1) {
    low /= 2;
    high /= 2;
    sum_level(low, high);
  }
}

void SumTree::restore(std::span<const double> values) {
  std::copy(values.begin(), values.end(), nodes_.begin() + static_cast<std::ptrdiff_t>(width_));
  for (std::size_t level = width_ / 2; level > 0; level /= 2) sum_level(level, 2 * level - 1);
}

}  // namespace impsweep
