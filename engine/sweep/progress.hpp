// engine/sweep/progress.hpp - what people see while a sweep runs: on a terminal one live line, elsewhere a
// line every 30 s.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace impsweep {

struct SweepProgress {
  std::size_t total = 0, done = 0, running = 0, failed = 0, blocked = 0;
  double env_steps_per_second = 0;
  double eta_seconds = -1;  // negative: not known yet
  double eta_factor = 1;    // it is off by more with a probability of 5 % to either side
  std::string example;      // one training under way, in words
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
  bool live_ = false, line_open_ = false;
  Clock::time_point start_, last_;
};

}  // namespace impsweep
