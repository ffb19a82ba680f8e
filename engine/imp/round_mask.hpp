// engine/imp/round_mask.hpp - the mask of a round, by all that the options imp.* say of it.
#pragma once

#include "engine/imp/criterion.hpp"

namespace impsweep {

// Whether masks are the paper's: one ranking of single weights by magnitude, over whole networks.
bool prunes_plainly(const ImpConfig&);

// The mask of round `round`, pruned from the network of the inputs: the round before, or the untrained one
// under a criterion at the start. `kept`: what the plan says of the round, where counts are given; else the
// number follows from the mask. Throws std::invalid_argument if a score is no finite number, or if counts are
// impossible.
Mask round_mask(const ScoreInputs&, int round, std::int64_t kept);

}  // namespace impsweep
