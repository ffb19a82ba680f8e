// agents/acting_policy.hpp - how the outputs of a network become actions, for evaluation and play.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "agents/config.hpp"
#include "agents/network.hpp"
#include "envs/random.hpp"

namespace impsweep {

class ActingPolicy {
 public:
  virtual ~ActingPolicy() = default;

  // outputs [actions][stride] of the network, overwritten; column c is lane lanes[c] and draws from that
  // lane's stream. action [columns].
  virtual void act(int actions, MutableBatch outputs, std::span<const std::int32_t> lanes,
                   std::span<Stream> streams, std::int32_t* action) const = 0;
};

// Samples from the softmax of the outputs.
class SoftmaxPolicy final : public ActingPolicy {
 public:
  void act(int actions, MutableBatch outputs, std::span<const std::int32_t> lanes, std::span<Stream> streams,
           std::int32_t* action) const override;
};

// With probability epsilon any action alike, else the first of the largest outputs.
class EpsilonGreedyPolicy final : public ActingPolicy {
 public:
  explicit EpsilonGreedyPolicy(double epsilon) : epsilon_(epsilon) {}
  void act(int actions, MutableBatch outputs, std::span<const std::int32_t> lanes, std::span<Stream> streams,
           std::int32_t* action) const override;

 private:
  double epsilon_;
};

// How the agent of a training plays when it is evaluated.
std::unique_ptr<ActingPolicy> evaluation_policy(const ModelSpec&, std::string_view algorithm,
                                                const AgentConfig&);

}  // namespace impsweep
