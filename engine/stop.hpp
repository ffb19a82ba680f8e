// engine/stop.hpp - how people and clusters say "stop soon".
#pragma once

#include <chrono>
#include <optional>

namespace impsweep {

// SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 ask for a stop at the next safe point; a second SIGINT ends the
// process at once.
void install_stop_signals();

// Asks for a stop when this much time has passed.
void set_time_limit(std::chrono::steady_clock::duration);

bool stop_requested();

// "90s", "10m", "2h", "1d", a bare number of seconds, or Slurm's [D-]HH:MM:SS. Nothing if it is none of
// these.
std::optional<std::chrono::seconds> parse_duration(const char* text);

}  // namespace impsweep
