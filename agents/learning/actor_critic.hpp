// agents/learning/actor_critic.hpp - an actor and a critic on one minibatch of a rollout, forwards and
// backwards: what PPO and the cloning of policies have in common around their losses.
//
// A column is a sample; matrices are [rows][stride]. Nothing is allocated after construction.
#pragma once

#include <cstdint>
#include <span>

#include "agents/acting/samples.hpp"
#include "agents/native/aligned.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

// Parts of the network.
inline constexpr int kActor = 0, kCritic = 1;

class ActorCritic {
 public:
  // For minibatches of `size` samples. Keeps a reference to the network, which need not have a critic if that
  // is not used.
  ActorCritic(Network&, const ModelSpec&, int size);

  int size() const { return size_; }
  int stride() const { return stride_; }    // size in whole lanes
  int actions() const { return actions_; }  // or dimensions of one: outputs of the actor for a sample

  // Observation j becomes that of sample order[j].
  void gather_observations(const Samples&, const std::int32_t* order);

  // Fills output(), logits or means, and value() for these observations.
  void forward_actor();
  void forward_critic();
  const float* output() const { return output_.data(); }  // [actions][stride]
  const float* value() const { return value_.data(); }    // [stride]

  // A Gaussian policy's log_std, [actions]; empty for others. Its gradient is written in place.
  std::span<const float> log_std() const;
  std::span<float> log_std_gradient();

  // From the gradients of the loss with respect to output() and value() to those of the parameters. The
  // critic comes first: it may share the actor's trunk.
  float* output_gradient() { return output_gradient_.data(); }  // [actions][stride]
  float* value_gradient() { return value_gradient_.data(); }    // [stride]
  void backward_critic();
  void backward_actor();

 private:
  Network& network_;
  int size_, stride_;
  int observation_size_, actions_, log_std_size_;
  AlignedFloats observation_;  // [observation_size][stride]
  AlignedFloats output_, output_gradient_, value_, value_gradient_;
};

}  // namespace impsweep
