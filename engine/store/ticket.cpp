#include "engine/store/ticket.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/imp/compact.hpp"
#include "engine/training/training.hpp"
#include "io/hdf5_writer.hpp"

namespace impsweep {

namespace {

std::string name_of(const Tensor& tensor) {
  std::string name = tensor.name;
  std::ranges::replace(name, '/', '.');
  return name;
}

template <class T>
NamedTensor slice(const std::string& group, const Tensor& tensor, const std::vector<T>& all) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
  return {group,
          name_of(tensor),
          {tensor.shape.begin(), tensor.shape.end()},
          std::vector<T>(first, first + static_cast<std::ptrdiff_t>(tensor.size))};
}

void add_compact(const ModelSpec& model, const RoundResult& round, TensorFile& file) {
  const CompactNetwork small = compact(model, round.best, round.mask);
  for (const Tensor& tensor : tensors_of(small.model))
    file.tensors.push_back(slice("compact", tensor, small.parameters));
  file.tensors.push_back(
      {"inputs", "observation", {static_cast<std::int64_t>(small.inputs.size())}, small.inputs});
}

}  // namespace

TensorFile make_ticket(const Store& store, const Plan& plan, TrainingIndex index, bool with_compact) {
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
    file.tensors.push_back(slice("mask", tensor, round.mask));
    file.tensors.push_back(slice("initial", tensor, request.initial_parameters));
    file.tensors.push_back(slice("best", tensor, round.best));
  }
  if (with_compact) add_compact(request.model, round, file);
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
