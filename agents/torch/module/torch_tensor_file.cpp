// Tensors as PyTorch's own files; part of the LibTorch module.
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickler.h>
#include <torch/torch.h>

#include "agents/torch/module/torch_guard.hpp"
#include "agents/torch/torch_module.hpp"

namespace impsweep {
namespace {

template <class T>
at::Tensor tensor_of(const std::vector<T>& values, const std::vector<std::int64_t>& shape,
                     at::ScalarType type) {
  return torch::from_blob(const_cast<T*>(values.data()), shape, type).clone();
}

// What torch::pickle_save() does, but without the type tags that it puts on dictionaries: they are code of
// torch.jit, which torch.load() refuses unless it is told to trust the file.
std::vector<char> pickled(const c10::IValue& value) {
  std::string pickle;
  torch::jit::Pickler pickler([&](const char* data, std::size_t size) { pickle.append(data, size); }, nullptr,
                              nullptr, nullptr, nullptr, false);
  pickler.protocol();
  pickler.pushIValue(value);
  pickler.stop();
  std::vector<char> file;
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* data, std::size_t size) {
    const char* first = static_cast<const char*>(data);
    file.insert(file.end(), first, first + size);
    return size;
  });
  writer.writeRecord("data.pkl", pickle.data(), pickle.size());
  int number = 0;
  for (const at::Tensor& tensor : pickler.tensorData()) {
    const torch::jit::WriteableTensorData data = torch::jit::getWriteableTensorData(tensor);
    writer.writeRecord("data/" + std::to_string(number++), data.data(), data.sizeInBytes());
  }
  writer.writeEndOfFile();
  return file;
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
    return pickled(all);
  });
}

}  // namespace impsweep
