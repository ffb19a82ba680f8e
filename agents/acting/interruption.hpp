// agents/acting/interruption.hpp - giving up an iteration or an evaluation that takes long, because somebody
// waits.
#pragma once

#include <functional>

namespace impsweep {

// Asked between the steps of long loops, so it must be quick; true: give up what is under way. Empty: never.
using Interruption = std::function<bool()>;

// What is thrown then. Whoever threw it can still be saved, as of the last safe point.
struct Interrupted {};

inline void heed(const Interruption& interruption) {
  if (interruption && interruption()) throw Interrupted();
}

}  // namespace impsweep
