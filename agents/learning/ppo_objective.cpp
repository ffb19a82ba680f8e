#include "agents/learning/ppo_objective.hpp"

#include "agents/learning/minibatch.hpp"
#include "agents/native/aligned.hpp"

namespace impsweep {
namespace {

class SoftmaxObjective final : public PpoObjective {
 public:
  SoftmaxObjective(int actions, int columns)
      : actions_(actions),
        action_(static_cast<std::size_t>(columns), 0),
        old_probability_(static_cast<std::size_t>(columns), 0.0f) {}

  PpoLossSums evaluate(const Samples& s, const std::int32_t* order, const PpoForwardPass& m) override {
    for (int j = 0; j < m.size; ++j) {
      const std::int32_t i = order[j];
      action_[j] = s.action[i];
      old_probability_[j] = s.probability[static_cast<std::size_t>(s.action[i]) * s.stride + i];
    }
    return kernels().ppo_loss({.actions = actions_,
                               .batch = m.size,
                               .logits = m.outputs,
                               .values = m.values,
                               .stride = m.stride,
                               .action = action_.data(),
                               .old_probability = old_probability_.data(),
                               .advantage = m.advantage,
                               .return_ = m.return_,
                               .ratio_clip = m.ratio_clip,
                               .value_coefficient = m.value_coefficient,
                               .entropy_coefficient = m.entropy_coefficient,
                               .logit_gradient = m.output_gradient,
                               .value_gradient = m.value_gradient});
  }

 private:
  int actions_;
  std::vector<std::int32_t> action_;
  AlignedFloats old_probability_;
};

class GaussianObjective final : public PpoObjective {
 public:
  GaussianObjective(int dimensions, int columns)
      : dimensions_(dimensions),
        action_(static_cast<std::size_t>(dimensions) * columns, 0.0f),
        old_log_likelihood_(static_cast<std::size_t>(columns), 0.0f) {}

  PpoLossSums evaluate(const Samples& s, const std::int32_t* order, const PpoForwardPass& m) override {
    gather_columns(dimensions_, m.size, order, s.continuous_action.data(), s.stride, action_.data(),
                   m.stride);
    gather_columns(1, m.size, order, s.log_likelihood.data(), s.stride, old_log_likelihood_.data(), m.stride);
    return kernels().gaussian_ppo_loss({.dimensions = dimensions_,
                                        .batch = m.size,
                                        .mean = m.outputs,
                                        .values = m.values,
                                        .stride = m.stride,
                                        .log_std = m.log_std.data(),
                                        .action = action_.data(),
                                        .old_log_likelihood = old_log_likelihood_.data(),
                                        .advantage = m.advantage,
                                        .return_ = m.return_,
                                        .ratio_clip = m.ratio_clip,
                                        .value_coefficient = m.value_coefficient,
                                        .entropy_coefficient = m.entropy_coefficient,
                                        .mean_gradient = m.output_gradient,
                                        .value_gradient = m.value_gradient,
                                        .log_std_gradient = m.log_std_gradient.data()});
  }

 private:
  int dimensions_;
  AlignedFloats action_;  // [dimensions][stride]
  AlignedFloats old_log_likelihood_;
};

}  // namespace

std::unique_ptr<PpoObjective> make_ppo_objective(const ModelSpec& model, int columns) {
  const int actions = model.parts.front().sizes.back();
  if (model.log_std > 0) return std::make_unique<GaussianObjective>(actions, columns);
  return std::make_unique<SoftmaxObjective>(actions, columns);
}

}  // namespace impsweep
