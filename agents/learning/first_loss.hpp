// agents/learning/first_loss.hpp - the losses of the algorithms as functions of outputs that can be derived
// twice (agents/network/derivatives.hpp), for the first batch of a training. The policy that is judged is the
// one that acted, so PPO clips nothing.
//
// Every loss is a mean over samples. `temperature` divides the logits of a softmax policy.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/acting/samples.hpp"
#include "agents/network/derivatives.hpp"

namespace impsweep {

struct PolicyLossTerms {
  double value_coefficient = 0, entropy_coefficient = 0;  // 0: without
  double temperature = 1;
};

// -mean(r A) + c_v mean(0.5 (V - R)^2) - c_e mean(entropy), with the ratio r of ppo_objective.hpp. Outputs:
// logits or means of the actions, then V. `advantage` is [samples].
std::shared_ptr<const OutputLoss> policy_gradient_loss(const Samples&, std::span<const float> advantage,
                                                       std::span<const float> log_std,
                                                       const PolicyLossTerms&);

// Cross-entropy with the teacher's probabilities, or KL(teacher || student) of Gaussians, plus
// 0.5 (V - V_teacher)^2 if the student has a critic.
std::shared_ptr<const OutputLoss> cloning_loss(const Samples&, std::span<const float> student_log_std,
                                               bool has_critic, double temperature);

// -mean(log softmax(outputs / temperature)[label]) with a weight for each sample, which replaces the mean.
std::shared_ptr<const OutputLoss> classification_loss(std::vector<std::int32_t> labels,
                                                      std::vector<double> weights, double temperature);

// Huber loss of the value of one action in each sample, with importance weights; dueling: outputs are
// advantages and the value of the state.
std::shared_ptr<const OutputLoss> action_value_loss(int actions, bool dueling, double delta,
                                                    std::vector<std::int32_t> action,
                                                    std::vector<double> target, std::vector<double> weight);

// The same of the values of all actions, against those of a teacher, [samples][actions]; mean over both.
std::shared_ptr<const OutputLoss> value_cloning_loss(int actions, bool dueling, double delta,
                                                     std::vector<double> target);

}  // namespace impsweep
