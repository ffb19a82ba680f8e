#include <torch/torch.h>

#include <algorithm>
#include <stdexcept>

#include "agents/config/ppo_config.hpp"
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
        parameters_(copy_of(parameters.data(), {static_cast<std::int64_t>(parameters.size())}, {1})),
        gradients_(torch::zeros_like(parameters_)),
        observation_(
            copy_of(s.observation.data(), {s.size(), s.observation_size}, {s.observation_stride, 1})),
        action_(
            copy_of(s.action.data(), {s.size(), 1}, {1, 1}, torch::kInt32).to(torch::kInt64).contiguous()),
        advantage_(copy_of(s.advantage.data(), {s.size()}, {1})),
        return_(copy_of(s.return_.data(), {s.size()}, {1})) {
    const at::Tensor probability = copy_of(s.probability.data(), {s.size(), s.actions}, {1, s.stride});
    inverse_old_probability_ = (probability.gather(1, action_).squeeze(1) + kEpsilon).reciprocal();
    if (!mask.empty()) {
      keep_ = copy_of(mask.data(), parameters_.sizes(), {1}, torch::kUInt8).to(torch::kFloat32);
      parameters_.mul_(keep_);
    }
    std::int64_t offset = 0;
    const auto leaf = [&](at::IntArrayRef shape) {
      leaves_.push_back(torch::from_blob(parameters_.data_ptr<float>() + offset, shape).requires_grad_());
      offset += leaves_.back().numel();
    };
    for (const MlpSpec& part : model.parts) {
      if (part.tanh_output) throw std::invalid_argument("eager PPO: softmax policies only");
      first_leaf_.push_back(leaves_.size());
      for (std::size_t layer = 0; layer + 1 < part.sizes.size(); ++layer) {
        const std::vector<int> shape = weight_shape(part, layer);
        leaf(std::vector<std::int64_t>(shape.begin(), shape.end()));
        leaf({shape[0]});
      }
    }
    first_leaf_.push_back(leaves_.size());
    parameters_.requires_grad_().mutable_grad() = gradients_;
    optimizer_ = std::make_unique<torch::optim::Adam>(
        std::vector<at::Tensor>{parameters_},
        torch::optim::AdamOptions(config.options<PpoConfig>().learning_rate)
            .betas({config.adam.beta1, config.adam.beta2})
            .eps(config.adam.epsilon));
  }

  double learn_minibatch(std::span<const std::int32_t> order) override {
    return guarded([&] {
      const at::Tensor chosen = torch::from_blob(const_cast<std::int32_t*>(order.data()),
                                                 {static_cast<std::int64_t>(order.size())}, torch::kInt32);
      const at::Tensor loss = loss_of(chosen);
      const std::vector<at::Tensor> gradients = torch::autograd::grad({loss}, leaves_);
      std::vector<at::Tensor> flat;
      flat.reserve(gradients.size());
      for (const at::Tensor& gradient : gradients) flat.push_back(gradient.reshape(-1));
      const torch::NoGradGuard no_graph;
      at::cat_out(gradients_, flat);
      if (keep_.defined()) gradients_.mul_(keep_);
      torch::nn::utils::clip_grad_norm_(parameters_, config_.clip_grad_norm);
      optimizer_->step();
      return loss.item<double>();
    });
  }

  std::vector<float> parameters() const override {
    return {parameters_.data_ptr<float>(), parameters_.data_ptr<float>() + parameters_.numel()};
  }

 private:
  struct Outputs {
    at::Tensor hidden, last;  // of the last hidden layer, and of the part
  };
  Outputs outputs(std::size_t part, at::Tensor x) const {
    Outputs result;
    const MlpSpec& spec = parts_[part];
    const std::size_t begin = first_leaf_[part], end = first_leaf_[part + 1];
    for (std::size_t leaf = begin; leaf < end; leaf += 2) {
      if (const std::size_t layer = (leaf - begin) / 2; layer < spec.convolutions.size()) {
        const ConvolutionSpec& c = spec.convolutions[layer];
        x = torch::conv2d(x.view({x.size(0), c.channels, c.rows, c.columns}), leaves_[leaf],
                          leaves_[leaf + 1], c.stride, c.padding)
                .flatten(1);
      } else {
        x = torch::linear(x, leaves_[leaf], leaves_[leaf + 1]);
      }
      if (leaf + 2 == end) break;
      x = spec.activation == Activation::kTanh ? torch::tanh(x) : torch::relu(x);
      result.hidden = x;
    }
    result.last = x;
    return result;
  }

  at::Tensor loss_of(const at::Tensor& chosen) const {
    const at::Tensor observation = observation_.index_select(0, chosen);
    const at::Tensor advantage = advantage_.index_select(0, chosen);
    const Outputs actor = outputs(kActor, observation);
    const at::Tensor probability = torch::softmax(actor.last, 1);
    const bool shares_trunk = parts_[kCritic].trunk.has_value();
    const at::Tensor values = outputs(kCritic, shares_trunk ? actor.hidden : observation).last.squeeze(1);
    const at::Tensor taken = probability.gather(1, action_.index_select(0, chosen)).squeeze(1);
    const at::Tensor ratio = (taken + kEpsilon) * inverse_old_probability_.index_select(0, chosen);
    const at::Tensor clipped = torch::clamp(ratio, 1 - config_.ratio_clip, 1 + config_.ratio_clip);
    const at::Tensor policy = torch::min(ratio * advantage, clipped * advantage).mean();
    const at::Tensor value = torch::mse_loss(values, return_.index_select(0, chosen));
    const at::Tensor negative_entropy = (probability * torch::log(probability + kEpsilon)).sum();
    return 0.5 * config_.value_coefficient * value - policy +
           config_.entropy_coefficient / static_cast<double>(chosen.numel()) * negative_entropy;
  }

  std::vector<MlpSpec> parts_;
  PpoConfig config_;
  at::Tensor parameters_, gradients_, keep_;  // [parameter_count] in dense order; keep_ only with a mask
  at::Tensor observation_, action_, advantage_, return_, inverse_old_probability_;  // by sample
  std::vector<at::Tensor> leaves_;       // weight, bias of each layer: views of the parameters
  std::vector<std::size_t> first_leaf_;  // of each part, and the end
  std::unique_ptr<torch::optim::Adam> optimizer_;
};

}  // namespace

std::unique_ptr<EagerPpo> make_libtorch_ppo(const ModelSpec& model, std::span<const std::uint8_t> mask,
                                            std::span<const float> parameters, const Samples& samples,
                                            const AgentConfig& config) {
  return guarded([&] { return std::make_unique<LibTorchPpo>(model, mask, parameters, samples, config); });
}

}  // namespace impsweep
