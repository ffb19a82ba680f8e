#include "engine/commands/command.hpp"
namespace impsweep {
int command_bench(const Arguments&) {
  return kFailed;
}
}  // namespace impsweep
