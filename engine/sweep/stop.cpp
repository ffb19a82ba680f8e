#include "engine/sweep/stop.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <string>

#include "io/human_text.hpp"

namespace impsweep {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<int> signals_received = 0, first_signal = 0;
std::atomic<Clock::rep> deadline = std::numeric_limits<Clock::rep>::max();

void on_signal(int signal) {
  const int earlier = signals_received.fetch_add(1);
  if (earlier == 0) first_signal = signal;
  if (earlier > 0 && signal == SIGINT) _exit(130);
}

}  // namespace

void install_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ})
    sigaction(signal, &action, nullptr);
  // Whoever ignores the end of a terminal, as nohup does, means the run to go on.
  struct sigaction inherited = {};
  if (sigaction(SIGHUP, nullptr, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
    sigaction(SIGHUP, &action, nullptr);
  // A reader of the output that has gone is no reason to lose trainings.
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

void set_time_limit(Clock::duration limit) {
  deadline = (Clock::now() + limit).time_since_epoch().count();
}

bool stop_requested() {
  return signals_received.load(std::memory_order_relaxed) > 0 ||
         Clock::now().time_since_epoch().count() >= deadline.load(std::memory_order_relaxed);
}

std::string stop_reason() {
  const int signal = first_signal.load(std::memory_order_relaxed);
  if (signals_received.load(std::memory_order_relaxed) > 0) return fmt::format("by {}", strsignal(signal));
  return stop_requested() ? "by the time limit" : "";
}

std::optional<Clock::duration> time_left() {
  const Clock::rep end = deadline.load(std::memory_order_relaxed);
  if (end == std::numeric_limits<Clock::rep>::max()) return std::nullopt;
  return Clock::duration(end) - Clock::now().time_since_epoch();
}

namespace {

// [[D-]HH:]MM:SS, as Slurm writes times; with hours if `hours_required`. The text must end there.
std::optional<long> slurm_seconds(const char* text, bool hours_required) {
  int days = 0, hours = 0, minutes = 0, seconds = 0, used = 0;
  const auto complete = [&] { return text[used] == '\0' || text[used] == '\n' || text[used] == ' '; };
  const auto matches = [&](const char* pattern, int count, auto... fields) {
    days = hours = used = 0;
    return std::sscanf(text, pattern, fields..., &used) == count && complete();
  };
  if (!matches("%4d-%2d:%2d:%2d%n", 4, &days, &hours, &minutes, &seconds) &&
      !matches("%4d:%2d:%2d%n", 3, &hours, &minutes, &seconds) &&
      (hours_required || !matches("%4d:%2d%n", 2, &minutes, &seconds)))
    return std::nullopt;
  if (days < 0 || hours < 0 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59)
    return std::nullopt;
  return ((days * 24L + hours) * 60 + minutes) * 60 + seconds;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(const char* text) {
  constexpr double kLongest = 3650.0 * 86400;
  if (std::strchr(text, ':') != nullptr) {
    const std::optional<long> seconds = slurm_seconds(text, true);
    if (!seconds || text[std::strcspn(text, " \n")] != '\0') return std::nullopt;
    return std::chrono::seconds(*seconds);
  }
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || !(value >= 0)) return std::nullopt;
  double unit = 1;
  if (*end == 's' || *end == 'm' || *end == 'h' || *end == 'd') {
    unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : 86400;
    ++end;
  }
  if (*end != '\0' || value * unit > kLongest) return std::nullopt;
  return std::chrono::milliseconds(static_cast<long>(value * unit * 1000));
}

std::optional<std::chrono::seconds> slurm_time_left() {
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr) return std::nullopt;
  if (const char* end = std::getenv("SLURM_JOB_END_TIME")) {
    long time = 0;
    const char* const last = end + std::strlen(end);
    const auto [stop, error] = std::from_chars(end, last, time);
    const long left = time - static_cast<long>(std::time(nullptr));
    if (error == std::errc() && stop == last && left > 0) return std::chrono::seconds(left);
    // Slurm would have ended this process: a shell has kept the variables of a job that is over.
    fmt::print(stderr,
               "impsweep: SLURM_JOB_END_TIME = '{}' is no time to come, so that the variables of Slurm's job "
               "'{}' are those of another time, and no limit is taken from them; unset them, or give "
               "--time-limit\n",
               printable(end), printable(job));
    return std::nullopt;
  }
  // The plain number of an array's last task means all its tasks to squeue.
  const char* array = std::getenv("SLURM_ARRAY_JOB_ID");
  const char* task = std::getenv("SLURM_ARRAY_TASK_ID");
  const std::string id =
      array != nullptr && task != nullptr ? std::string(array) + "_" + task : std::string(job);
  if (id.find_first_not_of("0123456789_") != std::string::npos) return std::nullopt;
  const std::string command = "timeout 10 squeue -h -j " + id + " -O TimeLeft 2> /dev/null";
  std::FILE* answer = popen(command.c_str(), "r");
  if (answer == nullptr) return std::nullopt;
  char text[64] = "";
  const bool answered = std::fgets(text, sizeof text, answer) != nullptr;
  pclose(answer);
  const std::optional<long> seconds = answered ? slurm_seconds(text, false) : std::nullopt;
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

}  // namespace impsweep
