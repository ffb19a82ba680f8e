// envs/parallel_environment.hpp - the lanes of an environment stepped by several threads.
//
// Lanes share nothing, and each column of a batch writes to places of its own: the columns are cut into as
// many ranges as there are threads, and the results are the same bits as with one. It pays where a step costs
// tens of microseconds (locomotion); handing work over costs a few.
#pragma once

#include <memory>

#include "envs/environment.hpp"

namespace impsweep {

// The environment itself for one thread, else a wrapper that owns it. The calling thread takes part.
std::unique_ptr<Environment> in_parallel(std::unique_ptr<Environment>, int threads);

}  // namespace impsweep
