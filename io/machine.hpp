// io/machine.hpp - what kind of machine this is.
#pragma once

#include <string>

namespace impsweep {

// What the processor calls itself: "AMD EPYC, family 26 model 2".
std::string processor_name();

}  // namespace impsweep
