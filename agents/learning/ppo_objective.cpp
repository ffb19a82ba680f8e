#include "agents/learning/ppo_objective.hpp"

#include <vector>

#include "agents/learning/minibatch.hpp"
#include "agents/native/aligned.hpp"

namespace impsweep {
namespace {

class SoftmaxObjective final : public PpoObjective {
 public:
  explicit SoftmaxObjective(int columns)
      : action_(static_cast<std::size_t>(columns), 0), old_probability_(zeros(1, columns)) {}

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

 private:
  std::vector<std::int32_t> action_;
  AlignedFloats old_probability_;
};

class GaussianObjective final : public PpoObjective {
 public:
  GaussianObjective(int dimensions, int columns)
      : action_(zeros(dimensions, columns)), old_log_likelihood_(zeros(1, columns)) {}

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

 private:
  AlignedFloats action_;  // [dimensions][columns]
  AlignedFloats old_log_likelihood_;
};

}  // namespace

std::unique_ptr<PpoObjective> make_ppo_objective(const ModelSpec& model, int columns) {
  if (model.log_std > 0)
    return std::make_unique<GaussianObjective>(model.parts[kActor].sizes.back(), columns);
  return std::make_unique<SoftmaxObjective>(columns);
}

}  // namespace impsweep
