// impsweep init: a commented job file to begin with.
#include <fmt/format.h>

#include <algorithm>

#include "agents/config/paper_defaults.hpp"
#include "engine/commands/command.hpp"
#include "engine/imp/baseline.hpp"
#include "engine/job/external_task.hpp"
#include "engine/job/settings.hpp"
#include "engine/job/sources.hpp"
#include "io/error.hpp"
#include "io/files.hpp"

namespace impsweep {
namespace {

constexpr int kSeeds = 5;  // fewer decide nothing

std::string quoted_list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", word);
  return text;
}

// `named`: what a job calls the task.
std::string commented_job(const TaskInfo& task, const std::string& named, const std::string& algorithm) {
  std::vector<std::string> others, baselines;
  for (const AlgorithmInfo* other : algorithms_for(task))
    if (other->name != algorithm) others.emplace_back(other->name);
  for (const Baseline baseline : kPaperBaselines) baselines.emplace_back(info_of(baseline).name);
  std::string text = fmt::format(
      "# {}: {}.\n"
      "#\n"
      "#     impsweep plan FILE                     what it would train, and what that costs\n"
      "#     impsweep run FILE --store out          run it; the same again resumes it\n"
      "#     impsweep report out --output report    figures and verdicts\n"
      "#\n"
      "# Every key below stands at its default and says where that comes from. Remove the # of what you "
      "change.\n\n"
      "[[sweep]]\n"
      "name       = \"{}\"\n"
      "tasks      = [\"{}\"]\n"
      "algorithms = [\"{}\"]{}\n"
      "baselines  = [{}]\n"
      "seeds      = {}\n"
      "rounds     = {}\n",
      task.name, task.description, task.name, named, algorithm,
      others.empty() ? "" : "  # also " + fmt::format("{}", fmt::join(others, ", ")), quoted_list(baselines),
      kSeeds, paper_rounds(task));
  std::string section;
  for (const OptionState& option : list_settings(paper_settings(task.name, algorithm))) {
    const std::string& key = option.option.key;
    if (is_determined_key(key)) continue;
    if (key.starts_with("teacher.") && section != "teacher") text += "\n# The agent that is cloned.\n";
    if (const std::string own = key.substr(0, key.find('.')); own != section) {
      section = own;
      text += "\n";
    }
    text += fmt::format("# {} = {}  # {}; {} [{}]\n", key, canonical_text(option.value), option.option.help,
                        allowed_text(option.option), source_of(key, task.family, algorithm));
  }
  return text +
         "\n# Variants are points of one more axis: a name, and keys that differ.\n"
         "# [[sweep.variant]]\n"
         "# name = \"default\"\n"
         "# [[sweep.variant]]\n"
         "# name = \"xavier\"\n"
         "# network.init = \"xavier\"\n";
}

}  // namespace

int command_init(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "init TASK [--algorithm A] [--output FILE.toml]",
      "Writes a job file for a task in which every key stands, commented out, at its default, with its\n"
      "meaning, range and source. A file that is there is not touched.\n\n"
      "Example: impsweep init cartpole && impsweep plan cartpole.toml");
  usage.options.add_options()("algorithm", options::value<std::string>(),
                              "what learns; by default the first that `impsweep tasks --show TASK` lists and "
                              "that needs no teacher")("output", options::value<std::string>(),
                                                       "file to write, TASK.toml by default; - prints it");
  usage.positional = {{"task", 1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("task") == 0) throw InputError("init: it takes a task; `impsweep tasks` lists them");
  trust_named_code();
  const std::string named = (*values)["task"].as<std::vector<std::string>>().front();
  const TaskInfo& task = known_task(known_name(named, "init"), "init");
  std::string algorithm;
  if (values->count("algorithm") != 0) {
    algorithm = available_algorithm((*values)["algorithm"].as<std::string>(), task.name, "init").name;
  } else {
    for (const AlgorithmInfo* one : algorithms_for(task))
      if (algorithm.empty() && !one->has_teacher) algorithm = one->name;
  }
  const std::string text = commented_job(task, is_external_task(named) ? named : task.name, algorithm);
  const std::string output =
      values->count("output") != 0 ? (*values)["output"].as<std::string>() : task.name + ".toml";
  if (output == "-") {
    fmt::print("{}", text);
    return kComplete;
  }
  if (publish_new(output, bytes_of(text)) == Published::kAlreadyThere)
    throw InputError("init: {} is there already; give another name with --output, or remove it", output);
  fmt::print("wrote {}; `impsweep plan {}` says what it would train\n", output, output);
  return kComplete;
}

}  // namespace impsweep
