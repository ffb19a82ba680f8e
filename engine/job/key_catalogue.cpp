#include "engine/job/key_catalogue.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "agents/config/paper_defaults.hpp"
#include "engine/imp/baseline.hpp"
#include "engine/job/settings.hpp"
#include "engine/job/sources.hpp"

namespace impsweep {
namespace {

using Words = std::vector<std::string>;

constexpr std::string_view kTeacherPrefix = "teacher.";

std::string first_word(const std::string& key) {
  return key.substr(0, key.find('.'));
}

const std::string& family_of(const std::string& task) {
  return find_task(task)->family;
}

Words learners_of(const std::string& task) {
  Words names;
  for (const AlgorithmInfo* algorithm : algorithms_for(*find_task(task))) names.push_back(algorithm->name);
  return names;
}

// Tasks and the algorithms that learn them.
const std::map<std::string, Words>& all_learners() {
  static const auto kLearners = [] {
    std::map<std::string, Words> learners;
    for (const std::string& task : task_names()) learners[task] = learners_of(task);
    return learners;
  }();
  return kLearners;
}

bool same_declaration(const Option& a, const Option& b) {
  return a.key == b.key && a.help == b.help && allowed_text(a) == allowed_text(b);
}

// Names of tasks, families in place of all their members.
Words task_texts(const Words& tasks) {
  Words texts;
  for (const std::string& family : task_families()) {
    Words members, present;
    for (const std::string& task : task_names())
      if (family_of(task) == family) members.push_back(task);
    for (const std::string& task : members)
      if (std::ranges::count(tasks, task) > 0) present.push_back(task);
    if (present.size() == members.size())
      texts.push_back(family);
    else
      texts.insert(texts.end(), present.begin(), present.end());
  }
  return texts;
}

Words tasks_of(const KeyEntry& entry, const std::string& algorithm) {
  Words tasks;
  for (const KeyUse& use : entry.uses)
    if (use.algorithm == algorithm) tasks.push_back(use.task);
  return tasks;
}

// How many tasks the algorithm learns.
std::size_t learned_by(const std::string& algorithm) {
  std::size_t count = 0;
  for (const auto& [task, learners] : all_learners())
    count += static_cast<std::size_t>(std::ranges::count(learners, algorithm));
  return count;
}

// Whether all that learn some task have the key there.
bool belongs_to_tasks(const KeyEntry& entry) {
  return std::ranges::all_of(all_learners(), [&](const auto& task_and_learners) {
    const auto& [task, learners] = task_and_learners;
    const auto uses = static_cast<std::size_t>(std::ranges::count(entry.uses, task, &KeyUse::task));
    return uses == 0 || uses == learners.size();
  });
}

std::string value_in_family(const KeyEntry& entry, const std::string& algorithm, const std::string& family) {
  std::vector<std::pair<std::string, Words>> values;  // and the tasks that have them
  for (const KeyUse& use : entry.uses) {
    if (use.algorithm != algorithm || family_of(use.task) != family) continue;
    auto value = std::ranges::find(values, use.value, &std::pair<std::string, Words>::first);
    if (value == values.end()) value = values.insert(values.end(), {use.value, {}});
    value->second.push_back(use.task);
  }
  if (values.empty()) return "";
  if (values.size() == 1) return values.front().first;
  Words texts;
  for (const auto& [value, tasks] : values)
    texts.push_back(fmt::format("{} ({})", value, fmt::join(tasks, ", ")));
  return fmt::format("{}", fmt::join(texts, ", "));
}

// Whether the values agree wherever both have one.
bool agree(const Words& a, const Words& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!a[i].empty() && !b[i].empty() && a[i] != b[i]) return false;
  return true;
}

// One row for algorithms that agree.
std::vector<ValueRow> value_rows(const KeyEntry& entry) {
  std::vector<ValueRow> rows;
  for (const std::string& algorithm : algorithm_names()) {
    if (tasks_of(entry, algorithm).empty()) continue;
    Words values;
    for (const std::string& family : task_families())
      values.push_back(value_in_family(entry, algorithm, family));
    const auto row =
        std::ranges::find_if(rows, [&](const ValueRow& other) { return agree(other.values, values); });
    if (row == rows.end()) {
      rows.push_back({entry.option.key, {algorithm}, values});
      continue;
    }
    row->algorithms.push_back(algorithm);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (row->values[i].empty()) row->values[i] = values[i];
  }
  return rows;
}

ValueRow rounds_row() {
  ValueRow row{"rounds", {"all"}, {}};
  for (const std::string& family : task_families()) {
    std::string text;
    for (const std::string& task : task_names())
      if (family_of(task) == family) text = std::to_string(paper_rounds(*find_task(task)));
    row.values.push_back(text);
  }
  return row;
}

}  // namespace

std::string KeyEntry::section() const {
  return first_word(option.key);
}

std::string KeyEntry::sources() const {
  constexpr std::string_view kTable = "paper, table ";
  Words texts, tables;
  for (const KeyUse& use : uses) {
    const std::string source = source_of(option.key, family_of(use.task), use.algorithm);
    const bool is_table = source.starts_with(kTable);
    Words& own = is_table ? tables : texts;
    if (const std::string text = is_table ? source.substr(kTable.size()) : source;
        std::ranges::find(own, text) == own.end())
      own.push_back(text);
  }
  std::ranges::sort(tables, {}, [](const std::string& table) { return std::stoi(table); });
  if (!tables.empty())
    texts.insert(texts.begin(),
                 fmt::format("paper, table{} {}", tables.size() == 1 ? "" : "s", fmt::join(tables, ", ")));
  return fmt::format("{}", fmt::join(texts, "; "));
}

bool KeyEntry::has_one_value() const {
  return std::ranges::all_of(uses, [&](const KeyUse& use) { return use.value == uses.front().value; });
}

bool KeyEntry::is_of_teacher() const {
  return option.key.starts_with(kTeacherPrefix);
}

std::string KeyEntry::without_teacher() const {
  return option.key.substr(kTeacherPrefix.size());
}

std::vector<SweepKey> sweep_keys() {
  Words kept;
  for (const Baseline baseline : baselines()) kept.emplace_back(info_of(baseline).name);
  return {
      {"tasks", "list of names", "required", "sweep", "tasks of the grid; `impsweep tasks` lists them"},
      {"algorithms", "list of names", "required", "sweep",
       fmt::format("algorithms of the grid: {}", fmt::join(algorithm_names(), ", "))},
      {"seeds", "integer, 1..1000000, or list of integers, >= 0", "required", "sweep",
       "a number N for the seeds 0 to N-1, or the seeds themselves"},
      {"baselines", "list of names", "the paper's four", "sweep", fmt::format("{}", fmt::join(kept, ", "))},
      {"rounds", "integer, 1..1000", "by task", "sweep, variant",
       "trainings of a chain; imp.rounds is another name for it"},
      {"name", "text", "none", "sweep", "addresses the sweep in --set NAME.key=value"},
      {"name", "text", "required", "variant", "part of the names of the variant's chains"},
      {"master_seed", "integer, 0..9223372036854775807", "0", "sweep",
       "seed of all random streams, together with the seed of the chain"},
      {"network.hidden", "list of integers, or list of such lists", "by task", "sweep, variant",
       "one network, or one more axis of the grid"},
  };
}

Words task_families() {
  Words families;
  for (const std::string& task : task_names())
    if (const std::string family = family_of(task); std::ranges::count(families, family) == 0)
      families.push_back(family);
  return families;
}

// In the order in which tasks and algorithms declare them, sections together.
std::vector<KeyEntry> all_key_entries() {
  std::vector<KeyEntry> entries;
  for (const std::string& task : task_names()) {
    for (const std::string& algorithm : all_learners().at(task)) {
      for (const OptionState& state : list_settings(paper_settings(task, algorithm))) {
        auto entry = std::ranges::find_if(
            entries, [&](const KeyEntry& known) { return same_declaration(known.option, state.option); });
        if (entry == entries.end()) entry = entries.insert(entries.end(), {state.option, {}});
        entry->uses.push_back({task, algorithm, canonical_text(state.value)});
      }
    }
  }
  Words sections = {"network", "rl",  "eval",       "adam", "reg",    "imp",    "sparse",
                    "ppo",     "dqn", "supervised", "bc",   "inputs", "teacher"};
  for (const KeyEntry& entry : entries)
    if (std::ranges::count(sections, entry.section()) == 0) sections.push_back(entry.section());
  std::ranges::stable_sort(entries, {}, [&](const KeyEntry& entry) {
    return std::ranges::find(sections, entry.section()) - sections.begin();
  });
  return entries;
}

std::string users_text(const KeyEntry& entry) {
  Words parts, tasks;
  bool everywhere = true;  // with the algorithms that have it at all
  for (const std::string& algorithm : algorithm_names()) {
    const Words with = tasks_of(entry, algorithm);
    if (with.empty()) continue;
    const bool on_all = with.size() == learned_by(algorithm);
    everywhere &= on_all;
    parts.push_back(on_all ? algorithm
                           : fmt::format("{} on {}", algorithm, fmt::join(task_texts(with), ", ")));
    tasks.insert(tasks.end(), with.begin(), with.end());
  }
  if (everywhere && parts.size() == algorithm_names().size()) return "all";
  if (everywhere) return fmt::format("{}", fmt::join(parts, ", "));
  if (belongs_to_tasks(entry)) return fmt::format("all on {}", fmt::join(task_texts(tasks), ", "));
  return fmt::format("{}", fmt::join(parts, "; "));
}

bool is_like_own_key(const KeyEntry& entry, const std::vector<KeyEntry>& entries) {
  const std::string own = entry.without_teacher();
  const auto found = std::ranges::find(entries, own, [](const KeyEntry& other) { return other.option.key; });
  if (found == entries.end() || found->option.help != entry.option.help ||
      allowed_text(found->option) != allowed_text(entry.option))
    return false;
  return std::ranges::all_of(entry.uses, [&](const KeyUse& use) {
    return std::ranges::any_of(found->uses, [&](const KeyUse& other) {
      return other.task == use.task && other.algorithm == teacher_algorithm(*find_task(use.task)) &&
             other.value == use.value;
    });
  });
}

std::vector<ValueRow> values_by_task(const std::vector<KeyEntry>& entries) {
  std::vector<ValueRow> all = {rounds_row()};
  for (const KeyEntry& entry : entries) {
    if (entry.has_one_value() || entry.is_of_teacher()) continue;
    std::ranges::move(value_rows(entry), std::back_inserter(all));
  }
  return all;
}

}  // namespace impsweep
