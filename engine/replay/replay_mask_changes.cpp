// Recorded masks that change while learning: schedules, and single changes of SET and RigL.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "agents/learning/adam.hpp"
#include "agents/network/network.hpp"
#include "agents/sparsity/mask_schedule.hpp"
#include "agents/sparsity/mask_update.hpp"
#include "engine/replay/recorded_values.hpp"
#include "engine/replay/sparse_methods.hpp"

namespace impsweep {
namespace {

using Mask = std::vector<std::uint8_t>;

// One layer before a change; arrays are flat.
struct RecordedLayer {
  int outputs = 0, inputs = 0;  // of a convolution: filters, and what one of them has
  std::vector<float> weight, m, v;
  Mask mask;
};

std::size_t layers_in(const Hdf5File& file, const std::string& group) {
  return file.children(group + "/weight").size();
}

Mask recorded_mask(const Hdf5File& file, const std::string& path, std::size_t size) {
  Mask mask;
  for (const std::int64_t value : read_sized<std::int64_t>(file, path, size)) {
    if (value != 0 && value != 1)
      throw InputError("{}: '{}' holds other values than 0 and 1", file.name(), path);
    mask.push_back(static_cast<std::uint8_t>(value));
  }
  return mask;
}

RecordedLayer recorded_layer(const Hdf5File& file, const std::string& group, std::size_t layer) {
  constexpr std::size_t kMost = 65'535;
  const auto path = [&](const char* name) { return fmt::format("{}/{}/{}", group, name, layer); };
  RecordedLayer found;
  found.weight = file.read<float>(path("weight"));
  const std::vector<std::uint64_t> shape = file.shape(path("weight"));
  const std::size_t size = found.weight.size();
  if (shape.size() < 2 || shape[0] == 0 || size == 0 || shape[0] > kMost || size / shape[0] > kMost)
    throw InputError("{}: '{}' is the weight of no layer", file.name(), path("weight"));
  found.outputs = static_cast<int>(shape[0]);
  found.inputs = static_cast<int>(size / shape[0]);
  found.m = read_sized<float>(file, path("m"), size);
  found.v = read_sized<float>(file, path("v"), size);
  found.mask = recorded_mask(file, path("mask_before"), size);
  for (std::size_t i = 0; i < size; ++i)
    if (found.mask[i] == 0) found.weight[i] = found.m[i] = found.v[i] = 0;
  return found;
}

// Compares what network and optimizer hold once the layer's mask is another.
void compare_carried(const RecordedLayer& layer, const Mask& mask, const Hdf5File& file,
                     const std::string& group, std::size_t index, OracleComparison& comparison) {
  ModelSpec model;
  model.parts = {{.name = "layer", .sizes = {layer.inputs, layer.outputs}}};
  const std::size_t size = layer.weight.size(), all = parameter_count(model);
  const auto with_biases = [&](auto values) {
    values.resize(all, 1);
    return values;
  };
  const std::unique_ptr<Network> network =
      make_native_network(model, with_biases(layer.mask), {.max_batch = 1, .remove_unreachable = false});
  network->gather(with_biases(layer.weight), network->parameters());
  Adam adam({}, {}, network->gradients().size());
  Adam::DenseMoments moments{with_biases(layer.m), with_biases(layer.v)};
  adam.gather(*network, moments);
  adam.scatter(*network, moments);
  network->recompile(with_biases(mask));
  adam.gather(*network, moments);
  adam.scatter(*network, moments);
  std::vector<float> weight = dense_values(*network, model, network->parameters());
  for (auto& [name, values] : {std::pair("weight_after", &weight), std::pair("m_after", &moments.first),
                               std::pair("v_after", &moments.second)}) {
    values->resize(size);
    comparison.compare(name, *values,
                       read_sized<float>(file, fmt::format("{}/{}/{}", group, name, index), size), 0, 0);
  }
}

std::vector<std::int64_t> integers(const Mask& mask) {
  return {mask.begin(), mask.end()};
}

// Drops what is to go from the layer's mask; returns how many.
std::int64_t drop(const RecordedLayer& layer, double fraction, Mask& mask) {
  const std::int64_t active = kept_in(mask), dropped = drop_count(active, fraction);
  keep_largest(layer.weight, active - dropped, mask);
  return dropped;
}

double recorded_fraction(const Hdf5File& file, const std::string& group) {
  const double fraction = file.attribute_double(group, "fraction");
  if (!(fraction >= 0 && fraction <= 1))
    throw InputError("{}: {}: fraction {} is not between 0 and 1", file.name(), group, fraction);
  return fraction;
}

std::int64_t positive(const Hdf5File& file, const std::string& group, const char* name) {
  const std::int64_t value = file.attribute_int(group, name);
  if (value < 1) throw InputError("{}: {}: '{}' = {} is not positive", file.name(), group, name, value);
  return value;
}

}  // namespace

void replay_cubic_schedule(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  std::vector<double> sparsity;
  for (const std::int64_t step : file.read<std::int64_t>(group + "/step"))
    sparsity.push_back(cubic_sparsity(
        step, file.attribute_int(group, "start"), file.attribute_int(group, "end"),
        file.attribute_double(group, "initial_sparsity"), file.attribute_double(group, "target_sparsity")));
  comparison.compare("sparsity", sparsity, file.read<double>(group + "/sparsity"), 1e-12);
}

void replay_cosine_schedule(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  const MaskSchedule schedule{SparseMethod::kRigl, 0, positive(file, group, "end"),
                              positive(file, group, "interval")};
  std::vector<double> fraction;
  std::vector<std::int64_t> changes;
  for (const std::int64_t step : file.read<std::int64_t>(group + "/step")) {
    fraction.push_back(cosine_fraction(step, recorded_fraction(file, group), schedule.end));
    changes.push_back(schedule.changes_at(step) ? 1 : 0);
  }
  comparison.compare("fraction_at", fraction, file.read<double>(group + "/fraction_at"), 1e-12);
  comparison.compare_exactly("update", changes, file.read<std::int64_t>(group + "/update"));
}

void replay_rigl_update(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  std::int64_t dropped = 0, kept = 0;
  for (std::size_t index = 0; index < layers_in(file, group); ++index) {
    const RecordedLayer layer = recorded_layer(file, group, index);
    const std::size_t size = layer.weight.size();
    const auto recorded = [&](const char* name) {
      return integers(recorded_mask(file, fmt::format("{}/{}/{}", group, name, index), size));
    };
    Mask mask = layer.mask;
    const std::int64_t gone = drop(layer, recorded_fraction(file, group), mask);
    comparison.compare_exactly("kept", integers(mask), recorded("kept"));
    grow_largest(read_sized<float>(file, fmt::format("{}/gradient/{}", group, index), size), {}, gone, mask);
    comparison.compare_exactly("mask", integers(mask), recorded("mask"));
    compare_carried(layer, mask, file, group, index, comparison);
    dropped += gone;
    kept += kept_in(mask);
  }
  comparison.compare_exactly("drop_count", std::vector{dropped},
                             std::vector{file.attribute_int(group, "drop_count")});
  comparison.compare_exactly("keep", std::vector{kept}, std::vector{file.attribute_int(group, "keep")});
}

void replay_set_update(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  std::int64_t dropped = 0, kept = 0;
  for (std::size_t index = 0; index < layers_in(file, group); ++index) {
    const RecordedLayer layer = recorded_layer(file, group, index);
    const Mask recorded = recorded_mask(file, fmt::format("{}/kept/{}", group, index), layer.weight.size());
    Mask mask = layer.mask;
    const std::int64_t gone = drop(layer, recorded_fraction(file, group), mask);
    comparison.compare_exactly("kept", integers(mask), integers(recorded));
    Stream growth(group);
    grow_at_random(growth, {}, gone, mask);
    std::vector<std::int64_t> still;
    for (std::size_t i = 0; i < mask.size(); ++i) still.push_back(mask[i] & recorded[i]);
    comparison.compare_exactly("kept after growth", still, integers(recorded));
    dropped += gone;
    kept += kept_in(mask);
  }
  comparison.compare_exactly("drop_count", std::vector{dropped},
                             std::vector{file.attribute_int(group, "drop_count")});
  comparison.compare_exactly("keep", std::vector{kept}, std::vector{file.attribute_int(group, "keep")});
}

}  // namespace impsweep
