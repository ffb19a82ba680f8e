// agents/acting/interruption.hpp - giving up an iteration or an evaluation that takes long, so that the
// program can end soon.
#pragma once

#include <functional>

namespace impsweep {

// Returns true if what is under way is to be given up; an empty function never does. It is called between the
// steps of long loops, so it must be quick.
using Interruption = std::function<bool()>;

// Thrown when an interruption asks for it. The object that threw can still be saved, in the state of its last
// safe point.
struct Interrupted {};

inline void throw_if_interrupted(const Interruption& interruption) {
  if (interruption && interruption()) throw Interrupted();
}

}  // namespace impsweep
