// agents/learning/sum_tree.hpp - leaves that are drawn in proportion to their value (Schaul et al. 2016,
// appendix B.2.1; rlpyt replays/sum_tree.py): a complete binary tree of sums in double precision.
//
// An inner node is always the sum of its two children as they are now, never a running difference. The tree
// is therefore a pure function of its leaves, no residue can select a leaf of value 0, and the leaves alone
// need to be saved.
//
// Cost for n leaves and a batch of k: about k log2 n node visits for a draw, and fewer for an update, since
// paths are merged where they meet. Nothing is allocated after the largest batch has been seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace impsweep {

class SumTree {
 public:
  SumTree() = default;
  explicit SumTree(std::size_t leaves);  // all 0

  double total() const { return nodes_[1]; }
  std::span<const double> leaves() const { return {nodes_.data() + width_, leaves_}; }
  double leaf(std::size_t index) const { return nodes_[width_ + index]; }

  // leaf[j] is the one at mass uniform[j] * total(), leaves lying side by side in their order; exactly on a
  // boundary the left one. At least one leaf must be positive; uniforms are in [0, 1).
  void draw(std::span<const double> uniform, std::span<std::uint32_t> leaf);

  // leaf[j] gets value[j]; if a leaf occurs more than once, its first occurrence counts.
  void assign(std::span<const std::uint32_t> leaf, std::span<const double> value);

  // The leaves first .. first + count - 1 get one value.
  void fill(std::size_t first, std::size_t count, double value);

  template <class Archive>
  void visit(Archive& archive) {
    std::vector<double> values(leaves().begin(), leaves().end());
    archive.sized_ranged("leaves", values, 0.0, kLargest);
    restore(values);
  }

 private:
  // Their sum stays finite; priorities of any recipe are far below it.
  static constexpr double kLargest = 1e290;

  void restore(std::span<const double> values);
  void sum_level(std::size_t first,
                 std::size_t last);  // nodes first .. last of one level, from their children

  std::size_t leaves_ = 0, width_ = 1;  // width_: leaves rounded up to a power of two
  std::vector<double> nodes_ = {0, 0};  // [2 * width_]; node i has children 2i and 2i + 1, the root is 1
  std::vector<double> mass_;            // of a batch under way
  std::vector<std::uint32_t> place_;    // node of each of its members
};

}  // namespace impsweep
