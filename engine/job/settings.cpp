#include "engine/job/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "agents/config/cloning_config.hpp"
#include "agents/config/dqn_config.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/config/ppo_config.hpp"
#include "engine/imp/pruning.hpp"
#include "engine/imp/streams.hpp"
#include "envs/external/definition.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr std::string_view kTeacherPrefix = "teacher.";
constexpr const char* kBudgetUnit = "atari.budget_unit";

// Keys of Gaussian policies are without meaning where actions are numbered.
bool applies_to(const TaskInfo& task, std::string_view key) {
  if (key.starts_with(kTeacherPrefix)) key.remove_prefix(kTeacherPrefix.size());
  return task.continuous || (key != "network.tanh_mean" && key != "ppo.initial_log_std");
}

const AlgorithmInfo& teacher_of(const TaskInfo& task) {
  return *find_algorithm(teacher_algorithm(task), task);
}

// Appends the shared options that the algorithm reads, and its own.
void append_agent(AgentConfig& agent, const AlgorithmInfo& algorithm, std::vector<OptionField>& fields) {
  std::vector<OptionField> shared;
  append_fields(agent, shared);
  for (OptionField& field : shared)
    if (algorithm.reads(field.key)) fields.push_back(std::move(field));
  agent.own.append(fields);
}

// Every field of the settings except the task's own options, whose types are known only at run time.
std::vector<OptionField> fields_of(Settings& settings) {
  const AlgorithmInfo& algorithm = algorithm_of(settings);
  std::vector<OptionField> fields;
  append_agent(settings.agent, algorithm, fields);
  if (algorithm.has_teacher) append_fields(settings.teacher_choice, fields);
  append_fields(settings.imp, fields);
  if (algorithm.chooses_inputs) append_fields(settings.inputs, fields);
  if (algorithm.changes_masks) append_fields(settings.sparse, fields);
  if (!algorithm.has_teacher) return fields;
  std::vector<OptionField> of_teacher;
  append_agent(settings.teacher, teacher_of(*find_task(settings.task)), of_teacher);
  for (OptionField& field : of_teacher) {
    if (field.key == "network.hidden") continue;  // bc.teacher_hidden
    field.key.insert(0, kTeacherPrefix);
    fields.push_back(std::move(field));
  }
  return fields;
}

// The declarations of the keys; they are the same for all tasks that the same row of the algorithms learns.
const std::vector<Option>& declarations(const std::string& task, const std::string& algorithm) {
  static std::map<const AlgorithmInfo*, std::vector<Option>> known;
  Settings settings = declared_settings(task, algorithm);
  const auto [place, is_new] = known.try_emplace(&algorithm_of(settings));
  if (is_new)
    for (const OptionField& field : fields_of(settings)) place->second.push_back(declaration_of(field));
  return place->second;
}

const std::vector<Option>& task_options_of(const std::string& task) {
  static const std::vector<Option> kNone;
  const TaskInfo* info = find_task(task);
  return info == nullptr ? kNone : info->options;
}

}  // namespace

Settings declared_settings(const std::string& task, const std::string& algorithm) {
  Settings settings;
  settings.task = task;
  settings.algorithm = algorithm;
  const AlgorithmInfo& row = algorithm_of(settings);
  settings.agent.own = row.options;
  if (row.has_teacher) settings.teacher.own = teacher_of(*find_task(task)).options;
  return settings;
}

std::string network_name(const NetworkConfig& network) {
  std::string convolutions;
  if (network.architecture == Architecture::kCnn)
    convolutions = fmt::format("cnn{}x{}-", network.filters, network.kernel);
  if (network.architecture == Architecture::kAtari) convolutions = "cnn16x8-32x4-";
  if (network.hidden.empty()) return convolutions + "linear";
  return fmt::format("{}{}", convolutions, fmt::join(network.hidden, "-"));
}

Settings paper_settings(const std::string& task, const std::string& algorithm) {
  Settings settings = declared_settings(task, algorithm);
  const AlgorithmInfo& row = algorithm_of(settings);
  const TaskInfo& info = *find_task(task);
  const auto with_paper_values = [&](AgentConfig& agent, std::string_view name) {
    const AlgorithmOptions declared = agent.own;
    agent = paper_defaults(info, name);
    if (agent.own.empty()) agent.own = declared;
  };
  with_paper_values(settings.agent, algorithm);
  if (row.has_teacher) {
    with_paper_values(settings.teacher, teacher_algorithm(info));
    settings.teacher_choice.hidden = paper_teacher_hidden(info, settings.agent.network.hidden);
  }
  if (row.prunes_critic(info, settings.agent)) settings.imp.scope = PruneScope::kActorCritic;
  settings.task_options = info.job_options;
  return settings;
}

const AlgorithmInfo& algorithm_of(const Settings& settings) {
  return available_algorithm(settings.algorithm, settings.task, "settings");
}

const TaskInfo& known_task(const std::string& name, const std::string& place) {
  if (const TaskInfo* info = find_task(name)) return *info;
  const std::vector<std::string> names = task_names();
  throw InputError("{}: unknown task '{}'{}", place, name, suggestion(name, names));
}

const AlgorithmInfo& available_algorithm(const std::string& name, const std::string& task,
                                         const std::string& place) {
  const TaskInfo& info = known_task(task, place);
  if (const AlgorithmInfo* algorithm = find_algorithm(name, info)) return *algorithm;
  std::vector<std::string> fitting, known;
  for (const AlgorithmInfo* algorithm : algorithms_for(info)) fitting.emplace_back(algorithm->name);
  for (const AlgorithmInfo& algorithm : algorithms()) {
    if (algorithm.name == name)
      throw InputError("{}: algorithm '{}' cannot learn task '{}'{}: it needs {}; give {}", place, name, task,
                       info.is_external ? " (" + info.description + ")" : "", algorithm.needs,
                       fmt::join(fitting, ", "));
    if (std::ranges::count(known, algorithm.name) == 0) known.emplace_back(algorithm.name);
  }
  throw InputError("{}: unknown algorithm '{}'{}", place, name, suggestion(name, known));
}

std::vector<OptionState> list_settings(const Settings& settings) {
  std::vector<OptionState> states;
  Settings copy = settings;  // fields can be written, and therefore are not const
  const std::vector<OptionField> fields = fields_of(copy);
  const std::vector<Option>& declared = declarations(settings.task, settings.algorithm);
  const TaskInfo& task = *find_task(settings.task);
  for (std::size_t i = 0; i < declared.size(); ++i)
    if (applies_to(task, declared[i].key)) states.push_back({declared[i], value_of(fields[i])});
  for (const Option& option : task_options_of(settings.task)) {
    const auto set = settings.task_options.find(option.key);
    states.push_back({option, set == settings.task_options.end() ? option.fallback : set->second});
  }
  return states;
}

std::vector<std::string> known_keys() {
  std::vector<std::string> keys;
  for (const std::string& task : task_names()) {
    for (const AlgorithmInfo* algorithm : algorithms_for(*find_task(task)))
      for (const Option& option : declarations(task, algorithm->name)) keys.push_back(option.key);
    for (const Option& option : task_options_of(task)) keys.push_back(option.key);
  }
  for (const Option& option : external::declared_options()) keys.push_back(option.key);
  std::ranges::stable_sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

namespace {

// What a job file's key means to an algorithm: options of the teacher's algorithm, as ppo.* and dqn.*, are
// the teacher's where the student has none of that name.
std::string own_key(const std::string& task, const std::string& algorithm, const std::string& key) {
  const AlgorithmInfo* row = find_algorithm(algorithm, *find_task(task));
  if (row == nullptr || !row->has_teacher) return key;
  const bool of_teacher = key.starts_with("ppo.") || key.starts_with("dqn.");
  return of_teacher ? std::string(kTeacherPrefix) + key : key;
}

const Option* find_option(const std::vector<Option>& options, const std::string& key) {
  const auto found = std::ranges::find(options, key, &Option::key);
  return found == options.end() ? nullptr : &*found;
}

}  // namespace

bool has_option(const std::string& task, const std::string& algorithm, const std::string& key) {
  const TaskInfo* info = find_task(task);
  if (info == nullptr || find_algorithm(algorithm, *info) == nullptr) return false;
  if (key.starts_with(external::kArguments)) return info->family == external::kFamily;
  return find_option(task_options_of(task), key) != nullptr ||
         (applies_to(*info, key) &&
          find_option(declarations(task, algorithm), own_key(task, algorithm, key)) != nullptr);
}

bool set_option(Settings& settings, const std::string& given_key, const JobValue& given_value,
                const std::string& place) {
  const std::string key = own_key(settings.task, settings.algorithm, given_key);
  const JobValue given = key == "inputs.select"
                             ? numbered_inputs(known_task(settings.task, place), given_value, place)
                             : given_value;
  if (const Option* option = find_option(task_options_of(settings.task), key)) {
    settings.task_options[key] = checked_value(*option, given, place);
    return true;
  }
  if (find_option(find_task(settings.task)->replay_options, key) != nullptr)
    throw InputError("{}: '{}' is an option of recordings, which `impsweep replay` sets; remove it", place,
                     key);
  const Option* option = find_option(declarations(settings.task, settings.algorithm), key);
  if (option == nullptr || !applies_to(*find_task(settings.task), key)) return false;
  const OptionValue value = checked_value(*option, given, place);
  for (const OptionField& field : fields_of(settings))
    if (field.key == key) assign(field, value);
  return true;
}

namespace {

// Checks the agent with these settings, whose keys have this prefix.
void check_agent(const AgentConfig& agent, const AlgorithmInfo& algorithm, const std::string& prefix,
                 const std::string& place) {
  try {
    algorithm.check(agent, prefix);
  } catch (const std::invalid_argument& error) {
    throw InputError("{}: {}", place, error.what());
  }
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

constexpr std::int64_t kMostUnits = 65535;  // places in a layer are kept in 16 bits

// Layers that convolutions and the task make, beyond those that a job names.
void check_layers(const ModelSpec& model, const std::string& place) {
  for (const MlpSpec& part : model.parts)
    for (const int units : part.sizes)
      if (units > kMostUnits)
        throw InputError(
            "{}: a layer of network '{}' would have {} units, and at most {} are possible; lower "
            "'network.filters', or give a larger 'network.kernel'",
            place, part.name, units, kMostUnits);
}

void check_hidden(const std::vector<std::int64_t>& hidden, const NetworkConfig& network,
                  const std::string& key, const std::string& trunk_key, const std::string& place) {
  if (hidden.empty() && network.shared_trunk)
    throw InputError(
        "{}: '{}' is empty, and '{}' lets actor and critic share their hidden layers; give a hidden layer, "
        "or set it to false",
        place, key, trunk_key);
  for (const std::int64_t units : hidden)
    if (units > kMostUnits)
      throw InputError("{}: '{}' asks for {} units in a layer; at most {} are possible", place, key, units,
                       kMostUnits);
}

}  // namespace

void apply_budget_unit(Settings& settings, const std::string& place) {
  const auto unit = settings.task_options.find(kBudgetUnit);
  if (unit == settings.task_options.end()) return;
  const bool counts_frames = unit->second == OptionValue(std::string("frames"));
  settings.task_options.erase(unit);
  if (!counts_frames) return;
  std::int64_t skip = 0;  // frames of a step
  for (const OptionState& state : list_settings(settings))
    if (state.option.key == "atari.frame_skip") skip = std::get<std::int64_t>(state.value);
  const auto count_steps = [&](AgentConfig& agent, const char* key) {
    if (agent.sampler.steps % skip != 0)
      throw InputError(
          "{}: '{}' = {} is no whole number of steps, each of which has {} frames (atari.frame_skip)", place,
          key, agent.sampler.steps, skip);
    agent.sampler.steps /= skip;
  };
  count_steps(settings.agent, "rl.steps");
  if (algorithm_of(settings).has_teacher) count_steps(settings.teacher, "teacher.rl.steps");
}

namespace {

// What cannot be had together with masks that change.
void check_sparsity(const Settings& settings, const std::string& place) {
  const auto refuse = [&](bool is_asked, const char* what, const char* remedy) {
    if (is_asked) throw InputError("{}: 'sparse.method' and {}; {}", place, what, remedy);
  };
  refuse(settings.imp.rewind_step > 0, "'imp.rewind_step' do not go together: such a chain rewinds nothing",
         "remove one");
  refuse(settings.imp.prune_bias, "'imp.prune_bias' do not go together: biases are never pruned",
         "remove one");
  refuse(!settings.imp.mask_from.empty(),
         "'imp.mask_from' do not go together: either a mask is given, or it changes", "remove one");
  refuse(!settings.imp.keep_layers.empty(),
         "'imp.keep_layers' do not go together: layers share the weights by their shapes", "remove one");
  refuse(settings.inputs.ticket_round > 0,
         "'inputs.ticket_round' do not go together: the weights of a ticket cannot be counted before it is "
         "there",
         "name the inputs by inputs.select");
  if (settings.algorithm == "ppo")
    refuse(settings.agent.options<PpoConfig>().target_kl > 0,
           "'ppo.target_kl' do not go together: schedules need to know the number of gradient steps",
           "set ppo.target_kl = 0");
  if (settings.sparse.method == SparseMethod::kGradual && settings.sparse.start >= settings.sparse.end)
    throw InputError("{}: 'sparse.start' = {} is not before 'sparse.end' = {}; lower it", place,
                     settings.sparse.start, settings.sparse.end);
}

}  // namespace

void check_settings(const Settings& settings, const std::string& place) {
  const AgentConfig& agent = settings.agent;
  const AlgorithmInfo& algorithm = available_algorithm(settings.algorithm, settings.task, place);
  check_hidden(agent.network.hidden, agent.network, "network.hidden", "network.shared_trunk", place);
  check_agent(agent, algorithm, "", place);
  check_architecture(settings.task, agent.network, "", place);
  if (algorithm.has_teacher) {
    check_hidden(settings.teacher_choice.hidden, settings.teacher.network, "bc.teacher_hidden",
                 "teacher.network.shared_trunk", place);
    check_agent(settings.teacher, teacher_of(*find_task(settings.task)), "teacher.", place);
    check_architecture(settings.task, settings.teacher.network, "teacher.", place);
  }
  if (settings.imp.rewind_step >= agent.sampler.steps)
    throw InputError(
        "{}: 'imp.rewind_step' = {} is not reached within 'rl.steps' = {}; rewind to an earlier step", place,
        settings.imp.rewind_step, agent.sampler.steps);
  try {
    const TaskInfo info = task_with(settings.task, settings.task_options);
    check_inputs(settings.inputs, info.observation_size, info.observation_names, place);
    check_layers(model_on_task(algorithm, info, agent), place);
  } catch (const std::invalid_argument& error) {
    throw InputError("{}: {}", place, error.what());
  }
  if (has_changing_masks(settings)) check_sparsity(settings, place);
  if (!settings.inputs.restricts()) return;
  if (agent.network.architecture != Architecture::kMlp)
    throw InputError(
        "{}: inputs.* needs 'network.architecture' = \"mlp\", as a convolution reads whole boards", place);
  if (agent.network.init == Init::kOrthogonal && settings.inputs.mode == InputsMode::kDrop)
    throw InputError(
        "{}: 'network.init' = \"orthogonal\" draws a layer as a whole, and inputs.* takes inputs away; use "
        "another scheme, or 'inputs.mode' = \"elementwise\"",
        place);
  if (settings.imp.prune_rule == PruneRule::kQuantile)
    throw InputError(
        "{}: 'imp.prune_rule' = \"quantile\" counts the weights that inputs.* takes away; use \"exact\"",
        place);
}

Settings teacher_settings(const Settings& student) {
  const TaskInfo& task = *find_task(student.task);
  Settings teacher = declared_settings(student.task, std::string(teacher_algorithm(task)));
  teacher.master_seed = student.master_seed;
  teacher.agent = student.teacher;
  teacher.agent.network.hidden = student.teacher_choice.hidden;
  teacher.task_options = student.task_options;
  return teacher;
}

ModelSpec model_of(const Settings& settings) {
  const TaskInfo info = task_with(known_task(settings.task, "settings").name, settings.task_options);
  return model_on_task(algorithm_of(settings), info, settings.agent);
}

RestrictedModel restricted_model_of(const Settings& settings) {
  return with_selected_inputs(model_of(settings), settings.inputs);
}

std::int64_t prunable_entries(const Settings& settings) {
  std::int64_t entries = 0;
  if (settings.inputs.select.empty()) {  // without a mask, which would be as large as the network
    const ModelSpec model = model_of(settings);
    const std::vector<Tensor> all = tensors_of(model);
    for (const std::size_t tensor : prunable_tensors(all, model, settings.imp))
      entries += static_cast<std::int64_t>(all[tensor].size);
    return entries;
  }
  const RestrictedModel restricted = restricted_model_of(settings);
  const std::vector<Tensor> tensors = tensors_of(restricted.model);
  for (const std::int64_t available : kept_per_tensor(
           tensors, prunable_tensors(tensors, restricted.model, settings.imp), restricted.available))
    entries += available;
  return entries;
}

bool has_changing_masks(const Settings& settings) {
  return settings.sparse.method != SparseMethod::kNone;
}

SparseConfig published_sparsity(const Settings& settings) {
  const AlgorithmInfo& algorithm = algorithm_of(settings);
  const LearningWork work = algorithm.work(settings.agent);
  const bool sees_board = known_task(settings.task, "settings").rows > 0;
  const SparseSource source = work.replay_size == 0 ? SparseSource::kPpo
                              : sees_board          ? SparseSource::kImageDqn
                                                    : SparseSource::kClassicDqn;
  SparseConfig published =
      published_sparsity(settings.sparse.method, source, planned_updates(work, settings.agent.sampler.steps));
  published.density = settings.sparse.density;
  return published;
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
