#include "engine/store/ticket.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/training/training.hpp"
#include "io/hdf5_writer.hpp"

namespace impsweep {

TensorFile make_ticket(const Store& store, const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const Record record = loader_from(store)(node.digest, RecordPart::kAll);
  const TrainingRequest request =
      make_request(plan, index, loader_from(store, diverged_candidates(record)), Backend::kNative);
  const RoundResult round = read_round(record, request.model);

  TensorFile file;
  file.texts = {{"task", settings.task},
                {"algorithm", settings.algorithm},
                {"network", network_name(settings.agent.network)},
                {"baseline", std::string(info_of(node.baseline).name)},
                {"seed", fmt::format("{}", node.seed)},
                {"round", fmt::format("{}", node.round)},
                {"density", fmt::format("{}", node.density)},
                {"best_return", fmt::format("{}", read_summary(record).best_return)},
                {"recipe", canonical_bytes(recipe_of(plan, index))}};
  for (const Tensor& tensor : tensors_of(request.model)) {
    std::string name = tensor.name;
    std::ranges::replace(name, '/', '.');
    const std::vector<std::int64_t> shape(tensor.shape.begin(), tensor.shape.end());
    const auto slice = [&](const auto& all) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
      return std::vector(first, first + static_cast<std::ptrdiff_t>(tensor.size));
    };
    file.tensors.push_back({"mask", name, shape, slice(round.mask)});
    file.tensors.push_back({"initial", name, shape, slice(request.initial_parameters)});
    file.tensors.push_back({"best", name, shape, slice(round.best)});
  }
  return file;
}

Bytes hdf5_file(const TensorFile& file) {
  Hdf5Writer writer;
  for (const auto& [name, text] : file.texts) writer.attribute("", name, text);
  for (const NamedTensor& named : file.tensors)
    writer.array(named.group + "/" + named.name,
                 {{named.shape.begin(), named.shape.end()},
                  std::visit([](const auto& values) -> Array::Values { return values; }, named.values)});
  return writer.image();
}

}  // namespace impsweep
