#include "agents/torch/module/eager_parameters.hpp"

namespace impsweep {

std::vector<at::Tensor> views_of(const ModelSpec& model, const at::Tensor& parameters) {
  std::vector<at::Tensor> views;
  for (const Tensor& tensor : tensors_of(model)) {
    const std::vector<std::int64_t> shape(tensor.shape.begin(), tensor.shape.end());
    views.push_back(torch::from_blob(parameters.data_ptr<float>() + tensor.offset, shape));
  }
  return views;
}

EagerParameters::EagerParameters(const ModelSpec& model, std::span<const std::uint8_t> mask,
                                 std::span<const float> parameters, double learning_rate,
                                 const AdamConfig& adam, double clip_grad_norm)
    : parameters_(torch::from_blob(const_cast<float*>(parameters.data()),
                                   {static_cast<std::int64_t>(parameters.size())})
                      .clone()),
      gradients_(torch::zeros_like(parameters_)),
      clip_grad_norm_(clip_grad_norm) {
  if (!mask.empty()) {
    keep_ = torch::from_blob(const_cast<std::uint8_t*>(mask.data()), parameters_.sizes(), torch::kUInt8)
                .to(torch::kFloat32);
    parameters_.mul_(keep_);
  }
  leaves_ = views_of(model, parameters_);
  for (at::Tensor& leaf : leaves_) leaf.requires_grad_();
  parameters_.requires_grad_().mutable_grad() = gradients_;
  optimizer_ = std::make_unique<torch::optim::Adam>(
      std::vector<at::Tensor>{parameters_},
      torch::optim::AdamOptions(learning_rate).betas({adam.beta1, adam.beta2}).eps(adam.epsilon));
}

void EagerParameters::step(const at::Tensor& loss) {
  const auto gradients = torch::autograd::grad({loss}, leaves_, {}, {}, false, /*allow_unused=*/true);
  const torch::NoGradGuard no_graph;
  std::vector<at::Tensor> flat;
  flat.reserve(gradients.size());
  for (std::size_t leaf = 0; leaf < leaves_.size(); ++leaf)  // moments of observations have none
    flat.push_back(
        (gradients[leaf].defined() ? gradients[leaf] : torch::zeros_like(leaves_[leaf])).reshape(-1));
  at::cat_out(gradients_, flat);
  if (keep_.defined()) gradients_.mul_(keep_);
  torch::nn::utils::clip_grad_norm_(parameters_, clip_grad_norm_);
  optimizer_->step();
}

std::vector<float> EagerParameters::values() const {
  return {parameters_.data_ptr<float>(), parameters_.data_ptr<float>() + parameters_.numel()};
}

}  // namespace impsweep
