// tests/engine/report/made_up.hpp - groups of chains whose returns are made up, so that what a report says of
// them is known. Untrained networks return 0; all metrics agree; a number of inputs is kept everywhere.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/report/results.hpp"

namespace impsweep::made_up {

using Returns = std::function<double(Baseline, std::int64_t seed, int round)>;

struct Shape {
  std::string task = "cartpole", algorithm = "ppo";
  int seeds = 5, rounds = 5;
  int finished = 5;   // rounds of the last seed
  double left = 0.5;  // of the weights, per round
};

inline Group group(const Shape& shape, const Returns& returns) {
  Group group;
  group.task = shape.task;
  group.algorithm = shape.algorithm;
  group.variant = "default";
  group.settings = paper_settings(shape.task, shape.algorithm);
  group.network = network_name(group.settings.agent.network);
  group.settings.imp.prune_fraction = 1 - shape.left;
  group.info = find_task(shape.task);
  const ModelSpec model = model_of(group.settings);
  group.tensors = tensors_of(model);
  group.prunable = prunable_tensors(group.tensors, model, group.settings.imp);
  group.env_steps = 1000;
  const auto inputs = static_cast<std::size_t>(group.tensors.front().shape[1]);
  const auto units = static_cast<std::int32_t>(group.tensors.front().shape[0]);
  for (int round = 0; round < shape.rounds; ++round) {
    group.density.push_back(std::pow(shape.left, round));
    group.kept.push_back(std::max<std::int64_t>(1, std::llround(4096 * group.density.back())));
  }
  for (const Baseline baseline : kPaperBaselines)
    for (std::int64_t seed = 0; seed < shape.seeds; ++seed) {
      ChainFacts& chain = group.chains[baseline][seed];
      chain.resize(static_cast<std::size_t>(shape.rounds));
      for (int round = 0;
           round < (seed + 1 == shape.seeds ? std::min(shape.finished, shape.rounds) : shape.rounds);
           ++round) {
        auto facts = std::make_shared<RoundFacts>();
        facts->summary.best_return = returns(baseline, seed, round);
        facts->summary.final_return = facts->summary.best_return;
        facts->summary.reevaluated_return = facts->summary.best_return;
        facts->curve_step = {0, 1000};
        facts->curve_mean = {0, facts->summary.best_return};
        for (const Tensor& tensor : group.tensors)
          facts->kept_per_tensor.push_back(static_cast<std::int64_t>(tensor.size));
        facts->input_magnitude.assign(inputs, 1.0F);
        facts->input_kept.assign(inputs, units);
        facts->summary.inputs_left = static_cast<std::int64_t>(inputs);
        chain[static_cast<std::size_t>(round)] = facts;
      }
    }
  return group;
}

// Changes what is known of every finished round of a baseline.
inline void change(Group& group, Baseline baseline,
                   const std::function<void(RoundFacts&, std::int64_t seed, int round)>& how) {
  for (auto& [seed, chain] : group.chains.at(baseline))
    for (std::size_t round = 0; round < chain.size(); ++round) {
      if (!chain[round]) continue;
      auto facts = std::make_shared<RoundFacts>(*chain[round]);
      how(*facts, seed, static_cast<int>(round));
      chain[round] = facts;
    }
}

// A little that differs from seed to seed and from baseline to baseline, -1 to 1, of mean 0 over five seeds.
inline double noise(Baseline baseline, std::int64_t seed) {
  return static_cast<double>((seed * 7 + static_cast<int>(baseline) * 3) % 5 - 2) / 2;
}

// Dense 100; from round 1 on tickets and permuted tickets hold, shuffled masks fall to 60, random ones to 20.
inline double textbook(Baseline baseline, std::int64_t seed, int round) {
  if (round == 0) return 100 + noise(Baseline::kMaskWeights, seed);
  if (baseline == Baseline::kRandomReinit) return 20 + noise(baseline, seed);
  return (baseline == Baseline::kPermutedPermuted ? 60 : 100) + noise(baseline, seed);
}

}  // namespace impsweep::made_up
