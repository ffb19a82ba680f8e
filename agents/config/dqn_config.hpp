// agents/config/dqn_config.hpp - the options of DQN (rlpyt algos/dqn/dqn.py, agents/dqn/epsilon_greedy.py).
#pragma once

#include <cstdint>

#include "agents/config/option_field.hpp"

namespace impsweep {

struct DqnConfig {
  double learning_rate = 5e-4;
  double discount = 0.99;
  std::int64_t batch_size = 256;
  std::int64_t replay_size = 100'000;
  double replay_ratio = 4;
  std::int64_t min_steps_learn = 50'000;
  std::int64_t n_step = 1;
  bool double_dqn = true;
  bool dueling = false;
  std::int64_t target_update_interval = 312;
  double delta_clip = 1.0;
  double clip_grad_norm = 10.0;
  double adam_epsilon = 0;
  bool prioritized = true;
  double priority_alpha = 0.6;
  double beta_initial = 0.4, beta_final = 1.0;
  std::int64_t beta_steps = 0;
  double epsilon_initial = 1.0, epsilon_final = 0.01;
  std::int64_t epsilon_steps = 1'000'000;
  double epsilon_fraction = 0;
  double epsilon_eval = 0.001;

  // Adam's epsilon in force; rlpyt's default for DQN falls with the batch.
  double adam_epsilon_in_force() const {
    return adam_epsilon > 0 ? adam_epsilon : 0.01 / static_cast<double>(batch_size);
  }

  // Environment steps until epsilon has its final value, in a training of so many.
  std::int64_t epsilon_steps_of(std::int64_t steps) const {
    return epsilon_fraction > 0 ? static_cast<std::int64_t>(epsilon_fraction * static_cast<double>(steps))
                                : epsilon_steps;
  }

  template <class V>
  void visit(V& v) {
    v("dqn.learning_rate", learning_rate, kPositive, "Adam step size");
    v("dqn.discount", discount, kFraction, "gamma");
    v("dqn.batch_size", batch_size, Range{1, 65536}, "transitions per update");
    v("dqn.replay_size", replay_size, kAtLeastOne, "transitions kept, rounded up to whole time steps");
    v("dqn.replay_ratio", replay_ratio, kPositive,
      "transitions learned from for each one collected; at least one update per iteration");
    v("dqn.min_steps_learn", min_steps_learn, kNonNegative, "environment steps before the first update");
    v("dqn.n_step", n_step, Range{1, 1000}, "rewards summed before the bootstrap");
    v("dqn.double", double_dqn, kAny, "the online network chooses the action that the target network values");
    v("dqn.dueling", dueling, kAny, "separate networks for the value and the advantages");
    v("dqn.target_update_interval", target_update_interval, kAtLeastOne,
      "updates between copies to the target network");
    v("dqn.delta_clip", delta_clip, kPositive, "Huber delta, and the largest priority");
    v("dqn.clip_grad_norm", clip_grad_norm, kPositive, "limit of the global gradient norm");
    v("dqn.adam_epsilon", adam_epsilon, kNonNegative, "added outside the square root; 0: 0.01 / batch_size");
    v("dqn.prioritized", prioritized, kAny, "prioritized replay; false: uniform");
    v("dqn.priority_alpha", priority_alpha, kNonNegative, "exponent of the priorities");
    v("dqn.beta_initial", beta_initial, kNonNegative, "exponent of the importance weights at first");
    v("dqn.beta_final", beta_final, kNonNegative, "and after dqn.beta_steps");
    v("dqn.beta_steps", beta_steps, kNonNegative, "environment steps until then; 0: the whole training");
    v("dqn.epsilon_initial", epsilon_initial, kFraction, "probability of a random action at first");
    v("dqn.epsilon_final", epsilon_final, kFraction, "and after dqn.epsilon_steps");
    v("dqn.epsilon_steps", epsilon_steps, kNonNegative, "environment steps until then");
    v("dqn.epsilon_fraction", epsilon_fraction, kFraction,
      "the same as a part of rl.steps; 0: dqn.epsilon_steps says it");
    v("dqn.epsilon_eval", epsilon_eval, kFraction, "in evaluations");
  }
};

}  // namespace impsweep
