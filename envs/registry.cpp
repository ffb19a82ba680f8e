// The list of tasks, and the check of their options against the declarations.
#include <algorithm>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>

#include "envs/acrobot.hpp"
#include "envs/atari/atari.hpp"
#include "envs/cartpole.hpp"
#include "envs/digits.hpp"
#include "envs/environment.hpp"
#include "envs/external/gymnasium_environment.hpp"
#include "envs/locomotion/locomotion.hpp"
#include "envs/mazegrid.hpp"
#include "envs/minatar/asterix.hpp"
#include "envs/minatar/breakout.hpp"
#include "envs/minatar/freeway.hpp"
#include "envs/minatar/seaquest.hpp"
#include "envs/minatar/space_invaders.hpp"
#include "envs/option.hpp"

namespace impsweep {
namespace {

struct Entry {
  TaskInfo info;
  // Null for a data set.
  std::unique_ptr<Environment> (*make)(TaskInfo info, int lanes, const TaskOptions& options);
  // External tasks: throws TaskUnavailable if what they need is not here.
  void (*require)(const TaskInfo& info) = nullptr;
  bool is_registered = false;  // by register_task()
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
      {halfcheetah_info(), make_locomotion, require_locomotion},
      {walker2d_info(), make_locomotion, require_locomotion},
      {hopper_info(), make_locomotion, require_locomotion},
      {ant_info(), make_locomotion, require_locomotion},
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

// Those of register_task(), in whose places others rely on.
struct RegisteredEntries {
  std::shared_mutex mutex;
  std::deque<Entry> list;

  const Entry* find(std::string_view name) {
    const std::shared_lock lock(mutex);
    const auto found = std::ranges::find(list, name, [](const Entry& entry) { return entry.info.name; });
    return found == list.end() ? nullptr : &*found;
  }
};

RegisteredEntries& registered_entries() {
  static RegisteredEntries entries;
  return entries;
}

const Entry* find_entry(std::string_view name) {
  for (const Entry& entry : entries())
    if (entry.info.name == name) return &entry;
  return registered_entries().find(name);
}

// As the options say, or else as it was registered.
std::unique_ptr<Environment> make_registered(TaskInfo info, int lanes, const TaskOptions& options) {
  external::Definition definition = external::definition_from(options);
  if (!definition.is_known()) definition = external::definition_from(info.job_options);
  TaskInfo own = external::task_info(definition);
  return std::make_unique<external::GymnasiumEnvironment>(std::move(own), std::move(definition), lanes);
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// The given values, checked, with the defaults of all other options.
TaskOptions resolved(const TaskInfo& info, const TaskOptions& given) {
  std::vector<Option> options = info.options;
  options.insert(options.end(), info.replay_options.begin(), info.replay_options.end());
  TaskOptions result;
  for (const Option& option : options) result[option.key] = option.fallback;
  for (const auto& [key, given_value] : given) {
    const auto option = std::ranges::find(options, key, &Option::key);
    if (option == options.end()) {
      std::vector<std::string> keys;
      for (const Option& declared : options) keys.push_back(declared.key);
      throw std::invalid_argument("task " + info.name + " has no option '" + key +
                                  "'; it has: " + (keys.empty() ? "none" : join(keys)));
    }
    const std::optional<OptionValue> value = in_type_of(*option, given_value);
    if (!value || !fits(*option, *value))
      throw std::invalid_argument("option '" + key + "' = " + value_text(given_value) + " must be " +
                                  allowed_text(*option));
    result[key] = *value;
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

void require_task(std::string_view task, const TaskOptions& options) {
  const Entry& entry = known_entry(task);
  if (entry.require != nullptr) entry.require(entry.info);
  if (entry.is_registered)
    dynamic_cast<external::GymnasiumEnvironment&>(*make_environment(task, 1, options)).start();
}

void register_task(TaskInfo info) {
  RegisteredEntries& registered = registered_entries();
  const std::unique_lock lock(registered.mutex);
  for (const Entry& known : registered.list) {
    if (known.info.name != info.name) continue;
    if (known.info.observation_size == info.observation_size && known.info.actions == info.actions &&
        known.info.continuous == info.continuous)
      return;
    throw std::invalid_argument("task " + info.name + " is (" + info.description +
                                "), and is also asked for as (" + known.info.description +
                                "); one name cannot stand for both: make two jobs with stores of their own");
  }
  registered.list.push_back({std::move(info), make_registered, nullptr, true});
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
