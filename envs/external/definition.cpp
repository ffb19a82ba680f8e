#include "envs/external/definition.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "envs/common_options.hpp"

namespace impsweep::external {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kRepeats = {"always", "with new objects", "untested", "never"};

// Keys, and the fields of a definition that they stand for.
constexpr const char* kName = "gymnasium.name";
constexpr const char* kFile = "gymnasium.file";
constexpr const char* kKwargs = "gymnasium.kwargs";
constexpr const char* kWrappers = "gymnasium.wrappers";
constexpr const char* kMaxSteps = "gymnasium.max_steps";
constexpr const char* kActions = "gymnasium.actions";
constexpr const char* kTimeLimit = "gymnasium.time_limit";
constexpr const char* kSpaces = "gymnasium.spaces";
constexpr const char* kInputs = "gymnasium.inputs";
constexpr const char* kPackages = "gymnasium.packages";
constexpr const char* kFiles = "gymnasium.files";
constexpr const char* kRepeatsKey = "gymnasium.repeats";
constexpr const char* kStepSeconds = "gymnasium.step_seconds";

constexpr std::size_t kLongestName = 128;
constexpr int kMostNumbers = 65'535;  // inputs or actions; places in a layer are kept in 16 bits

Option text_option(const char* key, const char* fallback, const char* help) {
  Option option;
  option.key = key;
  option.fallback = std::string(fallback);
  option.help = help;
  return option;
}

Option real_option(const char* key, double fallback, double minimum, double maximum, const char* help) {
  Option option = text_option(key, "", help);
  option.fallback = fallback;
  option.minimum = minimum;
  option.maximum = maximum;
  return option;
}

bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

[[noreturn]] void refuse(const std::string& text, const std::string& reason) {
  throw std::invalid_argument("gymnasium.spaces = " + text.substr(0, 200) + " is not what Python found: " +
                              reason + "; remove the key, and it is determined again");
}

std::vector<double> bounds(const json& list, double infinite) {
  std::vector<double> values;
  for (const json& value : list) values.push_back(value.is_null() ? infinite : value.get<double>());
  return values;
}

}  // namespace

bool Definition::runs_other_code() const {
  return is_python() || name.find(':', kGymnasium.size()) != std::string::npos ||
         wrappers.find(':') != std::string::npos;
}

std::size_t Spaces::row_bytes() const {
  return static_cast<std::size_t>(bytes) * static_cast<std::size_t>(row == Row::kIndex ? 1 : inputs);
}

Spaces read_spaces(const std::string& text) try {
  const json found = json::parse(text);
  Spaces spaces;
  spaces.observation = found.at("observation").get<std::string>();
  spaces.action = found.at("action").get<std::string>();
  spaces.inputs = found.at("inputs").get<int>();
  spaces.actions = found.at("actions").get<int>();
  spaces.continuous = found.at("continuous").get<bool>();
  spaces.max_steps = found.at("max_steps").get<int>();
  spaces.first = found.value("first", std::int64_t{0});
  spaces.first_action = found.value("first_action", std::int64_t{0});
  const auto row = found.at("row").get<std::string>();
  spaces.row = row == "box" ? Spaces::Row::kBox : row == "index" ? Spaces::Row::kIndex : Spaces::Row::kFlat;
  const auto type = found.at("type").get<std::string>();  // numpy's, as "<f8"
  if (type.size() != 3 || std::string("fiub").find(type[1]) == std::string::npos || type[0] == '>')
    refuse(text, "its type");
  spaces.kind = type[1];
  spaces.bytes = type[2] - '0';
  if (std::string("1248").find(type[2]) == std::string::npos) refuse(text, "its type");
  if (spaces.inputs < 1 || spaces.inputs > kMostNumbers || spaces.actions < 1 ||
      spaces.actions > kMostNumbers || spaces.max_steps < 0)
    refuse(text, "its sizes");
  if (!spaces.continuous) return spaces;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  spaces.low = bounds(found.at("low"), -kInfinity);
  spaces.high = bounds(found.at("high"), kInfinity);
  const auto count = static_cast<std::size_t>(spaces.actions);
  if (spaces.low.size() != count || spaces.high.size() != count) refuse(text, "its bounds");
  return spaces;
} catch (const json::exception& error) {
  refuse(text, error.what());
}

std::string task_name(const Definition& definition) {
  std::string name = definition.name;
  const std::size_t colon = name.find(':');
  for (std::size_t i = 0; i < name.size(); ++i)
    if (i == colon || (!std::isalnum(static_cast<unsigned char>(name[i])) && name[i] != '_')) name[i] = '-';
  return name;
}

bool is_external_name(std::string_view name) {
  return name.starts_with(kGymnasium) || name.starts_with(kPython);
}

Definition definition_of_name(const std::string& name) {
  Definition definition;
  const auto refuse_name = [&](const char* reason) {
    throw std::invalid_argument("task '" + name.substr(0, 200) + "' " + reason);
  };
  if (name.starts_with(kGymnasium)) {
    definition.name = name;
    if (name.size() == kGymnasium.size() || name.size() > kLongestName ||
        !std::ranges::all_of(name, [](unsigned char c) {
          return std::isalnum(c) ||
                 std::string_view("_-:./").find(static_cast<char>(c)) != std::string_view::npos;
        }))
      refuse_name("is no name of an environment; give gymnasium:<id>, e.g. gymnasium:LunarLander-v3");
    return definition;
  }
  const std::size_t colon = name.rfind(':');
  if (colon < kPython.size() || colon == kPython.size())
    refuse_name("names no class; give python:<file>:<class>, e.g. python:my_env.py:MyEnv");
  definition.file = name.substr(kPython.size(), colon - kPython.size());
  const std::string made = name.substr(colon + 1);
  if (!is_word(made) || made.size() > kLongestName)
    refuse_name(
        "does not end with the name of a class; give python:<file>:<class>, e.g. python:my_env.py:MyEnv");
  definition.name = std::string(kPython) + made;
  return definition;
}

std::vector<Option> declared_options() {
  std::vector<Option> options = {
      text_option(kName, "", "the environment; tasks says it"),
      text_option(kFile, "", "Python file of its class; tasks says it"),
      text_option(kKwargs, "{}",
                  "arguments of its construction: a table, e.g. gymnasium.kwargs.gravity = -5.0"),
      text_option(kWrappers, "[]",
                  "wrappers of gymnasium.wrappers around it, from the inside out: a list of names, or of "
                  "Name(option=value), or of module:Name"),
      max_steps_option("gymnasium", "that of the registry of Gymnasium, none for a Python file"),
      text_option(kActions, "clip",
                  "how continuous actions come within bounds: cut off there, or -1 to 1 stretched to them"),
      real_option(kTimeLimit, Definition{}.time_limit, 0.1, 86'400,
                  "seconds that a step or a reset may take"),
      text_option(kSpaces, "", "its spaces; determined by the first run"),
      text_option(kInputs, "", "names of its inputs; determined by the first run"),
      text_option(kPackages, "", "versions of Gymnasium and the simulator; determined by the first run"),
      text_option(kFiles, "", "digests of its files; determined by the first run"),
      text_option(kRepeatsKey, "always", "whether episodes repeat; determined by the first run"),
      real_option(kStepSeconds, 0, 0, 1e6, "what a step takes, for forecasts; determined by the first run"),
  };
  for (Option& option : options) {
    if (option.key == kActions) option.choices = {"clip", "scale"};
    if (option.key == kRepeatsKey) option.choices.assign(kRepeats.begin(), kRepeats.end());
  }
  return options;
}

bool is_without_bearing(std::string_view key) {
  return key == kFile || key == kTimeLimit || key == kStepSeconds || key == kInputs;
}

TaskOptions options_of(const Definition& definition) {
  return {{kName, definition.name},
          {kFile, definition.file},
          {kKwargs, definition.kwargs},
          {kWrappers, definition.wrappers},
          {kMaxSteps, definition.max_steps},
          {kActions, definition.actions},
          {kTimeLimit, definition.time_limit},
          {kSpaces, definition.spaces},
          {kInputs, definition.inputs},
          {kPackages, definition.packages},
          {kFiles, definition.files},
          {kRepeatsKey, std::string(repeats_text(definition.repeats))},
          {kStepSeconds, definition.step_seconds}};
}

Definition definition_from(const TaskOptions& options) {
  Definition definition;
  const auto take = [&]<class T>(const char* key, T& field) {
    if (const auto found = options.find(key); found != options.end()) field = std::get<T>(found->second);
  };
  take(kName, definition.name);
  take(kFile, definition.file);
  take(kKwargs, definition.kwargs);
  take(kWrappers, definition.wrappers);
  take(kMaxSteps, definition.max_steps);
  take(kActions, definition.actions);
  take(kTimeLimit, definition.time_limit);
  take(kSpaces, definition.spaces);
  take(kInputs, definition.inputs);
  take(kPackages, definition.packages);
  take(kFiles, definition.files);
  take(kStepSeconds, definition.step_seconds);
  std::string repeats(kRepeats.front());
  take(kRepeatsKey, repeats);
  definition.repeats = static_cast<Repeats>(std::ranges::find(kRepeats, repeats) - kRepeats.begin());
  return definition;
}

TaskInfo task_info(const Definition& definition) {
  const Spaces spaces = read_spaces(definition.spaces);
  TaskInfo info;
  info.name = task_name(definition);
  info.family = kFamily;
  info.description = (definition.is_python() ? "a class in Python: " : "Gymnasium: ") + spaces.observation +
                     ", " + spaces.action;
  info.observation_size = spaces.inputs;
  info.actions = spaces.actions;
  info.continuous = spaces.continuous;
  info.max_steps = spaces.max_steps;
  if (!definition.inputs.empty()) {
    const json names = json::parse(definition.inputs, nullptr, false);
    if (names.is_array() && names.size() == static_cast<std::size_t>(spaces.inputs))
      for (const json& name : names)
        info.observation_names.push_back(name.is_string() ? name.get<std::string>() : "");
  }
  info.options = declared_options();
  info.job_options = options_of(definition);
  info.is_external = true;
  info.is_reproducible = definition.repeats != Repeats::kNever;
  constexpr double kUsual = 40e-6;
  info.seconds_per_step = definition.step_seconds > 0 ? definition.step_seconds : kUsual;
  return info;
}

std::string packages_text(const Definition& definition) {
  std::string text;
  const json packages = json::parse(definition.packages, nullptr, false);
  if (packages.is_object())
    for (const auto& [name, version] : packages.items())
      text +=
          (text.empty() ? "" : ", ") + name + " " + (version.is_string() ? version.get<std::string>() : "");
  return text;
}

std::string_view repeats_text(Repeats repeats) {
  return kRepeats[static_cast<std::size_t>(repeats)];
}

}  // namespace impsweep::external
