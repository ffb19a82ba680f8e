#include "engine/job/external_task.hpp"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/job/option_table.hpp"
#include "envs/external/definition.hpp"
#include "envs/external/gymnasium_worker.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "gymnasium.";
constexpr std::string_view kKwargs = "gymnasium.kwargs";
constexpr std::string_view kWrappers = "gymnasium.wrappers";

json to_json(const JobValue& value) {
  if (const bool* flag = value.get<bool>()) return *flag;
  if (const std::int64_t* integer = value.get<std::int64_t>())
    return value.written_as_real ? json(static_cast<double>(*integer)) : json(*integer);
  if (const double* real = value.get<double>()) return *real;
  if (const std::string* text = value.get<std::string>()) return *text;
  json list = json::array();
  for (const JobValue& element : *value.get<JobValue::List>()) list.push_back(to_json(element));
  return list;
}

// JSON that stands in a text, as in frozen jobs.
json parsed(const JobEntry& entry, const std::string& text) {
  json value = json::parse(text, nullptr, false);
  if (value.is_discarded())
    throw InputError("{}: '{}' = {} is not JSON; give a table or a list", entry.place, entry.key,
                     to_toml(entry.value));
  return value;
}

json wrappers_of(const JobEntry& entry) {
  const std::string* text = entry.value.get<std::string>();
  const json list = text == nullptr || !text->starts_with('[') ? to_json(entry.value) : parsed(entry, *text);
  if (!list.is_array() || !std::ranges::all_of(list, [](const json& name) { return name.is_string(); }))
    throw InputError("{}: '{}' = {} must be a list of names, e.g. [\"TimeAwareObservation\"]", entry.place,
                     entry.key, to_toml(entry.value));
  return list;
}

// gymnasium.kwargs.a.b = 1 is {"a": {"b": 1}}.
void put_argument(json& kwargs, std::string_view path, const JobEntry& entry) {
  const std::size_t dot = path.find('.');
  json& place = kwargs[std::string(path.substr(0, dot))];
  if (dot == path.npos)
    place = to_json(entry.value);
  else
    put_argument(place.is_object() ? place : place = json::object(), path.substr(dot + 1), entry);
}

const Option* declaration(const std::string& key) {
  static const std::vector<Option> kOptions = external::declared_options();
  const auto found = std::ranges::find(kOptions, key, &Option::key);
  return found == kOptions.end() ? nullptr : &*found;
}

// One value of a key: of an axis the first.
JobEntry first_value(JobEntry entry) {
  if (!entry.is_axis) return entry;
  entry.value = JobValue(entry.value.get<JobValue::List>()->front());
  entry.is_axis = false;
  return entry;
}

// Where a file that a job names lies: from the working directory, or from that of the job.
std::string whole_path(const std::string& file, const std::string& place) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (const fs::path near = fs::path(place).parent_path() / file;
      !fs::exists(file, error) && fs::exists(near, error))
    return fs::absolute(near, error).lexically_normal().string();
  return fs::exists(file, error) ? fs::absolute(file, error).lexically_normal().string() : file;
}

// What was asked before, or stands in a frozen job, by what was asked.
std::map<std::string, external::Definition>& known_definitions() {
  static std::map<std::string, external::Definition> known;
  return known;
}

std::string question(const external::Definition& definition) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", definition.name, definition.file, definition.kwargs,
                     definition.wrappers, definition.max_steps, definition.actions);
}

void make_known(const external::Definition& definition, const std::string& place) {
  try {
    register_task(external::task_info(definition));
  } catch (const std::invalid_argument& error) {
    throw InputError("{}: {}", place, error.what());
  }
}

// The options among the entries, each checked.
TaskOptions given_options(const std::vector<JobEntry>& entries) {
  TaskOptions options;
  json kwargs = json::object();
  for (const JobEntry& given : entries) {
    if (!given.key.starts_with(kPrefix)) continue;
    const JobEntry entry = first_value(given);
    if (entry.key.starts_with(external::kArguments)) {
      put_argument(kwargs, std::string_view(entry.key).substr(external::kArguments.size()), entry);
    } else if (entry.key == kKwargs) {
      const std::string* text = entry.value.get<std::string>();
      const json table = text == nullptr ? json() : parsed(entry, *text);
      if (!table.is_object())
        throw InputError("{}: '{}' = {} must be a table, e.g. gymnasium.kwargs = {{gravity = -5.0}}",
                         entry.place, entry.key, to_toml(entry.value));
      kwargs.update(table);
    } else if (entry.key == kWrappers) {
      options[entry.key] = wrappers_of(entry).dump();
    } else if (const Option* option = declaration(entry.key)) {
      options[entry.key] = checked_value(*option, entry.value, entry.place);
    }
  }
  options[std::string(kKwargs)] = kwargs.dump();
  return options;
}

}  // namespace

void trust_named_code() {
  external::trust_code(true);
}

void stop_waiting_when(bool (*stop_is_requested)()) {
  external::set_stop_question(stop_is_requested);
}

bool is_external_task(const std::string& name) {
  return external::is_external_name(name);
}

bool is_external_key(std::string_view key) {
  return key.starts_with(kPrefix);
}

bool is_determined_key(std::string_view key) {
  return is_external_key(key) && key != kKwargs && key != kWrappers && key != "gymnasium.max_steps" &&
         key != "gymnasium.actions" && key != "gymnasium.time_limit";
}

std::pair<std::string, TaskOptions> external_task(const std::string& name,
                                                  const std::vector<JobEntry>& entries,
                                                  const std::string& place, bool is_frozen) {
  external::Definition wanted = external::definition_from(given_options(entries));
  try {
    const external::Definition named = external::definition_of_name(name);
    // A frozen job says more exactly what it asked for.
    if (wanted.name.empty()) wanted.name = named.name;
    if (wanted.file.empty() && named.is_python()) wanted.file = whole_path(named.file, place);
  } catch (const std::invalid_argument& error) {
    throw InputError("{}: {}", place, error.what());
  }
  const std::string asked = question(wanted);
  if (wanted.is_known()) {
    known_definitions().try_emplace(asked, wanted);
  } else if (const auto known = known_definitions().find(asked); known != known_definitions().end()) {
    const double time_limit = wanted.time_limit;
    wanted = known->second;
    wanted.time_limit = time_limit;
  } else if (is_frozen) {
    throw InputError("{}: task '{}' lacks the key gymnasium.spaces, which tells what it is", place, name);
  } else {
    wanted = external::determine(wanted);
    known_definitions()[asked] = wanted;
    known_definitions()[question(wanted)] = wanted;  // with the version that it has
  }
  make_known(wanted, place);
  return {external::task_name(wanted), external::options_of(wanted)};
}

std::string known_name(const std::string& name, const std::string& place) {
  return is_external_task(name) ? external_task(name, {}, place, false).first : name;
}

void register_task_of_recipe(const std::vector<std::pair<std::string, std::string>>& keys,
                             const std::string& origin) {
  TaskOptions options;
  for (const auto& [key, value] : keys)
    if (const Option* option = declaration(key))
      options[key] = checked_value(*option, parse_assignment(key + "=" + value).value, origin);
  const external::Definition definition = external::definition_from(options);
  if (definition.is_known()) make_known(definition, origin);
}

std::string name_in_job(const Settings& settings) {
  const external::Definition definition = external::definition_from(settings.task_options);
  if (definition.name.empty()) return settings.task;
  if (!definition.is_python()) return definition.name;
  return fmt::format("{}{}:{}", external::kPython, definition.file,
                     definition.name.substr(external::kPython.size()));
}

bool is_reproducible(const Settings& settings) {
  return external::definition_from(settings.task_options).repeats != external::Repeats::kNever;
}

}  // namespace impsweep
