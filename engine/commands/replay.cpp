// impsweep replay: drives the code that trains with recorded traces.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/commands/command.hpp"
#include "engine/replay/gymnasium_trace.hpp"
#include "engine/replay/replay_environment.hpp"
#include "engine/replay/replay_oracle.hpp"
#include "io/error.hpp"
#include "io/process.hpp"

namespace impsweep {
namespace {

std::string text_of(const EnvironmentReplay& replay) {
  std::string text =
      fmt::format("{}: {}, {} episodes, {} steps, {} exact, largest error {:.3g}\n", replay.file, replay.env,
                  replay.episodes, replay.steps, replay.exact_steps, replay.max_abs_error);
  if (replay.first_divergence)
    text += fmt::format("  DIVERGES in episode {}, step {}: {}\n", replay.first_divergence->episode,
                        replay.first_divergence->step, replay.first_divergence->field);
  if (!replay.other_versions.empty())
    text += fmt::format("  recorded with other versions, which may compute otherwise: {}\n",
                        replay.other_versions);
  return text;
}

bool is_failure(const EnvironmentReplay& replay) {
  return replay.first_divergence.has_value() && replay.other_versions.empty();
}
bool is_failure(const OracleReplay& replay) {
  return replay.first_divergence.has_value();
}

std::string text_of(const OracleReplay& replay) {
  std::string text = fmt::format("{}: {}, {} cases\n", replay.file, replay.kind, replay.cases);
  for (const auto& [quantity, error] : replay.max_abs_error)
    text += fmt::format("  {:<32} {:.3g}\n", quantity, error);
  if (replay.first_divergence)
    text += fmt::format("  DIVERGES in case {}: {}, {}\n", replay.first_divergence->case_index,
                        replay.first_divergence->quantity, replay.first_divergence->place);
  return text;
}

// The replay of one file as JSON: {"text", "json", "diverged"}, or {"error"} if it is refused.
std::string answer_for(const std::string& path, double tolerance) {
  nlohmann::json answer;
  const auto keep = [&](const auto& replay) {
    answer = {{"text", text_of(replay)}, {"json", replay}, {"diverged", is_failure(replay)}};
  };
  try {
    if (is_oracle(path))
      keep(replay_oracle(path, tolerance));
    else if (is_gymnasium_trace(path))
      keep(replay_gymnasium_trace(path, {.tolerance = tolerance}));
    else
      keep(replay_environment_trace(path, {.tolerance = tolerance}));
  } catch (const std::exception& error) {
    answer = {{"error", error.what()}};
  }
  return answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Processor time that no whole recording of this size comes near: a second is more than ten thousand steps.
int seconds_for(const std::string& path) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  return 8 + (error ? 0 : static_cast<int>(std::min<std::uintmax_t>(bytes >> 14, 1 << 20)));
}

}  // namespace

int command_replay(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "replay TRACE.h5... [--tolerance X] [--json]",
      "Drives the very environments and learning code that train with recorded traces and compares every\n"
      "step: episodes of environments, updates computed by rlpyt and PyTorch, or statistics computed by\n"
      "rliable, scipy and statsmodels (recognised by the attribute `kind`). Without --tolerance, each\n"
      "quantity has the tolerance of its kind; environments must agree exactly where their definition\n"
      "allows. Recordings of Gymnasium (`impsweep record`) need Python; with other versions of its packages\n"
      "differences are told and are no failure. Exit code 1 if anything differs.\n\n"
      "Example: impsweep replay tests/data/cartpole.h5 tests/data/oracle-ppo-discrete.h5");
  usage.options.add_options()("tolerance", options::value<double>()->default_value(0),
                              "largest absolute difference allowed; 0: each quantity's own")(
      "json", "one JSON object instead of text");
  usage.positional = {{"trace", -1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("trace") == 0) throw InputError("replay: no trace given; see `impsweep replay --help`");
  const double tolerance = (*values)["tolerance"].as<double>();
  if (!(tolerance >= 0)) throw InputError("replay: --tolerance {} must not be negative", tolerance);

  nlohmann::json traces = nlohmann::json::array();
  bool diverged = false;
  const bool json = values->count("json") != 0;
  for (const std::string& path : (*values)["trace"].as<std::vector<std::string>>()) {
    // Apart, as the HDF5 library does not survive every damaged file, nor come to an end.
    const auto answer = call_apart([&] { return answer_for(path, tolerance); }, seconds_for(path));
    if (!answer) throw InputError("{}: cannot be read: the file is damaged; fetch or record it again", path);
    nlohmann::json found = nlohmann::json::parse(*answer);
    if (found.contains("error")) throw InputError("{}", found["error"].get<std::string>());
    diverged |= found["diverged"].get<bool>();
    if (json)
      traces.push_back(std::move(found["json"]));
    else
      fmt::print("{}", found["text"].get<std::string>());
  }
  if (json) fmt::print("{}\n", nlohmann::json{{"traces", traces}, {"ok", !diverged}}.dump(2));
  return diverged ? kFailed : kComplete;
}

}  // namespace impsweep
