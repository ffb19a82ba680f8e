// agents/torch/tensor_file.hpp - named tensors for other programs.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace impsweep {

struct NamedTensor {
  std::string group, name;  // "mask", "actor.0.weight"
  std::vector<std::int64_t> shape;
  std::variant<std::vector<float>, std::vector<std::uint8_t>> values;  // row-major
};

struct TensorFile {
  std::vector<std::pair<std::string, std::string>> texts;  // by name
  std::vector<NamedTensor> tensors;
};

// A file for Python's torch.load(): a dictionary with the texts, and one dictionary of tensors per group.
// Opens the LibTorch module; throws std::runtime_error with the remedy if it cannot be loaded.
std::vector<char> torch_file(const TensorFile&);

}  // namespace impsweep
