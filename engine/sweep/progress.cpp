#include "engine/sweep/progress.hpp"
#include "io/human_text.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace impsweep {
namespace {

constexpr std::chrono::milliseconds kLiveInterval{200};
constexpr std::chrono::seconds kPlainInterval{30};
constexpr int kBarWidth = 24;

// mpirun gives its ranks a pseudo-terminal even where its own output goes to a file, so its own output is
// looked at.
bool output_is_terminal() {
  if (isatty(STDOUT_FILENO) == 0) return false;
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) return true;
  std::array<char, 256> target{};
  const std::string link = fmt::format("/proc/{}/fd/1", getppid());
  const ssize_t length = readlink(link.c_str(), target.data(), target.size() - 1);
  const std::string_view device(target.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  return device.starts_with("/dev/pts/") || device.starts_with("/dev/tty");
}

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 100;
  return size.ws_col;
}

}  // namespace

ProgressDisplay::ProgressDisplay() : live_(output_is_terminal()), start_(Clock::now()), last_(start_) {}

ProgressDisplay::~ProgressDisplay() {
  if (line_open_) fmt::print("\n");
}

bool ProgressDisplay::due() const {
  return Clock::now() - last_ >= (live_ ? Clock::duration(kLiveInterval) : Clock::duration(kPlainInterval));
}

void ProgressDisplay::show(const SweepProgress& progress) {
  last_ = Clock::now();
  std::string line =
      fmt::format("{}/{} trainings, {} running", progress.done, progress.total, progress.running);
  if (progress.failed > 0) line += fmt::format(", {} failed, {} blocked", progress.failed, progress.blocked);
  if (progress.env_steps_per_second > 0)
    line += fmt::format(", {} steps/s", count_text(progress.env_steps_per_second));
  if (progress.eta_seconds >= 0)
    line += ", ETA " + interval_text(progress.eta_seconds, progress.eta_seconds / progress.eta_factor,
                                     progress.eta_seconds * progress.eta_factor);
  if (!live_) {
    fmt::print("{:>8}  {}\n", duration_text(std::chrono::duration<double>(last_ - start_).count()), line);
    std::fflush(stdout);
    return;
  }
  const auto filled = static_cast<int>(kBarWidth * progress.done / std::max<std::size_t>(progress.total, 1));
  line = fmt::format("[{:#<{}}{:.<{}}] {}", "", filled, "", kBarWidth - filled, line);
  if (!progress.example.empty()) line += " | " + progress.example;
  line.resize(std::min(line.size(), terminal_width() - 1));
  fmt::print("\r\x1b[K{}", line);
  std::fflush(stdout);
  line_open_ = true;
}

void ProgressDisplay::say(const std::string& line) {
  if (line_open_) fmt::print("\r\x1b[K");
  line_open_ = false;
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

}  // namespace impsweep
