#include "envs/minatar/minatar.hpp"

namespace impsweep::minatar {

std::vector<Option> declared_options() {
  Option sticky;
  sticky.key = "minatar.sticky_actions";
  sticky.fallback = Parameters{}.sticky_actions;
  sticky.minimum = 0;
  sticky.maximum = 1;
  sticky.help = "probability that the last executed action is executed again";
  Option ramping;
  ramping.key = "minatar.difficulty_ramping";
  ramping.fallback = Parameters{}.difficulty_ramping;
  ramping.help = "games become faster with time or success; breakout and freeway never do";
  Option minimal;
  minimal.key = "minatar.minimal_actions";
  minimal.fallback = Parameters{}.minimal_actions;
  minimal.help = "only the actions that have a role in the game, instead of all six";
  Option last;
  last.key = "minatar.initial_last_action";
  last.fallback = static_cast<std::int64_t>(Parameters{}.initial_last_action);
  last.minimum = 0;
  last.maximum = kAllActions - 1;
  last.help = "action, of all six, that the first step may repeat";
  return {sticky, ramping, minimal, last, max_steps_option("minatar", "none")};
}

Parameters parameters_of(const TaskOptions& options) {
  return {.sticky_actions = std::get<double>(options.at("minatar.sticky_actions")),
          .difficulty_ramping = std::get<bool>(options.at("minatar.difficulty_ramping")),
          .minimal_actions = std::get<bool>(options.at("minatar.minimal_actions")),
          .initial_last_action =
              static_cast<Action>(std::get<std::int64_t>(options.at("minatar.initial_last_action")))};
}

}  // namespace impsweep::minatar
