#include "engine/replay/trace_reader.hpp"

#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr hsize_t kMostElements = hsize_t{1} << 28;  // of one dataset; more is a damaged header
constexpr const char* kRecordAgain = "the file is damaged or of another format; fetch or record it again";

// An open HDF5 object.
class Handle {
 public:
  Handle() = default;
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  explicit operator bool() const { return id_ >= 0; }
  operator hid_t() const { return id_; }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

// HDF5 prints its error stack unless told otherwise; here every failure becomes an InputError.
class SilencedErrors {
 public:
  SilencedErrors() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  SilencedErrors(const SilencedErrors&) = delete;
  SilencedErrors& operator=(const SilencedErrors&) = delete;
  ~SilencedErrors() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

Handle open_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw InputError("{}: there is no such file; check the path", path);
  if (!std::filesystem::is_regular_file(path, error))
    throw InputError("{}: this is not a file; give the path of an HDF5 trace", path);
  const htri_t is_hdf5 = H5Fis_hdf5(path.c_str());
  if (is_hdf5 == 0) throw InputError("{}: this is not an HDF5 file; give the path of an HDF5 trace", path);
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!file)
    throw InputError(
        "{}: HDF5 cannot open the file (unreadable or cut off); check its permissions or fetch it again",
        path);
  return file;
}

// The value of an attribute that is a scalar number or text; nothing for any other.
std::optional<OptionValue> read_attribute(hid_t attribute) {
  const Handle space(H5Aget_space(attribute), H5Sclose);
  const Handle type(H5Aget_type(attribute), H5Tclose);
  if (!space || !type || H5Sget_simple_extent_npoints(space) != 1) return std::nullopt;
  switch (H5Tget_class(type)) {
    case H5T_INTEGER: {
      std::int64_t value = 0;
      if (H5Aread(attribute, H5T_NATIVE_INT64, &value) < 0) return std::nullopt;
      return value;
    }
    case H5T_FLOAT: {
      double value = 0;
      if (H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) < 0) return std::nullopt;
      return value;
    }
    case H5T_STRING: {
      if (H5Tis_variable_str(type) > 0) {
        char* text = nullptr;
        if (H5Aread(attribute, type, &text) < 0 || text == nullptr) return std::nullopt;
        std::string value = text;
        H5free_memory(text);
        return value;
      }
      std::string value(H5Tget_size(type), '\0');
      if (H5Aread(attribute, type, value.data()) < 0) return std::nullopt;
      value.resize(std::min(value.find('\0'), value.size()));
      return value;
    }
    default:
      return std::nullopt;
  }
}

TraceAttributes read_attributes(hid_t object) {
  TraceAttributes attributes;
  const auto visit = [](hid_t place, const char* name, const H5A_info_t*, void* result) -> herr_t {
    const Handle attribute(H5Aopen(place, name, H5P_DEFAULT), H5Aclose);
    if (attribute)
      if (auto value = read_attribute(attribute))
        static_cast<TraceAttributes*>(result)->emplace(name, std::move(*value));
    return 0;
  };
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, &attributes);
  return attributes;
}

std::set<std::string> episode_names(hid_t file) {
  std::set<std::string> names;
  const auto visit = [](hid_t, const char* name, const H5L_info_t*, void* result) -> herr_t {
    if (std::string_view(name).starts_with("episode_"))
      static_cast<std::set<std::string>*>(result)->insert(name);
    return 0;
  };
  H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, &names);
  return names;
}

template <class T>
struct Array {
  std::vector<hsize_t> shape;
  std::vector<T> values;
};

template <class T>
hid_t native_type() {
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_NATIVE_UINT8;
  if constexpr (std::is_same_v<T, std::int32_t>) return H5T_NATIVE_INT32;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
}

// One episode's group, with checks that name the file, the group and the dataset.
class GroupReader {
 public:
  GroupReader(const std::string& file, hid_t parent, std::string name)
      : file_(file), name_(std::move(name)), group_(H5Gopen2(parent, name_.c_str(), H5P_DEFAULT), H5Gclose) {
    if (!group_) throw InputError("{}: '{}' is not a readable group; {}", file_, name_, kRecordAgain);
  }

  TraceAttributes attributes() const { return read_attributes(group_); }
  bool has(const char* dataset) const { return H5Lexists(group_, dataset, H5P_DEFAULT) > 0; }

  template <class T>
  Array<T> read(const char* dataset) const {
    const Handle set(has(dataset) ? H5Dopen2(group_, dataset, H5P_DEFAULT) : -1, H5Dclose);
    if (!set) fail(dataset, "the dataset is missing");
    const Handle space(H5Dget_space(set), H5Sclose);
    const Handle type(H5Dget_type(set), H5Tclose);
    if (!space || !type) fail(dataset, "the dataset cannot be read");
    const H5T_class_t kind = H5Tget_class(type);
    if (kind != H5T_INTEGER && (std::is_integral_v<T> || kind != H5T_FLOAT))
      fail(dataset, std::is_integral_v<T> ? "the values must be integers" : "the values must be numbers");
    const int rank = H5Sget_simple_extent_ndims(space);
    if (rank < 1) fail(dataset, "the dataset must be an array");
    Array<T> array;
    array.shape.resize(static_cast<std::size_t>(rank));
    H5Sget_simple_extent_dims(space, array.shape.data(), nullptr);
    hsize_t count = 1;
    for (const hsize_t extent : array.shape) {
      if (extent > kMostElements) fail(dataset, "the dataset is too large");
      count *= extent;
      if (count > kMostElements) fail(dataset, "the dataset is too large");
    }
    array.values.resize(count);
    if (count > 0 && H5Dread(set, native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data()) < 0)
      fail(dataset, "the values cannot be read");
    if constexpr (std::is_floating_point_v<T>)
      if (!std::ranges::all_of(array.values, [](T value) { return std::isfinite(value); }))
        fail(dataset, "some values are not finite");
    return array;
  }

  // [length]
  template <class T>
  std::vector<T> read_vector(const char* dataset, std::size_t length) const {
    Array<T> array = read<T>(dataset);
    if (array.shape.size() != 1 || array.values.size() != length)
      fail(dataset, fmt::format("the shape must be [{}]", length));
    return std::move(array.values);
  }

  std::vector<std::uint8_t> read_flags(const char* dataset, std::size_t length) const {
    std::vector<std::uint8_t> flags = read_vector<std::uint8_t>(dataset, length);
    if (std::ranges::any_of(flags, [](std::uint8_t flag) { return flag > 1; }))
      fail(dataset, "the values must be 0 or 1");
    return flags;
  }

  [[noreturn]] void fail(const char* dataset, const std::string& reason) const {
    throw InputError("{}: {}/{}: {}; {}", file_, name_, dataset, reason, kRecordAgain);
  }

 private:
  const std::string& file_;
  std::string name_;
  Handle group_;
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
    if (step[i] < previous_step || step[i] >= steps)
      group.fail("draw_step", fmt::format("draw {} stands in step {}; steps must ascend from -1 to {}", i,
                                          step[i], steps - 1));
    previous_step = step[i];
    draws[i] = {static_cast<DrawKind>(kind[i]), n[i], u, step[i]};
  }
  return draws;
}

// Boards are recorded as [t][y][x][channel]; tasks present them as [t][channel][y][x].
std::vector<float> channels_first(const Array<float>& board) {
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
  const Array<double> position = group.read<double>("joint_position");
  const Array<double> velocity = group.read<double>("joint_velocity");
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

RecordedEpisode read_episode(const std::string& path, hid_t file, const std::string& name) {
  const GroupReader group(path, file, name);
  RecordedEpisode episode;
  episode.name = name;
  episode.attributes = group.attributes();

  const bool robot = group.has("joint_position");
  std::size_t steps = 0;
  if (robot) {
    Array<float> action = group.read<float>("action");
    if (action.shape.size() != 2 || action.shape[1] == 0)
      group.fail("action", "the dataset must have two dimensions");
    steps = action.shape[0];
    episode.action_size = static_cast<int>(action.shape[1]);
    episode.continuous_action = std::move(action.values);
  } else {
    Array<std::int32_t> action = group.read<std::int32_t>("action");
    if (action.shape.size() != 1) group.fail("action", "the dataset must have one dimension");
    episode.action = std::move(action.values);
    steps = episode.action.size();
  }
  episode.steps = static_cast<int>(steps);
  expect_count(path + ": " + name, episode.attributes, robot ? "steps" : "num_steps", episode.steps);

  Array<float> observation = group.read<float>("observation");
  const std::size_t rank = observation.shape.size();
  if (observation.shape[0] != steps + 1 || (rank != 2 && rank != 4))
    group.fail("observation",
               fmt::format("the shape must be [{}, features] or [{}, y, x, channels]", steps + 1, steps + 1));
  episode.observation_size = static_cast<int>(observation.values.size() / (steps + 1));
  episode.observation = rank == 4 ? channels_first(observation) : std::move(observation.values);

  if (robot) {
    read_joint_states(group, steps, episode);
  } else if (group.has("state")) {
    Array<double> state = group.read<double>("state");
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
  const SilencedErrors silence;
  const Handle file = open_file(path);
  EnvironmentTrace trace;
  trace.file = path;
  trace.attributes = read_attributes(file);
  const auto version = trace.attributes.find("format_version");
  if (version != trace.attributes.end() && version->second != OptionValue(std::int64_t{1}))
    throw InputError("{}: attribute format_version is not 1, the only version known here; record it again",
                     path);

  std::int64_t steps = 0;
  for (const std::string& name : episode_names(file)) {
    trace.episodes.push_back(read_episode(path, file, name));
    trace.episodes.back().index = static_cast<int>(trace.episodes.size()) - 1;
    steps += trace.episodes.back().steps;
  }
  if (trace.episodes.empty())
    throw InputError("{}: there is no group episode_000; this is not a recording of episodes", path);
  expect_count(path, trace.attributes, "num_episodes", static_cast<std::int64_t>(trace.episodes.size()));
  expect_count(path, trace.attributes, "num_steps", steps);
  return trace;
}

TraceAttributes read_trace_attributes(const std::string& path) {
  const SilencedErrors silence;
  return read_attributes(open_file(path));
}

}  // namespace impsweep
