#include "engine/sweep/attempt.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/files.hpp"
#include "io/human_text.hpp"
#include "io/json_field.hpp"
#include "io/machine_memory.hpp"
#include "io/process_identity.hpp"

namespace impsweep {
namespace {

constexpr std::size_t kDeathLimit = 2;
constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
constexpr const char* kSignalLine = "signal ";

std::atomic<int> open_file = -1;  // of the training that runs
std::array<struct sigaction, 64> inherited;

// Leaves the number of the signal in the file, and then lets happen what would have happened.
void on_crash(int signal) {
  if (const int file = open_file.load(); file >= 0) {
    std::array<char, 10> line = {'s', 'i', 'g', 'n', 'a', 'l', ' ', '0', '0', '\n'};
    line[7] = static_cast<char>('0' + signal / 10);
    line[8] = static_cast<char>('0' + signal % 10);
    [[maybe_unused]] const ssize_t written = ::write(file, line.data(), line.size());
  }
  sigaction(signal, &inherited[static_cast<std::size_t>(signal)], nullptr);
  raise(signal);
}

void catch_crashes() {
  static std::array<char, 1 << 16> stack;  // that of the program may be what has overflowed
  const stack_t place = {.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
  sigaltstack(&place, nullptr);
  struct sigaction action = {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (const int signal : kCrashes) {
    struct sigaction before = {};
    sigaction(signal, &action, &before);
    if (before.sa_handler != on_crash) inherited[static_cast<std::size_t>(signal)] = before;
  }
}

// What is known of an earlier attempt: the deaths before it, and its own if it died of the training.
std::vector<std::string> deaths_in(const std::filesystem::path& path) {
  std::vector<std::string> deaths;
  if (!is_plain_file(path)) return deaths;
  std::istringstream text(read_text_file(path));
  std::string first, second;
  std::getline(text, first);
  std::getline(text, second);
  const nlohmann::json fields = nlohmann::json::parse(first, nullptr, false);
  if (!fields.is_object()) return deaths;
  if (fields.contains("deaths") && fields["deaths"].is_array())
    for (const nlohmann::json& death : fields["deaths"])
      if (death.is_string() && deaths.size() < kDeathLimit)
        deaths.push_back(printable(death.get<std::string>()));
  const ProcessIdentity owner = read_identity(fields);
  const std::string where = printable(fmt::format("pid {} on {}", owner.pid, owner.host));
  const auto kills_before = field_or<std::int64_t>(fields, "out_of_memory_kills", -1);
  if (second.starts_with(kSignalLine)) {
    const int signal = std::atoi(second.c_str() + std::strlen(kSignalLine));
    deaths.push_back(fmt::format("{} died of signal {} ({})", where, signal, strsignal(signal)));
  } else if (is_gone(owner) && kills_before >= 0 && out_of_memory_kills() > kills_before) {
    deaths.push_back(fmt::format("{} was ended by the kernel for want of memory", where));
  }
  return deaths;
}

}  // namespace

Attempt::Attempt(const Store& store, const TrainingId& digest)
    : path_(store.directory() / "live" / (std::string(digest.digits()) + ".attempt")) {
  try {
    deaths_ = deaths_in(path_);
  } catch (const std::exception&) {
    // What cannot be read says nothing.
  }
  if (deaths_.size() >= kDeathLimit) return;
  write();
  catch_crashes();
  open_file = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
}

Attempt::~Attempt() {
  if (const int file = open_file.exchange(-1); file >= 0) ::close(file);
  std::error_code ignored;
  if (deaths_.empty() || deaths_.size() >= kDeathLimit)
    std::filesystem::remove(path_, ignored);
  else if (const int file = ::open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC); file >= 0) {
    const std::string text = nlohmann::json{{"deaths", deaths_}}.dump() + "\n";
    [[maybe_unused]] const ssize_t written = ::write(file, text.data(), text.size());
    ::close(file);
  }
}

std::string Attempt::verdict() const {
  if (deaths_.size() < kDeathLimit) return "";
  return fmt::format("it ended {} processes that ran it: {}; --retry-failed tries again", deaths_.size(),
                     fmt::join(deaths_, ", "));
}

// A file that cannot be written costs no more than what it would have said.
void Attempt::write() const {
  nlohmann::json fields = {{"deaths", deaths_}, {"out_of_memory_kills", out_of_memory_kills()}};
  write_identity(fields, this_process());
  const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return;
  const std::string text = fields.dump() + "\n";
  [[maybe_unused]] const ssize_t written = ::write(file, text.data(), text.size());
  ::close(file);
}

}  // namespace impsweep
