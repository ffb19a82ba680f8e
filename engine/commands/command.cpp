#include "engine/commands/command.hpp"

#include <fmt/format.h>

#include <sstream>

#include "engine/job/option_table.hpp"
#include "io/error.hpp"

namespace impsweep {

namespace options = boost::program_options;

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"run", "run or resume a sweep, alone or under mpirun", command_run},
      {"plan", "show what a sweep would train and cost, without running it", command_plan},
      {"status", "progress, rates, ETA and failures of a store", command_status},
      {"explain", "where a chain is, and why it is not further", command_explain},
      {"export", "results as tidy tables", command_export},
      {"evaluate", "play a stored policy again", command_evaluate},
      {"report", "figures, one web page, and the paper's claims judged by what stores hold", command_report},
      {"verify", "check every file of a store, or compare two stores bit by bit", command_verify},
      {"rerun", "train again what a round file says, and compare bit by bit", command_rerun},
      {"merge", "unite stores that were filled in different places", command_merge},
      {"pack", "a whole store as one HDF5 file", command_pack},
      {"record", "record episodes of an environment of Gymnasium", command_record},
      {"replay", "drive environments and learning code with recorded traces", command_replay},
      {"bench", "throughput of environments, updates and trainings on this machine", command_bench},
      {"tasks", "list the tasks, or one with all its options", command_tasks},
      {"init", "write a commented job file for a task", command_init},
      {"completion", "print what makes bash, zsh or fish complete words of this program", command_completion},
  };
  return kCommands;
}

std::span<const Command> hidden_commands() {
  static constexpr Command kCommands[] = {
      {"complete", "words that may follow, for shells", command_complete},
      {"manual", "the manual page", command_manual},
  };
  return kCommands;
}

namespace {

// Where parse() leaves the usage of a command that is only asked for it.
std::optional<Usage>* wanted_usage = nullptr;

}  // namespace

Usage usage_of(const Command& command) {
  std::optional<Usage> usage;
  wanted_usage = &usage;
  command.run({});
  wanted_usage = nullptr;
  return std::move(*usage);
}

Usage::Usage(std::string synopsis, std::string text) : synopsis(std::move(synopsis)), text(std::move(text)) {
  options.add_options()("help,h", "show this help");
}

std::optional<options::variables_map> parse(Usage& usage, const Arguments& arguments) {
  if (wanted_usage != nullptr) {
    wanted_usage->emplace(usage);
    return std::nullopt;
  }
  const std::string command = usage.synopsis.substr(0, usage.synopsis.find(' '));
  const std::string help = fmt::format("; see `impsweep {} --help`", command);
  options::options_description all;
  all.add(usage.options);
  options::options_description hidden;
  options::positional_options_description positional;
  for (const auto& [name, count] : usage.positional) {
    hidden.add_options()(name.c_str(), options::value<std::vector<std::string>>());
    positional.add(name.c_str(), count);
  }
  all.add(hidden);
  options::variables_map values;
  // Guessing prefixes would make every new option a change of meaning.
  const int style = options::command_line_style::default_style & ~options::command_line_style::allow_guessing;
  try {
    options::store(
        options::command_line_parser(arguments).options(all).positional(positional).style(style).run(),
        values);
    if (values.count("help") != 0) {
      std::ostringstream text;
      text << "Usage: impsweep " << usage.synopsis << "\n\n" << usage.text << "\n\n" << usage.options;
      fmt::print("{}", text.str());
      return std::nullopt;
    }
    options::notify(values);
  } catch (const options::unknown_option& error) {
    std::vector<std::string> known;
    for (const auto& option : usage.options.options()) known.push_back("--" + option->long_name());
    throw InputError("{}: unknown flag '{}'{}{}", command, error.get_option_name(),
                     suggestion(error.get_option_name(), known), help);
  } catch (const options::too_many_positional_options_error&) {
    throw InputError("{}: too many words on the command line{}", command, help);
  } catch (const options::error& error) {
    throw InputError("{}: {}{}", command, error.what(), help);
  }
  return values;
}

}  // namespace impsweep
