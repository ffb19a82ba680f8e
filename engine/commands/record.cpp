// impsweep record: episodes of an environment of Gymnasium as a recording for `impsweep replay`.
#include <fmt/format.h>

#include "engine/commands/command.hpp"
#include "engine/job/external_task.hpp"
#include "engine/replay/gymnasium_trace.hpp"
#include "io/error.hpp"
#include "io/files.hpp"

namespace impsweep {

int command_record(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage("record TASK --output TRACE.h5 [--episodes N] [--seed S] [--set gymnasium.KEY=VALUE]...",
              "Plays episodes of an environment of Gymnasium with random actions and writes every step: what "
              "a native\n"
              "port of the environment is tested with, and what `impsweep replay` plays again through the "
              "bridge, to\n"
              "the bit. TASK is named as in jobs: gymnasium:<id>, or python:<file>:<class>.\n\n"
              "Example: impsweep record gymnasium:LunarLander-v3 --episodes 20 --output lander.h5");
  usage.options.add_options()("episodes", options::value<std::int64_t>()->default_value(10),
                              "episodes to play")("output", options::value<std::string>(), "file to write")(
      "seed", options::value<std::int64_t>()->default_value(0), "of the episodes' seeds and of the actions")(
      "set", options::value<std::vector<std::string>>()->composing(),
      "gymnasium.KEY=value, as in a job; may be repeated");
  usage.positional = {{"task", 1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("task") == 0)
    throw InputError("record: it takes a task, e.g. gymnasium:CartPole-v1; see `impsweep record --help`");
  if (values->count("output") == 0) throw InputError("record: --output FILE is missing");
  RecordingOptions recording;
  recording.task = (*values)["task"].as<std::vector<std::string>>().front();
  if (!is_external_task(recording.task))
    throw InputError(
        "record: '{}' is no environment of Gymnasium; give gymnasium:<id> or python:<file>:<class>",
        recording.task);
  recording.episodes = (*values)["episodes"].as<std::int64_t>();
  constexpr std::int64_t kMost = 100'000;
  if (recording.episodes < 1 || recording.episodes > kMost)
    throw InputError("record: --episodes {} is outside 1..{}", recording.episodes, kMost);
  recording.seed = (*values)["seed"].as<std::int64_t>();
  if (recording.seed < 0) throw InputError("record: --seed {} must not be negative", recording.seed);
  if (values->count("set") != 0) recording.settings = (*values)["set"].as<std::vector<std::string>>();
  trust_named_code();
  const std::string output = (*values)["output"].as<std::string>();
  write_output(output, record_gymnasium(recording));
  if (output != "-") fmt::print("wrote {}; `impsweep replay {}` plays it again\n", output, output);
  return kComplete;
}

}  // namespace impsweep
