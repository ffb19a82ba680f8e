// The manual page in the language of man, made from the help of every command.
#include <fmt/format.h>

#include "engine/commands/command.hpp"
#include "engine/training/version.hpp"

namespace impsweep {
namespace {

// Backslashes, and dots and quotes at the beginning of a line, mean something to man.
std::string literal(const std::string& text) {
  std::string result;
  bool at_start = true;
  for (const char c : text) {
    if (at_start && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else
      result += c;
    at_start = c == '\n';
  }
  return result;
}

void print_command(const Command& command) {
  const Usage usage = usage_of(command);
  fmt::print(".SS \"{}\"\n{}.\n.PP\n.nf\n.B impsweep {}\n.fi\n.PP\n.nf\n{}\n.fi\n", literal(command.name),
             literal(command.summary), literal(usage.synopsis), literal(usage.text));
  for (const auto& option : usage.options.options()) {
    const std::string argument =
        option->semantic()->max_tokens() > 0 ? fmt::format(" {}", option->format_parameter()) : "";
    fmt::print(".TP\n.B \\-\\-{}{}\n{}\n", literal(option->long_name()), literal(argument),
               literal(option->description()));
  }
}

}  // namespace

int command_manual(const Arguments&) {
  fmt::print(
      ".TH IMPSWEEP 1 \"\" \"impsweep {}\" \"User Commands\"\n.SH NAME\nimpsweep \\- lottery\\-ticket sweeps "
      "in "
      "deep reinforcement learning\n.SH SYNOPSIS\n.B impsweep\n.I COMMAND\n[options]\n.br\n.B mpirun "
      "\\-n\n.I "
      "N\n.B impsweep run\n.I JOB.toml\n.B \\-\\-store\n.I DIR\n.SH DESCRIPTION\nIterative magnitude pruning "
      "with "
      "its baselines, sparse training on CPU cores, results that resume and compare to the bit.\n.SH "
      "COMMANDS\n",
      program_version());
  for (const Command& command : commands()) print_command(command);
  fmt::print(
      ".SH EXIT STATUS\n.TP\n0\ncomplete\n.TP\n1\nsomething failed or differs\n.TP\n2\nbad "
      "input\n.TP\n3\nstopped "
      "early and resumable\n.SH ENVIRONMENT\n.TP\n.B IMPSWEEP_PYTHON\nthe interpreter that plays "
      "Atari\n.TP\n.B "
      "IMPSWEEP_TORCH_MODULE\nthe module that holds LibTorch\n");
  return kComplete;
}

}  // namespace impsweep
