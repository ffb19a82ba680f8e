#include "agents/learning/trained_network.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace impsweep {
namespace {

std::unique_ptr<Network> with_parameters(std::unique_ptr<Network> network, std::span<const float> dense) {
  network->gather(dense, network->parameters());
  network->parameters_changed();
  return network;
}

}  // namespace

std::unique_ptr<Network> make_trained_network(const TrainingRequest& request, int max_batch,
                                              double active_inputs) {
  return with_parameters(
      make_network(
          request.backend, request.model, request.mask,
          {.max_batch = max_batch,
           .remove_unreachable = request.config.regularisation.weight_decay == 0 && !request.mask_plan,
           .active_inputs = active_inputs}),
      request.initial_parameters);
}

std::unique_ptr<Network> make_teacher(const TrainingRequest& request, int max_batch) {
  return with_parameters(make_network(request.backend, request.teacher_model, {}, {.max_batch = max_batch}),
                         request.teacher_parameters);
}

void save_parameters(StateWriter& writer, std::string_view name, Network& network) {
  const std::span<const float> parameters = network.parameters();
  writer(name, std::vector<float>(parameters.begin(), parameters.end()));
}

void load_parameters(StateReader& reader, std::string_view name, Network& network) {
  std::vector<float> parameters;
  reader(name, parameters);
  if (parameters.size() != network.parameters().size())
    throw ArchiveError("saved '" + std::string(name) + "' are of another network");
  std::ranges::copy(parameters, network.parameters().begin());
  network.parameters_changed();
}

}  // namespace impsweep
