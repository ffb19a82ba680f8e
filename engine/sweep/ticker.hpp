// engine/sweep/ticker.hpp - something small done at a steady interval beside the main thread, so that
// heartbeats go on while a long evaluation keeps the main thread busy.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace impsweep {

class Ticker {
 public:
  // Acts at once and then after every interval. `action` must not throw.
  Ticker(std::chrono::milliseconds interval, std::function<void()> action)
      : thread_([this, interval, action = std::move(action)](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          while (!stop.stop_requested()) {
            action();
            wake_.wait_for(lock, stop, interval, [] { return false; });
          }
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it is joined before the others go
};

}  // namespace impsweep
