#include "agents/learning/ppo_objective.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

#include "agents/learning/minibatch.hpp"
#include "agents/native/aligned.hpp"

namespace impsweep {
namespace {

class SoftmaxObjective final : public PpoObjective {
 public:
  SoftmaxObjective(int actions, int columns)
      : action_(static_cast<std::size_t>(columns), 0),
        old_probability_(zeros(1, columns)),
        probability_(zeros(actions, columns)) {}

  PpoLossSums evaluate(const Samples& s, const std::int32_t* order, const PpoTerms& terms,
                       ActorCritic& m) override {
    for (int j = 0; j < m.size(); ++j) {
      const std::int32_t i = order[j];
      action_[j] = s.action[i];
      old_probability_[j] = s.probability[static_cast<std::size_t>(s.action[i]) * s.stride + i];
    }
    return kernels().ppo_loss({.actions = m.actions(),
                               .batch = m.size(),
                               .logits = m.output(),
                               .values = m.value(),
                               .stride = m.stride(),
                               .action = action_.data(),
                               .old_probability = old_probability_.data(),
                               .advantage = terms.advantage,
                               .return_ = terms.return_,
                               .ratio_clip = terms.ratio_clip,
                               .value_coefficient = terms.value_coefficient,
                               .entropy_coefficient = terms.entropy_coefficient,
                               .logit_gradient = m.output_gradient(),
                               .value_gradient = m.value_gradient()});
  }

  double divergence(const Samples& s, const std::int32_t* order, const ActorCritic& m) override {
    constexpr double kTiny = 1e-8;
    kernels().softmax(m.actions(), m.size(), m.output(), probability_.data(), m.stride());
    double sum = 0;
    for (int j = 0; j < m.size(); ++j) {
      const auto action = static_cast<std::ptrdiff_t>(s.action[order[j]]);
      const double ratio = (probability_[action * m.stride() + j] + kTiny) /
                           (s.probability[action * s.stride + order[j]] + kTiny);
      sum += ratio - 1 - std::log(ratio);
    }
    return sum / m.size();
  }

 private:
  std::vector<std::int32_t> action_;
  AlignedFloats old_probability_;
  AlignedFloats probability_;  // [actions][columns], for divergence()
};

class GaussianObjective final : public PpoObjective {
 public:
  GaussianObjective(int dimensions, int columns)
      : action_(zeros(dimensions, columns)),
        old_log_likelihood_(zeros(1, columns)),
        log_likelihood_(old_log_likelihood_) {}

  PpoLossSums evaluate(const Samples& s, const std::int32_t* order, const PpoTerms& terms,
                       ActorCritic& m) override {
    gather_columns(m.actions(), m.size(), order, s.continuous_action.data(), s.stride, action_.data(),
                   m.stride());
    gather_row(m.size(), order, s.log_likelihood.data(), old_log_likelihood_.data());
    return kernels().gaussian_ppo_loss({.dimensions = m.actions(),
                                        .batch = m.size(),
                                        .mean = m.output(),
                                        .values = m.value(),
                                        .stride = m.stride(),
                                        .log_std = m.log_std().data(),
                                        .action = action_.data(),
                                        .old_log_likelihood = old_log_likelihood_.data(),
                                        .advantage = terms.advantage,
                                        .return_ = terms.return_,
                                        .ratio_clip = terms.ratio_clip,
                                        .value_coefficient = terms.value_coefficient,
                                        .entropy_coefficient = terms.entropy_coefficient,
                                        .mean_gradient = m.output_gradient(),
                                        .value_gradient = m.value_gradient(),
                                        .log_std_gradient = m.log_std_gradient().data()});
  }

  double divergence(const Samples& s, const std::int32_t* order, const ActorCritic& m) override {
    gather_columns(m.actions(), m.size(), order, s.continuous_action.data(), s.stride, action_.data(),
                   m.stride());
    kernels().gaussian_log_likelihood(m.actions(), m.size(), m.output(), action_.data(), m.stride(),
                                      m.log_std().data(), log_likelihood_.data());
    double sum = 0;
    for (int j = 0; j < m.size(); ++j) {
      const double log_ratio = double{log_likelihood_[j]} - s.log_likelihood[order[j]];
      sum += std::expm1(log_ratio) - log_ratio;
    }
    return sum / m.size();
  }

 private:
  AlignedFloats action_;  // [dimensions][columns]
  AlignedFloats old_log_likelihood_;
  AlignedFloats log_likelihood_;  // for divergence()
};

}  // namespace

std::unique_ptr<PpoObjective> make_ppo_objective(const ModelSpec& model, int columns) {
  const int actions = model.parts[kActor].sizes.back();
  if (model.log_std > 0) return std::make_unique<GaussianObjective>(actions, columns);
  return std::make_unique<SoftmaxObjective>(actions, columns);
}

}  // namespace impsweep
