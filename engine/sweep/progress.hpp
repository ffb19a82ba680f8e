// engine/sweep/progress.hpp - what people see while a sweep runs: on a terminal two live lines, totals and
// the returns of one training under way as a small curve; elsewhere a line every 30 s.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace impsweep {

struct SweepProgress {
  std::size_t total = 0, done = 0, running = 0, failed = 0, blocked = 0;
  double env_steps_per_second = 0;
  double eta_seconds = -1;    // negative: not known yet
  double eta_factor = 1;      // it is off by more with a probability of 5 % to either side
  std::string example;        // one training under way, by name; may be empty
  double example_part = 0;    // of it that is done
  double example_return = 0;  // of its last evaluation
};

class ProgressDisplay {
 public:
  ProgressDisplay();
  ~ProgressDisplay();  // ends the live line

  bool due() const;  // it is time to show something new
  void show(const SweepProgress&);
  // A message that stays, without being torn by the live line.
  void say(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  void clear_live_lines();

  bool live_ = false;
  int open_lines_ = 0;   // live ones; the cursor is at the end of the last
  std::string example_;  // whose returns these are
  std::vector<double> returns_;
  Clock::time_point start_, last_;
};

}  // namespace impsweep
