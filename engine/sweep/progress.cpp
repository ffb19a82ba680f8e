#include "engine/sweep/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "engine/store/status_text.hpp"
#include "io/human_text.hpp"
#include "io/terminal.hpp"

namespace impsweep {
namespace {

constexpr std::chrono::milliseconds kLiveInterval{200};
constexpr std::chrono::seconds kPlainInterval{30};
constexpr std::size_t kBarWidth = 24, kNarrowBar = 10, kCurve = 12, kNarrowest = 20,
                      kRoomy = 100;  // characters

}  // namespace

ProgressDisplay::ProgressDisplay() : live_(output_is_terminal()), start_(Clock::now()), last_(start_) {}

ProgressDisplay::~ProgressDisplay() {
  if (open_lines_ > 0) fmt::print("\n");
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
  const std::size_t columns = std::max(terminal_size().columns, kNarrowest) - 1;
  const std::size_t bar = columns < kRoomy ? kNarrowBar : kBarWidth;
  line = bar_text(part_done(progress.done, progress.total), bar) + " " + line;
  clear_live_lines();
  fmt::print("{}", first_characters(line, columns));
  open_lines_ = 1;
  if (!progress.example.empty()) {
    if (progress.example != std::exchange(example_, progress.example)) returns_.clear();
    if (returns_.empty() || returns_.back() != progress.example_return)
      returns_.push_back(progress.example_return);
    const std::string second =
        fmt::format("{} {:>8.1f} {:<12} {}", bar_text(progress.example_part, kNarrowBar),
                    progress.example_return, return_curve(returns_, kCurve), progress.example);
    fmt::print("\n{}", first_characters(second, columns));
    open_lines_ = 2;
  }
  std::fflush(stdout);
}

void ProgressDisplay::clear_live_lines() {
  if (open_lines_ > 1) fmt::print("\x1b[{}A", open_lines_ - 1);
  if (open_lines_ > 0) fmt::print("\r\x1b[J");
  open_lines_ = 0;
}

void ProgressDisplay::say(const std::string& line) {
  clear_live_lines();
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

}  // namespace impsweep
