// engine/replay/gymnasium_trace.hpp - recordings of environments of Gymnasium: made by `impsweep record`, and
// played again through the very bridge that trains. The layout is described in docs/environments.md.
//
// Equal are the bits of observations (as floats), rewards and ends, and the generator after a reset and at
// the end of an episode: exactly the right draws were taken. That holds for the versions of the recording;
// where others are here, differences are told with them and are no failure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/replay/replay_environment.hpp"
#include "io/digest.hpp"

namespace impsweep {

// Whether the file says that it is such a recording. Throws InputError if it cannot be read.
bool is_gymnasium_trace(const std::string& path);

// Throws InputError if the file is no usable recording, and TaskUnavailable if its environment is not here.
EnvironmentReplay replay_gymnasium_trace(const std::string& path,
                                         const EnvironmentReplayOptions& options = {});

struct RecordingOptions {
  std::string task;                   // as in jobs: "gymnasium:Hopper-v5"
  std::vector<std::string> settings;  // "gymnasium.kwargs.x=1", as of --set
  std::int64_t episodes = 10;
  std::int64_t seed = 0;  // of seeds and actions
};

// Episodes of uniformly random actions, each with a seed of its own on a new object or as good as one: the
// bytes of the file. Throws InputError or TaskUnavailable.
Bytes record_gymnasium(const RecordingOptions&);

}  // namespace impsweep
