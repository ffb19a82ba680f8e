// Recorded masks and what they follow from: densities of layers, scores of weights.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "agents/learning/first_loss.hpp"
#include "engine/imp/baseline.hpp"
#include "engine/imp/criterion.hpp"
#include "engine/imp/distribution.hpp"
#include "engine/imp/selection.hpp"
#include "engine/replay/recorded_values.hpp"
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

// A fully connected network with ReLU between its layers, as recorded: groups such as `weight` hold one
// dataset for each layer.
struct RecordedNetwork {
  ModelSpec model;
  std::vector<Tensor> tensors;
  std::vector<std::size_t> prunable;
  std::vector<float> weights;  // biases are 0 where none are recorded
  Mask available, mask;
  NetworkConfig network;
  ImpConfig imp;
  StreamNames streams;

  ScoreInputs inputs() const {
    return {.model = &model,
            .tensors = &tensors,
            .prunable = prunable,
            .network = &network,
            .imp = &imp,
            .streams = &streams,
            .available = available,
            .mask = mask,
            .weights = weights,
            .initial = weights,
            .loss = nullptr};
  }
};

// The layers of a group, one behind the other in dense order; `absent` where there is nothing.
template <class T>
std::vector<T> read_layers(const Hdf5File& file, const std::string& group, const std::string& name,
                           const std::vector<Tensor>& tensors, T absent) {
  std::vector<T> values;
  for (const Tensor& tensor : tensors) {
    const bool is_there = tensor.is_weight == (name != "bias");
    const std::string path = fmt::format("{}/{}/{}", group, name, tensor.layer);
    const std::vector<T> part = is_there && file.exists(path) ? read_sized<T>(file, path, tensor.size)
                                                              : std::vector<T>(tensor.size, absent);
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

RecordedNetwork recorded_network(const Hdf5File& file, const std::string& group,
                                 const std::string& name = "weight") {
  MlpSpec part;
  part.name = "network";
  const std::size_t layers = file.children(group + "/" + name).size();
  for (std::size_t layer = 0; layer < layers; ++layer) {
    const std::string path = fmt::format("{}/{}/{}", group, name, layer);
    const std::vector<std::uint64_t> shape = file.shape(path);
    if (shape.size() != 2 || (layer > 0 && shape[1] != static_cast<std::uint64_t>(part.sizes.back())))
      throw InputError("{}: '{}' is no layer that follows the one before it", file.name(), path);
    if (layer == 0) part.sizes.push_back(static_cast<int>(shape[1]));
    part.sizes.push_back(static_cast<int>(shape[0]));
  }
  if (layers == 0) throw InputError("{}: {}: there is no layer", file.name(), group);
  RecordedNetwork network;
  network.model.parts.push_back(part);
  network.tensors = tensors_of(network.model);
  network.prunable = prunable_tensors(network.tensors, network.model, network.imp);
  network.weights = read_layers<float>(file, group, name, network.tensors, 0);
  const std::vector<float> bias = read_layers<float>(file, group, "bias", network.tensors, 0);
  for (const Tensor& tensor : network.tensors)
    if (!tensor.is_weight)
      std::copy_n(bias.begin() + static_cast<std::ptrdiff_t>(tensor.offset), tensor.size,
                  network.weights.begin() + static_cast<std::ptrdiff_t>(tensor.offset));
  network.available.assign(network.weights.size(), 1);
  network.mask = network.available;
  return network;
}

// What is kept of the weights, layer by layer.
template <class T>
std::vector<T> of_weights(const RecordedNetwork& network, const std::vector<T>& values) {
  std::vector<T> all;
  for (const std::size_t index : network.prunable) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(network.tensors[index].offset);
    all.insert(all.end(), first, first + static_cast<std::ptrdiff_t>(network.tensors[index].size));
  }
  return all;
}

void compare_mask(const Hdf5File& file, const std::string& group, const RecordedNetwork& network,
                  const Mask& mask, OracleComparison& comparison) {
  const Mask recorded = read_layers<std::uint8_t>(file, group, "mask", network.tensors, 1);
  const Mask ours = of_weights(network, mask), theirs = of_weights(network, recorded);
  comparison.compare_exactly("mask", std::vector<std::int64_t>(ours.begin(), ours.end()),
                             std::vector<std::int64_t>(theirs.begin(), theirs.end()));
}

// Scores of the weights, within `absolute` plus `relative` of the recorded one, or of the largest of them.
void compare_scores(const Hdf5File& file, const std::string& group, const std::string& name,
                    const RecordedNetwork& network, const std::vector<double>& score, double absolute,
                    double relative, bool of_largest, OracleComparison& comparison) {
  const std::vector<double> want =
      of_weights(network, read_layers<double>(file, group, name, network.tensors, 0));
  const std::vector<double> got = of_weights(network, score);
  double largest = 0;
  for (const double value : want) largest = std::max(largest, std::abs(value));
  // Each difference in units of what is allowed for its element.
  std::vector<double> excess, nothing(want.size(), 0);
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double allowed = absolute + relative * (of_largest ? largest : std::abs(want[i]));
    excess.push_back(got[i] == want[i] ? 0 : (got[i] - want[i]) / allowed);
  }
  comparison.compare(name + " (in tolerances)", excess, nothing, 1);
}

// The classification that SNIP and GraSP were recorded on: `batches` parts of the samples, the mean loss of
// each.
BatchLoss recorded_loss(const Hdf5File& file, const std::string& group, const RecordedNetwork& network,
                        int batches, double temperature) {
  const std::vector<std::uint64_t> shape = file.shape(group + "/input");
  const MlpSpec& part = network.model.parts.front();
  if (shape.size() != 2 || shape[1] != static_cast<std::uint64_t>(part.sizes.front()) || shape[0] == 0 ||
      shape[0] > 1'000'000 || batches < 1 || shape[0] < static_cast<std::uint64_t>(batches))
    throw InputError("{}: '{}/input' does not fit its network", file.name(), group);
  const auto samples = static_cast<std::size_t>(shape[0]);
  BatchLoss loss{static_cast<int>(samples), file.read<float>(group + "/input"), {}};
  std::vector<std::int32_t> labels = read_sized<std::int32_t>(file, group + "/target", samples);
  for (const std::int32_t label : labels)
    if (label < 0 || label >= part.sizes.back())
      throw InputError("{}: '{}/target' has the class {}", file.name(), group, label);
  std::vector<double> weights(samples);
  const std::size_t size = samples / static_cast<std::size_t>(batches);
  for (std::size_t i = 0; i < samples; ++i) {
    const std::size_t batch = std::min(i / size, static_cast<std::size_t>(batches) - 1);
    const bool is_last = batch + 1 == static_cast<std::size_t>(batches);
    weights[i] = 1.0 / static_cast<double>(is_last ? samples - batch * size : size);
  }
  loss.of_outputs = classification_loss(std::move(labels), std::move(weights), temperature);
  return loss;
}

void divide_by_sum(std::vector<double>& score, double floor) {
  double sum = 0;
  for (const double value : score) sum += value;
  for (double& value : score) value /= std::abs(sum) + floor;
}

// Options of a recorded criterion; layer-norm is normalised by the norm of the layer.
ImpConfig recorded_criterion(const Hdf5File& file, const std::string& group) {
  const std::string name = file.attribute_string(group, "criterion");
  ImpConfig imp;
  if (name == "magnitude" || name == "lamp") {
    imp.criterion = name == "lamp" ? Criterion::kLamp : Criterion::kMagnitude;
  } else if (name == "normalised" || name == "layer-norm") {
    imp.criterion = Criterion::kNormalised;
    imp.normalise = name == "normalised" ? Normalisation::kBound : Normalisation::kNorm;
  } else if (name == "movement-increase" || name == "movement-distance") {
    imp.criterion = Criterion::kMovement;
    imp.movement = name == "movement-increase" ? Movement::kIncrease : Movement::kDistance;
  } else {
    throw InputError("{}: {}: criterion '{}' is not known", file.name(), group, name);
  }
  return imp;
}

// A case whose arrays do not lead to a mask is damaged.
template <class Compute>
auto computed(const Hdf5File& file, const std::string& group, Compute compute) try {
  return compute();
} catch (const std::invalid_argument& error) {
  throw InputError("{}: {}: {}", file.name(), group, error.what());
}

// Masks and scores of the criteria that a network is pruned by before its training.
void replay_on_loss(const Hdf5File& file, const std::string& group, Criterion criterion, int batches,
                    double temperature, OracleComparison& comparison) {
  RecordedNetwork network = recorded_network(file, group);
  network.imp.criterion = criterion;
  const BatchLoss loss = recorded_loss(file, group, network, batches, temperature);
  ScoreInputs inputs = network.inputs();
  inputs.loss = &loss;
  std::vector<double> score = scores(inputs);
  if (criterion == Criterion::kSnip) {
    compare_scores(file, group, "gradient", network, loss_gradient(network.model, network.weights, loss),
                   1e-6, 1e-5, false, comparison);
    divide_by_sum(score, 0);
    compare_scores(file, group, "score", network, score, 1e-7, 1e-5, false, comparison);
  } else {
    divide_by_sum(score, 1e-10);
    compare_scores(file, group, "score", network, score, 0, 1e-5, true, comparison);
  }
  compare_mask(
      file, group, network,
      computed(file, group, [&] { return mask_by_criterion(inputs, file.attribute_int(group, "keep")); }),
      comparison);
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

void replay_lamp(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  RecordedNetwork network = recorded_network(file, group);
  network.imp.criterion = Criterion::kLamp;
  network.mask = read_layers<std::uint8_t>(file, group, "mask_before", network.tensors, 1);
  compare_scores(file, group, "score", network, scores(network.inputs()), 0, 1e-6, false, comparison);
  const Mask mask = computed(
      file, group, [&] { return mask_by_criterion(network.inputs(), file.attribute_int(group, "keep")); });
  compare_mask(file, group, network, mask, comparison);
  comparison.compare_exactly("survivors", kept_per_tensor(network.tensors, network.prunable, mask),
                             file.read<std::int64_t>(group + "/survivors"));
}

void replay_snip(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  replay_on_loss(file, group, Criterion::kSnip, 1, 1, comparison);
}

void replay_grasp(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  replay_on_loss(file, group, Criterion::kGrasp, static_cast<int>(file.attribute_int(group, "batches")),
                 file.attribute_double(group, "temperature"), comparison);
}

void replay_synflow(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  RecordedNetwork network = recorded_network(file, group);
  network.imp.criterion = Criterion::kSynflow;
  compare_scores(file, group, "score_first", network, scores(network.inputs()), 0, 1e-5, false, comparison);
  const std::int64_t iterations = file.attribute_int(group, "iterations");
  const double density = file.attribute_double(group, "density");
  if (iterations < 1 || iterations > 100'000 || !(density > 0) || density > 1)
    throw InputError("{}: {}: {} iterations to a density of {}", file.name(), group, iterations, density);
  std::vector<std::int64_t> counts;
  const Mask mask = computed(file, group, [&] {
    return mask_by_criterion(network.inputs(), file.attribute_int(group, "keep"),
                             {.count = static_cast<int>(iterations), .density = density, .kept = &counts});
  });
  compare_mask(file, group, network, mask, comparison);
  const auto recorded = read_sized<std::int64_t>(file, group + "/count", counts.size());
  comparison.compare("count of each step", std::vector<double>(counts.begin(), counts.end()),
                     std::vector<double>(recorded.begin(), recorded.end()), 2);
}

void replay_criterion(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  RecordedNetwork network = recorded_network(file, group);
  network.imp = recorded_criterion(file, group);
  ScoreInputs inputs = network.inputs();
  const std::vector<float> initial = read_layers<float>(file, group, "initial_weight", network.tensors, 0);
  inputs.initial = initial;
  const std::vector<double> score = scores(inputs);
  compare_scores(file, group, "score", network, score, 0, 1e-6, false, comparison);
  // By layer: whole numbers of weights go, rounded down in each.
  std::vector<Ranking> groups;
  const bool by_layer = file.attribute_string(group, "scope") == "layer";
  const double part = 1 - file.attribute_double(group, "density");
  for (const std::size_t index : network.prunable) {
    const auto size = static_cast<double>(network.tensors[index].size);
    groups.push_back({{index}, static_cast<std::int64_t>(size - std::floor(size * part + 1e-9))});
  }
  if (!by_layer)
    groups = {{{network.prunable.begin(), network.prunable.end()}, file.attribute_int(group, "keep")}};
  Mask mask = network.mask;
  computed(file, group, [&] {
    keep_highest(score, network.tensors, groups, mask);
    return 0;
  });
  compare_mask(file, group, network, mask, comparison);
}

void replay_sign_constant(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  RecordedNetwork network = recorded_network(file, group, "initial_weight");
  std::vector<double> constants;
  for (const std::size_t index : network.prunable) {
    const Tensor& tensor = network.tensors[index];
    constants.push_back(make_signed_constant(std::span(network.available).subspan(tensor.offset, tensor.size),
                                             std::span(network.weights).subspan(tensor.offset, tensor.size)));
  }
  const std::vector<double> recorded = read_sized<double>(file, group + "/constant", constants.size());
  for (std::size_t i = 0; i < constants.size(); ++i)
    comparison.compare("constant", constants[i], recorded[i], 1e-6 * std::abs(recorded[i]));
  compare_scores(file, group, "weight", network,
                 std::vector<double>(network.weights.begin(), network.weights.end()), 0, 1e-6, false,
                 comparison);
}

}  // namespace impsweep
