// agents/network/model.hpp - the networks that algorithms are made of. All of them have the hidden layers of
// a NetworkConfig, each its own unless they share a trunk.
#pragma once

#include "agents/network/network.hpp"
#include "envs/environment.hpp"

namespace impsweep {

// What a network reads and answers.
struct ModelShape {
  int observation_size = 0;
  int actions = 0;  // number of actions or classes, or dimension of a continuous action
  bool continuous = false;
};

// Part "actor": logits of the actions, or the mean of a Gaussian (its tanh under network.tanh_mean), whose
// log_std is then a parameter vector of the model. With a critic also part "critic", the value of the state;
// under network.shared_trunk it is a head on the actor's last hidden layer.
ModelSpec policy_model(const ModelShape&, const NetworkConfig&, bool with_critic);

// Part "q": the values of the actions. Dueling: q holds the advantages, and a part "value" the value of the
// state. Throws std::invalid_argument for continuous actions.
ModelSpec value_model(const ModelShape&, const NetworkConfig&, bool dueling);

// Part "classifier": logits of the classes.
ModelSpec classifier_model(const ModelShape&, const NetworkConfig&);

// Whether the first part holds action values and not a policy.
bool learns_values(const ModelSpec&);

// Rows and columns that a board must have at least for the convolutions to fit on it; 0 without convolutions.
int smallest_board(const NetworkConfig&);

// Puts the convolutions of the architecture over the task's board in front of every network that reads it.
// Throws std::invalid_argument if the task has no board that they fit on. Those of "atari" are rlpyt's
// (models/pg/atari_ff_model.py, models/conv2d.py).
ModelSpec with_convolutions(ModelSpec, const TaskInfo&, const NetworkConfig&);

}  // namespace impsweep
