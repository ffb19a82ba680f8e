// impsweep rerun: trains again what a round file says, and compares.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engine/commands/command.hpp"
#include "engine/store/rerun.hpp"
#include "engine/sweep/stop.hpp"
#include "io/error.hpp"

namespace impsweep {

int command_rerun(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "rerun ROUND.h5 [--store DIR] [--json]",
      "Trains what the file of a finished round says, and compares the result with what the file holds, bit\n"
      "by bit, provenance (host, times) aside. What the training depends on, the round before or its\n"
      "teacher, is taken from the store that the file lies in, or from --store; a dense training without a\n"
      "teacher needs no store. Nothing is changed. Exit code 1 if something differs, 3 if it was stopped.\n\n"
      "Example: impsweep rerun out/rounds/3f/3f0c9e4f7d1a2b6c8e5d4f3a2b1c0d9e.h5");
  usage.options.add_options()("store", options::value<std::string>(),
                              "store with what the training depends on; default: the one around the file")(
      "json", "one JSON object instead of text");
  usage.positional = {{"round", 1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("round") == 0)
    throw InputError("rerun: no round file given; see `impsweep rerun --help`");
  const std::string file = (*values)["round"].as<std::vector<std::string>>().front();
  std::optional<std::filesystem::path> store;
  if (values->count("store") != 0) store = (*values)["store"].as<std::string>();

  install_stop_signals();
  const Recomputation again =
      rerun_file(file, store, [](const TrainingProgress&) { return stop_requested(); });
  if (values->count("json") != 0) {
    nlohmann::json difference;
    if (again.difference) difference = {{"place", again.difference->place}, {"text", again.difference->text}};
    fmt::print("{}\n", nlohmann::json{{"file", file},
                                      {"training", again.name},
                                      {"complete", again.complete},
                                      {"ok", again.complete && !again.difference},
                                      {"difference", difference}}
                           .dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else if (!again.complete) {
    fmt::print("stopped    {}\n", again.name);
  } else if (again.difference) {
    fmt::print("different  {}: first at {}: {} (stored against recomputed)\n", again.name,
               again.difference->place, again.difference->text);
  } else {
    fmt::print("equal      {}\n", again.name);
  }
  if (!again.complete) return kStopped;
  return again.difference ? kFailed : kComplete;
}

}  // namespace impsweep
