// io/terminal.hpp - the terminal that standard output may go to.
#pragma once

#include <cstddef>

namespace impsweep {

// False also for TERM=dumb and where NO_COLOR is set: what is written then has no control sequences.
// Under mpirun that of mpirun's own output: its ranks have a pseudo-terminal even where it writes to a file.
bool output_is_terminal();

struct TerminalSize {
  std::size_t rows = 24, columns = 100;  // where it is not known
};
TerminalSize terminal_size();

}  // namespace impsweep
