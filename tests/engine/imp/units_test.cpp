#include "engine/imp/units.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <stdexcept>

#include "agents/network/initialisation.hpp"
#include "engine/imp/effective.hpp"
#include "engine/imp/round_mask.hpp"
#include "envs/random.hpp"
#include "tests/agents/small_networks.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

constexpr PruneUnit kWholeUnits[] = {PruneUnit::kNeuron, PruneUnit::kInput, PruneUnit::kFilter};

struct Fixture {
  ModelSpec model;
  NetworkConfig network;
  ImpConfig imp;
  StreamNames streams;
  std::vector<Tensor> tensors;
  std::vector<std::size_t> prunable;
  std::vector<float> weights;
  Mask available;

  Fixture(ModelSpec of, PruneUnit unit) : model(std::move(of)) {
    imp.unit = unit;
    imp.scope = PruneScope::kActorCritic;
    imp.prune_fraction = 0.3;
    tensors = tensors_of(model);
    prunable = prunable_tensors(tensors, model, imp);
    weights = initial_parameters(model, network,
                                 [](std::string_view tensor) { return "units" + std::string(tensor); });
    available.assign(weights.size(), 1);
  }

  std::vector<std::vector<Unit>> units() const { return units_of(model, tensors, prunable, imp); }

  Mask pruned(const Mask& mask, double density) const {
    const ScoreInputs inputs = {.model = &model,
                                .tensors = &tensors,
                                .prunable = prunable,
                                .network = &network,
                                .imp = &imp,
                                .streams = &streams,
                                .available = available,
                                .mask = mask,
                                .weights = weights,
                                .initial = weights,
                                .loss = nullptr};
    return round_mask(inputs, 1, weights_of_units(model, tensors, prunable, imp, density));
  }

  std::int64_t kept_in(const Mask& mask) const {
    const std::vector<std::int64_t> kept = kept_per_tensor(tensors, prunable, mask);
    return std::reduce(kept.begin(), kept.end());
  }

  double norm_of(const Unit& unit) const {
    double squares = 0;
    for (const std::size_t i : unit.ranked) squares += std::pow(static_cast<double>(weights[i]), 2);
    return std::sqrt(squares);
  }
};

bool is_there(const Unit& unit, const Mask& mask) {
  return std::ranges::any_of(unit.ranked, [&](std::size_t i) { return mask[i] != 0; });
}

template <class Check>
void for_each_way(Check check) {
  for (const auto& [name, model] : small_networks())
    for (const PruneUnit unit : kWholeUnits) {
      CAPTURE(name);
      CAPTURE(enum_names(unit)[static_cast<std::size_t>(unit)]);
      const Fixture fixture(model, unit);
      if (!fixture.units().empty()) check(fixture);
    }
}

}  // namespace

TEST_CASE("whole units go, the smallest norms first, and as many of each layer as was said") {
  for_each_way([](const Fixture& f) {
    Mask mask = f.available;
    for (int round = 1; round <= 4; ++round) {
      const double density = f.imp.density_of_round(round);
      const Mask next = f.pruned(mask, density);
      CHECK(f.pruned(mask, density) == next);
      CHECK(f.kept_in(next) == weights_of_units(f.model, f.tensors, f.prunable, f.imp, density));
      Mask expected = f.available;
      for (const std::vector<Unit>& layer : f.units()) {
        double least_kept = 1e30, most_removed = 0;
        int kept = 0;
        for (const Unit& unit : layer) {
          kept += is_there(unit, next);
          (is_there(unit, next) ? least_kept : most_removed) = is_there(unit, next)
                                                                   ? std::min(least_kept, f.norm_of(unit))
                                                                   : std::max(most_removed, f.norm_of(unit));
          CHECK((!is_there(unit, next) || is_there(unit, mask)));
          if (is_there(unit, next)) continue;
          for (const std::size_t i : unit.ranked) expected[i] = 0;
          for (const std::size_t i : unit.others) expected[i] = 0;
        }
        CHECK(kept == std::max(1, static_cast<int>(static_cast<double>(layer.size()) * density + 0.5)));
        CHECK(least_kept > most_removed - 0.25);  // norms of inputs shrink as neurons go; they do not here
      }
      CHECK(next == expected);  // nothing else goes
      mask = next;
    }
  });
}

TEST_CASE("units of a layer: the weights into a neuron and out of it") {
  const Fixture f(policy_model({6, 3}, {.hidden = {13, 9}}, true), PruneUnit::kNeuron);
  const std::vector<std::vector<Unit>> layers = f.units();
  REQUIRE(layers.size() == 4);
  CHECK(layers[0].size() == 13);
  CHECK(layers[1].size() == 9);
  const Unit& unit = layers[0][2];
  CHECK(unit.ranked == std::vector<std::size_t>{12, 13, 14, 15, 16, 17});
  REQUIRE(unit.others.size() == 9);
  const std::size_t second = f.tensors[2].offset;
  for (std::size_t out = 0; out < 9; ++out) CHECK(unit.others[out] == second + out * 13 + 2);
}

TEST_CASE("a neuron of a trunk takes its weights into all heads along, a filter those at every position") {
  for (const auto& [name, model] : small_networks()) {
    if (name == "shared trunk") {
      const Fixture f(model, PruneUnit::kNeuron);
      const auto layers = f.units();
      REQUIRE(layers.size() == 2);
      CHECK(layers[1].front().others.size() == 4);  // three actions and a value
    }
    if (name == "filters") {
      const Fixture f(model, PruneUnit::kFilter);
      const auto layers = f.units();
      REQUIRE(layers.size() == 1);
      REQUIRE(layers[0].size() == 4);
      CHECK(layers[0][1].ranked.size() == 2 * 9);
      CHECK(layers[0][1].others.size() == 10 * 9);
      CHECK(layers[0][1].others.front() == f.tensors[2].offset + 9);
      const Fixture inputs(model, PruneUnit::kInput);
      REQUIRE(inputs.units().size() == 1);
      CHECK(inputs.units()[0].size() == 2);  // channels
    }
  }
}

TEST_CASE("what is left of whole neurons is effective") {
  const Fixture f(policy_model({6, 3}, {.hidden = {13, 9}}, true), PruneUnit::kNeuron);
  const Mask mask = f.pruned(f.available, 0.3);
  const Mask effective = effective_parameters(f.model, f.tensors, mask);
  CHECK(f.kept_in(effective) == f.kept_in(mask));
}

TEST_CASE("kept layers lose no units") {
  Fixture f(policy_model({6, 3}, {.hidden = {13, 9}}, true), PruneUnit::kNeuron);
  f.imp.keep_layers = {0};
  CHECK(f.units().size() == 2);  // the second hidden layer of each
  f.imp.keep_layers = {1};
  CHECK(f.units().empty());  // its weights are the first's outgoing and the second's incoming ones
}

TEST_CASE("a mask with holes within units is refused") {
  const Fixture f(policy_model({6, 3}, {.hidden = {13, 9}}, true), PruneUnit::kNeuron);
  Mask mask = f.available;
  mask[0] = 0;
  CHECK_THROWS_AS(f.pruned(mask, 0.9), std::invalid_argument);
  std::ranges::fill(mask, std::uint8_t{0});
  CHECK_THROWS_AS(f.pruned(mask, 0.9), std::invalid_argument);
}
