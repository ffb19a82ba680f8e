#include "agents/learning/running_moments.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace impsweep {

RunningMoments::RunningMoments(std::size_t features)
    : mean_(features, 0.0), variance_(features, 1.0), batch_mean_(features), batch_squares_(features) {}

void RunningMoments::start_from(std::span<const float> mean, std::span<const float> variance, float count) {
  mean_.assign(mean.begin(), mean.end());
  variance_.assign(variance.begin(), variance.end());
  count_ = count;
}

// Two passes over the batch: the squares of large numbers are not subtracted from each other.
template <class Number>
void RunningMoments::take_in(const Number* rows, int count, std::ptrdiff_t stride) {
  const std::size_t features = mean_.size();
  std::ranges::fill(batch_mean_, 0.0);
  std::ranges::fill(batch_squares_, 0.0);
  for (int i = 0; i < count; ++i)
    for (std::size_t f = 0; f < features; ++f)
      batch_mean_[f] += static_cast<double>(rows[i * stride + static_cast<std::ptrdiff_t>(f)]);
  for (double& mean : batch_mean_) mean /= count;
  for (int i = 0; i < count; ++i)
    for (std::size_t f = 0; f < features; ++f) {
      const double distance =
          static_cast<double>(rows[i * stride + static_cast<std::ptrdiff_t>(f)]) - batch_mean_[f];
      batch_squares_[f] += distance * distance;
    }
  const double total = count_ + count, share = count / total;
  for (std::size_t f = 0; f < features; ++f) {
    const double delta = batch_mean_[f] - mean_[f];
    mean_[f] += delta * share;
    variance_[f] = (variance_[f] * count_ + batch_squares_[f] + delta * delta * count_ * share) / total;
  }
  count_ = total;
}

template void RunningMoments::take_in(const float*, int, std::ptrdiff_t);
template void RunningMoments::take_in(const double*, int, std::ptrdiff_t);

ObservationMoments::ObservationMoments(const ModelSpec& model, std::span<const float> initial_parameters)
    : moments_(static_cast<std::size_t>(model.observation_moments)) {
  const auto features = static_cast<std::size_t>(model.observation_moments);
  if (features == 0) return;
  const std::span<const float> stored = initial_parameters.last(2 * features + 1);
  moments_.start_from(stored.first(features), stored.subspan(features, features), stored.back());
}

void ObservationMoments::take_in(const Samples& samples, Network& network) {
  moments_.take_in(samples.observation.data(), samples.size(), samples.observation_stride);
  static constexpr double kMost = std::numeric_limits<float>::max();
  const auto round = [](double value) { return static_cast<float>(std::clamp(value, -kMost, kMost)); };
  auto place = network.parameters().begin() + static_cast<std::ptrdiff_t>(network.moments_offset());
  place = std::ranges::transform(moments_.mean(), place, round).out;
  place = std::ranges::transform(moments_.variance(), place, round).out;
  *place = round(moments_.count());
  network.parameters_changed();
}

RewardScaling::RewardScaling(int environments, double discount)
    : discount_(discount), moments_(1), return_(static_cast<std::size_t>(environments), 0.0) {}

void RewardScaling::scale(Samples& s) {
  constexpr double kClip = 10;
  for (int t = 0; t < s.T; ++t) {
    for (int b = 0; b < s.B; ++b)
      return_[b] = return_[b] * discount_ + static_cast<double>(s.reward[b * s.T + t]);
    moments_.take_in(return_.data(), s.B, 1);
    const double deviation = std::sqrt(moments_.variance().front() + kVarianceFloor);
    for (int b = 0; b < s.B; ++b) {
      const int i = b * s.T + t;
      s.reward[i] = static_cast<float>(std::clamp(s.reward[i] / deviation, -kClip, kClip));
      if (s.done[i] != 0) return_[b] = 0;
    }
  }
}

}  // namespace impsweep
