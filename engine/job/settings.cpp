#include "engine/job/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <stdexcept>

#include "agents/network/model.hpp"
#include "engine/imp/pruning.hpp"
#include "engine/imp/streams.hpp"
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

// What is learned, and from what: this decides which keys there are.
enum class Kind { kPpo, kDqn, kPolicyCloning, kValueCloning, kSupervised };

Kind kind_of(const std::string& task, const std::string& algorithm) {
  if (algorithm == "dqn") return Kind::kDqn;
  if (algorithm == "supervised") return Kind::kSupervised;
  if (algorithm != "bc") return Kind::kPpo;
  return distils_values(task) ? Kind::kValueCloning : Kind::kPolicyCloning;
}

bool is_one_of(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::ranges::count(keys, key) > 0;
}

// Whether a key of AgentConfig means anything to this kind of training.
bool has_key(Kind kind, std::string_view key) {
  const bool cloning = kind == Kind::kPolicyCloning || kind == Kind::kValueCloning;
  if (key.starts_with("supervised.")) return kind == Kind::kSupervised;
  // Nothing acts, and the test set is always tested as a whole.
  if (kind == Kind::kSupervised && (key.starts_with("rl.") || key.starts_with("eval.")))
    return is_one_of(key, {"rl.steps", "eval.interval"});
  if (key.starts_with("ppo.")) return kind == Kind::kPpo;
  if (key.starts_with("dqn.")) return kind == Kind::kDqn;
  if (key.starts_with("bc.") && !cloning) return false;
  if (is_one_of(key, {"bc.epochs", "bc.minibatches", "bc.critic"})) return kind != Kind::kValueCloning;
  if (is_one_of(key, {"bc.batch_size", "bc.replay_size", "bc.replay_ratio", "bc.delta_clip",
                      "bc.epsilon_expert", "bc.epsilon_eval"}))
    return kind == Kind::kValueCloning;
  // Values have no use for it, and DQN has an epsilon of its own.
  if (key == "rl.timeout_bootstrap") return kind == Kind::kPpo || kind == Kind::kPolicyCloning;
  if (key == "network.shared_trunk") return kind == Kind::kPpo || kind == Kind::kPolicyCloning;
  if (key.starts_with("reg.dropout")) return kind == Kind::kDqn;
  if (key == "adam.epsilon") return kind != Kind::kDqn;
  return true;
}

// Every declared key of the settings except the task's own, whose types are known only at run time.
template <class V>
void visit_settings(Settings& settings, V& visitor) {
  const Kind kind = kind_of(settings.task, settings.algorithm);
  const auto own = [kind](std::string_view key) { return has_key(kind, key); };
  SelectedKeys<V, decltype(own)> own_keys{visitor, "", own};
  settings.agent.visit(own_keys);
  settings.imp.visit(visitor);
  if (kind == Kind::kPpo || kind == Kind::kDqn) settings.inputs.visit(visitor);
  if (settings.algorithm != "bc") return;
  const Kind teacher = kind_of(settings.task, teacher_algorithm(settings.task));
  const auto of_teacher = [teacher](std::string_view key) {
    return has_key(teacher, key) && key != "network.hidden";
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

// The declarations of the keys of a kind; they are the same for all its tasks.
const std::vector<Option>& declarations(const std::string& task, const std::string& algorithm) {
  static const auto kDeclarations = [] {
    std::map<Kind, std::vector<Option>> made;
    for (const char* name : {"cartpole", "mazegrid"}) {  // one task with policies to clone, one with values
      for (const AlgorithmInfo& learner : algorithms()) {
        Settings settings = declared_settings(name, learner.name);
        OptionDeclarations visitor;
        visit_settings(settings, visitor);
        made[kind_of(name, learner.name)] = std::move(visitor.options);
      }
    }
    return made;
  }();
  return kDeclarations.at(kind_of(task, algorithm));
}

const std::vector<Option>& task_options_of(const std::string& task) {
  static const std::vector<Option> kNone;
  const TaskInfo* info = find_task(task);
  return info == nullptr ? kNone : info->options;
}

}  // namespace

const std::vector<AlgorithmInfo>& algorithms() {
  static const std::vector<AlgorithmInfo> kAlgorithms = {
      {"bc", 1, "behavioural cloning of a trained teacher"},
      {"ppo", 1, "proximal policy optimisation"},
      {"dqn", 1, "double Q-learning with prioritized replay"},
      {"supervised", 1, "classification of labelled images", true},
  };
  return kAlgorithms;
}

std::vector<AlgorithmInfo> algorithms_for(const TaskInfo& task) {
  std::vector<AlgorithmInfo> fitting;
  std::ranges::copy_if(algorithms(), std::back_inserter(fitting), [&](const AlgorithmInfo& algorithm) {
    return algorithm.on_data_sets == task.is_data_set;
  });
  return fitting;
}

std::string network_name(const NetworkConfig& network) {
  std::string convolutions;
  if (network.architecture == Architecture::kCnn)
    convolutions = fmt::format("cnn{}x{}-", network.filters, network.kernel);
  if (network.architecture == Architecture::kAtari) convolutions = "cnn16x8-32x4-";
  return fmt::format("{}{}", convolutions, fmt::join(network.hidden, "-"));
}

Settings paper_settings(const std::string& task, const std::string& algorithm) {
  Settings settings = declared_settings(task, algorithm);
  settings.agent = paper_defaults(task, algorithm);
  if (algorithm == "bc") settings.teacher = paper_defaults(task, teacher_algorithm(task));
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
  const TaskInfo& info = known_task(task, place);
  std::vector<std::string> fitting, known;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    const bool fits = algorithm.on_data_sets == info.is_data_set;
    if (algorithm.name == name && fits) return algorithm;
    known.push_back(algorithm.name);
    if (fits) fitting.push_back(algorithm.name);
  }
  if (std::ranges::count(known, name) > 0)
    throw InputError("{}: algorithm '{}' cannot learn task '{}', which is {}; give {}", place, name, task,
                     info.is_data_set ? "a data set" : "an environment", fmt::join(fitting, ", "));
  throw InputError("{}: unknown algorithm '{}'{}", place, name, suggestion(name, known));
}

std::vector<OptionState> list_settings(const Settings& settings) {
  std::vector<OptionState> states;
  Settings copy = settings;  // visit() is shared with writers and therefore not const
  OptionValues present;
  visit_settings(copy, present);
  const std::vector<Option>& declared = declarations(settings.task, settings.algorithm);
  for (std::size_t i = 0; i < declared.size(); ++i) states.push_back({declared[i], present.values[i]});
  for (const Option& option : task_options_of(settings.task)) {
    const auto set = settings.task_options.find(option.key);
    states.push_back({option, set == settings.task_options.end() ? option.fallback : set->second});
  }
  return states;
}

std::vector<std::string> known_keys() {
  std::vector<std::string> keys;
  for (const std::string& task : task_names()) {
    for (const AlgorithmInfo& algorithm : algorithms_for(*find_task(task)))
      for (const Option& option : declarations(task, algorithm.name)) keys.push_back(option.key);
    for (const Option& option : task_options_of(task)) keys.push_back(option.key);
  }
  std::ranges::stable_sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

namespace {

// What a job file's key means to an algorithm: ppo.* and dqn.* are the teacher's where the student has none.
std::string own_key(const std::string& algorithm, const std::string& key) {
  const bool of_teacher_only = algorithm == "bc" && (key.starts_with("ppo.") || key.starts_with("dqn."));
  return of_teacher_only ? std::string(kTeacherPrefix) + key : key;
}

const Option* find_option(const std::vector<Option>& options, const std::string& key) {
  const auto found = std::ranges::find(options, key, &Option::key);
  return found == options.end() ? nullptr : &*found;
}

}  // namespace

bool has_option(const std::string& task, const std::string& algorithm, const std::string& key) {
  return find_option(task_options_of(task), key) != nullptr ||
         find_option(declarations(task, algorithm), own_key(algorithm, key)) != nullptr;
}

bool set_option(Settings& settings, const std::string& given_key, const JobValue& given_value,
                const std::string& place) {
  const std::string key = own_key(settings.algorithm, given_key);
  const JobValue given = key == "inputs.select"
                             ? numbered_inputs(known_task(settings.task, place), given_value, place)
                             : given_value;
  if (const Option* option = find_option(task_options_of(settings.task), key)) {
    settings.task_options[key] = checked_value(*option, given, place);
    return true;
  }
  const Option* option = find_option(declarations(settings.task, settings.algorithm), key);
  if (option == nullptr) return false;
  const OptionValue value = checked_value(*option, given, place);
  OptionAssignment assignment(key, value);
  visit_settings(settings, assignment);
  return true;
}

namespace {

void check_minibatches(const AgentConfig& agent, std::int64_t minibatches, const std::string& prefix,
                       const std::string& minibatches_key, const std::string& place) {
  const std::int64_t batch = agent.sampler.batch_B * agent.sampler.batch_T;
  if (minibatches > batch)
    throw InputError(
        "{}: '{}' = {} is more than the {} samples of a batch ({}rl.batch_B x {}rl.batch_T = {} x {}); lower "
        "it or enlarge the batch",
        place, minibatches_key, minibatches, batch, prefix, prefix, agent.sampler.batch_B,
        agent.sampler.batch_T);
}

// The ring must hold an iteration and the n-step future of its last step.
void check_memory(const AgentConfig& agent, std::int64_t size, std::int64_t n_step, const std::string& key,
                  const std::string& place) {
  constexpr std::int64_t kMostTransitions = 1'000'000'000;
  const std::int64_t least = agent.sampler.batch_B * (agent.sampler.batch_T + n_step + 2);
  if (size < least || size > kMostTransitions)
    throw InputError("{}: '{}' = {} is outside {}..{}: it must hold an iteration of all environments", place,
                     key, size, least, kMostTransitions);
}

// `kind` of the agent with these settings, and the prefix of its keys.
void check_agent(const AgentConfig& agent, Kind kind, const std::string& prefix, const std::string& place) {
  if (kind == Kind::kPpo) check_minibatches(agent, agent.ppo.minibatches, prefix, "ppo.minibatches", place);
  if (kind == Kind::kPolicyCloning)
    check_minibatches(agent, agent.cloning.minibatches, prefix, "bc.minibatches", place);
  if (kind == Kind::kDqn) {
    check_memory(agent, agent.dqn.replay_size, agent.dqn.n_step, prefix + "dqn.replay_size", place);
    if (agent.dqn.min_steps_learn >= agent.sampler.steps)
      throw InputError(
          "{}: '{}dqn.min_steps_learn' = {} is not reached within '{}rl.steps' = {}, so nothing would be "
          "learned; lower it",
          place, prefix, agent.dqn.min_steps_learn, prefix, agent.sampler.steps);
  }
  if (kind == Kind::kValueCloning) check_memory(agent, agent.cloning.replay_size, 1, "bc.replay_size", place);
  if (agent.evaluation.interval > agent.sampler.steps)
    throw InputError(
        "{}: '{}eval.interval' = {} is beyond '{}rl.steps' = {}, so nothing would be evaluated; lower the "
        "interval",
        place, prefix, agent.evaluation.interval, prefix, agent.sampler.steps);
}

void check_architecture(const std::string& task, const NetworkConfig& network, const std::string& prefix,
                        const std::string& place) {
  const TaskInfo& info = known_task(task, place);
  if (std::min(info.rows, info.columns) < smallest_board(network))
    throw InputError(
        "{}: '{}network.architecture' = \"{}\" needs a board of at least {} rows and columns, and task '{}' "
        "shows {} x {}",
        place, prefix, enum_names(network.architecture)[static_cast<std::size_t>(network.architecture)],
        smallest_board(network), task, info.rows, info.columns);
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
  check_agent(agent, kind_of(settings.task, settings.algorithm), "", place);
  if (settings.algorithm == "bc") {
    check_hidden(agent.cloning.teacher_hidden, "bc.teacher_hidden", place);
    check_agent(settings.teacher, kind_of(settings.task, teacher_algorithm(settings.task)), "teacher.",
                place);
  }
  check_architecture(settings.task, agent.network, "", place);
  if (settings.algorithm == "bc")
    check_architecture(settings.task, settings.teacher.network, "teacher.", place);
  if (settings.algorithm == "dqn" && find_task(settings.task)->continuous)
    throw InputError("{}: DQN needs a finite number of actions, and those of task '{}' are continuous", place,
                     settings.task);
  if (settings.imp.rewind_step >= agent.sampler.steps)
    throw InputError(
        "{}: 'imp.rewind_step' = {} is not reached within 'rl.steps' = {}; rewind to an earlier step", place,
        settings.imp.rewind_step, agent.sampler.steps);
  try {
    const TaskInfo info = task_with(settings.task, settings.task_options);
    check_inputs(settings.inputs, info.observation_size, info.observation_names, place);
  } catch (const std::invalid_argument& error) {
    throw InputError("{}: {}", place, error.what());
  }
  if (!settings.inputs.restricts()) return;
  if (agent.network.architecture != Architecture::kMlp)
    throw InputError(
        "{}: inputs.* needs 'network.architecture' = \"mlp\", as a convolution reads whole boards", place);
  if (settings.imp.prune_rule == PruneRule::kQuantile)
    throw InputError(
        "{}: 'imp.prune_rule' = \"quantile\" counts the weights that inputs.* takes away; use \"exact\"",
        place);
}

std::string teacher_algorithm(const std::string& task) {
  return distils_values(task) ? "dqn" : "ppo";
}

Settings teacher_settings(const Settings& student) {
  Settings teacher = declared_settings(student.task, teacher_algorithm(student.task));
  teacher.master_seed = student.master_seed;
  teacher.agent = student.teacher;
  teacher.agent.network.hidden = student.agent.cloning.teacher_hidden;
  teacher.task_options = student.task_options;
  return teacher;
}

ModelSpec model_of(const Settings& settings) {
  if (find_task(settings.task) == nullptr)
    throw InputError("unknown task '{}'{}", settings.task, suggestion(settings.task, task_names()));
  const TaskInfo info = task_with(settings.task, settings.task_options);
  return model_spec(info, settings.algorithm, settings.agent, distils_values(settings.task));
}

RestrictedModel restricted_model_of(const Settings& settings) {
  return with_selected_inputs(model_of(settings), settings.inputs);
}

std::int64_t prunable_entries(const Settings& settings) {
  const RestrictedModel restricted = restricted_model_of(settings);
  const std::vector<Tensor> tensors = tensors_of(restricted.model);
  std::int64_t entries = 0;
  for (const std::int64_t available : kept_per_tensor(
           tensors, prunable_tensors(tensors, restricted.model, settings.imp), restricted.available))
    entries += available;
  return entries;
}

Settings ticket_settings(const Settings& settings) {
  Settings ticket = settings;
  ticket.inputs = {};
  return ticket;
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
