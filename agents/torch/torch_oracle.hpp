// agents/torch/torch_oracle.hpp - LibTorch's automatic derivatives and its own optimiser, for tests: what our
// analytic losses, our gradient clip and our Adam must agree with.
//
// Losses and their derivatives are computed in double precision, so that all of a difference belongs to the
// code under test. Arrays are feature-major without gaps: feature f of sample b is at [f * batch + b].
// Formulas: rlpyt algos/pg/ppo.py, distributions/categorical.py, distributions/gaussian.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace impsweep {

// A scalar loss and its derivatives; those without meaning for a loss stay empty.
struct OracleLoss {
  double loss = 0;
  double entropy = 0;             // mean over the batch, of the PPO losses
  std::vector<double> d_outputs;  // with respect to logits, means or values, in their layout
  std::vector<double> d_values;   // [batch]
  std::vector<double> d_log_std;  // [dimensions]
};

// What both PPO losses need besides the policy:
//   loss = -mean(min(r A, clip(r, 1 - c, 1 + c) A)) + value_coefficient * mean(0.5 (V - R)^2)
//          - entropy_coefficient * mean(entropy)
struct PpoTargets {
  std::span<const float> values, advantage, returns;  // [batch]
  double ratio_clip = 0.2, value_coefficient = 0.5, entropy_coefficient = 0.01;
};

// p = softmax(logits), r = (p[a] + 1e-8) / (p_old[a] + 1e-8), entropy = -sum_a p log(p + 1e-8).
struct DiscretePpoCase {
  int batch = 0, actions = 0;
  std::span<const float> logits, old_probability;  // [actions][batch]
  std::span<const std::int32_t> action;            // [batch]
  PpoTargets targets;
};

// r = exp(log-likelihood(action) - the old one), log-likelihood = -sum_d (log_std + z^2 / 2) + constant with
// z = (action - mean) / (exp(log_std) + 1e-8), entropy = sum_d log_std + log(sqrt(2 pi e)).
struct GaussianPpoCase {
  int batch = 0, dimensions = 0;
  std::span<const float> mean, action, old_mean;  // [dimensions][batch]
  std::span<const float> log_std, old_log_std;    // [dimensions]
  PpoTargets targets;
};

// mean over the batch of -sum_a teacher_probability * log softmax(student_logits)
struct CrossEntropyCase {
  int batch = 0, actions = 0;
  std::span<const float> teacher_probability, student_logits;  // [actions][batch]
};

// mean over the batch of KL(teacher || student), summed over the dimensions; s = exp(log_std):
//   ((m_T - m_S)^2 + s_T^2 - s_S^2) / (2 s_S^2) + log s_S - log s_T
struct GaussianKlCase {
  int batch = 0, dimensions = 0;
  std::span<const float> teacher_mean, student_mean;        // [dimensions][batch]
  std::span<const float> teacher_log_std, student_log_std;  // [dimensions]
};

// mean over batch and outputs of 0.5 e^2 if |e| <= delta, else delta (|e| - delta / 2); e = student - target
struct HuberCase {
  int batch = 0, outputs = 0;
  std::span<const float> target, student;  // [outputs][batch]
  double delta = 1;
};

// mean over the batch of weight * Huber(q[action] - target), without a derivative through the target:
//   target = return + discount * running * next_value[argmax_a next_selector]
struct QLossCase {
  int batch = 0, actions = 0;
  std::span<const float> q, next_selector, next_value;  // [actions][batch]
  std::span<const std::int32_t> action;                 // [batch]
  std::span<const float> returns, running, weight;      // [batch]
  double discount = 0.99, delta = 1;
};

struct TorchAdamOptions {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  // AdamW
};

// LibTorch's Adam in single precision on one vector of parameters.
class TorchAdam {
 public:
  virtual ~TorchAdam() = default;
  virtual void set_learning_rate(double) = 0;
  virtual void step(std::span<const float> gradients) = 0;
  virtual std::vector<float> parameters() const = 0;
};

class TorchOracle {
 public:
  virtual ~TorchOracle() = default;
  virtual OracleLoss discrete_ppo(const DiscretePpoCase&) const = 0;
  virtual OracleLoss gaussian_ppo(const GaussianPpoCase&) const = 0;
  virtual OracleLoss cross_entropy(const CrossEntropyCase&) const = 0;
  virtual OracleLoss gaussian_kl(const GaussianKlCase&) const = 0;
  virtual OracleLoss huber(const HuberCase&) const = 0;
  virtual OracleLoss q_loss(const QLossCase&) const = 0;

  // clip_grad_norm_ over tensors of these sizes that lie one after the other in `gradients`, which is scaled
  // in place. Returns the norm before the clip.
  virtual double clip_gradient_norm(std::span<float> gradients, std::span<const std::size_t> tensor_sizes,
                                    double limit) const = 0;

  virtual std::unique_ptr<TorchAdam> make_adam(std::span<const float> parameters,
                                               const TorchAdamOptions&) const = 0;
};

// Opens the LibTorch module on first use, as make_torch_network() does, and with the same errors.
const TorchOracle& torch_oracle();

}  // namespace impsweep
