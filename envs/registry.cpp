// The list of tasks, and the check of their options against the declarations.
#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "envs/acrobot.hpp"
#include "envs/atari/atari.hpp"
#include "envs/cartpole.hpp"
#include "envs/digits.hpp"
#include "envs/environment.hpp"
#include "envs/locomotion/locomotion.hpp"
#include "envs/mazegrid.hpp"
#include "envs/minatar/asterix.hpp"
#include "envs/minatar/breakout.hpp"
#include "envs/minatar/freeway.hpp"
#include "envs/minatar/seaquest.hpp"
#include "envs/minatar/space_invaders.hpp"

namespace impsweep {
namespace {

struct Entry {
  TaskInfo info;
  // Null for a data set.
  std::unique_ptr<Environment> (*make)(TaskInfo info, int lanes, const TaskOptions& options);
  // External tasks: throws TaskUnavailable if what they need is not here.
  void (*require)(const TaskInfo& info) = nullptr;
};

// In the order of presentation. A new task is one line here.
std::vector<Entry> all_entries() {
  std::vector<Entry> list = {
      {cartpole_info(), make_cartpole},
      {acrobot_info(), make_acrobot},
      {mazegrid_info(), make_mazegrid},
      {mazegrid_rgb_info(), make_mazegrid_rgb},
      {mazegrid_entangled_info(), make_mazegrid_entangled},
      {minatar::game_info<minatar::Asterix>(), minatar::make_game<minatar::Asterix>},
      {minatar::game_info<minatar::Breakout>(), minatar::make_game<minatar::Breakout>},
      {minatar::game_info<minatar::Freeway>(), minatar::make_game<minatar::Freeway>},
      {minatar::game_info<minatar::Seaquest>(), minatar::make_game<minatar::Seaquest>},
      {minatar::game_info<minatar::SpaceInvaders>(), minatar::make_game<minatar::SpaceInvaders>},
      {halfcheetah_info(), make_locomotion},
      {walker2d_info(), make_locomotion},
      {hopper_info(), make_locomotion},
      {ant_info(), make_locomotion},
  };
  for (const atari::Game& game : atari::games())
    list.push_back({atari::game_info(game), atari::make_game, atari::require_game});
  list.push_back({digits_info(), nullptr});
  return list;
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> list = all_entries();
  return list;
}

const Entry* find_entry(std::string_view name) {
  for (const Entry& entry : entries())
    if (entry.info.name == name) return &entry;
  return nullptr;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string text_of(const OptionValue& value) {
  std::ostringstream out;
  out.precision(17);
  if (const bool* flag = std::get_if<bool>(&value)) out << (*flag ? "true" : "false");
  if (const std::int64_t* integer = std::get_if<std::int64_t>(&value)) out << *integer;
  if (const double* real = std::get_if<double>(&value)) out << *real;
  if (const std::string* text = std::get_if<std::string>(&value)) out << '"' << *text << '"';
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) {
    out << '[';
    for (std::size_t i = 0; i < list->size(); ++i) out << (i == 0 ? "" : ", ") << (*list)[i];
    out << ']';
  }
  return out.str();
}

// What the declaration allows, in words.
std::string allowed(const Option& option) {
  if (!option.choices.empty()) return "one of " + join(option.choices);
  static constexpr const char* kKinds[] = {"true or false", "an integer", "a number", "a text",
                                           "a list of integers"};
  std::ostringstream out;
  out << kKinds[option.fallback.index()];
  const bool has_minimum = option.minimum > -std::numeric_limits<double>::infinity();
  const bool has_maximum = option.maximum < std::numeric_limits<double>::infinity();
  out.precision(17);
  if (has_minimum && has_maximum)
    out << " from " << option.minimum << " to " << option.maximum;
  else if (has_minimum)
    out << " of at least " << option.minimum;
  else if (has_maximum)
    out << " of at most " << option.maximum;
  return out.str();
}

bool in_range(const Option& option, double value) {
  return value >= option.minimum && value <= option.maximum;  // false for NaN
}

bool fits(const Option& option, const OptionValue& value) {
  if (value.index() != option.fallback.index()) return false;
  if (const std::int64_t* integer = std::get_if<std::int64_t>(&value))
    return in_range(option, static_cast<double>(*integer));
  if (const double* real = std::get_if<double>(&value)) return in_range(option, *real);
  if (const std::string* text = std::get_if<std::string>(&value))
    return option.choices.empty() || std::ranges::count(option.choices, *text) > 0;
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value))
    return std::ranges::all_of(
        *list, [&](std::int64_t element) { return in_range(option, static_cast<double>(element)); });
  return true;
}

// The given values, checked, with the defaults of all other options.
TaskOptions resolved(const TaskInfo& info, const TaskOptions& given) {
  TaskOptions result;
  for (const Option& option : info.options) result[option.key] = option.fallback;
  for (const auto& [key, given_value] : given) {
    const auto option = std::ranges::find(info.options, key, &Option::key);
    if (option == info.options.end()) {
      std::vector<std::string> keys;
      for (const Option& declared : info.options) keys.push_back(declared.key);
      throw std::invalid_argument("task " + info.name + " has no option '" + key +
                                  "'; it has: " + (keys.empty() ? "none" : join(keys)));
    }
    OptionValue value = given_value;
    if (const std::int64_t* integer = std::get_if<std::int64_t>(&value);
        integer != nullptr && std::holds_alternative<double>(option->fallback))
      value = static_cast<double>(*integer);
    if (!fits(*option, value))
      throw std::invalid_argument("option '" + key + "' = " + text_of(given_value) + " must be " +
                                  allowed(*option));
    result[key] = value;
  }
  return result;
}

}  // namespace

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) names.push_back(entry.info.name);
  return names;
}

std::vector<std::string> environment_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries())
    if (!entry.info.is_data_set && !entry.info.is_external) names.push_back(entry.info.name);
  return names;
}

const TaskInfo* find_task(std::string_view name) {
  const Entry* entry = find_entry(name);
  return entry == nullptr ? nullptr : &entry->info;
}

namespace {

const Entry& known_entry(std::string_view task) {
  if (const Entry* entry = find_entry(task)) return *entry;
  throw std::invalid_argument("there is no task '" + std::string(task) +
                              "'; the tasks are: " + join(task_names()));
}

}  // namespace

TaskInfo task_with(std::string_view task, const TaskOptions& options) {
  const Entry& entry = known_entry(task);
  const TaskOptions all = resolved(entry.info, options);
  return options.empty() || entry.info.is_data_set ? entry.info : entry.make(entry.info, 1, all)->info();
}

void require_task(std::string_view task) {
  const Entry& entry = known_entry(task);
  if (entry.require != nullptr) entry.require(entry.info);
}

std::unique_ptr<Environment> make_environment(std::string_view task, int lanes, const TaskOptions& options) {
  const Entry& entry = known_entry(task);
  if (entry.info.is_data_set)
    throw std::invalid_argument("task " + entry.info.name +
                                " is a data set and no environment; train it with algorithm supervised");
  if (lanes < 1)
    throw std::invalid_argument("an environment needs at least one lane, not " + std::to_string(lanes));
  return entry.make(entry.info, lanes, resolved(entry.info, options));
}

}  // namespace impsweep
