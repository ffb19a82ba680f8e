#include "envs/common_options.hpp"

#include <limits>
#include <stdexcept>

namespace impsweep {
namespace {

Option bound_option(std::string key, double fallback, std::string help) {
  Option option;
  option.key = std::move(key);
  option.fallback = fallback;
  option.minimum = -1000;
  option.maximum = 1000;
  option.help = std::move(help);
  return option;
}

}  // namespace

std::vector<Option> start_options(const std::string& task, StartBounds defaults) {
  return {
      bound_option(task + ".reset_low", defaults.low, "lower bound of every component of a start state"),
      bound_option(task + ".reset_high", defaults.high, "upper bound of every component of a start state")};
}

StartBounds start_bounds(const std::string& task, const TaskOptions& options) {
  const StartBounds bounds{std::get<double>(options.at(task + ".reset_low")),
                           std::get<double>(options.at(task + ".reset_high"))};
  if (bounds.low > bounds.high)
    throw std::invalid_argument("option '" + task + ".reset_low' = " + std::to_string(bounds.low) +
                                " is above '" + task + ".reset_high' = " + std::to_string(bounds.high) +
                                "; exchange them");
  return bounds;
}

Option max_steps_option(const std::string& task, const std::string& own_limit) {
  Option option;
  option.key = task + ".max_steps";
  option.fallback = std::int64_t{0};
  option.minimum = 0;
  option.maximum = std::numeric_limits<std::int32_t>::max();
  option.help = "step limit of an episode; 0: " + own_limit;
  return option;
}

void apply_max_steps(const std::string& task, const TaskOptions& options, TaskInfo& info) {
  const std::int64_t limit = std::get<std::int64_t>(options.at(task + ".max_steps"));
  if (limit > 0) info.max_steps = static_cast<int>(limit);
}

}  // namespace impsweep
