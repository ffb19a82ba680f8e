#include "engine/imp/pruning.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "agents/network/model.hpp"
#include "envs/random.hpp"

using namespace impsweep;

namespace {

struct Model {
  ModelSpec spec;
  std::vector<Tensor> tensors;
  std::vector<std::size_t> prunable;
};

Model make_model(const ImpConfig& imp, std::vector<std::int64_t> hidden = {16, 12}, bool continuous = true) {
  AgentConfig config;
  config.network.hidden = std::move(hidden);
  Model model;
  model.spec = policy_model({5, 3, continuous}, config.network, true);
  model.tensors = tensors_of(model.spec);
  model.prunable = prunable_tensors(model.tensors, model.spec, imp);
  return model;
}

std::vector<float> random_weights(const ModelSpec& spec, const std::string& name) {
  Stream stream(name);
  std::vector<float> weights(parameter_count(spec));
  for (float& weight : weights) weight = static_cast<float>(2 * stream.uniform() - 1);
  return weights;
}

// The rule in its plainest form: sort the survivors, drop the first.
Mask sorted_prune(const Model& model, const std::vector<float>& weights, double fraction, Mask mask) {
  std::vector<std::size_t> survivors;
  for (const std::size_t tensor : model.prunable)
    for (std::size_t i = 0; i < model.tensors[tensor].size; ++i)
      if (mask[model.tensors[tensor].offset + i] != 0) survivors.push_back(model.tensors[tensor].offset + i);
  std::stable_sort(survivors.begin(), survivors.end(),
                   [&](std::size_t a, std::size_t b) { return std::abs(weights[a]) < std::abs(weights[b]); });
  const auto removed =
      static_cast<std::size_t>(std::nearbyint(fraction * static_cast<double>(survivors.size())));
  for (std::size_t i = 0; i < removed; ++i) mask[survivors[i]] = 0;
  return mask;
}

std::int64_t total(const std::vector<std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

}  // namespace

TEST_CASE("remaining weights of every network of the paper at rounds 5, 10, 15, 19 and 29") {
  struct Row {
    std::int64_t entries;
    std::vector<std::int64_t> kept;
  };
  const std::vector<int> rounds = {5, 10, 15, 19, 29};
  for (const Row& row :
       std::vector<Row>{{4480, {1468, 481, 158, 65, 7}},                  // Cart-Pole 64-64
                        {17152, {5621, 1842, 603, 247, 27}},              // Cart-Pole 128-128
                        {67072, {21978, 7202, 2360, 966, 104}},           // Cart-Pole 256-256
                        {9152, {2999, 982, 322, 132, 14}},                // Acrobot 128-64
                        {34688, {11366, 3724, 1220, 500, 54}},            // Acrobot 256-128
                        {134912, {44208, 14486, 4747, 1944, 209}},        // Acrobot 512-256
                        {12352, {4048, 1326, 434, 178, 19}},              // Ant, actor and critic
                        {6400, {2098, 687, 226, 93, 10}},                 // Ant, actor
                        {11968, {3922, 1285, 421, 173, 18}},              // HalfCheetah, actor and critic
                        {6144, {2014, 660, 216, 88, 9}},                  // HalfCheetah, actor
                        {10368, {3397, 1113, 365, 150, 17}},              // Hopper, actor and critic
                        {5248, {1719, 563, 184, 75, 8}},                  // Hopper, actor
                        {11456, {3754, 1230, 403, 165, 18}},              // Walker2D, actor and critic
                        {5888, {1929, 632, 207, 85, 9}},                  // Walker2D, actor
                        {340480, {111569, 36558, 11979, 4906, 526}},      // MazeGrid 256-128
                        {746496, {244612, 80155, 26265, 10758, 1155}},    // MazeGrid 512-256
                        {1755136, {575123, 188456, 61754, 25294, 2715}},  // MazeGrid 1024-512
                        {439296, {143949, 47170, 15457, 6331, 680}},      // MazeGrid RGB 512-256
                        {936960, {307022, 100605, 32966, 13502, 1450}},   // MinAtar, 400 inputs
                        {1141760, {374132, 122596, 40173, 16454, 1766}},  // MinAtar, 600 inputs
                        {1244160, {407686, 133590, 43774, 17930, 1925}},  // MinAtar, 700 inputs
                        {266200, {87228, 28583, 9366, 3836, 412}}}) {     // MNIST
    CAPTURE(row.entries);
    for (std::size_t i = 0; i < rounds.size(); ++i)
      CHECK(kept_after(row.entries, 0.2, rounds[i], PruneRule::kExact) == row.kept[i]);
  }
}

TEST_CASE("counts are rounded half to even") {
  CHECK(round_half_even(0.5) == 0);
  CHECK(round_half_even(1.5) == 2);
  CHECK(round_half_even(2.5) == 2);
  CHECK(round_half_even(2.500001) == 3);
  CHECK(round_half_even(2.4) == 2);
  CHECK(kept_after(5, 0.5, 1, PruneRule::kExact) == 3);    // 2.5 -> 2 go
  CHECK(kept_after(3, 0.5, 1, PruneRule::kExact) == 1);    // 1.5 -> 2 go
  CHECK(kept_after(2, 0.2, 100, PruneRule::kExact) == 2);  // 0.4 -> none goes any more
  CHECK(kept_after(10, 0.2, 0, PruneRule::kExact) == 10);
  CHECK(kept_after(0, 0.2, 3, PruneRule::kExact) == 0);
}

TEST_CASE("what is prunable") {
  const auto names = [](const ImpConfig& imp) {
    const Model model = make_model(imp);
    std::vector<std::string> list;
    for (const std::size_t index : model.prunable) list.push_back(model.tensors[index].name);
    return list;
  };
  using Names = std::vector<std::string>;
  ImpConfig imp;
  CHECK(names(imp) == Names{"actor/0/weight", "actor/1/weight", "actor/2/weight"});
  imp.prune_bias = true;
  CHECK(names(imp) == Names{"actor/0/weight", "actor/0/bias", "actor/1/weight", "actor/1/bias",
                            "actor/2/weight", "actor/2/bias"});
  imp = {};
  imp.scope = PruneScope::kActorCritic;
  CHECK(names(imp) == Names{"actor/0/weight", "actor/1/weight", "actor/2/weight", "critic/0/weight",
                            "critic/1/weight", "critic/2/weight"});
}

TEST_CASE("pruning agrees with sorting, over many rounds") {
  for (const double fraction : {0.2, 0.5}) {
    ImpConfig imp;
    imp.scope = PruneScope::kActorCritic;
    imp.prune_fraction = fraction;
    const Model model = make_model(imp);
    const std::int64_t entries = entry_count(model.tensors, model.prunable);
    Mask mask(parameter_count(model.spec), 1);
    for (int round = 1; round <= 12; ++round) {
      CAPTURE(round);
      const std::vector<float> weights = random_weights(model.spec, "round" + std::to_string(round));
      const Mask expected = sorted_prune(model, weights, fraction, mask);
      const Mask next = pruned_mask(weights, mask, model.tensors, model.prunable, imp, round);
      CHECK(next == expected);
      for (std::size_t i = 0; i < mask.size(); ++i) CHECK(next[i] <= mask[i]);
      CHECK(total(kept_per_tensor(model.tensors, model.prunable, next)) ==
            kept_after(entries, fraction, round, PruneRule::kExact));
      mask = next;
    }
    for (std::size_t t = 0; t < model.tensors.size(); ++t)
      if (std::ranges::count(model.prunable, t) == 0)
        for (std::size_t i = 0; i < model.tensors[t].size; ++i) CHECK(mask[model.tensors[t].offset + i] == 1);
  }
}

TEST_CASE("ties go by the order of tensors and then by index") {
  const Model model = make_model({}, {4}, false);  // actor 4x5 and 3x4: 32 entries
  std::vector<float> weights(parameter_count(model.spec), -0.5f);
  for (std::size_t i = 1; i < weights.size(); i += 2) weights[i] = 0.5f;  // the sign does not count
  Mask mask(weights.size(), 1);
  prune_exact(weights, model.tensors, model.prunable, 0.2, mask);  // 6.4 -> 6 go
  for (std::size_t i = 0; i < 20; ++i) CHECK(mask[i] == (i < 6 ? 0 : 1));

  const std::vector<std::string> reversed = {"actor/1/weight", "actor/0/weight"};
  const auto order = tensors_by_name(model.tensors, reversed);
  mask.assign(weights.size(), 1);
  prune_exact(weights, model.tensors, order, 0.2, mask);
  const std::size_t first = model.tensors[order[0]].offset;
  for (std::size_t i = 0; i < 12; ++i) CHECK(mask[first + i] == (i < 6 ? 0 : 1));
  CHECK(std::ranges::count(mask, 0) == 6);
  const std::vector<std::string> unknown = {"actor/9/weight"};
  CHECK_THROWS_AS(tensors_by_name(model.tensors, unknown), std::invalid_argument);
}

TEST_CASE("zeros go first, a weight that is not a number stays") {
  const Model model = make_model({}, {4}, false);
  std::vector<float> weights(parameter_count(model.spec), 0.25f);
  weights[3] = std::numeric_limits<float>::quiet_NaN();
  weights[7] = -0.0f;
  weights[30] = 1e-40f;
  Mask mask(weights.size(), 1);
  prune_exact(weights, model.tensors, model.prunable, 0.03, mask);  // 0.96 -> 1
  CHECK(mask[7] == 0);
  CHECK(std::ranges::count(mask, 0) == 1);
}

TEST_CASE("a layer may lose everything, and an empty ranking is left alone") {
  const Model model = make_model({}, {4}, false);
  std::vector<float> weights(parameter_count(model.spec), 1.0f);
  const Tensor& input = model.tensors[0];
  std::fill_n(weights.begin(), input.size, 0.01f);
  Mask mask(weights.size(), 1);
  prune_exact(weights, model.tensors, model.prunable, 20.0 / 32, mask);
  CHECK(kept_per_tensor(model.tensors, model.prunable, mask) == std::vector<std::int64_t>{0, 12});
  prune_exact(weights, model.tensors, {}, 0.5, mask);
  prune_quantile(weights, model.tensors, {}, 0.5, 1, mask);
  CHECK(kept_per_tensor(model.tensors, model.prunable, mask) == std::vector<std::int64_t>{0, 12});
}

TEST_CASE("the quantile rule keeps what is at or above the threshold") {
  // numpy.quantile(arange(32) / 32, 0.2) = 6.2 / 32: seven entries lie below.
  ImpConfig imp;
  imp.prune_rule = PruneRule::kQuantile;
  const Model model = make_model(imp, {4}, false);
  std::vector<float> weights(parameter_count(model.spec), 9.0f);
  std::size_t ordinal = 0;
  for (const std::size_t t : model.prunable)
    for (std::size_t i = 0; i < model.tensors[t].size; ++i)
      weights[model.tensors[t].offset + i] = static_cast<float>(ordinal++) / 32;
  Mask mask(weights.size(), 1);
  mask = pruned_mask(weights, mask, model.tensors, model.prunable, imp, 1);
  CHECK(std::ranges::count(mask, 0) == 7);
  for (std::size_t i = 0; i < 7; ++i) CHECK(mask[i] == 0);

  ImpConfig large = imp;
  const Model wide = make_model(large, {40, 30}, false);
  const std::int64_t entries = entry_count(wide.tensors, wide.prunable);
  Mask nested(parameter_count(wide.spec), 1);
  for (int round = 1; round <= 20; ++round) {
    const Mask before = nested;
    nested = pruned_mask(random_weights(wide.spec, std::to_string(round)), nested, wide.tensors,
                         wide.prunable, large, round);
    CHECK(total(kept_per_tensor(wide.tensors, wide.prunable, nested)) ==
          kept_after(entries, 0.2, round, PruneRule::kQuantile));
    for (std::size_t i = 0; i < nested.size(); ++i) CHECK(nested[i] <= before[i]);
  }
}
