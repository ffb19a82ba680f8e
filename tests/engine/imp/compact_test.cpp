#include "engine/imp/compact.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

#include "agents/network/derivatives.hpp"
#include "agents/network/initialisation.hpp"
#include "engine/imp/units.hpp"
#include "tests/agents/small_networks.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

std::vector<float> parameters_of(const ModelSpec& model) {
  return initial_parameters(model, {}, [](std::string_view tensor) { return std::string(tensor); });
}

Mask random_mask(const ModelSpec& model, double density, Stream& stream) {
  Mask mask(parameter_count(model), 1);
  for (const Tensor& tensor : tensors_of(model))
    if (tensor.is_weight)
      for (std::size_t i = 0; i < tensor.size; ++i)
        mask[tensor.offset + i] = stream.uniform() < density ? 1 : 0;
  return mask;
}

std::int64_t hidden_units(const ModelSpec& model) {
  std::int64_t units = 0;
  for (const MlpSpec& part : model.parts)
    for (std::size_t l = 1; l + 1 < part.sizes.size(); ++l) units += part.sizes[l];
  return units;
}

// Outputs of both on random observations; the small one is shown what is left of them.
void check_alike(const ModelSpec& model, const std::vector<float>& parameters, const Mask& mask,
                 const CompactNetwork& small, Stream& stream) {
  REQUIRE(small.parameters.size() == parameter_count(small.model));
  std::vector<float> masked = parameters;
  for (std::size_t i = 0; i < masked.size(); ++i) masked[i] *= mask[i];
  for (int sample = 0; sample < 5; ++sample) {
    std::vector<float> whole, part;
    for (const std::uint8_t left : small.inputs) {
      whole.push_back(static_cast<float>(stream.uniform() - 0.5));
      if (left != 0) part.push_back(whole.back());
    }
    const std::vector<double> expected = outputs_for(model, masked, whole);
    const std::vector<double> found = outputs_for(small.model, small.parameters, part);
    REQUIRE(found.size() == expected.size());
    for (std::size_t k = 0; k < found.size(); ++k)
      CHECK(found[k] == doctest::Approx(expected[k]).epsilon(1e-5).scale(1));
  }
}

std::vector<std::pair<std::string, ModelSpec>> all_networks() {
  std::vector<std::pair<std::string, ModelSpec>> networks = small_networks();
  ModelSpec deep = networks.back().second;  // a second convolution, with edges
  MlpSpec& part = deep.parts.front();
  const ConvolutionSpec second{
      .channels = 4, .rows = 3, .columns = 3, .filters = 5, .kernel = 3, .stride = 2, .padding = 1};
  part.convolutions.push_back(second);
  part.sizes.insert(part.sizes.begin() + 2, second.filters * second.positions());
  part.activation = Activation::kRelu;
  networks.emplace_back("two convolutions", deep);
  return networks;
}

}  // namespace

TEST_CASE("compact networks answer as the pruned ones do, at any density") {
  Stream stream("compact");
  for (const auto& [name, model] : all_networks()) {
    CAPTURE(name);
    const std::vector<float> parameters = parameters_of(model);
    for (const double density : {1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.0})
      for (int trial = 0; trial < 8; ++trial) {
        CAPTURE(density);
        const Mask mask = random_mask(model, density, stream);
        const CompactNetwork small = compact(model, parameters, mask);
        check_alike(model, parameters, mask, small, stream);
        CHECK(hidden_units(small.model) <= hidden_units(model));
        if (density == 1) CHECK(small.parameters == parameters);
        if (density < 0.06 && name != "two convolutions")
          CHECK(hidden_units(small.model) < hidden_units(model));
      }
  }
}

TEST_CASE("whole units that were pruned are gone, and nothing else") {
  Stream stream("compact units");
  for (const PruneUnit unit : {PruneUnit::kNeuron, PruneUnit::kInput, PruneUnit::kFilter})
    for (const auto& [name, model] : small_networks()) {
      CAPTURE(name);
      ImpConfig imp;
      imp.unit = unit;
      imp.scope = PruneScope::kActorCritic;
      const std::vector<Tensor> tensors = tensors_of(model);
      const std::vector<std::size_t> prunable = prunable_tensors(tensors, model, imp);
      const auto layers = units_of(model, tensors, prunable, imp);
      Mask mask(parameter_count(model), 1);
      std::int64_t removed = 0;
      for (const auto& layer : layers)
        for (std::size_t u = 0; u < layer.size(); u += 2) {  // every other one
          for (const std::size_t i : layer[u].ranked) mask[i] = 0;
          for (const std::size_t i : layer[u].others) mask[i] = 0;
          ++removed;
        }
      const std::vector<float> parameters = parameters_of(model);
      const CompactNetwork small = compact(model, parameters, mask);
      check_alike(model, parameters, mask, small, stream);
      if (unit == PruneUnit::kNeuron) {
        CHECK(hidden_units(small.model) == hidden_units(model) - removed);
        CHECK(std::ranges::count(small.inputs, 0) == 0);
      }
      if (unit == PruneUnit::kInput && name != "filters")
        CHECK(std::ranges::count(small.inputs, 1) == static_cast<std::ptrdiff_t>(small.inputs.size() / 2));
      if (unit == PruneUnit::kFilter && name == "filters") {
        CHECK(small.model.parts.front().convolutions.front().filters == 2);
        CHECK(small.model.parts.front().sizes[1] == 2 * 9);
      }
    }
}

TEST_CASE("a unit that no input reaches becomes a bias, and moments are those of the inputs left") {
  ModelSpec model = {{{.name = "actor", .sizes = {2, 2, 1}}}, 0, 0, 2};
  // unit 0 reads input 1; unit 1 reads nothing, and is 0.5
  const std::vector<float> parameters = {0, 3, 0, 0, 0.25f, 0.5f, 2, -4, 1, 7, 8, 1, 2, 10};
  REQUIRE(parameters.size() == parameter_count(model));
  Mask mask(parameters.size(), 1);
  mask[0] = mask[2] = mask[3] = 0;
  const CompactNetwork small = compact(model, parameters, mask);
  CHECK(small.inputs == std::vector<std::uint8_t>{0, 1});
  CHECK(small.model.parts.front().sizes == std::vector<int>{1, 1, 1});
  CHECK(small.parameters == std::vector<float>{3, 0.25f, 2, 1 - 4 * 0.5f, 8, 2, 10});
  mask.pop_back();
  CHECK_THROWS_AS(compact(model, parameters, mask), std::invalid_argument);
}
