// agents/learning/running_moments.hpp - mean and variance of vectors that come in batches, and what PPO
// normalises by them: observations (ppo.obs_norm) and rewards (ppo.reward_norm).
//
// A batch of n vectors with mean m and variance s (population form) is merged with what was before (Chan,
// Golub and LeVeque 1979; the wrappers of OpenAI's baselines and of Gymnasium):
//
//   mean'     = mean + d n / (count + n)                                              with d = m - mean
//   variance' = (variance count + s n + d^2 count n / (count + n)) / (count + n),     count' = count + n
//
// At the start the mean is 0, the variance 1 and the count kInitialCount. All in double precision; nothing is
// allocated after construction.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "agents/acting/samples.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

class RunningMoments {
 public:
  explicit RunningMoments(std::size_t features);

  // A batch of `count` vectors, one in each row; rows are `stride` apart.
  template <class Number>
  void take_in(const Number* rows, int count, std::ptrdiff_t stride);

  std::span<const double> mean() const { return mean_; }
  std::span<const double> variance() const { return variance_; }
  double count() const { return count_; }
  void start_from(std::span<const float> mean, std::span<const float> variance, float count);

  template <class Archive>
  void visit(Archive& archive) {
    constexpr double kMost = std::numeric_limits<double>::max();
    archive.sized_ranged("mean", mean_, -kMost, kMost);
    archive.sized_ranged("variance", variance_, 0.0, kMost);
    archive.ranged("count", count_, kInitialCount / 2, 1e18);
  }

 private:
  std::vector<double> mean_, variance_;
  double count_ = kInitialCount;
  std::vector<double> batch_mean_, batch_squares_;  // of the batch under way
};

// The moments of observations, which stand in the parameters of a model that has any (ModelSpec). They take
// in whole rollouts, and so are the same in all steps of one, in its values, and in evaluations after it
// (rlpyt agents/pg/mujoco.py).
class ObservationMoments {
 public:
  // From the initial parameters of the model on, [parameter_count].
  ObservationMoments(const ModelSpec&, std::span<const float> initial_parameters);

  // All observations of a rollout; the moments of the network then are the new ones.
  void take_in(const Samples&, Network&);

  template <class Archive>
  void visit(Archive& archive) {
    archive("observation_moments", moments_);
  }

 private:
  RunningMoments moments_;
};

// Rewards by the standard deviation of the discounted return G of each environment, which begins at 0 with
// each episode. Step by step, over the B environments together:
//
//   G = discount * G + reward; its variance takes in these B; reward' = clip(reward / sqrt(variance + 1e-8))
//
// The clip is at 10 on either side.
class RewardScaling {
 public:
  RewardScaling(int environments, double discount);

  // The rewards of a rollout, in their place.
  void scale(Samples&);

  template <class Archive>
  void visit(Archive& archive) {
    constexpr double kMost = std::numeric_limits<double>::max();
    archive("reward_moments", moments_);
    archive.sized_ranged("discounted_return", return_, -kMost, kMost);
  }

 private:
  double discount_;
  RunningMoments moments_;
  std::vector<double> return_;  // [B]
};

}  // namespace impsweep
