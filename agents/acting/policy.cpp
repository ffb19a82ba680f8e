#include "agents/acting/policy.hpp"

#include <cmath>

#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/subnormals.hpp"

namespace impsweep {
namespace {

class SoftmaxPolicy final : public Policy {
 public:
  SoftmaxPolicy(int actions, int columns)
      : actions_(actions),
        stride_(round_up_to_lanes(columns)),
        probability_(static_cast<std::size_t>(actions) * stride_, 0.0f),
        action_(static_cast<std::size_t>(stride_), 0) {}

  void act(Network& network, int part, int columns, const ObservationColumns& observations, Stream* streams,
           const std::int32_t* stream_of_column) override {
    {
      const FlushSubnormals flush;
      observations.infer(network, part, columns, {probability_.data(), stride_});
      kernels().softmax(actions_, columns, probability_.data(), probability_.data(), stride_);
    }
    for (int c = 0; c < columns; ++c) action_[c] = draw(c, streams[stream_of_column[c]].uniform());
  }

  void act_at_random(int column, Stream& stream) override {
    action_[column] = static_cast<std::int32_t>(stream.below(actions_));
  }

  ActionBatch actions() const override { return {.discrete = action_.data(), .stride = stride_}; }

  void record(int column, Samples& samples, int i) const override {
    samples.action[i] = action_[column];
    for (int a = 0; a < actions_; ++a)
      samples.probability[static_cast<std::size_t>(a) * samples.stride + i] =
          probability_[static_cast<std::size_t>(a) * stride_ + column];
  }

  void complete(Samples&) const override {}

 private:
  std::int32_t draw(int column, double u) const {
    double cumulative = 0;
    std::int32_t chosen = 0;
    while (chosen < actions_ - 1) {
      cumulative += probability_[chosen * stride_ + column];
      if (u < cumulative) break;
      ++chosen;
    }
    return chosen;
  }

  int actions_, stride_;
  AlignedFloats probability_;  // [actions][stride]
  std::vector<std::int32_t> action_;
};

class GaussianPolicy final : public Policy {
 public:
  // `noise` times the standard deviation is what actions deviate from the mean by.
  GaussianPolicy(int dimensions, int columns, double noise = 1)
      : dimensions_(dimensions),
        noise_(noise),
        stride_(round_up_to_lanes(columns)),
        mean_(static_cast<std::size_t>(dimensions) * stride_, 0.0f),
        action_(mean_.size(), 0.0f),
        log_std_(static_cast<std::size_t>(dimensions), 0.0f) {}

  void act(Network& network, int part, int columns, const ObservationColumns& observations, Stream* streams,
           const std::int32_t* stream_of_column) override {
    observations.infer(network, part, columns, {mean_.data(), stride_});
    for (int d = 0; d < dimensions_; ++d)
      log_std_[d] = network.parameters()[network.log_std_offset() + static_cast<std::size_t>(d)];
    for (int c = 0; c < columns; ++c) {
      Stream& stream = streams[stream_of_column[c]];
      for (int d = 0; d < dimensions_; ++d) {
        const double deviation = noise_ * std::exp(static_cast<double>(log_std_[d])) * draw_normal(stream);
        at(action_, d, c) = static_cast<float>(at(mean_, d, c) + deviation);
      }
    }
  }

  void act_at_random(int column, Stream& stream) override {
    for (int d = 0; d < dimensions_; ++d)
      at(action_, d, column) = static_cast<float>(2 * stream.uniform() - 1);
  }

  ActionBatch actions() const override { return {.continuous = action_.data(), .stride = stride_}; }

  void record(int column, Samples& samples, int i) const override {
    for (int d = 0; d < dimensions_; ++d) {
      const std::size_t place = static_cast<std::size_t>(d) * samples.stride + i;
      const std::size_t source = static_cast<std::size_t>(d) * stride_ + column;
      samples.mean[place] = mean_[source];
      samples.continuous_action[place] = action_[source];
    }
  }

  void complete(Samples& samples) const override {
    samples.log_std = log_std_;
    kernels().gaussian_log_likelihood(dimensions_, samples.size(), samples.mean.data(),
                                      samples.continuous_action.data(), samples.stride,
                                      samples.log_std.data(), samples.log_likelihood.data());
  }

 private:
  float& at(AlignedFloats& matrix, int dimension, int column) {
    return matrix[static_cast<std::size_t>(dimension) * stride_ + column];
  }

  int dimensions_;
  double noise_;
  int stride_;
  AlignedFloats mean_, action_;  // [dimensions][stride]
  std::vector<float> log_std_;
};

}  // namespace

std::unique_ptr<Policy> make_policy(int actions, bool continuous, int columns) {
  if (continuous) return std::make_unique<GaussianPolicy>(actions, columns);
  return std::make_unique<SoftmaxPolicy>(actions, columns);
}

EpsilonGreedyPolicy::EpsilonGreedyPolicy(int actions, int columns, double epsilon)
    : actions_(actions),
      stride_(round_up_to_lanes(columns)),
      epsilon_(epsilon),
      value_(static_cast<std::size_t>(actions) * stride_, 0.0f),
      action_(static_cast<std::size_t>(stride_), 0) {}

void EpsilonGreedyPolicy::act(Network& network, int part, int columns, const ObservationColumns& observations,
                              Stream* streams, const std::int32_t* stream_of_column) {
  observations.infer(network, part, columns, {value_.data(), stride_});
  for (int c = 0; c < columns; ++c) {
    Stream& stream = streams[stream_of_column[c]];
    if (stream.uniform() < epsilon_) {
      act_at_random(c, stream);
      continue;
    }
    std::int32_t best = 0;
    for (std::int32_t a = 1; a < actions_; ++a)
      if (value_[a * stride_ + c] > value_[best * stride_ + c]) best = a;
    action_[c] = best;
  }
}

void EpsilonGreedyPolicy::act_at_random(int column, Stream& stream) {
  action_[column] = static_cast<std::int32_t>(stream.below(actions_));
}

void EpsilonGreedyPolicy::record(int column, Samples& samples, int i) const {
  samples.action[i] = action_[column];
}

std::unique_ptr<Policy> greedy_policy(const ModelSpec& model, int columns) {
  const int outputs = model.parts.front().sizes.back();
  if (model.log_std > 0) return std::make_unique<GaussianPolicy>(outputs, columns, 0);
  return std::make_unique<EpsilonGreedyPolicy>(outputs, columns, 0);
}

}  // namespace impsweep
