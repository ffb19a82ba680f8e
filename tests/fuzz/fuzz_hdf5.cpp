// Raw HDF5: any bytes as a recording, opened as `impsweep replay` does, in a process apart; this one goes on.
#include <unistd.h>

#include <fmt/format.h>
#include <cstdlib>
#include <filesystem>

#include "engine/replay/replay_environment.hpp"
#include "engine/replay/replay_oracle.hpp"
#include "engine/replay/trace_reader.hpp"
#include "io/digest.hpp"
#include "io/files.hpp"
#include "io/process.hpp"

using namespace impsweep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("impsweep-fuzz-hdf5-{}.h5", getpid());
  replace_atomically(path, std::as_bytes(std::span(data, size)));
  constexpr int kSeconds = 8;
  call_apart(
      [&]() -> std::string {
        try {
          if (is_oracle(path))
            replay_oracle(path);
          else
            replay_environment_trace(path);
        } catch (const std::exception& error) {
          return error.what();
        }
        return "";
      },
      kSeconds);
  return 0;
}
