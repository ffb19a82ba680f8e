// agents/acting/rollout.hpp - T time steps of a policy in B environments, taken down as samples.
#pragma once

#include "agents/acting/interruption.hpp"
#include "agents/acting/policy.hpp"
#include "agents/acting/sampler.hpp"
#include "agents/acting/samples.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

// Acts with part `part` of the network for samples.T steps, and fills everything in the samples but values,
// advantages and returns. The sampler keeps its observations as numbers. Throws Interrupted; then sampler and
// samples are half way.
void collect_rollout(Sampler&, Policy&, Network&, int part, Samples&, const Interruption& = {});

}  // namespace impsweep
