#include "agents/learning/mask_updates.hpp"

#include "agents/learning/algorithm.hpp"

namespace impsweep {

MaskUpdates::MaskUpdates(const TrainingRequest& request) : model_(request.model) {
  const LearningWork work = request.algorithm->work(request.config);
  batch_ = work.batch;
  target_passes_ = work.target_updates > 0 ? 1 : 0;
  passes_ = 3 + work.inferences - target_passes_;
  products_ = target_products_ = weight_products(model_, request.mask);
  if (!request.mask_plan) return;
  mask_.emplace(model_, *request.mask_plan, request.mask, Stream(request.stream_prefix + "/growth"));
  dense_products_ = weight_products(model_, request.mask_plan->available);
  dense_.resize(request.mask.size());
  gradient_.resize(mask_->reads_gradients() ? dense_.size() : 0);
  moments_ = {dense_, dense_};
}

void MaskUpdates::change(Network& network, Adam& adam, const std::function<void()>& differentiate) {
  const std::vector<std::uint8_t> before(mask_->mask().begin(), mask_->mask().end());
  network.scatter(network.parameters(), dense_);
  adam.scatter(network, moments_);
  if (mask_->reads_gradients()) {
    network.recompile(mask_->plan().available);
    differentiate();
    network.scatter(network.gradients(), gradient_);
    flop_ += 2 * batch_ * 3 * dense_products_;
  }
  const bool has_changed = mask_->change(adam.steps(), dense_, gradient_);
  if (!has_changed && !mask_->reads_gradients()) return;
  const std::span<const std::uint8_t> mask = mask_->mask();
  network.recompile(mask);
  if (const std::vector<float>& grown = mask_->plan().grown; !grown.empty()) {
    for (std::size_t i = 0; i < mask.size(); ++i)
      if (mask[i] != 0 && before[i] == 0) dense_[i] = grown[i];
    network.gather(dense_, network.parameters());
    network.parameters_changed();
  }
  adam.gather(network, moments_);
  products_ = weight_products(model_, mask);
}

double MaskUpdates::flop_of_step() const {
  return 2 * batch_ * (passes_ * products_ + target_passes_ * target_products_);
}

double MaskUpdates::flop(std::int64_t steps) const {
  return mask_ ? flop_ : flop_of_step() * static_cast<double>(steps);
}

void MaskUpdates::save(StateWriter& writer) const {
  if (!mask_) return;
  writer("mask", *mask_);
  writer("flop", flop_);
  writer("target_products", target_products_);
}

void MaskUpdates::load(StateReader& reader, Network& network, Adam& adam) {
  if (!mask_) return;
  constexpr double kMost = 1e30;
  reader("mask", *mask_);
  reader.ranged("flop", flop_, 0.0, kMost);
  reader.ranged("target_products", target_products_, 0.0, kMost);
  network.recompile(mask_->mask());
  adam.resize(network);
  products_ = weight_products(model_, mask_->mask());
}

}  // namespace impsweep
