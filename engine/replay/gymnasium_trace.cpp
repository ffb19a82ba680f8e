#include "engine/replay/gymnasium_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/job/external_task.hpp"
#include "envs/external/gymnasium_environment.hpp"
#include "io/error.hpp"
#include "io/hdf5.hpp"
#include "io/hdf5_writer.hpp"

namespace impsweep {
namespace {

using external::Spaces;

constexpr std::int64_t kFormat = 1;
constexpr std::int64_t kLongestEpisode = 1'000'000;  // of a recording
constexpr const char* kRecordAgain = "the file is damaged or of another format; record it again";

external::Definition definition_of(const TaskOptions& options) {
  return external::definition_from(options);
}

std::unique_ptr<external::GymnasiumEnvironment> environment_of(const std::string& task,
                                                               const TaskOptions& options) {
  std::unique_ptr<Environment> made = make_environment(task, 1, options);
  return std::unique_ptr<external::GymnasiumEnvironment>(
      &dynamic_cast<external::GymnasiumEnvironment&>(*made.release()));
}

std::string text_attribute(const Hdf5File& file, const std::string& object, const char* name) {
  return file.has_attribute(object, name) ? file.attribute_string(object, name) : std::string();
}

struct Episode {
  std::string name;
  std::int64_t seed = 0;
  bool continues_previous = false;
  std::string generator_after_reset, generator_at_end;
  std::size_t steps = 0;
  std::vector<std::int32_t> discrete;
  std::vector<float> numbers;      // [steps][actions]
  std::vector<float> observation;  // [steps + 1][inputs]
  std::vector<double> reward;
  std::vector<std::uint8_t> terminated, truncated;
};

Episode read_episode(const Hdf5File& file, const std::string& name, const Spaces& spaces) {
  Episode episode;
  const auto require = [&](bool holds, const char* dataset) {
    if (!holds)
      throw InputError("{}: {}/{}: it does not fit {} and {}; {}", file.name(), name, dataset,
                       spaces.observation, spaces.action, kRecordAgain);
  };
  const auto actions = static_cast<std::size_t>(spaces.actions);
  const auto inputs = static_cast<std::size_t>(spaces.inputs);
  episode.name = name;
  episode.seed = file.attribute_int(name, "rng_seed");
  episode.continues_previous =
      file.has_attribute(name, "continues_previous") && file.attribute_int(name, "continues_previous") != 0;
  episode.generator_after_reset = text_attribute(file, name, "rng_after_reset");
  episode.generator_at_end = text_attribute(file, name, "rng_at_end");
  episode.reward = file.read<double>(name + "/reward");
  episode.steps = episode.reward.size();
  require(episode.seed >= 0 && episode.steps > 0, "reward");
  if (spaces.continuous) {
    episode.numbers = file.read<float>(name + "/action");
    require(episode.numbers.size() == episode.steps * actions, "action");
    require(std::ranges::all_of(episode.numbers, [](float number) { return std::isfinite(number); }),
            "action");
  } else {
    episode.discrete = file.read<std::int32_t>(name + "/action");
    require(episode.discrete.size() == episode.steps, "action");
    for (std::int32_t& action : episode.discrete) {
      action -= static_cast<std::int32_t>(spaces.first_action);
      require(action >= 0 && action < spaces.actions, "action");
    }
  }
  episode.observation = file.read<float>(name + "/observation");
  require(episode.observation.size() == (episode.steps + 1) * inputs, "observation");
  episode.terminated = file.read<std::uint8_t>(name + "/terminated");
  episode.truncated = file.read<std::uint8_t>(name + "/truncated");
  require(episode.terminated.size() == episode.steps, "terminated");
  require(episode.truncated.size() == episode.steps, "truncated");
  return episode;
}

// One episode against its recording.
class Comparison {
 public:
  Comparison(external::GymnasiumEnvironment& environment, const Episode& episode, int index, double tolerance,
             EnvironmentReplay& replay)
      : environment_(environment),
        episode_(episode),
        index_(index),
        tolerance_(tolerance),
        replay_(replay),
        observation_(static_cast<std::size_t>(environment.spaces().inputs)) {}

  void run() {
    environment_.reset_with(0, episode_.continues_previous ? external::kNoSeed : episode_.seed, 0,
                            {observation_.data(), 1});
    compare_observation(-1);
    compare_generator(-1, episode_.generator_after_reset);
    for (std::size_t t = 0; t < episode_.steps; ++t) step(static_cast<int>(t));
    compare_generator(static_cast<int>(episode_.steps) - 1, episode_.generator_at_end);
  }

 private:
  void step(int t) {
    static constexpr std::int32_t kLane = 0;
    const auto at = static_cast<std::size_t>(t);
    ActionBatch action{.stride = 1};
    if (environment_.spaces().continuous)
      action.continuous =
          episode_.numbers.data() + at * static_cast<std::size_t>(environment_.spaces().actions);
    else
      action.discrete = episode_.discrete.data() + at;
    StepResult result;
    environment_.step({&kLane, 1}, action, {observation_.data(), 1}, {&result, 1});
    bool is_exact = compare_observation(t);
    is_exact &= compare_number(t, environment_.raw_reward(0), episode_.reward[at], "reward");
    if (result.terminated != (episode_.terminated[at] != 0)) is_exact = diverge(t, "terminated");
    if (result.truncated != (episode_.truncated[at] != 0)) is_exact = diverge(t, "truncated");
    replay_.exact_steps += is_exact ? 1 : 0;
  }

  bool diverge(int t, const char* field) {
    if (!replay_.first_divergence) replay_.first_divergence = Divergence{index_, t, field};
    return false;
  }

  // Whether the bits are equal; a difference within the tolerance is none to tell of.
  bool compare_number(int t, double here, double recorded, const char* field) {
    if (std::bit_cast<std::uint64_t>(here) == std::bit_cast<std::uint64_t>(recorded)) return true;
    const double error = std::abs(here - recorded);
    replay_.max_abs_error = std::max(replay_.max_abs_error, error);
    if (!(tolerance_ > 0 && error <= tolerance_)) diverge(t, field);
    return false;
  }

  bool compare_observation(int t) {
    bool is_exact = true;
    const float* recorded =
        episode_.observation.data() + static_cast<std::size_t>(t + 1) * observation_.size();
    for (std::size_t i = 0; i < observation_.size(); ++i)
      is_exact &= compare_number(t, observation_[i], recorded[i], "observation");
    return is_exact;
  }

  void compare_generator(int t, const std::string& recorded) {
    if (!recorded.empty() && environment_.generator(0) != recorded) diverge(t, "draws");
  }

  external::GymnasiumEnvironment& environment_;
  const Episode& episode_;
  int index_;
  double tolerance_;
  EnvironmentReplay& replay_;
  std::vector<float> observation_;
};

// What is here in other versions than in the recording: "numpy 2.4.6, here 1.26.0".
std::string other_versions(const std::string& recorded, const external::Definition& here) {
  const nlohmann::json then = nlohmann::json::parse(recorded, nullptr, false);
  const nlohmann::json now = nlohmann::json::parse(here.packages, nullptr, false);
  std::string text;
  if (!then.is_object()) return "the recording names no versions";
  for (const auto& [name, version] : then.items())
    if (!now.contains(name) || now[name] != version)
      text += fmt::format("{}{} {}, here {}", text.empty() ? "" : "; ", name, version.dump(),
                          now.contains(name) ? now[name].dump() : "none");
  return text;
}

}  // namespace

bool is_gymnasium_trace(const std::string& path) {
  return is_external_task(text_attribute(Hdf5File::open_readonly(path), "", "env"));
}

EnvironmentReplay replay_gymnasium_trace(const std::string& path, const EnvironmentReplayOptions& options) {
  const Hdf5File file = Hdf5File::open_readonly(path);
  if (file.attribute_int("", "format_version") != kFormat)
    throw InputError("{}: attribute format_version is not {}, the only version known here; record it again",
                     path, kFormat);
  std::vector<JobEntry> entries;
  const auto take = [&](const char* attribute, const char* key) {
    if (const std::string text = text_attribute(file, "", attribute); !text.empty())
      entries.push_back({key, JobValue{text}, path});
  };
  take("kwargs", "gymnasium.kwargs");
  take("wrappers", "gymnasium.wrappers");
  if (file.has_attribute("", "max_steps"))
    entries.push_back({"gymnasium.max_steps", JobValue{file.attribute_int("", "max_steps")}, path});
  const auto [task, task_options] = external_task(file.attribute_string("", "env"), entries, path, false);
  const auto environment = environment_of(task, task_options);
  EnvironmentReplay replay;
  replay.file = path;
  replay.env = task;
  replay.other_versions = other_versions(text_attribute(file, "", "packages"), definition_of(task_options));
  if (const std::string files = text_attribute(file, "", "files"); !files.empty())
    if (definition_of(task_options).files != files)
      throw InputError("{}: it was recorded of files with the digests {}, here they have {}", path, files,
                       definition_of(task_options).files);
  for (const std::string& name : file.children()) {
    if (!name.starts_with("episode_")) continue;
    const Episode episode = read_episode(file, name, environment->spaces());
    Comparison(*environment, episode, static_cast<int>(replay.episodes), options.tolerance, replay).run();
    ++replay.episodes;
    replay.steps += static_cast<std::int64_t>(episode.steps);
  }
  if (replay.episodes == 0)
    throw InputError("{}: there is no group episode_000; this is not a recording of episodes", path);
  return replay;
}

namespace {

// Raw observations of an episode, in one of the types that files have here.
class RawRows {
 public:
  explicit RawRows(const Spaces& spaces) : spaces_(spaces) {}

  void append(std::span<const std::byte> row) { bytes_.insert(bytes_.end(), row.begin(), row.end()); }

  bool can_be_written() const { return spaces_.row != Spaces::Row::kFlat && form() != Form::kOther; }

  Array array(std::size_t rows) const {
    switch (form()) {
      case Form::kReal32:
        return typed<float>(rows);
      case Form::kReal64:
        return typed<double>(rows);
      case Form::kInteger32:
        return typed<std::int32_t>(rows);
      case Form::kByte:
        return typed<std::uint8_t>(rows);
      default:
        break;
    }
    Array integers = typed<std::int64_t>(rows);
    if (spaces_.row == Spaces::Row::kIndex) {
      integers.shape = {rows};
      for (std::int64_t& value : std::get<std::vector<std::int64_t>>(integers.values)) value += spaces_.first;
    }
    return integers;
  }

 private:
  enum class Form { kReal32, kReal64, kInteger32, kInteger64, kByte, kOther };
  Form form() const {
    if (spaces_.kind == 'f') return spaces_.bytes == 4 ? Form::kReal32 : Form::kReal64;
    if (spaces_.kind == 'i' && spaces_.bytes == 4) return Form::kInteger32;
    if (spaces_.kind == 'i' && spaces_.bytes == 8) return Form::kInteger64;
    return spaces_.kind == 'u' && spaces_.bytes == 1 ? Form::kByte : Form::kOther;
  }
  template <class Number>
  Array typed(std::size_t rows) const {
    std::vector<Number> values(bytes_.size() / sizeof(Number));
    std::memcpy(values.data(), bytes_.data(), bytes_.size());
    const std::uint64_t columns = values.size() / rows;
    return Array::matrix(rows, columns, std::move(values));
  }

  const Spaces& spaces_;
  std::vector<std::byte> bytes_;
};

void record_episode(external::GymnasiumEnvironment& environment, Stream& seeds, Stream& actions,
                    Hdf5Writer& writer, const std::string& name, std::int64_t& steps_so_far) {
  static constexpr std::int32_t kLane = 0;
  const Spaces& spaces = environment.spaces();
  const auto inputs = static_cast<std::size_t>(spaces.inputs),
             count = static_cast<std::size_t>(spaces.actions);
  const std::int64_t seed = seeds.below(external::kSeeds);
  std::vector<float> row(inputs), observation, numbers;
  std::vector<std::int32_t> discrete;
  std::vector<double> reward;
  std::vector<std::uint8_t> terminated, truncated;
  RawRows raw(spaces);
  const auto keep = [&] {
    observation.insert(observation.end(), row.begin(), row.end());
    raw.append(environment.raw_row(0));
  };
  environment.reset_with(0, seed, 0, {row.data(), 1});
  keep();
  const std::string after_reset = environment.generator(0);
  double sum = 0;
  for (StepResult result; !result.terminated && !result.truncated;) {
    if (reward.size() == static_cast<std::size_t>(kLongestEpisode))
      throw InputError("record: an episode did not end within {} steps; set gymnasium.max_steps",
                       kLongestEpisode);
    ActionBatch action{.stride = 1};
    if (spaces.continuous) {
      for (std::size_t d = 0; d < count; ++d) {
        const double low = std::max(spaces.low[d], -1e3), high = std::min(spaces.high[d], 1e3);
        const auto drawn = static_cast<float>(low + (high - low) * actions.uniform());
        numbers.push_back(std::clamp(drawn, static_cast<float>(low), static_cast<float>(high)));
      }
      action.continuous = numbers.data() + numbers.size() - count;
    } else {
      discrete.push_back(static_cast<std::int32_t>(actions.below(spaces.actions)));
      action.discrete = &discrete.back();
    }
    environment.step({&kLane, 1}, action, {row.data(), 1}, {&result, 1});
    keep();
    reward.push_back(environment.raw_reward(0));
    sum += reward.back();
    terminated.push_back(result.terminated ? 1 : 0);
    truncated.push_back(result.truncated ? 1 : 0);
  }
  const std::uint64_t steps = reward.size();
  steps_so_far += static_cast<std::int64_t>(steps);
  writer.group(name);
  if (spaces.continuous) {
    writer.array(name + "/action", Array::matrix(steps, count, std::move(numbers)));
  } else {
    for (std::int32_t& action : discrete) action += static_cast<std::int32_t>(spaces.first_action);
    writer.array(name + "/action", Array::vector(std::move(discrete)));
  }
  writer.array(name + "/observation", Array::matrix(steps + 1, inputs, std::move(observation)));
  if (raw.can_be_written()) writer.array(name + "/raw_observation", raw.array(steps + 1));
  writer.array(name + "/reward", Array::vector(std::move(reward)));
  writer.array(name + "/terminated", Array::vector(std::move(terminated)));
  writer.array(name + "/truncated", Array::vector(std::move(truncated)));
  writer.attribute(name, "rng_seed", seed);
  writer.attribute(name, "continues_previous", std::int64_t{0});
  writer.attribute(name, "rng_after_reset", after_reset);
  writer.attribute(name, "rng_at_end", environment.generator(0));
  writer.attribute(name, "num_steps", static_cast<std::int64_t>(steps));
  writer.attribute(name, "return", sum);
  writer.attribute(name, "max_steps", std::int64_t{spaces.max_steps});
  writer.attribute(name, "policy", std::string("random"));
}

}  // namespace

Bytes record_gymnasium(const RecordingOptions& options) {
  std::vector<JobEntry> entries;
  for (const std::string& setting : options.settings) {
    entries.push_back(parse_assignment(setting));
    if (!is_external_key(entries.back().key))
      throw InputError("{}: a recording has no such option; gymnasium.* are those that it has",
                       entries.back().place);
  }
  const auto [task, task_options] = external_task(options.task, entries, "record", false);
  const external::Definition definition = definition_of(task_options);
  const auto environment = environment_of(task, task_options);
  environment->start();
  const Spaces& spaces = environment->spaces();
  Hdf5Writer writer(0, Hdf5Writer::Effort::kSmallest);
  const auto attribute = [&](const char* name, const Attribute& value) { writer.attribute("", name, value); };
  attribute("format_version", kFormat);
  attribute("env", definition.is_python() ? options.task : definition.name);
  attribute("kwargs", definition.kwargs);
  attribute("wrappers", definition.wrappers);
  attribute("max_steps", definition.max_steps);
  attribute("packages", definition.packages);
  if (definition.is_python()) attribute("files", definition.files);
  attribute("program", environment->external_program());
  attribute("observation_space", spaces.observation);
  attribute("action_space", spaces.action);
  attribute("observation_size", std::int64_t{spaces.inputs});
  attribute("num_actions", std::int64_t{spaces.continuous ? 0 : spaces.actions});
  attribute("action_size", std::int64_t{spaces.continuous ? spaces.actions : 1});
  if (spaces.continuous) {
    attribute("action_low", spaces.low);
    attribute("action_high", spaces.high);
  }
  attribute("autoreset", std::string("none"));
  attribute("reproducible", std::string(external::repeats_text(definition.repeats)));
  Stream seeds(fmt::format("record/{}/seed", options.seed)),
      actions(fmt::format("record/{}/action", options.seed));
  std::int64_t steps = 0;
  for (std::int64_t episode = 0; episode < options.episodes; ++episode)
    record_episode(*environment, seeds, actions, writer, fmt::format("episode_{:03}", episode), steps);
  attribute("num_episodes", options.episodes);
  attribute("num_steps", steps);
  return writer.image();
}

}  // namespace impsweep
