// engine/report/results.hpp - what a report needs of its stores, read once and grouped.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/plan/chain_group.hpp"
#include "engine/store/contents.hpp"
#include "engine/store/status.hpp"

namespace impsweep {

struct RoundFacts {
  RoundSummary summary;
  std::vector<double> curve_step, curve_mean;      // the first is the untrained network's
  std::vector<std::int64_t> kept_per_tensor;       // of all tensors of the model
  std::vector<std::int64_t> effective_per_tensor;  // empty in results of versions that did not look
  // [inputs] of the actor's first layer, which are channels where it is a convolution: sum of |weight| and
  // number of weights left.
  std::vector<float> input_magnitude;
  std::vector<std::int32_t> input_kept;
  // [inputs] whether a path of kept weights leads from it to an output; only of small models, else empty.
  std::vector<std::uint8_t> input_effective;
};

// The rounds of one chain; null where a round is not finished.
using ChainFacts = std::vector<std::shared_ptr<const RoundFacts>>;

// A group of chains with what is known of them all.
struct Group : ChainGroup {
  Settings settings;
  const TaskInfo* info = nullptr;
  std::vector<Tensor> tensors;
  std::vector<std::size_t> prunable;  // indices into tensors
  std::vector<double> density;        // by round
  std::vector<std::int64_t> kept;     // by round
  std::int64_t env_steps = 0;         // of a training of round 0
  ByBaselineAndSeed<ChainFacts> chains;

  std::size_t rounds() const { return density.size(); }
};

struct StoreFacts {
  std::string path;
  Fingerprint fingerprint;
  StoreStatus status;
  std::vector<FrozenJob> jobs;
  std::map<std::string, std::int64_t> hosts, versions;  // trainings of each
  double cpu_seconds = 0;
  std::vector<std::string> damage;  // what was found damaged while reading
};

struct Results {
  std::vector<StoreFacts> stores;
  std::vector<Group> groups;  // in the order of the jobs
};

// Chains of one name in several stores are one if they are the same trainings; otherwise the variant of the
// later ones is marked with the number of its store.
Results read_results(const std::vector<std::filesystem::path>& stores);

// Value of a settings key as a number, 0 if these settings do not know it.
double setting_number(const Settings&, const std::string& key);

}  // namespace impsweep
