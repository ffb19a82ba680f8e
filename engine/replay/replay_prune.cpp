// Recorded rounds of global magnitude pruning.
#include <fmt/format.h>

#include <vector>

#include "engine/imp/pruning.hpp"
#include "engine/replay/replay_oracle.hpp"
#include "io/error.hpp"

namespace impsweep {

void replay_prune_case(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  const std::int64_t rounds = file.attribute_int(group, "rounds");
  const double amount = file.attribute_double(group, "amount");
  // Tensors of both networks in the order of the file; shapes stand in the first round.
  std::vector<Tensor> tensors;
  std::size_t size = 0;
  const std::string first = group + "/round_00/weight";
  for (const std::string& network : file.children(first)) {
    for (const std::string& layer : file.children(first + "/" + network)) {
      for (const std::string& part : file.children(fmt::format("{}/{}/{}", first, network, layer))) {
        Tensor tensor;
        tensor.name = fmt::format("{}/{}/{}", network, layer, part);
        tensor.is_weight = part == "weight";
        tensor.size = 1;
        for (const std::uint64_t length : file.shape(first + "/" + tensor.name)) {
          tensor.shape.push_back(static_cast<int>(length));
          tensor.size *= length;
        }
        tensor.offset = size;
        size += tensor.size;
        tensors.push_back(tensor);
      }
    }
  }
  const std::vector<std::string> names = file.attribute_strings(group, "prunable");
  std::vector<std::size_t> prunable;
  try {
    prunable = tensors_by_name(tensors, names);
  } catch (const std::invalid_argument& error) {
    throw InputError("{}: {}: {}", file.name(), group, error.what());
  }

  Mask mask(size, 1);
  std::vector<std::int64_t> counts = kept_per_tensor(tensors, prunable, mask);
  for (std::int64_t round = 0; round < rounds; ++round) {
    const std::string path = fmt::format("{}/round_{:02}", group, round);
    std::vector<float> weights;
    std::vector<std::int64_t> recorded_mask, our_mask;
    for (const Tensor& tensor : tensors) {
      const std::vector<float> values = file.read<float>(path + "/weight/" + tensor.name);
      if (values.size() != tensor.size)
        throw InputError("{}: '{}/weight/{}' changes its size", file.name(), path, tensor.name);
      weights.insert(weights.end(), values.begin(), values.end());
    }
    prune_exact(weights, tensors, prunable, amount, mask);
    for (const std::size_t index : prunable) {
      const Tensor& tensor = tensors[index];
      const auto recorded = file.read<std::int64_t>(path + "/mask/" + tensor.name);
      recorded_mask.insert(recorded_mask.end(), recorded.begin(), recorded.end());
      our_mask.insert(our_mask.end(), mask.begin() + static_cast<std::ptrdiff_t>(tensor.offset),
                      mask.begin() + static_cast<std::ptrdiff_t>(tensor.offset + tensor.size));
    }
    comparison.compare_exactly("mask", our_mask, recorded_mask);
    const std::vector<std::int64_t> kept = kept_per_tensor(tensors, prunable, mask);
    comparison.compare_exactly("kept_per_tensor", kept, file.read<std::int64_t>(path + "/kept_per_tensor"));
    counts.insert(counts.end(), kept.begin(), kept.end());
  }
  comparison.compare_exactly("kept", counts, file.read<std::int64_t>(group + "/kept"));
}

}  // namespace impsweep
