// The tree against sums over all leaves.
#include "agents/learning/sum_tree.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "envs/archive.hpp"
#include "envs/random.hpp"

using namespace impsweep;

namespace {

double sum_of(std::span<const double> values, std::size_t end) {
  double sum = 0;
  for (std::size_t i = 0; i < end; ++i) sum += values[i];
  return sum;
}

// Leaves of all magnitudes, a third of them 0.
SumTree random_tree(Stream& stream, std::size_t leaves) {
  SumTree tree(leaves);
  for (std::size_t i = 0; i < leaves; ++i)
    if (stream.uniform() > 0.33) tree.fill(i, 1, std::exp(10 * stream.uniform() - 5));
  return tree;
}

}  // namespace

TEST_CASE("a draw finds the leaf at its share of the total") {
  Stream stream("draw");
  for (const std::size_t leaves : {1, 2, 3, 37, 64, 1000}) {
    SumTree tree(leaves);
    tree.fill(0, leaves, 1.0);
    if (leaves > 2) tree = random_tree(stream, leaves);
    CHECK(tree.total() == doctest::Approx(sum_of(tree.leaves(), leaves)).epsilon(1e-12));
    std::vector<double> uniform(500);
    for (double& u : uniform) u = stream.uniform();
    std::vector<std::uint32_t> drawn(uniform.size());
    tree.draw(uniform, drawn);
    for (std::size_t j = 0; j < uniform.size(); ++j) {
      const double mass = uniform[j] * tree.total(), slack = 1e-12 * tree.total();
      REQUIRE(drawn[j] < leaves);
      CHECK(tree.leaf(drawn[j]) > 0);
      CHECK(mass > sum_of(tree.leaves(), drawn[j]) - slack);
      CHECK(mass < sum_of(tree.leaves(), drawn[j] + 1) + slack);
    }
  }
}

TEST_CASE("no leaf of 0 is ever drawn, not at the ends either") {
  Stream stream("zeros");
  const std::vector<double> ends = {0.0, 0x1p-1074, 0x1p-53, 0.5, 1 - 0x1p-53};
  std::vector<std::uint32_t> drawn(ends.size());
  for (int repetition = 0; repetition < 200; ++repetition) {
    SumTree tree(50);
    for (int i = 0; i < 3; ++i)
      tree.fill(static_cast<std::size_t>(stream.below(50)), 1, stream.uniform() + 1e-9);
    tree.draw(ends, drawn);
    for (const std::uint32_t leaf : drawn) CHECK(tree.leaf(leaf) > 0);
  }
}

TEST_CASE("the tree is a function of its leaves, however they came; the first of a leaf's values counts") {
  Stream stream("assign");
  for (const std::size_t count : {1, 5, 100, 900}) {
    SumTree tree = random_tree(stream, 700);
    std::vector<double> leaves(tree.leaves().begin(), tree.leaves().end());
    std::vector<std::uint32_t> leaf(count);
    std::vector<double> value(count);
    for (std::size_t j = 0; j < count; ++j) {
      leaf[j] = static_cast<std::uint32_t>(stream.below(700));
      value[j] = stream.uniform();
    }
    for (std::size_t j = count; j-- > 0;) leaves[leaf[j]] = value[j];
    tree.assign(leaf, value);
    CHECK(std::vector<double>(tree.leaves().begin(), tree.leaves().end()) == leaves);
    SumTree other(700);
    for (std::size_t i = 0; i < leaves.size(); ++i) other.fill(i, 1, leaves[i]);
    CHECK(other.total() == tree.total());
    StateWriter writer;
    writer("tree", tree);
    SumTree loaded(700);
    StateReader reader(writer.bytes().data(), writer.bytes().size());
    reader("tree", loaded);
    CHECK(loaded.total() == tree.total());
    SumTree smaller(699);
    StateReader again(writer.bytes().data(), writer.bytes().size());
    CHECK_THROWS_AS(again("tree", smaller), ArchiveError);
  }
}
