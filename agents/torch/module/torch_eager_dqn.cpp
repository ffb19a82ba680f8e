#include <torch/torch.h>

#include "agents/config/dqn_config.hpp"
#include "agents/torch/module/eager_parameters.hpp"
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
        online_(model, mask, parameters, config_.learning_rate,
                {config.adam.beta1, config.adam.beta2, config_.adam_epsilon_in_force()},
                config_.clip_grad_norm),
        target_(online_.copy()),
        target_leaves_(views_of(model, target_)) {}

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
        const at::Tensor best = outputs(online_.leaves(), next).argmax(1, true);
        const at::Tensor value = outputs(target_leaves_, next).gather(1, best).squeeze(1);
        const at::Tensor running =
            1 - torch::from_blob(const_cast<std::uint8_t*>(batch.done), {batch.size}, torch::kUInt8)
                    .to(torch::kFloat32);
        target = column(batch.return_) + config_.discount * running * value;
      }
      const at::Tensor taken =
          outputs(online_.leaves(), matrix(batch.observation)).gather(1, action).squeeze(1);
      const at::Tensor losses = torch::huber_loss(taken, target, at::Reduction::None, config_.delta_clip);
      const at::Tensor loss = (column(batch.weight) * losses).mean();
      online_.step(loss);
      const torch::NoGradGuard no_graph;
      const at::Tensor error = torch::clamp((taken - target).abs(), 0, config_.delta_clip);
      return std::vector<float>(error.data_ptr<float>(), error.data_ptr<float>() + error.numel());
    });
  }

  std::vector<float> parameters() const override { return online_.values(); }

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
  EagerParameters online_;
  at::Tensor target_;  // [parameter_count] in dense order
  std::vector<at::Tensor> target_leaves_;
};

}  // namespace

std::unique_ptr<EagerDqn> make_libtorch_dqn(const ModelSpec& model, std::span<const std::uint8_t> mask,
                                            std::span<const float> parameters, const AgentConfig& config) {
  return guarded([&] { return std::make_unique<LibTorchDqn>(model, mask, parameters, config); });
}

}  // namespace impsweep
