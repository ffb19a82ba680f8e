#include <torch/torch.h>

#include "agents/config/dqn_config.hpp"
#include "agents/torch/module/torch_guard.hpp"
#include "agents/torch/torch_module.hpp"

namespace impsweep {
namespace {

class LibTorchDqn final : public EagerDqn {
 public:
  LibTorchDqn(const ModelSpec& model, std::span<const std::uint8_t> mask, std::span<const float> parameters,
              const AgentConfig& config)
      : spec_(model.parts.front()),
        config_(config.options<DqnConfig>()),
        parameters_(torch::from_blob(const_cast<float*>(parameters.data()),
                                     {static_cast<std::int64_t>(parameters.size())})
                        .clone()),
        gradients_(torch::zeros_like(parameters_)) {
    if (!mask.empty()) {
      keep_ = torch::from_blob(const_cast<std::uint8_t*>(mask.data()), parameters_.sizes(), torch::kUInt8)
                  .to(torch::kFloat32);
      parameters_.mul_(keep_);
    }
    target_ = parameters_.clone();
    for (const Tensor& tensor : tensors_of(model)) {
      const std::vector<std::int64_t> shape(tensor.shape.begin(), tensor.shape.end());
      leaves_.push_back(
          torch::from_blob(parameters_.data_ptr<float>() + tensor.offset, shape).requires_grad_());
      target_leaves_.push_back(torch::from_blob(target_.data_ptr<float>() + tensor.offset, shape));
    }
    parameters_.requires_grad_().mutable_grad() = gradients_;
    optimizer_ = std::make_unique<torch::optim::Adam>(std::vector<at::Tensor>{parameters_},
                                                      torch::optim::AdamOptions(config_.learning_rate)
                                                          .betas({config.adam.beta1, config.adam.beta2})
                                                          .eps(config_.adam_epsilon_in_force()));
  }

  std::vector<float> learn(const EagerDqnBatch& batch) override {
    return guarded([&] {
      const auto matrix = [&](const float* data) {
        return torch::from_blob(const_cast<float*>(data), {batch.size, batch.features});
      };
      const auto column = [&](const float* data) {
        return torch::from_blob(const_cast<float*>(data), {batch.size});
      };
      const at::Tensor action =
          torch::from_blob(const_cast<std::int32_t*>(batch.action), {batch.size, 1}, torch::kInt32)
              .to(torch::kInt64);
      at::Tensor target;
      {
        const torch::NoGradGuard no_graph;
        const at::Tensor next = matrix(batch.next_observation);
        const at::Tensor best = outputs(leaves_, next).argmax(1, true);
        const at::Tensor value = outputs(target_leaves_, next).gather(1, best).squeeze(1);
        const at::Tensor running =
            1 - torch::from_blob(const_cast<std::uint8_t*>(batch.done), {batch.size}, torch::kUInt8)
                    .to(torch::kFloat32);
        target = column(batch.return_) + config_.discount * running * value;
      }
      const at::Tensor taken = outputs(leaves_, matrix(batch.observation)).gather(1, action).squeeze(1);
      const at::Tensor losses = torch::huber_loss(taken, target, at::Reduction::None, config_.delta_clip);
      const at::Tensor loss = (column(batch.weight) * losses).mean();
      const std::vector<at::Tensor> gradients = torch::autograd::grad({loss}, leaves_);
      std::vector<at::Tensor> flat;
      flat.reserve(gradients.size());
      for (const at::Tensor& gradient : gradients) flat.push_back(gradient.reshape(-1));
      const torch::NoGradGuard no_graph;
      at::cat_out(gradients_, flat);
      if (keep_.defined()) gradients_.mul_(keep_);
      torch::nn::utils::clip_grad_norm_(parameters_, config_.clip_grad_norm);
      optimizer_->step();
      const at::Tensor error = torch::clamp((taken - target).abs(), 0, config_.delta_clip);
      return std::vector<float>(error.data_ptr<float>(), error.data_ptr<float>() + error.numel());
    });
  }

  std::vector<float> parameters() const override {
    return {parameters_.data_ptr<float>(), parameters_.data_ptr<float>() + parameters_.numel()};
  }

 private:
  at::Tensor outputs(const std::vector<at::Tensor>& leaves, at::Tensor x) const {
    for (std::size_t leaf = 0; leaf < leaves.size(); leaf += 2) {
      if (leaf > 0) x = spec_.activation == Activation::kTanh ? torch::tanh(x) : torch::relu(x);
      if (leaf / 2 < spec_.convolutions.size()) {
        const ConvolutionSpec& c = spec_.convolutions[leaf / 2];
        x = torch::conv2d(x.view({x.size(0), c.channels, c.rows, c.columns}), leaves[leaf], leaves[leaf + 1],
                          c.stride, c.padding)
                .flatten(1);
      } else
        x = torch::linear(x, leaves[leaf], leaves[leaf + 1]);
    }
    return x;
  }

  MlpSpec spec_;
  DqnConfig config_;
  at::Tensor parameters_, gradients_, keep_,
      target_;  // [parameter_count] in dense order; keep_ only with a mask
  std::vector<at::Tensor> leaves_, target_leaves_;  // weight, bias of each layer: views
  std::unique_ptr<torch::optim::Adam> optimizer_;
};

}  // namespace

std::unique_ptr<EagerDqn> make_libtorch_dqn(const ModelSpec& model, std::span<const std::uint8_t> mask,
                                            std::span<const float> parameters, const AgentConfig& config) {
  return guarded([&] { return std::make_unique<LibTorchDqn>(model, mask, parameters, config); });
}

}  // namespace impsweep
