// Recorded masks and what they follow from: densities of layers, scores of weights.
#include <fmt/format.h>

#include <stdexcept>

#include "engine/imp/distribution.hpp"
#include "engine/replay/sparse_methods.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

Distribution recorded_distribution(const Hdf5File& file, const std::string& group) {
  const std::string name = file.attribute_string(group, "distribution");
  for (const Distribution distribution : {Distribution::kUniform, Distribution::kEr, Distribution::kErk})
    if (enum_names(distribution)[static_cast<std::size_t>(distribution)] == name) return distribution;
  throw InputError("{}: {}: distribution '{}' is none of uniform, er and erk", file.name(), group, name);
}

std::vector<int> recorded_shape(const Hdf5File& file, const std::string& path) {
  std::vector<int> shape;
  for (const std::int64_t extent : file.read<std::int64_t>(path)) {
    if (extent < 1 || extent > 1'000'000)
      throw InputError("{}: '{}' has an extent {}", file.name(), path, extent);
    shape.push_back(static_cast<int>(extent));
  }
  if (shape.size() != 2 && shape.size() != 4)
    throw InputError("{}: '{}' is the shape of no layer", file.name(), path);
  return shape;
}

}  // namespace

void replay_distribution(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  const Distribution distribution = recorded_distribution(file, group);
  std::vector<LayerRoom> layers;
  double weights = 0;
  for (std::size_t layer = 0; layer < file.children(group + "/shape").size(); ++layer) {
    const std::vector<int> shape = recorded_shape(file, fmt::format("{}/shape/{}", group, layer));
    std::int64_t size = 1;
    for (const int extent : shape) size *= extent;
    layers.push_back({.raw_density = raw_density(distribution, shape), .weights = size, .most = size});
    weights += static_cast<double>(size);
  }
  try {
    const std::vector<double> shares =
        layer_shares(layers, file.attribute_double(group, "density") * weights);
    std::vector<double> densities;
    for (std::size_t layer = 0; layer < layers.size(); ++layer)
      densities.push_back(shares[layer] / static_cast<double>(layers[layer].weights));
    comparison.compare("layer_density", densities, file.read<double>(group + "/layer_density"), 1e-9);
    comparison.compare_exactly("count", layer_counts(layers, shares, file.attribute_int(group, "keep")),
                               file.read<std::int64_t>(group + "/count"));
  } catch (const std::invalid_argument& error) {
    throw InputError("{}: {}: {}", file.name(), group, error.what());
  }
}

}  // namespace impsweep
