#include "agents/learning/cloning.hpp"

#include "agents/learning/distillation_loss.hpp"
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

std::unique_ptr<CloningObjective> make_cloning_objective(const ModelSpec& model, int columns) {
  const int actions = model.parts[kActor].sizes.back();
  if (model.log_std > 0) return std::make_unique<GaussianCloning>(actions, columns);
  return std::make_unique<SoftmaxCloning>(actions, columns);
}

}  // namespace

CloningLearner::CloningLearner(Network& network, const ModelSpec& model, const AgentConfig& config,
                               MinibatchPlan minibatch, std::int64_t iterations)
    : BatchLearner(network, model, config, minibatch, iterations),
      config_(config.cloning),
      learning_rate_{config_.learning_rate, config_.linear_schedule, iterations},
      objective_(make_cloning_objective(model, minibatch_.stride())) {}

float CloningLearner::learn_values(const Samples& s, const std::int32_t* order) {
  const int size = minibatch_.size();
  minibatch_.forward_critic();
  double loss = 0;
  for (int j = 0; j < size; ++j) {
    const float error = minibatch_.value()[j] - s.value[order[j]];
    loss += 0.5 * error * error / size;
    minibatch_.value_gradient()[j] = error / static_cast<float>(size);
  }
  minibatch_.backward_critic();
  return static_cast<float>(loss);
}

UpdateReport CloningLearner::learn_minibatch(const Samples& s, const std::int32_t* order) {
  minibatch_.gather_observations(s, order);
  minibatch_.forward_actor();
  UpdateReport report;
  report.loss = objective_->evaluate(s, order, minibatch_);
  if (config_.critic == CloningCritic::kDistill) report.loss += learn_values(s, order);
  minibatch_.backward_actor();
  report.gradient_norm =
      adam_.clip_and_step(network_, learning_rate_.at(iteration()), config_.clip_grad_norm);
  return report;
}

CloningTrainer::CloningTrainer(const TrainingRequest& request, int max_columns)
    : BatchTrainer(request, max_columns, request.config.cloning.minibatches, request.config.cloning.epochs),
      teacher_(make_network(request.backend, request.teacher_model, {}, {.max_batch = max_columns_})) {
  teacher_->gather(request.teacher_parameters, teacher_->parameters());
  teacher_->parameters_changed();
  set_learner(std::make_unique<CloningLearner>(*network_, request.model, config_, minibatch_, iterations_));
}

void CloningTrainer::complete_samples() {
  if (config_.cloning.critic == CloningCritic::kDistill)
    estimate_values(*teacher_, kCritic, samples_.observation.data(), samples_.size(), samples_.value.data());
}

}  // namespace impsweep
