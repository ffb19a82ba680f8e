#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "agents/config/ppo_config.hpp"
#include "agents/torch/module/eager_parameters.hpp"
#include "agents/torch/module/torch_guard.hpp"
#include "agents/torch/torch_module.hpp"

namespace impsweep {
namespace {

constexpr double kEpsilon = 1e-8;  // rlpyt's EPS
constexpr std::size_t kActor = 0, kCritic = 1;

template <class T>
at::Tensor copy_of(const T* data, at::IntArrayRef shape, at::IntArrayRef strides,
                   c10::ScalarType type = torch::kFloat32) {
  return torch::from_blob(const_cast<T*>(data), shape, strides, type).contiguous().clone();
}

class LibTorchPpo final : public EagerPpo {
 public:
  LibTorchPpo(const ModelSpec& model, std::span<const std::uint8_t> mask, std::span<const float> parameters,
              const Samples& s, const AgentConfig& config)
      : parts_(model.parts),
        config_(config.options<PpoConfig>()),
        parameters_(model, mask, parameters, config_.learning_rate, config.adam, config_.clip_grad_norm),
        observation_(
            copy_of(s.observation.data(), {s.size(), s.observation_size}, {s.observation_stride, 1})),
        advantage_(copy_of(s.advantage.data(), {s.size()}, {1})),
        return_(copy_of(s.return_.data(), {s.size()}, {1})),
        old_value_(copy_of(s.value.data(), {s.size()}, {1})) {
    is_gaussian_ = model.log_std > 0;
    if (is_gaussian_) {
      action_ = copy_of(s.continuous_action.data(), {s.size(), s.actions}, {1, s.stride});
      old_log_likelihood_ = copy_of(s.log_likelihood.data(), {s.size()}, {1});
    } else {
      action_ = copy_of(s.action.data(), {s.size(), 1}, {1, 1}, torch::kInt32).to(torch::kInt64).contiguous();
      const at::Tensor probability = copy_of(s.probability.data(), {s.size(), s.actions}, {1, s.stride});
      inverse_old_probability_ = (probability.gather(1, action_).squeeze(1) + kEpsilon).reciprocal();
    }
    std::size_t leaf = 0;
    for (const MlpSpec& part : model.parts) {
      first_leaf_.push_back(leaf);
      leaf += 2 * (part.sizes.size() - 1);  // weight and bias of each layer
    }
    first_leaf_.push_back(leaf);
    if (model.observation_moments == 0) return;
    const at::Tensor* moments = &parameters_.leaves()[leaf + (is_gaussian_ ? 1 : 0)];
    const at::Tensor mean = moments[0].detach(), variance = moments[1].detach();
    observation_ = torch::clamp((observation_ - mean) / torch::sqrt(variance + kVarianceFloor),
                                -kObservationClip, kObservationClip);
  }

  double learn_minibatch(std::span<const std::int32_t> order) override {
    return guarded([&] {
      const at::Tensor chosen = torch::from_blob(const_cast<std::int32_t*>(order.data()),
                                                 {static_cast<std::int64_t>(order.size())}, torch::kInt32);
      const at::Tensor loss = loss_of(chosen);
      parameters_.step(loss);
      return loss.item<double>();
    });
  }

  std::vector<float> parameters() const override { return parameters_.values(); }

 private:
  struct Outputs {
    at::Tensor hidden, last;  // of the last hidden layer, and of the part
  };
  Outputs outputs(std::size_t part, at::Tensor x) const {
    Outputs result;
    const MlpSpec& spec = parts_[part];
    const std::vector<at::Tensor>& leaves = parameters_.leaves();
    const std::size_t begin = first_leaf_[part], end = first_leaf_[part + 1];
    for (std::size_t leaf = begin; leaf < end; leaf += 2) {
      if (const std::size_t layer = (leaf - begin) / 2; layer < spec.convolutions.size()) {
        const ConvolutionSpec& c = spec.convolutions[layer];
        x = torch::conv2d(x.view({x.size(0), c.channels, c.rows, c.columns}), leaves[leaf], leaves[leaf + 1],
                          c.stride, c.padding)
                .flatten(1);
      } else {
        x = torch::linear(x, leaves[leaf], leaves[leaf + 1]);
      }
      if (leaf + 2 == end) {
        if (spec.tanh_output) x = torch::tanh(x);
        break;
      }
      x = spec.activation == Activation::kTanh ? torch::tanh(x) : torch::relu(x);
      result.hidden = x;
    }
    result.last = x;
    return result;
  }

  struct PolicyTerms {
    at::Tensor ratio, entropy;  // of each sample, and the mean
  };
  PolicyTerms softmax_terms(const at::Tensor& logits, const at::Tensor& chosen) const {
    const at::Tensor probability = torch::softmax(logits, 1);
    const at::Tensor taken = probability.gather(1, action_.index_select(0, chosen)).squeeze(1);
    const at::Tensor entropy = (probability * torch::log(probability + kEpsilon)).sum();
    return {(taken + kEpsilon) * inverse_old_probability_.index_select(0, chosen),
            entropy * (-1 / static_cast<double>(chosen.numel()))};
  }
  PolicyTerms gaussian_terms(const at::Tensor& mean, const at::Tensor& chosen) const {
    const at::Tensor& log_std = parameters_.leaves()[first_leaf_.back()];
    const at::Tensor z = (action_.index_select(0, chosen) - mean) / (torch::exp(log_std) + kEpsilon);
    const at::Tensor log_likelihood = -(log_std + 0.5 * z * z).sum(1);
    return {torch::exp(log_likelihood - old_log_likelihood_.index_select(0, chosen)),
            (log_std + 0.5 * std::log(2 * std::numbers::pi * std::numbers::e)).sum()};
  }

  at::Tensor value_loss(const at::Tensor& values, const at::Tensor& chosen) const {
    const at::Tensor returns = return_.index_select(0, chosen);
    if (!config_.clip_value_loss) return torch::mse_loss(values, returns);
    const at::Tensor old = old_value_.index_select(0, chosen);
    const at::Tensor clipped = old + torch::clamp(values - old, -config_.ratio_clip, config_.ratio_clip);
    return torch::max(torch::square(values - returns), torch::square(clipped - returns)).mean();
  }

  at::Tensor loss_of(const at::Tensor& chosen) const {
    const at::Tensor observation = observation_.index_select(0, chosen);
    at::Tensor advantage = advantage_.index_select(0, chosen);
    if (config_.normalize_advantage && config_.advantage_scope == AdvantageScope::kMinibatch)
      advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8);
    const Outputs actor = outputs(kActor, observation);
    const bool shares_trunk = parts_[kCritic].trunk.has_value();
    const at::Tensor values = outputs(kCritic, shares_trunk ? actor.hidden : observation).last.squeeze(1);
    const auto [ratio, entropy] =
        is_gaussian_ ? gaussian_terms(actor.last, chosen) : softmax_terms(actor.last, chosen);
    const at::Tensor clipped = torch::clamp(ratio, 1 - config_.ratio_clip, 1 + config_.ratio_clip);
    const at::Tensor policy = torch::min(ratio * advantage, clipped * advantage).mean();
    return 0.5 * config_.value_coefficient * value_loss(values, chosen) - policy -
           config_.entropy_coefficient * entropy;
  }

  std::vector<MlpSpec> parts_;
  PpoConfig config_;
  EagerParameters parameters_;
  bool is_gaussian_ = false;
  // By sample; observations as the networks see them.
  at::Tensor observation_, action_, advantage_, return_, old_value_;
  at::Tensor inverse_old_probability_, old_log_likelihood_;  // of a softmax policy, of a Gaussian one
  std::vector<std::size_t> first_leaf_;                      // of each part, and the end
};

}  // namespace

std::unique_ptr<EagerPpo> make_libtorch_ppo(const ModelSpec& model, std::span<const std::uint8_t> mask,
                                            std::span<const float> parameters, const Samples& samples,
                                            const AgentConfig& config) {
  return guarded([&] { return std::make_unique<LibTorchPpo>(model, mask, parameters, samples, config); });
}

}  // namespace impsweep
