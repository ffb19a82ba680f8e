// engine/plan/identity.hpp - when results speak of one experiment: chains of one group (task, algorithm,
// network, variant) are averaged, so all of them must have been trained with the same settings. Seeds,
// rounds, baselines and the names of sweeps and jobs are no settings.
//
// A name belongs to the settings that used it first; whoever comes with others under the same name gets an
// error that says which keys differ.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "engine/job/job.hpp"

namespace impsweep {

// What chains of one group have in common.
struct ChainGroup {
  std::string task, algorithm, network, variant;

  std::string name() const;  // "cartpole ppo 128-128", and the variant unless it is "default"
  friend auto operator<=>(const ChainGroup&, const ChainGroup&) = default;
};

// The group of the chains of a point.
ChainGroup group_of(const GridPoint&);

// A key with a bearing on results whose values differ, in TOML.
struct SettingDifference {
  std::string key, first, second;
};

// All of them, `master_seed` first. Of different tasks or algorithms, those among the keys that both have.
std::vector<SettingDifference> differing_settings(const Settings&, const Settings&);

// The same, with keys that have a bearing on the first alone.
std::vector<SettingDifference> departures_from(const Settings& usual, const Settings&);

// "ppo.learning_rate = 0.1 and 0.001, rl.steps = 4096 and 2048": every key with a bearing on results whose
// values differ, at most `most` of them; empty if there is none. Both are of one task and algorithm.
std::string differences(const Settings&, const Settings&, std::size_t most = 4);

// Two points of one group that differ in a setting.
struct IdentityClash {
  const GridPoint* known = nullptr;
  const GridPoint* other = nullptr;
  std::string keys;  // differences()
};

// Clashes of `points` among each other and with `known`, the points of other jobs.
std::vector<IdentityClash> identity_clashes(const std::vector<GridPoint>& known,
                                            const std::vector<GridPoint>& points);

}  // namespace impsweep
