// impsweep tasks: what can be trained, every option with the value of the paper for a task, and the
// reference of keys.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "agents/config/paper_defaults.hpp"
#include "engine/commands/command.hpp"
#include "engine/job/external_task.hpp"
#include "engine/job/key_reference.hpp"
#include "engine/job/settings.hpp"
#include "engine/job/sources.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

std::string step_limit(const TaskInfo& task) {
  return task.max_steps > 0 ? std::to_string(task.max_steps) : "none";
}

void show(const TaskInfo& task) {
  fmt::print("{}: {}; {}\n\n", task.name, task.description, source_of_task(task.name));
  if (!task.picture.empty()) fmt::print("{}\n", task.picture);
  fmt::print("  observation   {} {}", task.observation_size, task.binary ? "zeros and ones" : "numbers");
  if (task.rows > 0)
    fmt::print(": {} x {} cells of {}", task.rows, task.columns, fmt::join(task.channel_names, ", "));
  for (std::size_t i = 0; i < task.observation_names.size(); ++i)
    fmt::print("{}{}", i == 0 ? ": " : ", ", task.observation_names[i]);
  fmt::print("\n  actions       {}{}\n  step limit    {}\n", task.actions,
             task.continuous ? " dimensions" : ", discrete", step_limit(task));
  for (const AlgorithmInfo* algorithm : algorithms_for(task)) {
    const Settings settings = paper_settings(task.name, algorithm->name);
    fmt::print(
        "\nOptions of {} ({}), with their defaults for this task and where these come from; {} rounds\n",
        algorithm->name, algorithm->description, paper_rounds(task));
    for (const OptionState& option : list_settings(settings))
      fmt::print("  {:<28} {:<18} [{}] {} ({})\n", option.option.key, canonical_text(option.value),
                 source_of(option.option.key, task.family, algorithm->name), option.option.help,
                 allowed_text(option.option));
  }
}

}  // namespace

int command_tasks(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "tasks [--show NAME] [--json]\n       impsweep tasks --keys [--markdown]",
      "Lists every task with its sizes and step limit. --show prints one task with all options of every\n"
      "algorithm, their defaults and where these come from (paper, rlpyt, PyTorch or ours), types and\n"
      "meaning: what a job file may set. --keys prints every key of a job file with type, range, default,\n"
      "meaning, source, and the tasks and algorithms that have it.");
  usage.options.add_options()("show", options::value<std::string>(), "one task, with every option")(
      "keys", "every key of a job file")("markdown", "the keys as the tables of docs/job-files.md")(
      "json", "one JSON object instead of text");
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  const bool markdown = values->count("markdown") != 0;
  if (values->count("keys") != 0) {
    if (values->count("show") != 0 || values->count("json") != 0)
      throw InputError("tasks: --keys goes with --markdown only; give --show and --json without it");
    fmt::print("{}", markdown ? key_reference_markdown() : key_reference_text());
    return kComplete;
  }
  if (markdown) throw InputError("tasks: --markdown is a form of --keys; add --keys");
  const bool one = values->count("show") != 0;
  std::vector<std::string> names = task_names();
  if (one) {
    trust_named_code();
    names = {
        known_task(known_name((*values)["show"].as<std::string>(), "tasks --show"), "tasks --show").name};
  }

  if (values->count("json") != 0) {
    nlohmann::json tasks = nlohmann::json::array();
    for (const std::string& name : names) {
      const TaskInfo& task = *find_task(name);
      nlohmann::json entry = {{"name", task.name},
                              {"observation", task.observation_size},
                              {"actions", task.actions},
                              {"continuous", task.continuous},
                              {"max_steps", task.max_steps},
                              {"source", source_of_task(name)},
                              {"observation_names", task.observation_names},
                              {"channel_names", task.channel_names},
                              {"rows", task.rows},
                              {"columns", task.columns}};
      if (one) {
        for (const AlgorithmInfo* algorithm : algorithms_for(task)) {
          const std::string algorithm_name(algorithm->name);
          for (const OptionState& option : list_settings(paper_settings(name, algorithm_name))) {
            entry["options"][algorithm_name][option.option.key] = canonical_text(option.value);
            entry["sources"][algorithm_name][option.option.key] =
                source_of(option.option.key, task.family, algorithm_name);
          }
        }
      }
      tasks.push_back(std::move(entry));
    }
    fmt::print("{}\n", nlohmann::json{{"tasks", tasks}}.dump(2));
    return kComplete;
  }
  if (one) {
    show(*find_task(names.front()));
    return kComplete;
  }
  fmt::print("{:<22} {:>11} {:>8} {:>10}  {}\n", "task", "observation", "actions", "step limit", "");
  for (const std::string& name : names) {
    const TaskInfo& task = *find_task(name);
    fmt::print("{:<22} {:>11} {:>8} {:>10}  {}\n", task.name, task.observation_size, task.actions,
               step_limit(task), task.description);
  }
  fmt::print(
      "gymnasium:<id>                                          any environment of Gymnasium\n"
      "python:<file>:<class>                                   an environment of your own\n");
  return kComplete;
}

}  // namespace impsweep
