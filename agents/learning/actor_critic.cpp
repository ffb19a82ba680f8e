#include "agents/learning/actor_critic.hpp"

#include "agents/native/kernels/kernels.hpp"

namespace impsweep {

ActorCritic::ActorCritic(Network& network, const ModelSpec& model, int size)
    : network_(network),
      size_(size),
      stride_(round_up_to_lanes(size)),
      observation_size_(model.parts[kActor].sizes.front()),
      actions_(model.parts[kActor].sizes.back()),
      log_std_size_(model.log_std),
      observation_(zeros(observation_size_, stride_)),
      output_(zeros(actions_, stride_)),
      output_gradient_(output_),
      value_(zeros(1, stride_)),
      value_gradient_(value_) {}

void ActorCritic::gather_observations(const Samples& samples, const std::int32_t* order) {
  kernels().transpose_selected(size_, order, observation_size_, samples.observation.data(),
                               samples.observation_stride, observation_.data(), stride_);
}

void ActorCritic::forward_actor() {
  network_.forward(kActor, size_, {observation_.data(), stride_}, {output_.data(), stride_});
}

void ActorCritic::forward_critic() {
  network_.forward(kCritic, size_, {observation_.data(), stride_}, {value_.data(), stride_});
}

std::span<const float> ActorCritic::log_std() const {
  if (log_std_size_ == 0) return {};
  return network_.parameters().subspan(network_.log_std_offset(), static_cast<std::size_t>(log_std_size_));
}

std::span<float> ActorCritic::log_std_gradient() {
  if (log_std_size_ == 0) return {};
  return network_.gradients().subspan(network_.log_std_offset(), static_cast<std::size_t>(log_std_size_));
}

void ActorCritic::backward_critic() {
  network_.backward(kCritic, size_, {value_gradient_.data(), stride_});
}

void ActorCritic::backward_actor() {
  network_.backward(kActor, size_, {output_gradient_.data(), stride_});
}

}  // namespace impsweep
