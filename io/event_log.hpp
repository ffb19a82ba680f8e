// io/event_log.hpp - an append-only log of events that a kill can only cut at the end.
//
// One event is one line: "<length> <checksum> <JSON>\n", with the length of the JSON in 8 and its XXH3 in 16
// hexadecimal digits. Each is appended by a single write(2). One process writes a file; any number may read
// it meanwhile. A damaged line (a torn tail, a block of zeros) is skipped and reported, the lines after it
// count.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace impsweep {

enum class Durability {
  kProcess,  // survives the death of this process
  kDisk,     // survives a loss of power; costs an fdatasync (a few milliseconds)
};

class EventWriter {
 public:
  explicit EventWriter(std::filesystem::path);  // creates the file, or continues it
  ~EventWriter();
  EventWriter(EventWriter&&) noexcept;
  EventWriter& operator=(EventWriter&&) noexcept;

  // `event` is a JSON object. If it has no "time", the time of the call is added, in seconds since 1970.
  void append(nlohmann::json event, Durability = Durability::kProcess);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  bool at_line_begin_ = true;  // false after a torn tail: the next event begins with a line break
};

// Hands over every whole event, in the order in which they were written, but for those whose JSON has one of
// these endings: they are not parsed, which saves most of the time where they are many. Returns one message
// per damaged place: file, offset, what was found.
std::vector<std::string> read_event_log(const std::filesystem::path&,
                                        const std::function<void(const nlohmann::json&)>& event,
                                        std::span<const std::string_view> skipped_endings = {});

}  // namespace impsweep
