#include "engine/imp/baseline.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <stdexcept>

#include "agents/network/initialisation.hpp"
#include "agents/network/model.hpp"

using namespace impsweep;

namespace {

// One round of a Gaussian PPO agent with a mask of density 1/2.
struct Fixture {
  AgentConfig agent;
  ImpConfig imp;
  StreamNames streams;
  ModelSpec model;
  std::vector<Tensor> tensors;
  std::vector<std::size_t> prunable;
  std::vector<float> initial, previous;
  Mask mask, available;
  std::int64_t kept = 0;
  int round = 3;

  explicit Fixture(ImpConfig config = {}) : imp(config) {
    agent.network.hidden = {20, 15};
    streams = {.master_seed = 1,
               .task = "walker2d",
               .algorithm = "ppo",
               .network = "20-15",
               .seed = 2,
               .round = 3,
               .baseline = ""};
    model = policy_model({6, 4, true}, agent.network, true);
    tensors = tensors_of(model);
    prunable = prunable_tensors(tensors, model, imp);
    initial = initial_parameters(model, agent.network,
                                 [&](std::string_view tensor) { return streams.initial_weights(tensor); });
    previous = initial;
    for (float& value : previous) value += 10;
    available.assign(initial.size(), 1);
    mask = available;
    prune_exact(initial, tensors, prunable, 0.5, mask);
    kept = 0;
    for (const std::int64_t count : kept_per_tensor(tensors, prunable, mask)) kept += count;
  }

  RoundStart start(Baseline baseline) {
    streams.baseline = info_of(baseline).name;
    streams.round = round;
    RoundInputs in;
    in.model = &model;
    in.tensors = &tensors;
    in.prunable = prunable;
    in.network = &agent.network;
    in.imp = &imp;
    in.streams = &streams;
    in.round = round;
    in.available = available;
    in.mask = mask;
    in.kept = kept;
    in.initial = initial;
    in.previous = previous;
    return prepare(baseline, in);
  }

  bool is_prunable(std::size_t tensor) const { return std::ranges::count(prunable, tensor) > 0; }

  template <class Values>
  auto part(const Values& values, std::size_t tensor) const {
    return std::vector(
        values.begin() + static_cast<std::ptrdiff_t>(tensors[tensor].offset),
        values.begin() + static_cast<std::ptrdiff_t>(tensors[tensor].offset + tensors[tensor].size));
  }

  // Sorted values at the places that the mask keeps.
  std::vector<float> survivors(const std::vector<float>& values, const Mask& at, std::size_t tensor) const {
    std::vector<float> list;
    for (std::size_t i = tensors[tensor].offset; i < tensors[tensor].offset + tensors[tensor].size; ++i)
      if (at[i] != 0) list.push_back(values[i]);
    std::ranges::sort(list);
    return list;
  }
};

}  // namespace

TEST_CASE("masked places are zero, counts are kept, and what is not prunable is never masked") {
  Fixture f;
  for (const Baseline baseline : baselines()) {
    CAPTURE(info_of(baseline).name);
    const RoundStart start = f.start(baseline);
    std::int64_t kept = 0;
    for (std::size_t t = 0; t < f.tensors.size(); ++t) {
      const auto mask = f.part(start.mask, t);
      const auto values = f.part(start.parameters, t);
      if (f.is_prunable(t))
        kept += std::ranges::count(mask, 1);
      else
        CHECK(std::ranges::count(mask, 1) == static_cast<std::ptrdiff_t>(mask.size()));
      for (std::size_t i = 0; i < mask.size(); ++i)
        if (mask[i] == 0) CHECK(values[i] == 0.0f);
    }
    CHECK(kept == f.kept);
  }
}

TEST_CASE("mask/weights rewinds the survivors") {
  Fixture f;
  const RoundStart start = f.start(Baseline::kMaskWeights);
  CHECK(start.mask == f.mask);
  for (std::size_t i = 0; i < f.mask.size(); ++i)
    CHECK(start.parameters[i] == (f.mask[i] != 0 ? f.initial[i] : 0.0f));
}

TEST_CASE("permutations keep each tensor's survivors as a multiset, and everything else") {
  Fixture f;
  for (const Baseline baseline : {Baseline::kMaskPermuted, Baseline::kPermutedPermuted}) {
    CAPTURE(info_of(baseline).name);
    const RoundStart start = f.start(baseline);
    const bool moves_mask = baseline == Baseline::kPermutedPermuted;
    for (std::size_t t = 0; t < f.tensors.size(); ++t) {
      CAPTURE(f.tensors[t].name);
      if (!f.is_prunable(t)) {
        CHECK(f.part(start.parameters, t) == f.part(f.initial, t));
        continue;
      }
      CHECK(std::ranges::count(f.part(start.mask, t), 1) == std::ranges::count(f.part(f.mask, t), 1));
      CHECK((f.part(start.mask, t) == f.part(f.mask, t)) == !moves_mask);
      CHECK(f.survivors(start.parameters, start.mask, t) == f.survivors(f.initial, f.mask, t));
      CHECK(f.part(start.parameters, t) != f.part(f.start(Baseline::kMaskWeights).parameters, t));
    }
  }
}

TEST_CASE("shuffles differ from round to round, seed to seed and baseline to baseline") {
  Fixture f;
  std::set<std::vector<float>> starts;
  for (const Baseline baseline : baselines())
    for (f.round = 1; f.round <= 3; ++f.round) {
      starts.insert(f.start(baseline).parameters);
      CHECK(f.start(baseline).parameters == f.start(baseline).parameters);
    }
  f.streams.seed = 3;
  f.round = 1;
  starts.insert(f.start(Baseline::kMaskPermuted).parameters);
  constexpr std::size_t kDrawNothing = 2;  // mask/weights and sign/constant: one start in all rounds
  CHECK(starts.size() == 3 * (baseline_count() - kDrawNothing) + kDrawNothing + 1);
}

TEST_CASE("axis0 moves all weights of an input together") {
  ImpConfig imp;
  imp.mask_perm = MaskPermutation::kAxis0;
  Fixture f(imp);
  const Mask mask = f.start(Baseline::kPermutedPermuted).mask;
  for (const std::size_t t : f.prunable) {
    const auto fan_in = static_cast<std::size_t>(f.tensors[t].fan_in);
    const auto columns = [&](const Mask& of) {
      const auto part = f.part(of, t);
      std::multiset<std::string> set;
      for (std::size_t input = 0; input < fan_in; ++input) {
        std::string column;
        for (std::size_t i = input; i < part.size(); i += fan_in) column += part[i] != 0 ? '1' : '0';
        set.insert(column);
      }
      return set;
    };
    CHECK(columns(mask) == columns(f.mask));
  }
  CHECK(mask != f.mask);
  Fixture element;
  CHECK(element.start(Baseline::kPermutedPermuted).mask != mask);
}

TEST_CASE("random masks are uniform over all prunable entries together") {
  Fixture f;
  const std::int64_t entries = entry_count(f.tensors, f.prunable);
  std::vector<int> hits(f.mask.size(), 0);
  constexpr int kRounds = 2000;
  f.kept = entries / 5;
  for (f.round = 1; f.round <= kRounds; ++f.round) {
    const RoundStart start = f.start(Baseline::kRandomReinit);
    std::int64_t kept = 0;
    for (const std::int64_t count : kept_per_tensor(f.tensors, f.prunable, start.mask)) kept += count;
    REQUIRE(kept == f.kept);
    for (std::size_t i = 0; i < hits.size(); ++i) hits[i] += start.mask[i];
  }
  const double p = static_cast<double>(f.kept) / static_cast<double>(entries);
  const double deviation = std::sqrt(kRounds * p * (1 - p));
  for (const std::size_t t : f.prunable)
    for (const int count : f.part(hits, t)) CHECK(std::abs(count - kRounds * p) < 5 * deviation);
  f.round = 1;
  for (const std::int64_t kept : {std::int64_t{0}, entries}) {
    f.kept = kept;
    CHECK(std::ranges::count(f.start(Baseline::kRandomReinit).mask, 0) == entries - kept);
  }
}

TEST_CASE("what says that it redraws does, and nothing else needs new values") {
  Fixture f;
  for (const Baseline baseline : baselines()) {
    CAPTURE(info_of(baseline).name);
    const RoundStart start = f.start(baseline);
    std::vector<float> known = f.initial;
    std::ranges::sort(known);
    std::set<float> fresh;  // one magnitude for a tensor is no draw
    for (const float value : start.parameters)
      if (value != 0 && !std::ranges::binary_search(known, value)) fresh.insert(std::abs(value));
    CHECK((fresh.size() > f.tensors.size()) == info_of(baseline).redraws);
    const std::int64_t kept = f.kept;
    if (info_of(baseline).prunes) f.kept = 0;  // which only those read whose mask is drawn
    CHECK_NOTHROW(f.start(baseline));
    f.kept = kept;
  }
}

TEST_CASE("re-initialisation draws everything, or the prunable tensors only") {
  Fixture all;
  const RoundStart fresh = all.start(Baseline::kRandomReinit);
  ImpConfig imp;
  imp.reinit_scope = ReinitScope::kPrunable;
  Fixture part(imp);
  const RoundStart partial = part.start(Baseline::kRandomReinit);
  CHECK(fresh.mask == partial.mask);
  for (std::size_t t = 0; t < all.tensors.size(); ++t) {
    CAPTURE(all.tensors[t].name);
    if (all.tensors[t].name == "log_std") continue;
    CHECK(all.part(fresh.parameters, t) != all.part(all.initial, t));
    CHECK((part.part(partial.parameters, t) == part.part(part.initial, t)) == !part.is_prunable(t));
    if (part.is_prunable(t)) CHECK(part.part(partial.parameters, t) == all.part(fresh.parameters, t));
    const double bound = initial_bound(all.tensors[t], all.agent.network);
    for (const float value : all.part(fresh.parameters, t)) CHECK(std::abs(value) <= bound);
  }
}

TEST_CASE("mask/re-init draws anew at the places of the ticket") {
  Fixture f;
  const Baseline baseline = *find_baseline("mask/re-init");
  const RoundStart start = f.start(baseline);
  CHECK(start.mask == f.mask);
  for (std::size_t i = 0; i < f.mask.size(); ++i)
    if (f.mask[i] != 0 && f.initial[i] != 0) CHECK(start.parameters[i] != f.initial[i]);
}

TEST_CASE("ratio/weights keeps the number of every tensor, and initial values at their places") {
  Fixture f;
  const RoundStart start = f.start(*find_baseline("ratio/weights"));
  for (const std::size_t t : f.prunable) {
    CHECK(std::ranges::count(f.part(start.mask, t), 1) == std::ranges::count(f.part(f.mask, t), 1));
    CHECK(f.part(start.mask, t) != f.part(f.mask, t));
  }
  for (std::size_t i = 0; i < f.mask.size(); ++i)
    CHECK(start.parameters[i] == (start.mask[i] != 0 ? f.initial[i] : 0.0f));
}

TEST_CASE("sign/constant leaves signs, one magnitude for each weight matrix, and biases") {
  Fixture f;
  const RoundStart start = f.start(*find_baseline("sign/constant"));
  CHECK(start.mask == f.mask);
  for (std::size_t t = 0; t < f.tensors.size(); ++t) {
    const std::vector<float> before = f.part(f.initial, t), after = f.part(start.parameters, t);
    if (!f.is_prunable(t)) {
      CHECK(after == before);
      continue;
    }
    double mean = 0, squares = 0;  // of all initial values, pruned ones among them
    for (const float value : before) mean += static_cast<double>(value) / static_cast<double>(before.size());
    for (const float value : before)
      squares += std::pow(static_cast<double>(value) - mean, 2) / static_cast<double>(before.size());
    const Mask mask = f.part(f.mask, t);
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double wanted = mask[i] == 0 ? 0 : std::copysign(std::sqrt(squares), before[i]);
      CHECK(static_cast<double>(after[i]) == doctest::Approx(wanted));
    }
  }
}

TEST_CASE("random static masks keep a distribution of their own, and initial values at their places") {
  Fixture f;
  const auto kept_by = [&](const char* baseline) {
    const RoundStart start = f.start(*find_baseline(baseline));
    for (std::size_t i = 0; i < f.mask.size(); ++i)
      CHECK(start.parameters[i] == (start.mask[i] != 0 ? f.initial[i] : 0.0f));
    return kept_per_tensor(f.tensors, f.prunable, start.mask);
  };
  using Counts = std::vector<std::int64_t>;
  // layers of 120, 300 and 60 weights: half of each; and eps (in + out), of which no layer has too few
  CHECK(kept_by("random/uniform") == Counts{60, 150, 30});
  const Counts er = kept_by("random/er");
  CHECK(std::reduce(er.begin(), er.end()) == 240);
  const double eps = 240.0 / (26 + 35 + 19);
  CHECK(std::abs(static_cast<double>(er[0]) - eps * 26) <= 1);
  CHECK(std::abs(static_cast<double>(er[1]) - eps * 35) <= 1);
  CHECK(std::abs(static_cast<double>(er[2]) - eps * 19) <= 1);
  CHECK(kept_by("random/erk") == er);  // without kernels
  f.kept = 400;
  CHECK(kept_by("random/er")[2] == 60);  // full
}

TEST_CASE("round 0 is dense and unchanged under every baseline, unless it is permuted") {
  Fixture f;
  f.round = 0;
  f.mask.assign(f.initial.size(), 1);
  f.kept = entry_count(f.tensors, f.prunable);
  for (const Baseline baseline : baselines()) {
    CHECK(f.start(baseline).mask == f.mask);
    CHECK(f.start(baseline).parameters == f.initial);
  }
  f.imp.perm_round0 = true;
  for (const Baseline baseline : baselines())
    CHECK((f.start(baseline).parameters == f.initial) == (info_of(baseline).own_option != "imp.perm_round0"));
  const RoundStart permuted = f.start(Baseline::kMaskPermuted);
  CHECK(permuted.mask == f.mask);
  for (std::size_t t = 0; t < f.tensors.size(); ++t) {
    CHECK(f.survivors(permuted.parameters, f.mask, t) == f.survivors(f.initial, f.mask, t));
    CHECK((f.part(permuted.parameters, t) == f.part(f.initial, t)) == !f.is_prunable(t));
  }
}

TEST_CASE("an unpruned critic continues from the previous round if it is not reset") {
  ImpConfig imp;
  imp.reset_unpruned = false;
  Fixture f(imp);
  CHECK(has_unpruned_network(f.model, f.tensors, f.prunable));
  for (const Baseline baseline : baselines()) {
    const RoundStart start = f.start(baseline);
    for (std::size_t t = 0; t < f.tensors.size(); ++t) {
      const bool continues = f.tensors[t].name.starts_with("critic");
      CHECK((f.part(start.parameters, t) == f.part(f.previous, t)) == continues);
    }
  }
  ImpConfig both = imp;
  both.scope = PruneScope::kActorCritic;
  Fixture pruned_critic(both);
  CHECK_FALSE(has_unpruned_network(pruned_critic.model, pruned_critic.tensors, pruned_critic.prunable));
  CHECK(pruned_critic.start(Baseline::kMaskWeights).parameters != pruned_critic.previous);
}

TEST_CASE("biases that take part in pruning are permuted as well") {
  ImpConfig imp;
  imp.prune_bias = true;
  Fixture f(imp);
  const RoundStart start = f.start(Baseline::kPermutedPermuted);
  const std::size_t bias = tensors_by_name(f.tensors, std::vector<std::string>{"actor/0/bias"})[0];
  CHECK(f.is_prunable(bias));
  CHECK(f.survivors(start.parameters, start.mask, bias) == f.survivors(f.initial, f.mask, bias));
  CHECK(f.part(start.parameters, bias) != f.part(f.initial, bias));
}

TEST_CASE("arrays that do not fit the model are refused") {
  Fixture f;
  f.initial.pop_back();
  CHECK_THROWS_AS(f.start(Baseline::kMaskWeights), std::invalid_argument);
  Fixture g;
  g.mask.pop_back();
  CHECK_THROWS_AS(g.start(Baseline::kMaskPermuted), std::invalid_argument);
  CHECK_NOTHROW(g.start(Baseline::kRandomReinit));
  Fixture h;
  h.imp.reset_unpruned = false;
  h.previous.clear();
  CHECK_THROWS_AS(h.start(Baseline::kMaskWeights), std::invalid_argument);
  Fixture k;
  k.kept = 1 << 30;
  CHECK_THROWS_AS(k.start(Baseline::kRandomReinit), std::invalid_argument);
}

TEST_CASE("names of baselines") {
  CHECK(baseline_count() >= 4);
  std::set<std::string_view> chain_names, colours;
  for (const Baseline baseline : baselines()) {
    const BaselineInfo& info = info_of(baseline);
    CAPTURE(info.name);
    CHECK(find_baseline(info.name) == baseline);
    CHECK(chain_names.insert(info.chain_name).second);
    CHECK(info.chain_name.find_first_of("/.") == std::string_view::npos);
    CHECK(colours.insert(info.colour).second);
    CHECK((info.own_option.empty() || info.own_option.starts_with("imp.")));
  }
  CHECK(!find_baseline("mask-weights"));
  CHECK(info_of(Baseline::kRandomReinit).chain_name == "random-re-init");
}

TEST_CASE("streams are named by what they decide") {
  Fixture f;
  StreamNames a = f.streams, b = f.streams;
  b.baseline = "x";
  b.algorithm = "bc";
  CHECK(a.initial_weights("actor/0/weight") == b.initial_weights("actor/0/weight"));
  CHECK(a.of_training("action", 3) == "1/walker2d/ppo/20-15/s2/r3/action/3");
  b.algorithm = "ppo";
  CHECK(a.of_training("action") == b.of_training("action"));
  CHECK(a.of_baseline("random-mask") != b.of_baseline("random-mask"));
  b.round = 4;
  CHECK(a.of_training("action") != b.of_training("action"));
  CHECK(a.initial_weights("q/0/bias") == "1/walker2d/20-15/s2/weights/q/0/bias");
}
