#include "engine/report/plain.hpp"

#include <algorithm>
#include <array>

#include "agents/config/paper_defaults.hpp"
#include "engine/plan/identity.hpp"

namespace impsweep {
namespace {

constexpr std::array<std::string_view, 15> kAllowed = {
    "master_seed",     "network.hidden",    "network.architecture",  "network.filters",
    "network.kernel",  "rl.steps",          "imp.prune_fraction",    "bc.teacher_candidates",
    "bc.teacher_seed", "bc.teacher_hidden", "dqn.epsilon_steps",     "dqn.min_steps_learn",
    "digits.path",     "digits.content",    "mazegrid.entangle_seed"};

bool is_allowed(std::string_view key) {
  constexpr std::string_view kTeacher = "teacher.";
  if (key.starts_with(kTeacher)) key.remove_prefix(kTeacher.size());
  return key.starts_with("eval.") || key.starts_with("inputs.") ||
         std::ranges::find(kAllowed, key) != kAllowed.end();
}

// The paper gives no values for DQN on Cart-Pole, and ours learn little there. The two packages train all
// robots but HalfCheetah to the same bits.
bool is_allowed(std::string_view key, const Settings& settings) {
  return is_allowed(key) || (key == "locomotion.package" && settings.task != "halfcheetah") ||
         (key == "dqn.replay_ratio" && settings.task == "cartpole" && settings.algorithm == "dqn");
}

}  // namespace

Settings usual_settings(const Group& group) {
  Settings usual = paper_settings(group.task, group.algorithm);
  const NetworkConfig& network = group.settings.agent.network;
  if (network.architecture != Architecture::kCnn) return usual;
  constexpr std::int64_t kStepsOfConvolutions = 5'000'000;  // table 10
  usual.agent.network.architecture = usual.teacher.network.architecture = Architecture::kCnn;
  usual.agent.network.hidden = usual.teacher_choice.hidden = paper_cnn_hidden();
  if (group.algorithm == "bc" && group.info->family == "minatar")
    usual.agent.sampler.steps = kStepsOfConvolutions;
  return usual;
}

std::vector<std::string> departures(const Settings& settings) {
  std::vector<std::string> keys;
  for (const SettingDifference& difference :
       differing_settings(settings, paper_settings(settings.task, settings.algorithm)))
    if (!is_allowed(difference.key, settings)) keys.push_back(difference.key);
  return keys;
}

bool plain_but_for(const Group& group, std::initializer_list<std::string_view> keys) {
  return !group.settings.inputs.restricts() &&
         std::ranges::all_of(departures(group.settings), [&](const std::string& key) {
           return std::ranges::find(keys, key) != keys.end();
         });
}

bool is_plain(const Group& group) {
  return plain_but_for(group, {});
}

bool is_plain_mlp(const Group& group) {
  return group.settings.agent.network.architecture == Architecture::kMlp && is_plain(group);
}

}  // namespace impsweep
