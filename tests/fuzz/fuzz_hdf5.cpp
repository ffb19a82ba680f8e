// Raw HDF5: any bytes as a recording, opened as `impsweep replay` does, in a process apart; this one goes on.
#include <exception>

#include "engine/replay/replay_environment.hpp"
#include "engine/replay/replay_oracle.hpp"
#include "engine/replay/trace_reader.hpp"
#include "io/process.hpp"
#include "record_form.hpp"

using namespace impsweep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path path = fuzz::scratch_path("recording.h5");
  fuzz::spill(path, std::as_bytes(std::span(data, size)));
  constexpr int kSeconds = 2;  // of the processor, where `impsweep replay` allows more
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
