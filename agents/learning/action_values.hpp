// agents/learning/action_values.hpp - the values of all actions, out of the networks of a model that learns
// values.
//
// One part "q" holds them directly. Dueling (Wang et al. 2016) has parts q = A, the advantages, and
// "value" = V: Q = V + A - mean_a A. The largest advantage is then the largest value, so that acting needs
// the part q alone.
#pragma once

#include "agents/acting/observation_columns.hpp"
#include "agents/native/aligned.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

class ActionValues {
 public:
  ActionValues(const ModelSpec&, int max_batch);

  int actions() const { return actions_; }

  // q [actions][stride], overwritten.
  void infer(Network&, const ObservationColumns&, int batch, MutableBatch q);
  void forward(Network&, const ObservationColumns&, int batch, MutableBatch q);

  // All gradients of the network, from those of the loss with respect to q, which are overwritten. After
  // forward().
  void backward(Network&, int batch, MutableBatch q_gradient);

 private:
  void combine(int batch, MutableBatch q) const;

  int actions_ = 0;
  bool dueling_ = false;
  AlignedFloats state_value_;  // [max_batch rounded up], and its gradient
};

}  // namespace impsweep
