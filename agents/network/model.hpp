// agents/network/model.hpp - which networks an algorithm trains on a task.
//
//   ppo          actor (softmax over the actions, or tanh mean and free log_std) and critic of equal hidden
//                layers, or, with network.shared_trunk, of the same ones
//   supervised   classifier (logits of the classes)
//   dqn          q (values of the actions); dueling: q holds the advantages and a part "value" the value of
//                the state
//   bc           the student's actor, or its q where teachers are DQN agents; with bc.critic = distill also a
//                critic that learns the teacher's values
#pragma once

#include <string_view>

#include "agents/network/network.hpp"
#include "envs/environment.hpp"

namespace impsweep {

// Whether the first part holds action values and not a policy.
bool learns_values(const ModelSpec&);

// `actions`: number of actions, or dimension of a continuous action. Throws std::invalid_argument for an
// algorithm that has no model here. `distils_values`: bc students learn action values.
ModelSpec model_spec(int observation_size, int actions, bool continuous, std::string_view algorithm,
                     const AgentConfig&, bool distils_values = false);

// Rows and columns that a board must have at least for the convolutions to fit on it; 0 without convolutions.
int smallest_board(const NetworkConfig&);

// The same for a task. Other architectures than mlp start with convolutions over the task's board; throws
// std::invalid_argument if it is none that they fit on. Those of "atari" are rlpyt's
// (models/pg/atari_ff_model.py, models/conv2d.py).
ModelSpec model_spec(const TaskInfo&, std::string_view algorithm, const AgentConfig&,
                     bool distils_values = false);

}  // namespace impsweep
