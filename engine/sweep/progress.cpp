#include "engine/sweep/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "io/human_text.hpp"
#include "io/terminal.hpp"

namespace impsweep {
namespace {

constexpr std::chrono::milliseconds kLiveInterval{200};
constexpr std::chrono::seconds kPlainInterval{30};
constexpr std::size_t kBarWidth = 24, kNarrowest = 20;  // characters

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
  line = bar_text(part_done(progress.done, progress.total), kBarWidth) + " " + line;
  if (!progress.example.empty()) line += " | " + progress.example;
  line.resize(std::min(line.size(), std::max(terminal_size().columns, kNarrowest) - 1));
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
