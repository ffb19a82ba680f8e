// What every criterion, distribution and choice of kept layers must keep: the battery runs on all entries of
// the tables, so that a new one is tested by being there. What scores are is tested against recordings of
// others (tests/engine/replay/replay_sparse_test.cpp), and here where none were made.
#include "engine/imp/criterion.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "agents/learning/first_loss.hpp"
#include "agents/network/initialisation.hpp"
#include "engine/imp/round_mask.hpp"
#include "engine/imp/selection.hpp"
#include "envs/random.hpp"
#include "tests/agents/small_networks.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

constexpr int kRounds = 4;

std::vector<Criterion> criteria() {
  std::vector<Criterion> list;
  for (std::size_t i = 0; i < enum_names(Criterion{}).size(); ++i) list.push_back(static_cast<Criterion>(i));
  return list;
}

// A network and all that rankings ask of it.
struct Fixture {
  ModelSpec model;
  NetworkConfig network;
  ImpConfig imp;
  StreamNames streams;
  std::vector<Tensor> tensors;
  std::vector<std::size_t> prunable;
  std::vector<float> initial;
  Mask available;
  BatchLoss loss;

  Fixture(ModelSpec of, ImpConfig config) : model(std::move(of)), imp(std::move(config)) {
    imp.scope = PruneScope::kActorCritic;
    imp.prune_fraction = 0.1;
    streams = {.master_seed = 1,
               .task = "made-up",
               .algorithm = "ppo",
               .network = "n",
               .seed = 2,
               .round = 1,
               .baseline = ""};
    tensors = tensors_of(model);
    prunable = prunable_tensors(tensors, model, imp);
    initial = initial_parameters(model, network,
                                 [](std::string_view tensor) { return "start" + std::string(tensor); });
    available.assign(initial.size(), 1);
    loss = made_up_loss(model);
  }

  ScoreInputs inputs(std::span<const float> weights, std::span<const std::uint8_t> mask) const {
    return {.model = &model,
            .tensors = &tensors,
            .prunable = prunable,
            .network = &network,
            .imp = &imp,
            .streams = &streams,
            .available = available,
            .mask = mask,
            .weights = weights,
            .initial = initial,
            .loss = &loss};
  }

  std::int64_t kept_in(const Mask& mask) const {
    const std::vector<std::int64_t> kept = kept_per_tensor(tensors, prunable, mask);
    return std::reduce(kept.begin(), kept.end());
  }

  // Weights as a training of round `round` may leave them, 0 where masked.
  std::vector<float> trained(const Mask& mask, int round) const {
    Stream stream("trained" + std::to_string(round));
    std::vector<float> weights = initial;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] += static_cast<float>(stream.uniform() - 0.5);
      if (mask[i] == 0) weights[i] = 0;
    }
    return weights;
  }

  // Masks of rounds 0, 1, ... as a chain has them. Those of the untrained network do not follow from another.
  std::vector<Mask> chain(std::span<const std::int64_t> counts) {
    std::vector<Mask> masks = {available};
    for (int round = 1; round < static_cast<int>(counts.size()); ++round) {
      const bool at_start = info_of(imp.criterion).at_start;
      streams.round = round;
      const Mask before = at_start ? available : masks.back();
      const std::vector<float> weights = at_start ? initial : trained(before, round);
      masks.push_back(round_mask(inputs(weights, before), round, counts[static_cast<std::size_t>(round)]));
    }
    return masks;
  }
};

bool is_within(const Mask& inner, const Mask& outer) {
  for (std::size_t i = 0; i < inner.size(); ++i)
    if (inner[i] > outer[i]) return false;
  return true;
}

// Every criterion, distribution and choice of kept layers on every kind of network.
template <class Check>
void for_each_way(Check check) {
  for (const auto& [name, model] : small_networks())
    for (const Criterion criterion : criteria())
      for (const Distribution distribution :
           {Distribution::kGlobal, Distribution::kUniform, Distribution::kEr, Distribution::kErk})
        for (const std::vector<std::int64_t>& layers : {std::vector<std::int64_t>{}, {0}, {-1}}) {
          CAPTURE(name);
          CAPTURE(info_of(criterion).name);
          CAPTURE(enum_names(distribution)[static_cast<std::size_t>(distribution)]);
          CAPTURE(layers.size());
          ImpConfig imp;
          imp.criterion = criterion;
          imp.distribution = distribution;
          imp.keep_layers = layers;
          Fixture fixture(model, imp);
          check(fixture);
        }
}

}  // namespace

TEST_CASE("densities are exact, masks nest, and the same asked twice is the same") {
  for_each_way([](Fixture& f) {
    const std::int64_t entries = entry_count(f.tensors, f.prunable);
    std::vector<std::int64_t> counts;
    for (int round = 0; round < kRounds; ++round)
      counts.push_back(kept_after(entries, f.imp.prune_fraction, round, PruneRule::kExact));
    const std::vector<Mask> masks = f.chain(counts);
    CHECK(f.chain(counts) == masks);
    for (int round = 0; round < kRounds; ++round) {
      const Mask& mask = masks[static_cast<std::size_t>(round)];
      CHECK(f.kept_in(mask) == counts[static_cast<std::size_t>(round)]);
      if (round > 0 && !info_of(f.imp.criterion).at_start)
        CHECK(is_within(mask, masks[static_cast<std::size_t>(round) - 1]));
      for (std::size_t t = 0; t < f.tensors.size(); ++t) {
        const Tensor& tensor = f.tensors[t];
        const auto part = std::span(mask).subspan(tensor.offset, tensor.size);
        const bool loses = std::ranges::count(f.prunable, t) > 0 && !is_kept_layer(f.model, tensor, f.imp);
        if (!loses) CHECK(std::ranges::count(part, 0) == 0);
        if (loses && round > 0 && f.imp.distribution == Distribution::kUniform)
          CHECK(std::ranges::count(part, 0) > 0);
      }
    }
  });
}

TEST_CASE("a schedule of densities gives the counts that it says") {
  for_each_way([](Fixture& f) {
    f.imp.densities = {0.75, 0.6, 0.6};
    const auto entries = static_cast<double>(entry_count(f.tensors, f.prunable));
    std::vector<std::int64_t> counts;
    for (int round = 0; round < kRounds; ++round)
      counts.push_back(round_half_even(f.imp.density_of_round(round) * entries));
    const std::vector<Mask> masks = f.chain(counts);
    for (int round = 0; round < kRounds; ++round)
      CHECK(f.kept_in(masks[static_cast<std::size_t>(round)]) == counts[static_cast<std::size_t>(round)]);
    if (!info_of(f.imp.criterion).at_start) CHECK(masks[3] == masks[2]);
  });
}

TEST_CASE("under a distribution layers keep their own numbers, whatever the criterion") {
  for_each_way([](Fixture& f) {
    if (f.imp.distribution == Distribution::kGlobal) return;
    const std::int64_t kept = entry_count(f.tensors, f.prunable) * 6 / 10;
    const Mask mask = mask_by_criterion(f.inputs(f.initial, f.available), kept);
    std::vector<std::int64_t> wanted;
    for (const Ranking& layer :
         rankings(f.model, f.tensors, f.prunable, f.imp, f.available, f.available, kept))
      wanted.push_back(layer.kept);
    const std::vector<std::int64_t> found = kept_per_tensor(f.tensors, f.prunable, mask);
    const bool in_one_step = info_of(f.imp.criterion).steps == 1;  // many round many times
    for (std::size_t layer = 0; layer < wanted.size(); ++layer)
      CHECK(std::abs(found[layer] - wanted[layer]) <= (in_one_step ? 0 : 1));
  });
}

TEST_CASE("the general way and the paper's prune the same weights by magnitude") {
  for (const auto& [name, model] : small_networks()) {
    CAPTURE(name);
    Fixture f(model, {});
    const std::vector<float> weights = f.trained(f.available, 1);
    const Mask plain = pruned_mask(weights, f.available, f.tensors, f.prunable, f.imp, 1);
    CHECK(mask_by_criterion(f.inputs(weights, f.available), f.kept_in(plain)) == plain);
    CHECK(round_mask(f.inputs(weights, f.available), 1, 0) == plain);
  }
}

TEST_CASE("criteria disagree") {
  const ModelSpec model = small_networks().front().second;
  std::vector<Mask> masks;
  for (const Criterion criterion : criteria()) {
    ImpConfig imp;
    imp.criterion = criterion;
    Fixture f(model, imp);
    const std::int64_t kept = entry_count(f.tensors, f.prunable) / 2;
    const std::vector<float> weights = f.trained(f.available, 1);
    masks.push_back(mask_by_criterion(f.inputs(weights, f.available), kept));
  }
  for (std::size_t a = 0; a < masks.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) CHECK(masks[a] != masks[b]);
}

TEST_CASE("magnitudes are divided by the bound of the layer, or by the norm of what is left of it") {
  ImpConfig imp;
  imp.criterion = Criterion::kNormalised;
  Fixture f(small_networks().front().second, imp);
  f.network.init = Init::kKaimingInScaled;
  f.network.input_scale = 0.25;
  Mask mask = f.available;
  mask[f.tensors[f.prunable[1]].offset] = 0;
  const std::vector<float> weights = f.trained(mask, 1);
  const std::vector<double> by_bound = scores(f.inputs(weights, mask));
  f.imp.normalise = Normalisation::kNorm;
  const std::vector<double> by_norm = scores(f.inputs(weights, mask));
  for (const std::size_t index : f.prunable) {
    const Tensor& tensor = f.tensors[index];
    const double bound = (tensor.reads_observation ? 0.25 : 1.0) / std::sqrt(tensor.fan_in);
    double squares = 0;
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i)
      if (mask[i] != 0) squares += static_cast<double>(weights[i]) * static_cast<double>(weights[i]);
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      if (mask[i] == 0) continue;
      const double magnitude = std::abs(static_cast<double>(weights[i]));
      CHECK(by_bound[i] == doctest::Approx(magnitude / bound));
      CHECK(by_norm[i] == doctest::Approx(magnitude / std::sqrt(squares)));
    }
  }
}

TEST_CASE("random scores are of a round and a seed, and of nothing else") {
  ImpConfig imp;
  imp.criterion = Criterion::kRandom;
  Fixture f(small_networks().front().second, imp);
  const std::vector<double> first = scores(f.inputs(f.initial, f.available));
  f.streams.baseline = "mask/permuted";
  CHECK(scores(f.inputs(f.trained(f.available, 1), f.available)) == first);
  f.streams.round = 2;
  CHECK(scores(f.inputs(f.initial, f.available)) != first);
}

TEST_CASE("without a distribution synflow prunes every network to the same part") {
  for (const auto& [name, model] : small_networks()) {
    CAPTURE(name);
    ImpConfig imp;
    imp.criterion = Criterion::kSynflow;
    Fixture f(model, imp);
    const std::int64_t entries = entry_count(f.tensors, f.prunable), kept = entries * 4 / 10;
    const Mask mask = mask_by_criterion(f.inputs(f.initial, f.available), kept);
    if (std::ranges::any_of(model.parts, [](const MlpSpec& part) { return part.trunk.has_value(); }))
      continue;
    for (std::size_t part = 0; part < model.parts.size(); ++part) {
      std::int64_t of_part = 0, left = 0;
      for (const std::size_t index : f.prunable) {
        const Tensor& tensor = f.tensors[index];
        if (tensor.part != static_cast<int>(part)) continue;
        of_part += static_cast<std::int64_t>(tensor.size);
        left += std::ranges::count(std::span(mask).subspan(tensor.offset, tensor.size), 1);
      }
      CHECK(std::abs(static_cast<double>(left) - 0.4 * static_cast<double>(of_part)) <= 1);
    }
  }
}

TEST_CASE("synflow leaves no network without a path, where magnitude would") {
  MlpSpec part{.name = "q", .sizes = {4, 3, 2}};
  ImpConfig imp;
  imp.criterion = Criterion::kSynflow;
  Fixture f({{part}}, imp);
  for (std::size_t i = 0; i < f.initial.size(); ++i)
    f.initial[i] = i < 12 ? 5.0f + static_cast<float>(i) : 0.1f;
  const Mask flow = mask_by_criterion(f.inputs(f.initial, f.available), 4);
  CHECK(kept_per_tensor(f.tensors, f.prunable, flow)[0] > 0);
  CHECK(kept_per_tensor(f.tensors, f.prunable, flow)[1] > 0);
  f.imp.criterion = Criterion::kMagnitude;
  const Mask magnitude = mask_by_criterion(f.inputs(f.initial, f.available), 4);
  CHECK(kept_per_tensor(f.tensors, f.prunable, magnitude)[1] == 0);
}

TEST_CASE("of equal scores the earlier goes first, and no score may be other than a number") {
  Fixture f(small_networks().front().second, {});
  std::vector<float> weights(f.initial.size(), 0.5f);
  const Mask mask = mask_by_criterion(f.inputs(weights, f.available), entry_count(f.tensors, f.prunable) - 3);
  for (std::size_t i = 0; i < f.tensors[0].size; ++i) CHECK(mask[i] == (i < 3 ? 0 : 1));
  weights[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(mask_by_criterion(f.inputs(weights, f.available), 10), std::invalid_argument);
  weights[5] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(mask_by_criterion(f.inputs(weights, f.available), 10), std::invalid_argument);
  f.imp.keep_layers = {0, 1, 2};
  CHECK_THROWS_AS(mask_by_criterion(f.inputs(f.initial, f.available), 10), std::invalid_argument);
}
