// The oracles of agents/torch/torch_oracle.hpp: losses by automatic derivatives in double precision, and
// LibTorch's own Adam; part of the LibTorch module.
#include <torch/torch.h>

#include <cassert>
#include <cmath>
#include <numbers>

#include "agents/torch/module/torch_batch.hpp"
#include "agents/torch/module/torch_guard.hpp"
#include "agents/torch/torch_module.hpp"

namespace impsweep {
namespace {

constexpr double kEpsilon = 1e-8;  // rlpyt's EPS

// A double-precision copy, [batch, features] of feature-major values.
at::Tensor matrix(std::span<const float> values, int features, int batch) {
  assert(values.size() == static_cast<std::size_t>(features) * static_cast<std::size_t>(batch));
  return batch_view(values.data(), features, batch, batch).to(torch::kFloat64).clone();
}
at::Tensor vector(std::span<const float> values) {
  const auto size = static_cast<std::int64_t>(values.size());
  return torch::from_blob(const_cast<float*>(values.data()), {size}).to(torch::kFloat64).clone();
}

std::vector<double> values_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

std::vector<double> feature_major(const at::Tensor& batch_major) {
  return values_of(batch_major.t());
}

// What the losses of both policies have in common.
at::Tensor ppo_loss(const at::Tensor& ratio, const at::Tensor& values, const at::Tensor& mean_entropy,
                    const PpoTargets& targets) {
  const at::Tensor advantage = vector(targets.advantage);
  const at::Tensor clipped = torch::clamp(ratio, 1 - targets.ratio_clip, 1 + targets.ratio_clip);
  const at::Tensor policy_loss = -torch::mean(torch::min(ratio * advantage, clipped * advantage));
  const at::Tensor value_loss = torch::mean(0.5 * torch::square(values - vector(targets.returns)));
  return policy_loss + targets.value_coefficient * value_loss - targets.entropy_coefficient * mean_entropy;
}

class Adam final : public TorchAdam {
 public:
  Adam(std::span<const float> parameters, const TorchAdamOptions& options)
      : parameters_(vector(parameters).to(torch::kFloat32).requires_grad_()) {
    const auto betas = std::make_tuple(options.beta1, options.beta2);
    if (options.decoupled)
      optimizer_ = std::make_unique<torch::optim::AdamW>(std::vector<at::Tensor>{parameters_},
                                                         torch::optim::AdamWOptions(options.learning_rate)
                                                             .betas(betas)
                                                             .eps(options.epsilon)
                                                             .weight_decay(options.weight_decay));
    else
      optimizer_ = std::make_unique<torch::optim::Adam>(std::vector<at::Tensor>{parameters_},
                                                        torch::optim::AdamOptions(options.learning_rate)
                                                            .betas(betas)
                                                            .eps(options.epsilon)
                                                            .weight_decay(options.weight_decay));
  }

  void set_learning_rate(double rate) override { optimizer_->param_groups().front().options().set_lr(rate); }

  void step(std::span<const float> gradients) override {
    guarded([&] {
      parameters_.mutable_grad() = vector(gradients).to(torch::kFloat32);
      optimizer_->step();
    });
  }

  std::vector<float> parameters() const override {
    return {parameters_.data_ptr<float>(), parameters_.data_ptr<float>() + parameters_.numel()};
  }

 private:
  at::Tensor parameters_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

class Oracle final : public TorchOracle {
 public:
  OracleLoss discrete_ppo(const DiscretePpoCase& c) const override {
    return guarded([&] {
      const at::Tensor logits = matrix(c.logits, c.actions, c.batch).requires_grad_();
      const at::Tensor values = vector(c.targets.values).requires_grad_();
      const at::Tensor action =
          torch::from_blob(const_cast<std::int32_t*>(c.action.data()), {c.batch, 1}, torch::kInt32)
              .to(torch::kInt64);
      const at::Tensor probability = torch::softmax(logits, 1);
      const at::Tensor old_probability = matrix(c.old_probability, c.actions, c.batch);
      const at::Tensor ratio =
          (probability.gather(1, action) + kEpsilon) / (old_probability.gather(1, action) + kEpsilon);
      const at::Tensor entropy = -torch::sum(probability * torch::log(probability + kEpsilon), 1).mean();
      const at::Tensor loss = ppo_loss(ratio.squeeze(1), values, entropy, c.targets);
      const auto gradient = torch::autograd::grad({loss}, {logits, values});
      return OracleLoss{loss.item<double>(),
                        entropy.item<double>(),
                        feature_major(gradient[0]),
                        values_of(gradient[1]),
                        {}};
    });
  }

  OracleLoss gaussian_ppo(const GaussianPpoCase& c) const override {
    return guarded([&] {
      const at::Tensor mean = matrix(c.mean, c.dimensions, c.batch).requires_grad_();
      const at::Tensor log_std = vector(c.log_std).requires_grad_();
      const at::Tensor values = vector(c.targets.values).requires_grad_();
      const at::Tensor action = matrix(c.action, c.dimensions, c.batch);
      const auto log_likelihood = [&](const at::Tensor& m, const at::Tensor& s) {  // without its constant
        return -torch::sum(s + 0.5 * torch::square((action - m) / (torch::exp(s) + kEpsilon)), 1);
      };
      const at::Tensor old = log_likelihood(matrix(c.old_mean, c.dimensions, c.batch), vector(c.old_log_std));
      const at::Tensor ratio = torch::exp(log_likelihood(mean, log_std) - old);
      const double per_dimension = 0.5 * std::log(2 * std::numbers::pi * std::numbers::e);
      const at::Tensor entropy = torch::sum(log_std + per_dimension);
      const at::Tensor loss = ppo_loss(ratio, values, entropy, c.targets);
      const auto gradient = torch::autograd::grad({loss}, {mean, values, log_std});
      return OracleLoss{loss.item<double>(), entropy.item<double>(), feature_major(gradient[0]),
                        values_of(gradient[1]), values_of(gradient[2])};
    });
  }

  OracleLoss cross_entropy(const CrossEntropyCase& c) const override {
    return guarded([&] {
      const at::Tensor logits = matrix(c.student_logits, c.actions, c.batch).requires_grad_();
      const at::Tensor teacher = matrix(c.teacher_probability, c.actions, c.batch);
      const at::Tensor loss = -torch::sum(teacher * torch::log_softmax(logits, 1), 1).mean();
      const auto gradient = torch::autograd::grad({loss}, {logits});
      return OracleLoss{loss.item<double>(), 0, feature_major(gradient[0]), {}, {}};
    });
  }

  OracleLoss gaussian_kl(const GaussianKlCase& c) const override {
    return guarded([&] {
      const at::Tensor mean = matrix(c.student_mean, c.dimensions, c.batch).requires_grad_();
      const at::Tensor log_std = vector(c.student_log_std).requires_grad_();
      const at::Tensor teacher_mean = matrix(c.teacher_mean, c.dimensions, c.batch);
      const at::Tensor teacher_log_std = vector(c.teacher_log_std);
      const at::Tensor variance = torch::exp(2 * log_std);
      const at::Tensor numerator =
          torch::square(teacher_mean - mean) + torch::exp(2 * teacher_log_std) - variance;
      const at::Tensor loss = torch::sum(numerator / (2 * variance) + log_std - teacher_log_std, 1).mean();
      const auto gradient = torch::autograd::grad({loss}, {mean, log_std});
      return OracleLoss{loss.item<double>(), 0, feature_major(gradient[0]), {}, values_of(gradient[1])};
    });
  }

  OracleLoss huber(const HuberCase& c) const override {
    return guarded([&] {
      const at::Tensor student = matrix(c.student, c.outputs, c.batch).requires_grad_();
      const at::Tensor loss =
          torch::huber_loss(student, matrix(c.target, c.outputs, c.batch), at::Reduction::Mean, c.delta);
      const auto gradient = torch::autograd::grad({loss}, {student});
      return OracleLoss{loss.item<double>(), 0, feature_major(gradient[0]), {}, {}};
    });
  }

  OracleLoss q_loss(const QLossCase& c) const override {
    return guarded([&] {
      const at::Tensor q = matrix(c.q, c.actions, c.batch).requires_grad_();
      const at::Tensor best = matrix(c.next_selector, c.actions, c.batch).argmax(1, true);
      const at::Tensor next = matrix(c.next_value, c.actions, c.batch).gather(1, best).squeeze(1);
      const at::Tensor target = vector(c.returns) + c.discount * vector(c.running) * next;
      const std::vector<std::int64_t> action(c.action.begin(), c.action.end());
      const at::Tensor taken = q.gather(1, torch::tensor(action).unsqueeze(1)).squeeze(1);
      const at::Tensor loss =
          (vector(c.weight) * torch::huber_loss(taken, target, at::Reduction::None, c.delta)).mean();
      const auto gradient = torch::autograd::grad({loss}, {q});
      return OracleLoss{loss.item<double>(), 0, feature_major(gradient[0]), {}, {}};
    });
  }

  double clip_gradient_norm(std::span<float> gradients, std::span<const std::size_t> tensor_sizes,
                            double limit) const override {
    return guarded([&] {
      std::vector<at::Tensor> tensors;
      std::size_t offset = 0;
      for (const std::size_t size : tensor_sizes) {
        const auto length = static_cast<std::int64_t>(size);
        tensors.push_back(torch::zeros({length}).requires_grad_());
        tensors.back().mutable_grad() = torch::from_blob(gradients.data() + offset, {length});
        offset += size;
      }
      assert(offset == gradients.size());
      return torch::nn::utils::clip_grad_norm_(tensors, limit);
    });
  }

  std::unique_ptr<TorchAdam> make_adam(std::span<const float> parameters,
                                       const TorchAdamOptions& options) const override {
    return guarded([&] { return std::make_unique<Adam>(parameters, options); });
  }
};

}  // namespace

std::unique_ptr<TorchOracle> make_libtorch_oracle() {
  return std::make_unique<Oracle>();
}

}  // namespace impsweep
