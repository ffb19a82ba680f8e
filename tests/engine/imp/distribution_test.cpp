#include "engine/imp/distribution.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "envs/random.hpp"

using namespace impsweep;

namespace {

using Shapes = std::vector<std::vector<int>>;

std::vector<LayerRoom> rooms(Distribution distribution, const Shapes& shapes) {
  std::vector<LayerRoom> layers;
  for (const std::vector<int>& shape : shapes) {
    const auto size = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
    layers.push_back({.raw_density = raw_density(distribution, shape), .weights = size, .most = size});
  }
  return layers;
}

std::vector<std::int64_t> counts(const std::vector<LayerRoom>& layers, std::int64_t kept) {
  return layer_counts(layers, layer_shares(layers, static_cast<double>(kept)), kept);
}

std::int64_t total(const std::vector<std::int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}

using Counts = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("raw densities follow from the shape") {
  const std::vector<int> dense = {64, 22}, filters = {16, 4, 3, 5};
  CHECK(raw_density(Distribution::kUniform, dense) == 1);
  CHECK(raw_density(Distribution::kEr, dense) == doctest::Approx(86.0 / 1408));
  CHECK(raw_density(Distribution::kErk, dense) == doctest::Approx(86.0 / 1408));
  CHECK(raw_density(Distribution::kEr, filters) == doctest::Approx(20.0 / 64));
  CHECK(raw_density(Distribution::kErk, filters) == doctest::Approx(28.0 / 960));
}

TEST_CASE("small first and last layers are kept whole, and the rest is solved again") {
  const auto layers = rooms(Distribution::kErk, {{64, 4}, {64, 64}, {2, 64}});  // 4480 weights
  CHECK(counts(layers, 896) == Counts{256, 512, 128});
  CHECK(counts(layers, 4480) == Counts{256, 4096, 128});
  CHECK(counts(layers, 3) == Counts{1, 1, 1});
}

TEST_CASE("fractions go to the largest, of equal ones to the earlier layer") {
  const auto layers = rooms(Distribution::kUniform, {{10, 10}, {10, 10}, {10, 10}});
  CHECK(counts(layers, 31) == Counts{11, 10, 10});
  CHECK(counts(layers, 32) == Counts{11, 11, 10});
  const auto uneven = rooms(Distribution::kUniform, {{1, 10}, {1, 16}, {1, 14}});
  CHECK(counts(uneven, 10) == Counts{3, 4, 3});  // of 2.5, 4 and 3.5
}

TEST_CASE("pinned layers keep all, and count") {
  auto layers = rooms(Distribution::kUniform, {{8, 8}, {8, 8}, {4, 8}});
  layers[2].pinned = true;
  CHECK(counts(layers, 64) == Counts{16, 16, 32});
  CHECK(counts(layers, 34) == Counts{1, 1, 32});
  CHECK_THROWS_AS(counts(layers, 30), std::invalid_argument);
  CHECK_THROWS_AS(counts(layers, 33), std::invalid_argument);  // one for each of the others
}

TEST_CASE("a layer keeps no more than is left of it") {
  auto layers = rooms(Distribution::kUniform, {{10, 10}, {10, 10}});
  layers[0].most = 7;
  CHECK(counts(layers, 60) == Counts{7, 53});
  CHECK(counts(layers, 107) == Counts{7, 100});
  CHECK_THROWS_AS(counts(layers, 109), std::invalid_argument);
  layers[0].most = 0;  // and one that has nothing left is not given one
  CHECK(counts(layers, 1) == Counts{0, 1});
}

TEST_CASE("counts add up exactly and stay within one of the shares, for random networks") {
  Stream stream("distribution-test");
  for (int trial = 0; trial < 500; ++trial) {
    Shapes shapes;
    const auto layer_count = 1 + stream.below(6);
    for (std::int64_t layer = 0; layer < layer_count; ++layer) {
      std::vector<int> shape = {static_cast<int>(1 + stream.below(40)),
                                static_cast<int>(1 + stream.below(40))};
      if (stream.below(3) == 0) shape.insert(shape.end(), 2, static_cast<int>(1 + stream.below(4)));
      shapes.push_back(shape);
    }
    for (const Distribution distribution : {Distribution::kUniform, Distribution::kEr, Distribution::kErk}) {
      auto layers = rooms(distribution, shapes);
      std::int64_t room = 0;
      for (LayerRoom& layer : layers) {
        layer.most = 1 + stream.below(layer.weights);
        room += layer.most;
      }
      const std::int64_t kept = layer_count + stream.below(room - layer_count + 1);
      const std::vector<double> shares = layer_shares(layers, static_cast<double>(kept));
      const std::vector<std::int64_t> whole = layer_counts(layers, shares, kept);
      CHECK(std::accumulate(shares.begin(), shares.end(), 0.0) ==
            doctest::Approx(static_cast<double>(kept)).epsilon(1e-9));
      CHECK(total(whole) == kept);
      bool no_raise = true;  // a layer below one weight is given one, which others pay for
      for (const double share : shares) no_raise &= share >= 1;
      for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        CHECK(whole[layer] >= 1);
        CHECK(whole[layer] <= layers[layer].most);
        if (no_raise) CHECK(std::abs(static_cast<double>(whole[layer]) - shares[layer]) < 1 + 1e-6);
      }
    }
  }
}
