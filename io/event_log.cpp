#include "io/event_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "io/digest.hpp"
#include "io/files.hpp"

namespace impsweep {

namespace {

constexpr std::size_t kLengthDigits = 8, kChecksumDigits = 16;
constexpr std::size_t kHeaderBytes = kLengthDigits + 1 + kChecksumDigits + 1;

double now_seconds() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count()) *
         1e-6;
}

std::string frame(std::string_view json) {
  return fmt::format("{:08x} {:016x} {}\n", json.size(), xxh3_64(bytes_of(json)), json);
}

// The JSON of one line without its line break, if the line is whole.
std::optional<std::string_view> json_of(std::string_view line) {
  if (line.size() < kHeaderBytes) return std::nullopt;
  const std::string_view json = line.substr(kHeaderBytes);
  const auto hexadecimal = [&](std::size_t begin, std::size_t digits) -> std::optional<std::uint64_t> {
    std::uint64_t number = 0;
    const char* first = line.data() + begin;
    const auto [end, error] = std::from_chars(first, first + digits, number, 16);
    return error == std::errc() && end == first + digits && *end == ' ' ? std::optional(number)
                                                                        : std::nullopt;
  };
  if (hexadecimal(0, kLengthDigits) != json.size() ||
      hexadecimal(kLengthDigits + 1, kChecksumDigits) != xxh3_64(bytes_of(json)))
    return std::nullopt;
  return json;
}

}  // namespace

EventWriter::EventWriter(std::filesystem::path path) : path_(std::move(path)) {
  const bool is_new = !file_exists(path_);
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_file_error(path_, "open the event log", errno);
  if (is_new) sync_directory(path_.has_parent_path() ? path_.parent_path() : ".");
  struct stat status {};
  char last = '\n';
  if (::fstat(descriptor_, &status) != 0 ||
      (status.st_size > 0 && ::pread(descriptor_, &last, 1, status.st_size - 1) != 1))
    throw_file_error(path_, "read the event log", errno);
  at_line_begin_ = last == '\n';
}

EventWriter::~EventWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

EventWriter::EventWriter(EventWriter&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      at_line_begin_(other.at_line_begin_) {}

EventWriter& EventWriter::operator=(EventWriter&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(at_line_begin_, other.at_line_begin_);
  return *this;
}

void EventWriter::append(nlohmann::json event, Durability durability) {
  if (!event.is_object()) throw std::invalid_argument("an event is a JSON object");
  if (!event.contains("time")) event["time"] = now_seconds();
  // A reason may quote any bytes; it must not cost the event.
  const std::string json = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const std::string line = fmt::format("{}{}", at_line_begin_ ? "" : "\n", frame(json));
  at_line_begin_ = false;
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_file_error(path_, "write to the event log", errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  at_line_begin_ = true;
  if (durability == Durability::kDisk && ::fdatasync(descriptor_) != 0)
    throw_file_error(path_, "write to the disk", errno);
}

std::vector<std::string> read_event_log(const std::filesystem::path& path,
                                        const std::function<void(const nlohmann::json&)>& event,
                                        std::span<const std::string_view> skipped_endings) {
  const std::string content = read_text_file(path);
  std::vector<std::string> damage;
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t line_break = content.find('\n', begin);
    const bool torn = line_break == std::string::npos;
    const std::size_t end = torn ? content.size() : line_break;
    const std::string_view line = std::string_view(content).substr(begin, end - begin);
    const std::optional<std::string_view> json = json_of(line);
    const bool skipped = json && std::ranges::any_of(skipped_endings, [&](std::string_view ending) {
                           return json->ends_with(ending);
                         });
    const nlohmann::json found =
        json && !skipped ? nlohmann::json::parse(*json, nullptr, false) : nlohmann::json();
    if (found.is_object())
      event(found);
    else if (!skipped)
      damage.push_back(fmt::format("{}: {} of {} bytes at offset {}; skipped", path.string(),
                                   torn ? "torn tail" : "damaged line", line.size(), begin));
    begin = end + 1;
  }
  return damage;
}

}  // namespace impsweep
