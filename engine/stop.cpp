#include "engine/stop.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace impsweep {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<int> signals_received = 0;
std::atomic<Clock::rep> deadline = std::numeric_limits<Clock::rep>::max();

void on_signal(int signal) {
  if (signals_received.fetch_add(1) > 0 && signal == SIGINT) _exit(130);
}

}  // namespace

void install_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) sigaction(signal, &action, nullptr);
}

void set_time_limit(Clock::duration limit) {
  deadline = (Clock::now() + limit).time_since_epoch().count();
}

bool stop_requested() {
  return signals_received.load(std::memory_order_relaxed) > 0 ||
         Clock::now().time_since_epoch().count() >= deadline.load(std::memory_order_relaxed);
}

std::optional<std::chrono::seconds> parse_duration(const char* text) {
  constexpr long kLongest = 3650L * 86400;
  const auto in_range = [](long seconds) -> std::optional<std::chrono::seconds> {
    if (seconds < 0 || seconds > kLongest) return std::nullopt;
    return std::chrono::seconds(seconds);
  };
  if (std::strchr(text, ':') != nullptr) {
    int days = 0, hours = 0, minutes = 0, seconds = 0, used = 0;
    if (std::sscanf(text, "%4d-%2d:%2d:%2d%n", &days, &hours, &minutes, &seconds, &used) != 4) {
      days = 0;
      used = 0;
      if (std::sscanf(text, "%4d:%2d:%2d%n", &hours, &minutes, &seconds, &used) != 3) return std::nullopt;
    }
    if (text[used] != '\0' || hours < 0 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59 ||
        days < 0)
      return std::nullopt;
    return in_range(((days * 24L + hours) * 60 + minutes) * 60 + seconds);
  }
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || !(value >= 0) || value > static_cast<double>(kLongest)) return std::nullopt;
  double unit = 1;
  if (*end == 's' || *end == 'm' || *end == 'h' || *end == 'd') {
    unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : 86400;
    ++end;
  }
  if (*end != '\0') return std::nullopt;
  return in_range(static_cast<long>(value * unit));
}

}  // namespace impsweep
