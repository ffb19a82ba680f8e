// impsweep: lottery-ticket sweeps in deep reinforcement learning. This file only finds the command.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "agents/network/network.hpp"
#include "engine/commands/command.hpp"
#include "engine/job/external_task.hpp"
#include "engine/job/option_table.hpp"
#include "engine/training/fingerprint.hpp"
#include "io/error.hpp"
#include "io/human_text.hpp"
#include "io/streams.hpp"

namespace {

void print_help() {
  fmt::print(
      "impsweep - lottery-ticket sweeps in deep reinforcement learning: iterative magnitude pruning with "
      "four\n"
      "baselines, sparse training on CPU cores, results that resume and compare to the bit.\n\n"
      "Usage: impsweep COMMAND [options]      impsweep COMMAND --help      impsweep "
      "--version\n       impsweep --trust-code COMMAND ...        runs Python files that a store names\n\n"
      "Commands:\n");
  for (const impsweep::Command& command : impsweep::commands())
    fmt::print("  {:<10} {}\n", command.name, command.summary);
  fmt::print(
      "\nFirst steps:\n"
      "  impsweep tasks                                                what can be trained\n"
      "  impsweep plan jobs/quickstart.toml                            what a job would cost\n"
      "  mpirun -n 4 impsweep run jobs/quickstart.toml --store out     run it; the same again resumes it\n"
      "  impsweep status out                                           how far it is\n"
      "\nExit codes: 0 complete, 1 something failed or differs, 2 bad input, 3 stopped early and "
      "resumable.\n");
}

// What is named in it may come from a store of somebody else.
void complain(const std::string& text) {
  fmt::print(stderr, "impsweep: {}\n", impsweep::printable(text));
}

int run_command(int argc, char** argv) {
  if (argc > 1 && argv[1] == std::string_view("--trust-code")) {
    impsweep::trust_named_code();
    --argc;
    ++argv;
  }
  const std::string_view name = argc > 1 ? argv[1] : "--help";
  try {
    if (name == "--help" || name == "-h" || name == "help") {
      print_help();
      return argc > 1 ? impsweep::kComplete : impsweep::kBadInput;
    }
    if (name == "--version") {
      fmt::print("{}", impsweep::version_text());
      return impsweep::kComplete;
    }
    std::vector<std::string> names;
    for (const impsweep::Command& command : impsweep::commands()) {
      if (name == command.name) return command.run({argv + 2, argv + argc});
      names.emplace_back(command.name);
    }
    for (const impsweep::Command& command : impsweep::hidden_commands())
      if (name == command.name) return command.run({argv + 2, argv + argc});
    throw impsweep::InputError("unknown command '{}'{}; see `impsweep --help`", name,
                               impsweep::suggestion(name, names));
  } catch (const impsweep::InputError& error) {
    complain(error.what());
    return impsweep::kBadInput;
  } catch (const impsweep::LibTorchMissing& error) {
    complain(error.what());
    return impsweep::kBadInput;
  } catch (const impsweep::TaskUnavailable& error) {
    complain(error.what());
    return impsweep::kBadInput;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "impsweep: out of memory; `impsweep plan` predicts what a rank needs\n");
    return impsweep::kFailed;
  } catch (const std::exception& error) {
    complain(std::string("unexpected error: ") + error.what());
    return impsweep::kFailed;
  }
}

}  // namespace

int main(int argc, char** argv) {
  impsweep::prepare_streams();
  const int code = run_command(argc, argv);
  const std::string reason = impsweep::lost_output();
  if (reason.empty()) return code;
  complain("standard output: cannot write: " + reason + "; what was printed is incomplete");
  return code == impsweep::kComplete ? impsweep::kFailed : code;
}
