#include "engine/job/job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "agents/config/paper_defaults.hpp"
#include "engine/job/data_set.hpp"
#include "engine/job/external_task.hpp"
#include "engine/job/round_counts.hpp"
#include "engine/job/sparsity.hpp"
#include "envs/external/definition.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

using Network = std::vector<std::int64_t>;

constexpr std::array<std::string_view, 8> kSweepKeys = {"name",  "tasks",  "algorithms",  "baselines",
                                                        "seeds", "rounds", "master_seed", "network.hidden"};
constexpr std::array<std::string_view, 3> kVariantKeys = {"name", "rounds", "network.hidden"};
constexpr std::int64_t kMostSeeds = 1'000'000;
// What a plan takes a second and a few hundred megabytes for.
constexpr std::size_t kMostPoints = 10'000;
constexpr std::int64_t kMostTrainings = 1'000'000;

bool contains(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::count(words, word) > 0;
}

constexpr std::string_view kAxis = ".grid";

// The key that an alias stands for.
std::string canonical_key(const std::string& key) {
  if (key.starts_with("net.")) return "network." + key.substr(4);
  return key == "imp.rounds" ? "rounds" : key;
}

const std::vector<std::string>& setting_keys() {
  static const std::vector<std::string> kKeys = known_keys();
  return kKeys;
}

bool is_setting_key(const std::string& key) {
  return std::ranges::binary_search(setting_keys(), key) || key.starts_with(external::kArguments);
}

// KEY = {grid = [...]} comes as the entry KEY.grid.
JobEntry canonical_entry(JobEntry entry) {
  entry.key = canonical_key(entry.key);
  if (!entry.key.ends_with(kAxis)) return entry;
  const std::string key = canonical_key(entry.key.substr(0, entry.key.size() - kAxis.size()));
  if (!is_setting_key(key)) return entry;
  const JobValue::List* values = entry.value.get<JobValue::List>();
  if (values == nullptr || values->empty())
    throw InputError("{}: the grid of '{}' is no list of values; give e.g. {} = {{grid = [1, 2]}}",
                     entry.place, key, key);
  for (std::size_t i = 0; i < values->size(); ++i)
    if (std::find(values->begin() + static_cast<std::ptrdiff_t>(i) + 1, values->end(), (*values)[i]) !=
        values->end())
      throw InputError("{}: the grid of '{}' lists {} twice; remove one", entry.place, key,
                       to_toml((*values)[i]));
  entry.key = key;
  // Whose lists are axes of their own: of networks, and of rounds.
  entry.is_axis = key != "network.hidden" && key != "sparse.density";
  return entry;
}

std::string declared_type(const std::string& key) {
  for (const std::string& task : task_names())
    for (const AlgorithmInfo* algorithm : algorithms_for(*find_task(task)))
      for (const OptionState& state : list_settings(paper_settings(task, algorithm->name)))
        if (state.option.key == key) return " (" + allowed_text(state.option) + ")";
  return "";
}

[[noreturn]] void throw_unknown(const JobEntry& entry) {
  for (const std::string& task : task_names())
    for (const Option& option : find_task(task)->replay_options)
      if (option.key == entry.key)
        throw InputError("{}: '{}' is an option of recordings, which `impsweep replay` reads; remove it",
                         entry.place, entry.key);
  std::vector<std::string> keys = setting_keys();
  for (const std::string_view key : kSweepKeys) keys.emplace_back(key);
  const std::string nearest = nearest_word(canonical_key(entry.key), keys);
  if (nearest.empty())
    throw InputError("{}: unknown option '{}'; 'impsweep tasks --show NAME' lists all options of a task",
                     entry.place, entry.key);
  throw InputError("{}: unknown option '{}'; did you mean '{}'{}?", entry.place, entry.key, nearest,
                   declared_type(nearest));
}

// ---- values of the sweep's own keys

std::string text_value(const JobEntry& entry) {
  if (const std::string* text = entry.value.get<std::string>()) return *text;
  throw InputError("{}: '{}' = {} must be a text in quotes", entry.place, entry.key, to_toml(entry.value));
}

// Names of sweeps and variants appear in names of chains and in --set.
std::string name_value(const JobEntry& entry) {
  std::string name = text_value(entry);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '+' || c == '=';
  };
  if (name.empty() || name.front() == '.' || !std::ranges::all_of(name, allowed))
    throw InputError("{}: '{}' is no possible name; use letters, digits and _ - + . (not first)", entry.place,
                     name);
  return name;
}

std::vector<std::string> text_list(const JobEntry& entry) {
  const JobValue::List* list = entry.value.get<JobValue::List>();
  std::vector<std::string> texts;
  if (list != nullptr)
    for (const JobValue& element : *list)
      if (const std::string* text = element.get<std::string>()) texts.push_back(*text);
  if (list == nullptr || texts.size() != list->size() || texts.empty())
    throw InputError("{}: '{}' = {} must be a list of names that is not empty, e.g. [\"cartpole\"]",
                     entry.place, entry.key, to_toml(entry.value));
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (std::ranges::find(texts.begin() + static_cast<std::ptrdiff_t>(i) + 1, texts.end(), texts[i]) !=
        texts.end())
      throw InputError("{}: '{}' lists '{}' twice; remove one", entry.place, entry.key, texts[i]);
  return texts;
}

std::int64_t integer_value(const JobEntry& entry, std::int64_t minimum, std::int64_t maximum) {
  const std::int64_t* integer = entry.value.get<std::int64_t>();
  if (integer == nullptr || *integer < minimum || *integer > maximum)
    throw InputError("{}: '{}' = {} must be an integer, {}..{}", entry.place, entry.key, to_toml(entry.value),
                     minimum, maximum);
  return *integer;
}

std::vector<std::int64_t> seed_list(const JobEntry& entry) {
  std::vector<std::int64_t> seeds;
  const JobValue::List* list = entry.value.get<JobValue::List>();
  if (list == nullptr) {
    const std::int64_t count = integer_value(entry, 1, kMostSeeds);
    for (std::int64_t seed = 0; seed < count; ++seed) seeds.push_back(seed);
    return seeds;
  }
  for (const JobValue& element : *list) {
    const std::int64_t* seed = element.get<std::int64_t>();
    if (seed == nullptr || *seed < 0)
      throw InputError("{}: 'seeds' = {} must be a number of seeds or a list of integers from 0 on",
                       entry.place, to_toml(entry.value));
    seeds.push_back(*seed);
  }
  if (seeds.empty()) throw InputError("{}: 'seeds' is an empty list; give at least one seed", entry.place);
  if (std::set<std::int64_t>(seeds.begin(), seeds.end()).size() != seeds.size())
    throw InputError("{}: 'seeds' = {} has a seed twice; remove one", entry.place, to_toml(entry.value));
  return seeds;
}

// A list of integers is one network, a list of lists is an axis.
std::vector<JobValue> network_list(const JobEntry& entry) {
  const JobValue::List* list = entry.value.get<JobValue::List>();
  if (list == nullptr)
    throw InputError(
        "{}: 'network.hidden' = {} must be a list of sizes, e.g. [128, 128], or a list of such lists",
        entry.place, to_toml(entry.value));
  if (list->empty() || list->front().get<JobValue::List>() == nullptr)
    return std::vector<JobValue>(1, entry.value);
  for (std::size_t i = 0; i < list->size(); ++i)
    if (std::ranges::find(list->begin() + static_cast<std::ptrdiff_t>(i) + 1, list->end(), (*list)[i]) !=
        list->end())
      throw InputError("{}: 'network.hidden' lists {} twice; remove one", entry.place, to_toml((*list)[i]));
  return *list;
}

// ---- one sweep

// Entries of one layer (a sweep, a variant) by canonical key.
std::vector<JobEntry> canonical_entries(const std::vector<JobEntry>& entries) {
  std::vector<JobEntry> result;
  for (const JobEntry& given : entries) {
    JobEntry entry = canonical_entry(given);
    for (const JobEntry& other : result)
      if (other.key == entry.key)
        throw InputError("{}: '{}' is given twice (first at {}); remove one", entry.place, entry.key,
                         other.place);
    result.push_back(std::move(entry));
  }
  return result;
}

const JobEntry* find_entry(const std::vector<JobEntry>& entries, std::string_view key) {
  const auto found = std::ranges::find(entries, key, &JobEntry::key);
  return found == entries.end() ? nullptr : &*found;
}

// Later layers win.
std::vector<JobEntry> merged(std::vector<JobEntry> entries, const std::vector<JobEntry>& stronger) {
  for (const JobEntry& entry : stronger) {
    std::erase_if(entries, [&](const JobEntry& weaker) { return weaker.key == entry.key; });
    entries.push_back(entry);
  }
  return entries;
}

struct Sweep {
  std::string name, place;
  std::vector<JobEntry> entries;                                        // without overrides
  std::vector<std::pair<std::string, std::vector<JobEntry>>> variants;  // name, entries
  std::vector<JobEntry> overrides;                                      // those that address this sweep
};

void require_known_keys(const std::vector<JobEntry>& entries, std::span<const std::string_view> own_keys,
                        bool in_variant) {
  for (const JobEntry& entry : entries) {
    if (contains(own_keys, entry.key) || is_setting_key(entry.key)) continue;
    if (in_variant && contains(kSweepKeys, entry.key))
      throw InputError(
          "{}: '{}' cannot differ between variants; move it to [[sweep]], or write a second sweep",
          entry.place, entry.key);
    throw_unknown(entry);
  }
}

Sweep read_sweep(const JobSweep& job) {
  Sweep sweep;
  sweep.place = job.place;
  sweep.entries = canonical_entries(job.entries);
  require_known_keys(sweep.entries, kSweepKeys, false);
  if (const JobEntry* name = find_entry(sweep.entries, "name")) sweep.name = name_value(*name);
  for (const JobVariant& variant : job.variants) {
    std::vector<JobEntry> entries = canonical_entries(variant.entries);
    require_known_keys(entries, kVariantKeys, true);
    const JobEntry* name = find_entry(entries, "name");
    if (name == nullptr)
      throw InputError("{}: this [[sweep.variant]] has no name; add e.g. name = \"xavier\"", variant.place);
    const std::string text = name_value(*name);
    for (const auto& [other, unused] : sweep.variants)
      if (other == text)
        throw InputError("{}: the sweep has two variants '{}'; rename one", name->place, text);
    sweep.variants.emplace_back(text, std::move(entries));
  }
  if (sweep.variants.empty()) sweep.variants.emplace_back("default", std::vector<JobEntry>{});
  return sweep;
}

// "NAME.key" where NAME is a sweep and key can be set there; else the whole is a key of all sweeps.
void address_override(const JobEntry& given, std::vector<Sweep>& sweeps) {
  const auto can_be_set = [](const std::string& key) {
    return (contains(kSweepKeys, key) && key != "name") || is_setting_key(key);
  };
  bool addressed = false;
  for (Sweep& sweep : sweeps) {
    if (sweep.name.empty() || !given.key.starts_with(sweep.name + ".")) continue;
    const JobEntry rest =
        canonical_entry({given.key.substr(sweep.name.size() + 1), given.value, given.place});
    if (!can_be_set(rest.key)) continue;
    sweep.overrides = merged(std::move(sweep.overrides), {rest});
    addressed = true;
  }
  if (addressed) return;
  const JobEntry entry = canonical_entry(given);
  if (!can_be_set(entry.key)) throw_unknown(given);
  for (Sweep& sweep : sweeps) sweep.overrides = merged(std::move(sweep.overrides), {entry});
}

const JobEntry& required(const std::vector<JobEntry>& entries, const char* key, const Sweep& sweep,
                         const char* example) {
  if (const JobEntry* entry = find_entry(entries, key)) return *entry;
  throw InputError("{}: this sweep has no '{}'; add e.g. {} = {}", sweep.place, key, key, example);
}

std::vector<Baseline> baseline_list(const JobEntry* entry) {
  if (entry == nullptr) return {kPaperBaselines.begin(), kPaperBaselines.end()};
  std::vector<std::string> names;
  for (const Baseline baseline : baselines()) names.emplace_back(info_of(baseline).name);
  std::vector<Baseline> list;
  for (const std::string& name : text_list(*entry)) {
    const std::optional<Baseline> baseline = find_baseline(name);
    if (!baseline)
      throw InputError("{}: unknown baseline '{}'{}", entry->place, name, suggestion(name, names));
    list.push_back(*baseline);
  }
  return list;
}

PrunedPoint as_pruned(const GridPoint& point) {
  return {point.settings, point.baselines, point.rounds, point.place};
}

void check_ticket(const GridPoint& point) {
  const InputsConfig& inputs = point.settings.inputs;
  if (inputs.ticket_round == 0) return;
  if (point.rounds > 1)
    throw InputError(
        "{}: 'inputs.ticket_round' = {} leaves as many inputs as a ticket that is still to be trained, so "
        "that the weights of later rounds cannot be counted; set rounds = 1, or name the inputs by "
        "inputs.select",
        point.place, inputs.ticket_round);
  GridPoint ticket = point;
  ticket.settings = ticket_settings(point.settings);
  ticket.rounds = static_cast<int>(inputs.ticket_round) + 1;
  check_pruning(as_pruned(ticket));
}

// Most keys may be idle in some points of a grid. These would make another experiment of it.
void require_inputs_option(const std::vector<JobEntry>& entries, const Settings& settings) {
  for (const JobEntry& entry : entries)
    if (entry.key.starts_with("inputs.") && !has_option(settings.task, settings.algorithm, entry.key))
      throw InputError(
          "{}: '{}' cannot be had with algorithm '{}', only with those that learn by acting (ppo, dqn); "
          "write "
          "a sweep of their own for them",
          entry.place, entry.key, settings.algorithm);
}

// Initial weights are named by task, network and seed: a student with the seed of a candidate for its
// teacher, and networks of the same sizes, would start as its teacher did.
void check_seeds(const GridPoint& point) {
  const Settings& settings = point.settings;
  if (!algorithm_of(settings).has_teacher) return;
  const TeacherChoiceConfig& teacher = settings.teacher_choice;
  if (network_name(settings.agent.network) != network_name(teacher_settings(settings).agent.network)) return;
  for (const std::int64_t seed : point.seeds)
    if (seed >= teacher.seed && seed < teacher.seed + teacher.candidates)
      throw InputError(
          "{}: a student of seed {} would start from the initial weights of a candidate for its teacher "
          "(seeds {} "
          "to {}, the same network {}); give other 'seeds', or another 'bc.teacher_seed'",
          point.place, seed, teacher.seed, teacher.seed + teacher.candidates - 1,
          network_name(settings.agent.network));
}

// Where values come from that a job does not give.
enum class Defaults { kPaper, kDeclared };

// What a job may not ask for, though results of such jobs can be read.
void check_wishes(const GridPoint& point) {
  check_seeds(point);
  const Settings& settings = point.settings;
  if (settings.agent.evaluation.max_episode_steps == 0 && default_episode_cap(*find_task(settings.task)) > 0)
    throw InputError(
        "{}: 'eval.max_episode_steps' = 0 means the task's own limit, and '{}' has none, so that an "
        "evaluation "
        "might never end; give a number of steps",
        point.place, settings.task);
}

// Before anything is allocated for them.
void require_possible_count(const GridPoint& point, const std::vector<GridPoint>& others) {
  const auto trainings = [](const GridPoint& each) {
    return static_cast<std::int64_t>(each.seeds.size() * each.baselines.size()) * each.rounds;
  };
  if (others.size() >= kMostPoints)
    throw InputError("{}: a job has at most {} kinds of chains; make several jobs with stores of their own",
                     point.place, kMostPoints);
  std::int64_t total = trainings(point);
  for (const GridPoint& other : others) total += trainings(other);
  if (total > kMostTrainings)
    throw InputError(
        "{}: this makes {} trainings, and a job has at most {}; lower 'seeds' or 'rounds', or make several "
        "jobs with "
        "stores of their own",
        point.place, total, kMostTrainings);
}

// Writes the entries over the settings that `point` holds.
void add_point(GridPoint point, const std::vector<JobEntry>& entries, const JobEntry* network,
               Defaults defaults, std::vector<GridPoint>& points) {
  Settings& settings = point.settings;
  require_inputs_option(entries, settings);
  if (const JobEntry* entry = find_entry(entries, "network.architecture"))
    set_option(settings, entry->key, entry->value, entry->place);
  const Architecture architecture = settings.agent.network.architecture;
  if (architecture == Architecture::kCnn) settings.agent.network.hidden = paper_cnn_hidden();
  settings.teacher.network.architecture = architecture;  // teachers are built like their students
  if (network != nullptr) set_option(settings, network->key, network->value, network->place);
  const TaskInfo& task = *find_task(settings.task);
  settings.teacher_choice.hidden = architecture == Architecture::kMlp
                                       ? paper_teacher_hidden(task, settings.agent.network.hidden)
                                       : settings.agent.network.hidden;
  for (const bool of_teacher : {false, true})  // teacher.ppo.KEY is more exact than ppo.KEY
    for (const JobEntry& entry : entries)
      if (!contains(kSweepKeys, entry.key) && !is_external_key(entry.key) &&
          entry.key.starts_with("teacher.") == of_teacher)
        set_option(settings, entry.key, entry.value, entry.place);
  if (defaults == Defaults::kPaper && find_entry(entries, "imp.scope") == nullptr &&
      algorithm_of(settings).prunes_critic(task, settings.agent))
    settings.imp.scope = PruneScope::kActorCritic;
  apply_budget_unit(settings, point.place);
  if (has_changing_masks(settings))
    apply_sparsity({settings, point.baselines, point.rounds, point.place}, entries,
                   defaults == Defaults::kPaper);
  check_settings(settings, point.place);
  const ImpConfig& imp = settings.imp;
  if (find_entry(entries, "rounds") == nullptr && (!imp.densities.empty() || !imp.mask_from.empty()))
    point.rounds = imp.mask_from.empty() ? static_cast<int>(imp.densities.size()) + 1 : 2;
  require_possible_count(point, points);
  if (has_changing_masks(settings))
    check_densities(settings, point.place);
  else
    check_pruning(as_pruned(point));
  check_ticket(point);
  if (defaults == Defaults::kPaper) check_wishes(point);
  points.push_back(std::move(point));
}

// One point for each network. `name_in_job`: what the job calls the task.
void add_points(const GridPoint& common, const std::string& name_in_job, const std::string& task,
                const std::string& algorithm, const std::vector<JobEntry>& entries, Defaults defaults,
                std::vector<GridPoint>& points) {
  GridPoint point = common;
  point.settings =
      defaults == Defaults::kPaper ? paper_settings(task, algorithm) : declared_settings(task, algorithm);
  if (is_external_task(name_in_job))
    point.settings.task_options =
        external_task(name_in_job, entries, common.place, defaults == Defaults::kDeclared).second;
  point.settings.master_seed = common.settings.master_seed;
  point.rounds = paper_rounds(*find_task(task));
  if (const JobEntry* rounds = find_entry(entries, "rounds"))
    point.rounds = static_cast<int>(integer_value(*rounds, 1, kMostRounds));
  const JobEntry* hidden = find_entry(entries, "network.hidden");
  if (hidden == nullptr) return add_point(std::move(point), entries, nullptr, defaults, points);
  for (const JobValue& network : network_list(*hidden)) {
    const JobEntry one{hidden->key, network, hidden->place};
    add_point(point, entries, &one, defaults, points);
  }
}

// Whether some task and algorithm of the sweep has the option.
bool has_effect(const JobEntry& entry, const std::vector<std::string>& tasks,
                const std::vector<std::string>& algorithms) {
  if (contains(kSweepKeys, entry.key)) return true;
  for (const std::string& task : tasks)
    for (const std::string& algorithm : algorithms)
      if (has_option(task, algorithm, entry.key)) return true;
  return false;
}

void require_effect(const std::vector<JobEntry>& entries, const std::vector<std::string>& tasks,
                    const std::vector<std::string>& algorithms) {
  for (const JobEntry& entry : entries)
    if (!has_effect(entry, tasks, algorithms))
      throw InputError("{}: option '{}' has no effect with tasks {} and algorithms {}; remove it",
                       entry.place, entry.key, fmt::join(tasks, ", "), fmt::join(algorithms, ", "));
}

// A value in the name of a variant: no dots, which part names of chains. 0.0005 is 5e-4, [8, 8] is 8-8.
std::string axis_text(const JobValue& value) {
  if (const std::string* text = value.get<std::string>()) return *text;
  if (const JobValue::List* list = value.get<JobValue::List>()) {
    std::vector<std::string> parts;
    for (const JobValue& element : *list) parts.push_back(axis_text(element));
    return fmt::format("{}", fmt::join(parts, "-"));
  }
  const double* real = value.get<double>();
  if (real == nullptr) return to_toml(value);
  constexpr double kExactIntegers = 1e15;
  if (*real == std::floor(*real) && std::abs(*real) < kExactIntegers) return fmt::format("{:.0f}", *real);
  char text[32];
  const char* end = std::to_chars(text, text + sizeof text, *real, std::chars_format::scientific).ptr;
  std::string digits(text, std::find(text, const_cast<char*>(end), 'e'));
  int exponent = std::atoi(text + digits.size() + 1);
  if (const std::size_t dot = digits.find('.'); dot != digits.npos) {
    exponent -= static_cast<int>(digits.size() - dot - 1);
    digits.erase(dot, 1);
  }
  return fmt::format("{}e{}", digits, exponent);
}

// A part of a variant's name, as name_value() allows them.
std::string axis_part(const JobEntry& axis, const std::string& key, const JobValue& value) {
  return name_value({axis.key, {key + "=" + axis_text(value)}, axis.place});
}

// What axes make of a variant's entries: one list for each combination of their values, the last axis running
// fastest, each with the name of its variant. Axes of keys that the algorithm does not have are none.
std::vector<std::pair<std::string, std::vector<JobEntry>>> along_axes(const std::string& task,
                                                                      const std::string& algorithm,
                                                                      const std::string& variant,
                                                                      const std::vector<JobEntry>& entries) {
  const auto last_part = [](const std::string& key) { return key.substr(key.rfind('.') + 1); };
  std::vector<std::pair<std::string, std::vector<JobEntry>>> combinations = {{variant, {}}};
  for (const JobEntry& entry : entries) {
    if (!entry.is_axis) {
      for (auto& [name, list] : combinations) list.push_back(entry);
      continue;
    }
    if (!has_option(task, algorithm, entry.key)) continue;
    const bool is_ambiguous = std::ranges::count_if(entries, [&](const JobEntry& other) {
                                return other.is_axis && last_part(other.key) == last_part(entry.key);
                              }) > 1;
    if (combinations.size() * entry.value.get<JobValue::List>()->size() > kMostPoints)
      throw InputError(
          "{}: with the grid of '{}' the sweep has more than {} combinations of values; shorten its grids",
          entry.place, entry.key, kMostPoints);
    std::vector<std::pair<std::string, std::vector<JobEntry>>> longer;
    for (const auto& [name, list] : combinations)
      for (const JobValue& value : *entry.value.get<JobValue::List>()) {
        auto& [new_name, new_list] = longer.emplace_back(name == "default" ? "" : name + "+", list);
        new_name += axis_part(entry, is_ambiguous ? entry.key : last_part(entry.key), value);
        new_list.push_back({entry.key, value, entry.place});
      }
    combinations = std::move(longer);
  }
  return combinations;
}

// Appends the sweep's points; `useful` collects the places of the overrides that have an effect in it.
void resolve_sweep(const Sweep& sweep, Defaults defaults, std::vector<GridPoint>& points,
                   std::set<std::string>& useful) {
  const std::vector<JobEntry> top = merged(sweep.entries, sweep.overrides);
  const JobEntry& tasks_entry = required(top, "tasks", sweep, "[\"cartpole\"]");
  const JobEntry& algorithms_entry = required(top, "algorithms", sweep, "[\"ppo\"]");
  const std::vector<std::string> tasks = text_list(tasks_entry), algorithms = text_list(algorithms_entry);
  GridPoint common;
  common.sweep = sweep.name;
  common.place = sweep.place;
  common.seeds = seed_list(required(top, "seeds", sweep, "5"));
  common.baselines = baseline_list(find_entry(top, "baselines"));
  if (const JobEntry* entry = find_entry(top, "master_seed"))
    common.settings.master_seed =
        static_cast<std::uint64_t>(integer_value(*entry, 0, std::numeric_limits<std::int64_t>::max()));
  std::vector<std::string> known_tasks;  // the same by the names under which they are known
  for (const std::string& name_in_job : tasks) {
    for (const std::string& algorithm : algorithms) {
      for (const auto& [variant, entries] : sweep.variants) {
        const std::vector<JobEntry> all = merged(merged(sweep.entries, entries), sweep.overrides);
        const std::string task =
            is_external_task(name_in_job)
                ? external_task(name_in_job, all, tasks_entry.place, defaults == Defaults::kDeclared).first
                : name_in_job;
        known_task(task, tasks_entry.place);
        if (std::ranges::count(known_tasks, task) == 0) known_tasks.push_back(task);
        available_algorithm(algorithm, task, algorithms_entry.place);
        for (const auto& [name, values] : along_axes(task, algorithm, variant, all)) {
          common.variant = name;
          add_points(common, name_in_job, task, algorithm, values, defaults, points);
        }
      }
    }
  }
  require_effect(sweep.entries, known_tasks, algorithms);
  for (const auto& [variant, entries] : sweep.variants) require_effect(entries, known_tasks, algorithms);
  for (const JobEntry& entry : sweep.overrides)
    if (has_effect(entry, known_tasks, algorithms)) useful.insert(entry.place);
}

}  // namespace

std::vector<GridPoint> resolve(std::span<const JobFile> files, std::span<const JobEntry> overrides,
                               std::vector<std::string>* missing_data) {
  std::vector<Sweep> sweeps;
  for (const JobFile& file : files)
    for (const JobSweep& sweep : file.sweeps) sweeps.push_back(read_sweep(sweep));
  for (const JobEntry& entry : overrides) address_override(entry, sweeps);
  std::vector<GridPoint> points;
  std::set<std::string> useful;
  for (const Sweep& sweep : sweeps) resolve_sweep(sweep, Defaults::kPaper, points, useful);
  for (const JobEntry& entry : overrides)
    if (!useful.contains(entry.place))
      throw InputError("{}: option '{}' has no effect on any sweep of this job; remove it", entry.place,
                       entry.key);
  for (GridPoint& point : points) try {
      identify_data_set(point.settings, point.place);
    } catch (const InputError& error) {
      if (missing_data == nullptr) throw;
      if (std::ranges::count(*missing_data, error.what()) == 0) missing_data->emplace_back(error.what());
    }
  return points;
}

std::vector<GridPoint> resolve_frozen(const JobFile& file) {
  std::vector<GridPoint> points;
  std::set<std::string> unused;
  for (const JobSweep& sweep : file.sweeps)
    resolve_sweep(read_sweep(sweep), Defaults::kDeclared, points, unused);
  for (GridPoint& point : points) identify_data_set(point.settings, point.place);
  return points;
}

namespace {

std::string quoted(std::string_view text) {
  return to_toml(JobValue{std::string(text)});
}

}  // namespace

std::string frozen_job(std::span<const GridPoint> points) {
  std::string text = "# Written by impsweep: every setting of a job, resolved.\n";
  const auto add = [&](std::string_view key, const std::string& value) {
    text += fmt::format("{} = {}\n", key, value);
  };
  for (const GridPoint& point : points) {
    std::vector<std::string> baselines;
    for (const Baseline baseline : point.baselines) baselines.push_back(quoted(info_of(baseline).name));
    text += "\n[[sweep]]\n";
    if (!point.sweep.empty()) add("name", quoted(point.sweep));
    add("tasks", fmt::format("[{}]", quoted(name_in_job(point.settings))));
    add("algorithms", fmt::format("[{}]", quoted(point.settings.algorithm)));
    add("baselines", fmt::format("[{}]", fmt::join(baselines, ", ")));
    add("seeds", fmt::format("[{}]", fmt::join(point.seeds, ", ")));
    add("rounds", std::to_string(point.rounds));
    add("master_seed", std::to_string(point.settings.master_seed));
    for (const OptionState& state : list_settings(point.settings))
      add(state.option.key, canonical_text(state.value));
    text += fmt::format("[[sweep.variant]]\nname = {}\n", quoted(point.variant));
  }
  return text;
}

}  // namespace impsweep
