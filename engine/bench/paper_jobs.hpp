// engine/bench/paper_jobs.hpp - the plan of the whole paper: the jobs/figure-*.toml of when this was built.
#pragma once

#include "engine/plan/plan.hpp"

namespace impsweep {

// All of them, each after a line "#### its name".
const char* paper_jobs_text();

// What they train together; without files of data sets, of which nothing is read.
Plan paper_plan();

}  // namespace impsweep
