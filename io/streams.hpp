// io/streams.hpp - standard output and standard error that neither end the program nor lose words in silence.
#pragma once

#include <string>

namespace impsweep {

// To be called first of all. Streams that the caller has closed lead to /dev/null from then on, so that
// no file that is opened later takes their numbers and what is printed to them. A write that fails, to a
// full disk say, throws nothing and ends nothing; it is remembered.
void prepare_streams();

// Writes out what is still in memory. The reason why a part of standard output could not be written; empty if
// all of it was.
std::string lost_output();

}  // namespace impsweep
