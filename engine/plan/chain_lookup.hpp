// engine/plan/chain_lookup.hpp - from what people type to a place in the plan.
#pragma once

#include <string>

#include "engine/plan/plan.hpp"

namespace impsweep {

// The chain of this name; InputError naming `where` and the nearest name if there is none.
const Chain& find_chain(const Plan&, const std::string& name, const std::string& where);

// `round` as "3", "r3" or "r03".
TrainingIndex find_round(const Plan&, const std::string& chain, const std::string& round,
                         const std::string& where);

}  // namespace impsweep
