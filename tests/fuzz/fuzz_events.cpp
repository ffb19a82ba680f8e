// Event logs: any lines, most of them with right checksums, are read; damage is skipped and reported.
#include <fmt/format.h>

#include <cstdlib>

#include "engine/store/journal.hpp"
#include "io/digest.hpp"
#include "record_form.hpp"

using namespace impsweep;

namespace {

struct Log {
  Store store;
  std::filesystem::path path;

  Log()
      : store(Store::create_or_open(fuzz::scratch_path("events"), {{"compiler", "any"}},
                                    [](const std::string&) {})),
        path(store.directory() / "events" / "fuzz.log") {}
};

// The lines of the input with length and checksum in front, but for those that begin with '!'.
std::string framed(std::string_view text) {
  std::string log;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t line_break = text.find('\n', begin);
    const std::size_t end = std::min(line_break, text.size());
    const std::string_view line = text.substr(begin, end - begin);
    if (line.starts_with('!'))
      log += line.substr(1);
    else
      log += fmt::format("{:08x} {:016x} {}", line.size(), xxh3_64(bytes_of(line)), line);
    if (line_break != std::string_view::npos) log += '\n';
    begin = end + 1;
  }
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Log log;
  fuzz::spill(log.path, bytes_of(framed({reinterpret_cast<const char*>(data), size})));
  read_event_log(log.path, [](const nlohmann::json& event) {
    if (!event.is_object()) std::abort();
  });
  read_history(log.store);
  return 0;
}
