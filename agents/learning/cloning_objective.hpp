// agents/learning/cloning_objective.hpp - what a student minimises whose teacher is one kind of policy:
//
//   softmax   mean over samples of -sum_a p_teacher(a) log softmax(student)(a)
//   Gaussian  mean over samples of KL(teacher || student); the student has a log_std of its own
#pragma once

#include <cstdint>
#include <memory>

#include "agents/acting/samples.hpp"
#include "agents/learning/actor_critic.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

class CloningObjective {
 public:
  virtual ~CloningObjective() = default;

  // Mean loss on the samples order[0 .. size-1], after the actor's forward pass; writes the gradients for its
  // backward pass and, for a Gaussian, that of its log_std.
  virtual float evaluate(const Samples&, const std::int32_t* order, ActorCritic& minibatch) = 0;
};

// `columns`: largest minibatch, in whole lanes.
std::unique_ptr<CloningObjective> make_cloning_objective(const ModelSpec&, int columns);

}  // namespace impsweep
