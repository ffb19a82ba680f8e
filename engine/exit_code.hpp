// engine/exit_code.hpp - what a command gives back to the shell.
#pragma once

namespace impsweep {

enum ExitCode : int {
  kComplete = 0,
  kFailed = 1,    // something failed or differs, and was named
  kBadInput = 2,  // job file, store, flags
  kStopped = 3,   // stopped early, can be resumed
};

}  // namespace impsweep
