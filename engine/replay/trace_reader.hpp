// engine/replay/trace_reader.hpp - reads the recorded episodes of an environment (HDF5).
//
// Root attributes describe the recording; the groups episode_000, episode_001, ... hold its episodes. Every
// number is checked on the way in, so that whoever replays a trace can rely on shapes, finite values, draws
// that a generator could have made, and counts that agree with the attributes.
//
// Recordings of robots differ in their layout: actions are real vectors, the draws of the reset stand in
// `draws` as the task used them, the state is that of the joints, and ends by the step limit are not
// recorded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "envs/option.hpp"

namespace impsweep {

using TraceAttributes = std::map<std::string, OptionValue>;  // scalar integers, reals and texts

enum class DrawKind : std::uint8_t { kUniform = 0, kBelow = 1 };

// One elementary random number in the order of consumption.
struct RecordedDraw {
  DrawKind kind = DrawKind::kUniform;
  std::int64_t n = 0;  // of kBelow
  double value = 0;    // in [0, 1), or an integer in {0, ..., n-1}
  int step = -1;       // step that took it, -1 = reset
};

// Step t leads from observation and state t to t + 1.
struct RecordedEpisode {
  std::string name;  // of the group
  int index = 0;     // position in the file
  TraceAttributes attributes;
  int steps = 0;
  int observation_size = 0, state_size = 0;  // state_size is 0 where no state was recorded

  std::vector<RecordedDraw> draws;
  std::vector<double> scaled_draws;      // robots only: uniform draws of the reset, scaled by the task
  int action_size = 0;                   // 0: discrete actions
  std::vector<std::int32_t> action;      // [steps], discrete
  std::vector<float> continuous_action;  // [steps][action_size]
  std::vector<float> observation;        // [steps + 1][observation_size]; boards as [channel][y][x]
  std::vector<double> state;          // [steps + 1][state_size]; of robots: joint positions, then velocities
  std::vector<double> initial_state;  // [state_size] as drawn, or empty
  std::vector<double> reward;         // [steps]
  std::vector<std::uint8_t> terminated;  // [steps], 0 or 1
  std::vector<std::uint8_t> truncated;   // the same, or empty if it was not recorded
};

struct EnvironmentTrace {
  std::string file;
  TraceAttributes attributes;
  std::vector<RecordedEpisode> episodes;
};

// Throws InputError if the file is missing, damaged, or no recording of this format.
EnvironmentTrace read_environment_trace(const std::string& path);

}  // namespace impsweep
