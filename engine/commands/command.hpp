// engine/commands/command.hpp - one file per command; main.cpp knows them by this list.
#pragma once

#include <boost/program_options.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/exit_code.hpp"

namespace impsweep {

using Arguments = std::vector<std::string>;  // after the command's name

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const Arguments&);
};
std::span<const Command> commands();

// Commands for shells and packagers, which the help leaves out.
std::span<const Command> hidden_commands();

int command_run(const Arguments&);
int command_plan(const Arguments&);
int command_status(const Arguments&);
int command_explain(const Arguments&);
int command_export(const Arguments&);
int command_evaluate(const Arguments&);
int command_report(const Arguments&);
int command_verify(const Arguments&);
int command_rerun(const Arguments&);
int command_merge(const Arguments&);
int command_pack(const Arguments&);
int command_record(const Arguments&);
int command_replay(const Arguments&);
int command_bench(const Arguments&);
int command_tasks(const Arguments&);
int command_init(const Arguments&);
int command_complete(const Arguments&);
int command_completion(const Arguments&);
int command_manual(const Arguments&);

// ---- shared by the commands

// How a command is called and what it means; --help is made from it.
struct Usage {
  std::string synopsis;  // "run JOB.toml... --store DIR [options]"
  std::string text;      // what it does, in a paragraph or two, with an example
  boost::program_options::options_description options{"Options"};
  // Hidden options that collect positional words, in order; the last may repeat if its count is -1.
  std::vector<std::pair<std::string, int>> positional;

  Usage(std::string synopsis, std::string text);
};

// How a command is called, without calling it.
Usage usage_of(const Command&);

// Parses the arguments; prints the help and returns nothing if it was asked for. Throws InputError for
// unknown flags, missing words and values of the wrong type, each with the nearest flag and the way to the
// help.
std::optional<boost::program_options::variables_map> parse(Usage&, const Arguments&);

}  // namespace impsweep
