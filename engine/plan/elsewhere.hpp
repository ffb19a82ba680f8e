// engine/plan/elsewhere.hpp - trainings that read the result of another chain's round: keys of jobs whose
// value is "CHAIN:ROUND", e.g. imp.mask_from. CHAIN is a chain of the same job by its name, or by its name
// without the seed at the end, which then is the reader's own; ROUND is "3", "r3" or "r03".
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/job/job.hpp"

namespace impsweep {

struct ElsewhereRound {
  std::size_t point = 0;  // index into the points of the job
  Baseline baseline = Baseline::kMaskWeights;
  std::int64_t seed = 0;
  int round = 0;
};

// Throws InputError "place: ..." naming the key and the remedy if the job has no such round.
ElsewhereRound find_elsewhere(std::span<const GridPoint>, const std::string& key, const std::string& text,
                              std::int64_t reader_seed, const std::string& place);

// Throws InputError if the reader prunes a tensor that the networks of the source do not have in its shape.
void require_same_shape(const Settings& source, const Settings& reader, const std::string& place);

}  // namespace impsweep
