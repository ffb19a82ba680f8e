// agents/model.hpp - which networks an algorithm trains on a task.
//
//   ppo   actor (softmax over the actions, or tanh mean and free log_std) and critic of equal hidden layers
//   bc    the student's actor; with bc.critic = distill also a critic that learns the expert's values
#pragma once

#include <string_view>

#include "agents/network.hpp"

namespace impsweep {

// `actions`: number of actions, or dimension of a continuous action. Throws std::invalid_argument for an
// algorithm that has no model here.
ModelSpec model_spec(int observation_size, int actions, bool continuous, std::string_view algorithm,
                     const AgentConfig&);

}  // namespace impsweep
