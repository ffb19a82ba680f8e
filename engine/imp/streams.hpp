// engine/imp/streams.hpp - the names of all random streams. A stream is named by what it decides, and by
// nothing that could differ between two computations of the same training (rank, thread, time, names chosen
// by users).
//
//   initial weights   (master seed, task, network, seed, tensor): shared by baselines, algorithms and schemes
//   random tasks      (master seed, task, seed, part): shared by everything that a seed trains on the task
//   everything else   (master seed, task, algorithm, network, seed, round, purpose [, index]): shared by
//                     baselines and variants, which are compared pair by pair
//   of a baseline     the same and the baseline: permutations, random masks, re-initialised parameters
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace impsweep {

struct StreamNames {
  std::uint64_t master_seed = 0;
  std::string task, algorithm;
  std::string network;  // "128-128"
  std::int64_t seed = 0;
  int round = 0;
  std::string baseline;  // "mask/permuted"; read by of_baseline only

  std::string initial_weights(std::string_view tensor) const;

  std::string of_task(std::string_view part) const;

  // purpose: "minibatch", "action", "evaluation" ...; index: a lane, an evaluation ...
  std::string of_training(std::string_view purpose) const;
  std::string of_training(std::string_view purpose, std::int64_t index) const;

  // what: a tensor, or empty where the draw concerns all of them.
  std::string of_baseline(std::string_view purpose, std::string_view what = {}) const;
};

}  // namespace impsweep
