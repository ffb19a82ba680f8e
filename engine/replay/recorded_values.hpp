// engine/replay/recorded_values.hpp - what the recordings of updates have in common: sized datasets and trees
// of parameters (one dataset NET/LAYER/PART for each tensor).
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "agents/network/network.hpp"
#include "io/error.hpp"
#include "io/hdf5.hpp"

namespace impsweep {

template <class T>
std::vector<T> read_sized(const Hdf5File& file, const std::string& path, std::size_t size) {
  std::vector<T> values = file.read<T>(path);
  if (values.size() != size)
    throw InputError("{}: '{}' has {} elements instead of {}", file.name(), path, values.size(), size);
  return values;
}

// A parameter tree in dense order; `absent` fills tensors that the tree does not have.
template <class T>
std::vector<T> read_tree(const Hdf5File& file, const std::string& tree, const std::vector<Tensor>& tensors,
                         T absent) {
  std::vector<T> values;
  for (const Tensor& tensor : tensors) {
    const std::string path = tree + "/" + tensor.name;
    const std::vector<T> part =
        file.exists(path) ? read_sized<T>(file, path, tensor.size) : std::vector<T>(tensor.size, absent);
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

inline Activation recorded_activation(const Hdf5File& file, const std::string& group) {
  const std::string name = file.attribute_string(group, "hidden_activation");
  if (name != "relu" && name != "tanh")
    throw InputError("{}: {}: hidden_activation '{}' is neither relu nor tanh", file.name(), group, name);
  return name == "tanh" ? Activation::kTanh : Activation::kRelu;
}

// Layer sizes: inputs, the recorded hidden layers, outputs.
inline std::vector<int> recorded_sizes(const Hdf5File& file, const std::string& group, int inputs,
                                       int outputs) {
  std::vector<int> sizes = {inputs};
  for (const std::int64_t units : file.attribute_ints(group, "hidden"))
    sizes.push_back(static_cast<int>(units));
  sizes.push_back(outputs);
  return sizes;
}

// What a network holds in its arena, in dense order.
inline std::vector<float> dense_values(const Network& network, const ModelSpec& model,
                                       std::span<const float> arena) {
  std::vector<float> dense(parameter_count(model));
  network.scatter(arena, dense);
  return dense;
}

// Second moments are compared by their roots.
inline std::vector<float> square_roots(std::vector<float> values) {
  for (float& value : values) value = std::sqrt(value);
  return values;
}

}  // namespace impsweep
