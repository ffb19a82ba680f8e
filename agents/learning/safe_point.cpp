#include "agents/learning/safe_point.hpp"

namespace impsweep {
namespace {

// Nobody minds waiting for an iteration that takes less, and of one that takes more, copying its state first
// is a small part.
constexpr std::chrono::milliseconds kLong{200};

}  // namespace

void SafePoint::leave(const Trainer& trainer) {
  start_ = Clock::now();
  in_force_ = takes_long_ ? interruption_ : nullptr;
  if (in_force_) {
    StateWriter writer;
    trainer.save(writer);
    state_before_ = writer.take();
  }
  is_left_ = true;
}

void SafePoint::reach() {
  is_left_ = false;
  state_before_ = {};
  takes_long_ = Clock::now() - start_ >= kLong;
}

}  // namespace impsweep
