#include "engine/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "engine/streams.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr std::string_view kTeacherPrefix = "teacher.";

// Passes on the keys that `wanted` accepts, with a prefix.
template <class V, class Wanted>
struct SelectedKeys {
  V& visitor;
  std::string_view prefix;
  Wanted wanted;

  template <class T>
  void operator()(std::string_view key, T& field, Range range, const char* help) {
    if (wanted(key))
      visitor(prefix.empty() ? std::string(key) : std::string(prefix) + std::string(key), field, range, help);
  }
};

// Every declared key of the settings except the task's own, whose types are known only at run time.
template <class V>
void visit_settings(Settings& settings, V& visitor) {
  const bool cloning = settings.algorithm == "bc";
  const auto own = [cloning](std::string_view key) { return !key.starts_with(cloning ? "ppo." : "bc."); };
  SelectedKeys<V, decltype(own)> own_keys{visitor, "", own};
  settings.agent.visit(own_keys);
  settings.imp.visit(visitor);
  if (!cloning) return;
  const auto of_teacher = [](std::string_view key) {
    return !key.starts_with("bc.") && key != "network.hidden";
  };
  SelectedKeys<V, decltype(of_teacher)> teacher_keys{visitor, kTeacherPrefix, of_teacher};
  settings.teacher.visit(teacher_keys);
}

Settings declared_settings(const std::string& task, const std::string& algorithm) {
  Settings settings;
  settings.task = task;
  settings.algorithm = algorithm;
  return settings;
}

// The declarations of an algorithm's keys; they are the same for all tasks.
const std::vector<Option>& declarations(const std::string& algorithm) {
  const auto declare = [](const char* name) {
    Settings settings = declared_settings("", name);
    OptionDeclarations visitor;
    visit_settings(settings, visitor);
    return visitor.options;
  };
  static const std::vector<Option> kPpo = declare("ppo"), kCloning = declare("bc");
  return algorithm == "bc" ? kCloning : kPpo;
}

const std::vector<Option>& task_options_of(const std::string& task) {
  static const std::vector<Option> kNone;
  const TaskInfo* info = find_task(task);
  return info == nullptr ? kNone : info->options;
}

}  // namespace

const std::vector<AlgorithmInfo>& algorithms() {
  static const std::vector<AlgorithmInfo> kAlgorithms = {
      {"bc", true, 1, "behavioural cloning of a trained expert"},
      {"ppo", true, 1, "proximal policy optimisation"},
      {"dqn", false, 1, "double Q-learning with prioritized replay"},
      {"supervised", false, 1, "classification of labelled images"},
  };
  return kAlgorithms;
}

std::string network_name(const std::vector<std::int64_t>& hidden) {
  return fmt::format("{}", fmt::join(hidden, "-"));
}

Settings paper_settings(const std::string& task, const std::string& algorithm) {
  Settings settings = declared_settings(task, algorithm);
  settings.agent = paper_defaults(task, algorithm);
  if (algorithm == "bc") settings.teacher = paper_defaults(task, "ppo");
  if (algorithm == "ppo" && is_locomotion(task)) settings.imp.scope = PruneScope::kActorCritic;
  return settings;
}

int paper_rounds(std::string_view task) {
  const bool small = task == "cartpole" || task == "acrobot" || task.starts_with("mazegrid");
  return small ? 30 : 20;
}

const TaskInfo& known_task(const std::string& name, const std::string& place) {
  if (const TaskInfo* info = find_task(name)) return *info;
  const std::vector<std::string> names = task_names();
  throw InputError("{}: unknown task '{}'{}", place, name, suggestion(name, names));
}

const AlgorithmInfo& available_algorithm(const std::string& name, const std::string& task,
                                         const std::string& place) {
  std::vector<std::string> available, known;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    if (algorithm.name == name && algorithm.available) return algorithm;
    known.push_back(algorithm.name);
    if (algorithm.available) available.push_back(algorithm.name);
  }
  if (std::ranges::count(known, name) > 0)
    throw InputError("{}: algorithm '{}' is not available in this version for task '{}'; available: {}",
                     place, name, task, fmt::join(available, ", "));
  throw InputError("{}: unknown algorithm '{}'{}", place, name, suggestion(name, known));
}

std::vector<OptionState> list_settings(const Settings& settings) {
  std::vector<OptionState> states;
  Settings copy = settings;  // visit() is shared with writers and therefore not const
  OptionValues present;
  visit_settings(copy, present);
  const std::vector<Option>& declared = declarations(settings.algorithm);
  for (std::size_t i = 0; i < declared.size(); ++i) states.push_back({declared[i], present.values[i]});
  for (const Option& option : task_options_of(settings.task)) {
    const auto set = settings.task_options.find(option.key);
    states.push_back({option, set == settings.task_options.end() ? option.fallback : set->second});
  }
  return states;
}

std::vector<std::string> known_keys() {
  std::vector<std::string> keys;
  for (const char* algorithm : {"ppo", "bc"})
    for (const Option& option : declarations(algorithm)) keys.push_back(option.key);
  for (const std::string& task : task_names())
    for (const Option& option : task_options_of(task)) keys.push_back(option.key);
  std::ranges::stable_sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  return keys;
}

namespace {

// What a job file's key means to an algorithm: ppo.* is the expert's where the student has none.
std::string own_key(const std::string& algorithm, const std::string& key) {
  return algorithm == "bc" && key.starts_with("ppo.") ? std::string(kTeacherPrefix) + key : key;
}

const Option* find_option(const std::vector<Option>& options, const std::string& key) {
  const auto found = std::ranges::find(options, key, &Option::key);
  return found == options.end() ? nullptr : &*found;
}

}  // namespace

bool has_option(const std::string& task, const std::string& algorithm, const std::string& key) {
  return find_option(task_options_of(task), key) != nullptr ||
         find_option(declarations(algorithm), own_key(algorithm, key)) != nullptr;
}

bool set_option(Settings& settings, const std::string& given_key, const JobValue& given,
                const std::string& place) {
  const std::string key = own_key(settings.algorithm, given_key);
  if (const Option* option = find_option(task_options_of(settings.task), key)) {
    settings.task_options[key] = checked_value(*option, given, place);
    return true;
  }
  const Option* option = find_option(declarations(settings.algorithm), key);
  if (option == nullptr) return false;
  const OptionValue value = checked_value(*option, given, place);
  OptionAssignment assignment(key, value);
  visit_settings(settings, assignment);
  return true;
}

namespace {

void check_agent(const AgentConfig& agent, std::int64_t minibatches, const std::string& prefix,
                 const std::string& minibatches_key, const std::string& place) {
  const std::int64_t batch = agent.sampler.batch_B * agent.sampler.batch_T;
  if (minibatches > batch)
    throw InputError(
        "{}: '{}' = {} is more than the {} samples of a batch ({}rl.batch_B x {}rl.batch_T = {} x {}); lower "
        "it or enlarge the batch",
        place, minibatches_key, minibatches, batch, prefix, prefix, agent.sampler.batch_B,
        agent.sampler.batch_T);
  if (agent.evaluation.interval > agent.sampler.steps)
    throw InputError(
        "{}: '{}eval.interval' = {} is beyond '{}rl.steps' = {}, so nothing would be evaluated; lower the "
        "interval",
        place, prefix, agent.evaluation.interval, prefix, agent.sampler.steps);
}

void check_hidden(const std::vector<std::int64_t>& hidden, const std::string& key, const std::string& place) {
  constexpr std::int64_t kMostUnits = 1 << 20;
  if (hidden.empty())
    throw InputError("{}: '{}' is empty; give at least one hidden layer, e.g. [128, 128]", place, key);
  for (const std::int64_t units : hidden)
    if (units > kMostUnits)
      throw InputError("{}: '{}' asks for {} units in a layer; at most {} are possible", place, key, units,
                       kMostUnits);
}

}  // namespace

void check_settings(const Settings& settings, const std::string& place) {
  const AgentConfig& agent = settings.agent;
  check_hidden(agent.network.hidden, "network.hidden", place);
  if (settings.algorithm == "bc") {
    check_hidden(agent.cloning.teacher_hidden, "bc.teacher_hidden", place);
    check_agent(agent, agent.cloning.minibatches, "", "bc.minibatches", place);
    check_agent(settings.teacher, settings.teacher.ppo.minibatches, "teacher.", "ppo.minibatches", place);
  } else {
    check_agent(agent, agent.ppo.minibatches, "", "ppo.minibatches", place);
  }
  if (settings.imp.rewind_step >= agent.sampler.steps)
    throw InputError(
        "{}: 'imp.rewind_step' = {} is not reached within 'rl.steps' = {}; rewind to an earlier step", place,
        settings.imp.rewind_step, agent.sampler.steps);
  if (settings.task_options.empty()) return;
  try {
    make_environment(settings.task, 1, settings.task_options);
  } catch (const std::invalid_argument& error) {
    throw InputError("{}: {}", place, error.what());
  }
}

Settings teacher_settings(const Settings& student) {
  Settings teacher = declared_settings(student.task, "ppo");
  teacher.master_seed = student.master_seed;
  teacher.agent = student.teacher;
  teacher.agent.network.hidden = student.agent.cloning.teacher_hidden;
  teacher.task_options = student.task_options;
  return teacher;
}

ModelSpec model_of(const Settings& settings) {
  const TaskInfo* declared = find_task(settings.task);
  if (declared == nullptr)
    throw InputError("unknown task '{}'{}", settings.task, suggestion(settings.task, task_names()));
  TaskInfo info = *declared;
  if (!settings.task_options.empty())  // they may change sizes
    info = make_environment(settings.task, 1, settings.task_options)->info();
  return model_spec(info.observation_size, info.actions, info.continuous, settings.algorithm, settings.agent);
}

TaskOptions seeded_task_options(const Settings& settings, std::int64_t seed) {
  TaskOptions options = settings.task_options;
  const TaskInfo* info = find_task(settings.task);
  if (info == nullptr || info->seed_option.empty()) return options;
  const auto [number, is_unset] = options.try_emplace(info->seed_option, std::int64_t{0});
  if (!is_unset && number->second != OptionValue(std::int64_t{0})) return options;
  StreamNames names;
  names.master_seed = settings.master_seed;
  names.task = settings.task;
  names.seed = seed;
  number->second = 1 + Stream(names.of_task(info->seed_option)).below((std::int64_t{1} << 53) - 1);
  return options;
}

}  // namespace impsweep
