#include "agents/learning/cloning_objective.hpp"

#include "agents/learning/distillation_loss.hpp"
#include "agents/learning/minibatch.hpp"
#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"

namespace impsweep {
namespace {

class SoftmaxCloning final : public CloningObjective {
 public:
  SoftmaxCloning(int actions, int columns)
      : teacher_probability_(zeros(actions, columns)), loss_per_sample_(zeros(1, columns)) {}

  float evaluate(const Samples& s, const std::int32_t* order, ActorCritic& m) override {
    gather_columns(m.actions(), m.size(), order, s.probability.data(), s.stride, teacher_probability_.data(),
                   m.stride());
    return kernels().cross_entropy({.actions = m.actions(),
                                    .batch = m.size(),
                                    .logits = m.output(),
                                    .teacher_probability = teacher_probability_.data(),
                                    .stride = m.stride(),
                                    .logit_gradient = m.output_gradient(),
                                    .loss_per_sample = loss_per_sample_.data()});
  }

 private:
  AlignedFloats teacher_probability_, loss_per_sample_;
};

class GaussianCloning final : public CloningObjective {
 public:
  GaussianCloning(int dimensions, int columns)
      : teacher_mean_(zeros(dimensions, columns)), loss_per_sample_(zeros(1, columns)) {}

  float evaluate(const Samples& s, const std::int32_t* order, ActorCritic& m) override {
    gather_columns(m.actions(), m.size(), order, s.mean.data(), s.stride, teacher_mean_.data(), m.stride());
    return gaussian_distillation({.actions = m.actions(),
                                  .batch = m.size(),
                                  .stride = m.stride(),
                                  .teacher_mean = teacher_mean_.data(),
                                  .teacher_log_std = s.log_std.data(),
                                  .student_mean = m.output(),
                                  .student_log_std = m.log_std().data(),
                                  .mean_gradient = m.output_gradient(),
                                  .log_std_gradient = m.log_std_gradient().data(),
                                  .loss_per_sample = loss_per_sample_.data()});
  }

 private:
  AlignedFloats teacher_mean_, loss_per_sample_;
};

}  // namespace

std::unique_ptr<CloningObjective> make_cloning_objective(const ModelSpec& model, int columns) {
  const int actions = model.parts[kActor].sizes.back();
  if (model.log_std > 0) return std::make_unique<GaussianCloning>(actions, columns);
  return std::make_unique<SoftmaxCloning>(actions, columns);
}

}  // namespace impsweep
