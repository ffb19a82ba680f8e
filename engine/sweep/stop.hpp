// engine/sweep/stop.hpp - requests to stop soon: signals, time limits and Slurm.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace impsweep {

// SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 ask for a stop at the next safe point, as do SIGHUP, unless it is
// ignored already, and the limits of processor time and file size, SIGXCPU and SIGXFSZ; a second SIGINT
// ends the process at once. SIGPIPE is ignored.
void install_stop_signals();

// Asks for a stop when this much time has passed.
void set_time_limit(std::chrono::steady_clock::duration);

// The time until the limit; nothing if there is no limit.
std::optional<std::chrono::steady_clock::duration> time_left();

bool stop_requested();

// "by Terminated", "by the time limit"; empty where no stop is asked for.
std::string stop_reason();

// "90s", "0.5s", "10m", "2h", "1d", a bare number of seconds, or Slurm's [D-]HH:MM:SS. Nothing if it is none
// of these.
std::optional<std::chrono::milliseconds> parse_duration(const char* text);

// What Slurm leaves of the job that this process belongs to: by SLURM_JOB_END_TIME, which newer versions set,
// else by asking squeue. Nothing outside a job, without a limit, or without an answer.
std::optional<std::chrono::seconds> slurm_time_left();

}  // namespace impsweep
