// agents/learning/safe_point.hpp - giving up an iteration that takes long, because somebody waits.
//
// Half an iteration cannot be saved. The state before one that may take long is therefore kept until it is
// over, and a trainer whose iteration was given up is saved as of then. An iteration may take long if the one
// before it did; so may the first of a process.
#pragma once

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "agents/acting/interruption.hpp"
#include "agents/learning/trainer.hpp"

namespace impsweep {

class SafePoint {
 public:
  explicit SafePoint(Interruption interruption) : interruption_(std::move(interruption)) {}

  // Before an iteration of the trainer, and after it.
  void leave(const Trainer&);
  void reach();

  // To be asked between the steps of the iteration under way; empty if it is over too soon to be given up.
  const Interruption& interruption() const { return in_force_; }

  // Between leave() and reach(), and for good once an iteration was given up: save() then writes the state
  // before it.
  bool is_left() const { return is_left_; }
  void save(StateWriter& writer) const { writer.append(state_before_); }

 private:
  using Clock = std::chrono::steady_clock;

  Interruption interruption_, in_force_;
  bool takes_long_ = true, is_left_ = false;
  Clock::time_point start_;
  std::vector<std::byte> state_before_;
};

}  // namespace impsweep
