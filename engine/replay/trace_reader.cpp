#include "engine/replay/trace_reader.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "io/error.hpp"
#include "io/hdf5.hpp"

namespace impsweep {
namespace {

constexpr const char* kRecordAgain = "the file is damaged or of another format; fetch or record it again";

// Those of an object that are single numbers or texts.
TraceAttributes read_attributes(const Hdf5File& file, const std::string& object) {
  TraceAttributes attributes;
  const auto keep = [&]<class T>(const std::string& name, const T& value) {
    if constexpr (std::is_constructible_v<OptionValue, T>)
      attributes.emplace(name, value);
    else if (value.size() == 1)
      attributes.emplace(name, value.front());
  };
  for (const std::string& name : file.attribute_names(object)) try {
      std::visit([&](const auto& value) { keep(name, value); }, file.attribute(object, name));
    } catch (const InputError&) {
      // An attribute of another type: nothing here reads it.
    }
  return attributes;
}

template <class T>
struct Values {
  std::vector<std::uint64_t> shape;
  std::vector<T> values;
};

// One episode's group, with checks that name the file, the group and the dataset.
class GroupReader {
 public:
  GroupReader(const Hdf5File& file, std::string name) : file_(file), name_(std::move(name)) {
    if (!file_.is_group(name_))
      throw InputError("{}: '{}' is not a group; {}", file_.name(), name_, kRecordAgain);
  }

  TraceAttributes attributes() const { return read_attributes(file_, name_); }
  bool has(const char* dataset) const { return file_.exists(path(dataset)); }

  template <class T>
  Values<T> read(const char* dataset) const {
    if (!has(dataset)) fail(dataset, "the dataset is missing");
    Values<T> found{file_.shape(path(dataset)), file_.read<T>(path(dataset))};
    if (found.shape.empty()) fail(dataset, "the dataset must be an array");
    if constexpr (std::is_floating_point_v<T>)
      if (!std::ranges::all_of(found.values, [](T value) { return std::isfinite(value); }))
        fail(dataset, "some values are not finite");
    return found;
  }

  // [length]
  template <class T>
  std::vector<T> read_vector(const char* dataset, std::size_t length) const {
    Values<T> found = read<T>(dataset);
    if (found.shape.size() != 1 || found.values.size() != length)
      fail(dataset, fmt::format("the shape must be [{}]", length));
    return std::move(found.values);
  }

  std::vector<std::uint8_t> read_flags(const char* dataset, std::size_t length) const {
    std::vector<std::uint8_t> flags = read_vector<std::uint8_t>(dataset, length);
    if (std::ranges::any_of(flags, [](std::uint8_t flag) { return flag > 1; }))
      fail(dataset, "the values must be 0 or 1");
    return flags;
  }

  [[noreturn]] void fail(const char* dataset, const std::string& reason) const {
    throw InputError("{}: {}: {}; {}", file_.name(), path(dataset), reason, kRecordAgain);
  }

 private:
  std::string path(const char* dataset) const { return name_ + "/" + dataset; }

  const Hdf5File& file_;
  std::string name_;
};

std::vector<RecordedDraw> read_draws(const GroupReader& group, int steps) {
  const auto value = group.read<double>("draw_value");
  const std::size_t count = value.values.size();
  if (value.shape.size() != 1) group.fail("draw_value", "the dataset must have one dimension");
  const auto kind = group.read_vector<std::uint8_t>("draw_kind", count);
  const auto n = group.read_vector<std::int64_t>("draw_n", count);
  const auto step = group.read_vector<std::int32_t>("draw_step", count);
  std::vector<RecordedDraw> draws(count);
  int previous_step = -1;
  for (std::size_t i = 0; i < count; ++i) {
    const double u = value.values[i];
    if (kind[i] > 1) group.fail("draw_kind", "the values must be 0 (U) or 1 (I(n))");
    const bool possible = kind[i] == 0
                              ? u >= 0 && u < 1
                              : u >= 0 && u < static_cast<double>(n[i]) && u == std::floor(u) && u < 0x1p53;
    if (!possible) group.fail("draw_value", fmt::format("draw {} is outside the range of its kind", i));
    if (kind[i] == 1 && n[i] < 1) group.fail("draw_n", fmt::format("draw {} is of none", i));
    if (step[i] < previous_step || step[i] >= steps)
      group.fail("draw_step", fmt::format("draw {} stands in step {}; steps must ascend from -1 to {}", i,
                                          step[i], steps - 1));
    previous_step = step[i];
    draws[i] = {static_cast<DrawKind>(kind[i]), n[i], u, step[i]};
  }
  return draws;
}

// Boards are recorded as [t][y][x][channel]; tasks present them as [t][channel][y][x].
std::vector<float> channels_first(const Values<float>& board) {
  const std::size_t cells = board.shape[1] * board.shape[2], channels = board.shape[3];
  std::vector<float> result(board.values.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::size_t channel = i % channels, cell = i / channels % cells, t = i / (channels * cells);
    result[(t * channels + channel) * cells + cell] = board.values[i];
  }
  return result;
}

void expect_count(const std::string& place, const TraceAttributes& attributes, const std::string& key,
                  std::int64_t found) {
  const auto stated = attributes.find(key);
  if (stated == attributes.end()) return;
  const std::int64_t* count = std::get_if<std::int64_t>(&stated->second);
  if (count == nullptr || *count != found)
    throw InputError("{}: attribute {} disagrees with the {} found; {}", place, key, found, kRecordAgain);
}

// Positions and velocities side by side: [rows][2 * joints].
std::vector<double> joined(const std::vector<double>& position, const std::vector<double>& velocity,
                           std::size_t joints) {
  std::vector<double> state;
  state.reserve(2 * position.size());
  for (std::size_t first = 0; first < position.size(); first += joints)
    for (const std::vector<double>* part : {&position, &velocity})
      state.insert(state.end(), part->begin() + static_cast<std::ptrdiff_t>(first),
                   part->begin() + static_cast<std::ptrdiff_t>(first + joints));
  return state;
}

void read_joint_states(const GroupReader& group, std::size_t steps, RecordedEpisode& episode) {
  const Values<double> position = group.read<double>("joint_position");
  const Values<double> velocity = group.read<double>("joint_velocity");
  if (position.shape.size() != 2 || position.shape[0] != steps + 1 || position.shape[1] == 0)
    group.fail("joint_position", fmt::format("the shape must be [{}, joints]", steps + 1));
  if (velocity.shape != position.shape)
    group.fail("joint_velocity", "the shape must be that of joint_position");
  const std::size_t joints = position.shape[1];
  episode.state_size = static_cast<int>(2 * joints);
  episode.state = joined(position.values, velocity.values, joints);
  episode.initial_state = joined(group.read_vector<double>("initial_joint_position", joints),
                                 group.read_vector<double>("initial_joint_velocity", joints), joints);
}

RecordedEpisode read_episode(const Hdf5File& file, const std::string& name) {
  const GroupReader group(file, name);
  RecordedEpisode episode;
  episode.name = name;
  episode.attributes = group.attributes();

  const bool robot = group.has("joint_position");
  std::size_t steps = 0;
  if (robot) {
    Values<float> action = group.read<float>("action");
    if (action.shape.size() != 2 || action.shape[1] == 0)
      group.fail("action", "the dataset must have two dimensions");
    steps = action.shape[0];
    episode.action_size = static_cast<int>(action.shape[1]);
    episode.continuous_action = std::move(action.values);
  } else {
    Values<std::int32_t> action = group.read<std::int32_t>("action");
    if (action.shape.size() != 1) group.fail("action", "the dataset must have one dimension");
    episode.action = std::move(action.values);
    steps = episode.action.size();
  }
  episode.steps = static_cast<int>(steps);
  expect_count(file.name() + ": " + name, episode.attributes, robot ? "steps" : "num_steps", episode.steps);

  Values<float> observation = group.read<float>("observation");
  const std::size_t rank = observation.shape.size();
  if (observation.shape[0] != steps + 1 || (rank != 2 && rank != 4))
    group.fail("observation",
               fmt::format("the shape must be [{}, features] or [{}, y, x, channels]", steps + 1, steps + 1));
  episode.observation_size = static_cast<int>(observation.values.size() / (steps + 1));
  episode.observation = rank == 4 ? channels_first(observation) : std::move(observation.values);

  if (robot) {
    read_joint_states(group, steps, episode);
  } else if (group.has("state")) {
    Values<double> state = group.read<double>("state");
    if (state.shape.size() != 2 || state.shape[0] != steps + 1)
      group.fail("state", fmt::format("the shape must be [{}, components]", steps + 1));
    episode.state_size = static_cast<int>(state.shape[1]);
    episode.state = std::move(state.values);
    if (group.has("initial_state"))
      episode.initial_state = group.read_vector<double>("initial_state", state.shape[1]);
  }
  episode.reward = group.read_vector<double>("reward", steps);
  episode.terminated = group.read_flags("terminated", steps);
  if (!robot || group.has("truncated")) episode.truncated = group.read_flags("truncated", steps);
  if (robot)
    episode.scaled_draws = group.read<double>("draws").values;
  else
    episode.draws = read_draws(group, episode.steps);
  return episode;
}

}  // namespace

EnvironmentTrace read_environment_trace(const std::string& path) {
  const Hdf5File file = Hdf5File::open_readonly(path);
  EnvironmentTrace trace;
  trace.file = path;
  trace.attributes = read_attributes(file, "");
  const auto version = trace.attributes.find("format_version");
  if (version != trace.attributes.end() && version->second != OptionValue(std::int64_t{1}))
    throw InputError("{}: attribute format_version is not 1, the only version known here; record it again",
                     path);

  std::int64_t steps = 0;
  for (const std::string& name : file.children()) {
    if (!name.starts_with("episode_")) continue;
    trace.episodes.push_back(read_episode(file, name));
    trace.episodes.back().index = static_cast<int>(trace.episodes.size()) - 1;
    steps += trace.episodes.back().steps;
  }
  if (trace.episodes.empty())
    throw InputError("{}: there is no group episode_000; this is not a recording of episodes", path);
  expect_count(path, trace.attributes, "num_episodes", static_cast<std::int64_t>(trace.episodes.size()));
  expect_count(path, trace.attributes, "num_steps", steps);
  return trace;
}

}  // namespace impsweep
