// Tensors as PyTorch's own files; part of the LibTorch module.
#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/torch.h>

#include "agents/torch_guard.hpp"
#include "agents/torch_module.hpp"

namespace impsweep {
namespace {

template <class T>
at::Tensor tensor_of(const std::vector<T>& values, const std::vector<std::int64_t>& shape,
                     at::ScalarType type) {
  return torch::from_blob(const_cast<T*>(values.data()), shape, type).clone();
}

}  // namespace

std::vector<char> libtorch_file(const TensorFile& file) {
  return guarded([&] {
    c10::Dict<std::string, c10::Dict<std::string, at::Tensor>> groups;
    for (const NamedTensor& named : file.tensors) {
      const at::Tensor tensor = std::visit(
          [&](const auto& values) {
            const bool real = std::is_same_v<std::decay_t<decltype(values)>, std::vector<float>>;
            return tensor_of(values, named.shape, real ? at::kFloat : at::kByte);
          },
          named.values);
      if (!groups.contains(named.group)) groups.insert(named.group, c10::Dict<std::string, at::Tensor>());
      groups.at(named.group).insert(named.name, tensor);
    }
    c10::impl::GenericDict all(c10::StringType::get(), c10::AnyType::get());
    for (const auto& [name, text] : file.texts) all.insert(name, text);
    for (const auto& group : groups) all.insert(group.key(), group.value());
    return torch::jit::pickle_save(all);
  });
}

}  // namespace impsweep
