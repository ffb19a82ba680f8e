// agents/acting/policy.hpp - how the outputs of a network become actions.
//
//   softmax          outputs are logits; one uniform per action, by inversion
//   epsilon-greedy   outputs are values: with probability epsilon any action alike, else the first of the
//                    best (one uniform, and for a random action one draw more)
//   Gaussian         outputs are means, the standard deviation exp(log_std) is a parameter of its own;
//                    actions are mean + std * z, neither clipped nor squashed (rlpyt
//                    distributions/gaussian.py)
//
// A policy keeps the actions of its last act() in memory of its own; nothing is allocated after construction.
#pragma once

#include <cstdint>
#include <memory>

#include "agents/acting/observation_columns.hpp"
#include "agents/acting/samples.hpp"
#include "agents/config/config.hpp"
#include "agents/network/network.hpp"
#include "envs/environment.hpp"

namespace impsweep {

class Policy {
 public:
  virtual ~Policy() = default;

  // Draws an action for each of the columns; column c draws from streams[stream_of_column[c]].
  virtual void act(Network&, int part, int columns, const ObservationColumns&, Stream* streams,
                   const std::int32_t* stream_of_column) = 0;

  // A uniformly random action for one column, whatever the network says.
  virtual void act_at_random(int column, Stream&) = 0;

  virtual ActionBatch actions() const = 0;

  // Copies the action of a column, and what learning must know of its distribution, to sample i.
  virtual void record(int column, Samples&, int i) const = 0;

  // Completes a rollout, all of whose samples have been recorded.
  virtual void complete(Samples&) const = 0;
};

// The policy of a policy gradient's kind, for up to `columns` columns: Gaussian where actions are continuous.
std::unique_ptr<Policy> make_policy(int actions, bool continuous, int columns);

class EpsilonGreedyPolicy final : public Policy {
 public:
  EpsilonGreedyPolicy(int actions, int columns, double epsilon);
  void set_epsilon(double epsilon) { epsilon_ = epsilon; }

  void act(Network&, int part, int columns, const ObservationColumns&, Stream* streams,
           const std::int32_t* stream_of_column) override;
  void act_at_random(int column, Stream&) override;
  ActionBatch actions() const override { return {.discrete = action_.data(), .stride = stride_}; }
  void record(int column, Samples&, int i) const override;
  void complete(Samples&) const override {}

 private:
  int actions_, stride_;
  double epsilon_;
  AlignedFloats value_;  // [actions][stride]
  std::vector<std::int32_t> action_;
};

// Without chance: the action of the largest output, or the mean.
std::unique_ptr<Policy> greedy_policy(const ModelSpec&, int columns);

}  // namespace impsweep
