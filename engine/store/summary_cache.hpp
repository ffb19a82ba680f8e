// engine/store/summary_cache.hpp - summaries.h5: what is known of the finished trainings of a store in one
// file, so that nobody has to open every result of a large one.
//
// It is derived: it may be lost, old or damaged, and an entry counts only as long as the result's file has
// the size and the time of change that it had when it was read whole. A result that decays on the disk
// without a change of its time is found when it is next read, and by `impsweep verify`.
#pragma once

#include <unordered_map>

#include "engine/plan/plan.hpp"
#include "engine/training/round_record.hpp"
#include "io/store.hpp"

namespace impsweep {

using SummaryCache = std::unordered_map<TrainingId, RoundSummary>;

// Empty if there is no such file, or none that this version can read. Packs are read themselves.
SummaryCache read_summary_cache(const Store&);

// Does nothing where the store cannot be written to.
void write_summary_cache(const Store&, const Plan&, const RoundSummaries&);

}  // namespace impsweep
