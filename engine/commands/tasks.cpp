// impsweep tasks: what can be trained, and every option with the paper's value for a task.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "engine/commands/command.hpp"
#include "engine/job/settings.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

std::string step_limit(const TaskInfo& task) {
  return task.max_steps > 0 ? std::to_string(task.max_steps) : "none";
}

void show(const TaskInfo& task) {
  fmt::print("{}: {}\n\n", task.name, task.description);
  if (!task.picture.empty()) fmt::print("{}\n", task.picture);
  fmt::print("  observation   {} {}", task.observation_size, task.binary ? "zeros and ones" : "numbers");
  if (task.rows > 0)
    fmt::print(": {} x {} cells of {}", task.rows, task.columns, fmt::join(task.channel_names, ", "));
  for (std::size_t i = 0; i < task.observation_names.size(); ++i)
    fmt::print("{}{}", i == 0 ? ": " : ", ", task.observation_names[i]);
  fmt::print("\n  actions       {}{}\n  step limit    {}\n", task.actions,
             task.continuous ? " dimensions" : ", discrete", step_limit(task));
  for (const AlgorithmInfo& algorithm : algorithms_for(task)) {
    const Settings settings = paper_settings(task.name, algorithm.name);
    fmt::print("\nOptions of {} ({}), with the paper's values for this task; {} rounds\n", algorithm.name,
               algorithm.description, paper_rounds(task.name));
    for (const OptionState& option : list_settings(settings))
      fmt::print("  {:<28} {:<22} {} ({})\n", option.option.key, canonical_text(option.value),
                 option.option.help, allowed_text(option.option));
  }
}

}  // namespace

int command_tasks(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "tasks [--show NAME] [--json]",
      "Lists every task with its sizes and step limit. --show prints one task with all options of every\n"
      "algorithm, their values in the paper, types and meaning: what a job file may set.");
  usage.options.add_options()("show", options::value<std::string>(), "one task, with every option")(
      "json", "one JSON object instead of text");
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  const bool one = values->count("show") != 0;
  std::vector<std::string> names = task_names();
  if (one) names = {known_task((*values)["show"].as<std::string>(), "tasks --show").name};

  if (values->count("json") != 0) {
    nlohmann::json tasks = nlohmann::json::array();
    for (const std::string& name : names) {
      const TaskInfo& task = *find_task(name);
      nlohmann::json entry = {{"name", task.name},
                              {"observation", task.observation_size},
                              {"actions", task.actions},
                              {"continuous", task.continuous},
                              {"max_steps", task.max_steps}};
      if (one) {
        for (const AlgorithmInfo& algorithm : algorithms_for(task)) {
          for (const OptionState& option : list_settings(paper_settings(name, algorithm.name)))
            entry["options"][algorithm.name][option.option.key] = canonical_text(option.value);
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
  return kComplete;
}

}  // namespace impsweep
