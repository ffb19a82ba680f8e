#include "agents/cloning.hpp"

#include "agents/kernels/kernels.hpp"

namespace impsweep {
namespace {

constexpr int kActor = 0, kCritic = 1;

}  // namespace

CloningLearner::CloningLearner(Network& network, const ModelSpec& model, const AgentConfig& config,
                               MinibatchPlan minibatch, std::int64_t iterations)
    : BatchLearner(network, config, minibatch, iterations),
      config_(config.cloning),
      observation_size_(model.parts[kActor].sizes.front()),
      actions_(model.parts[kActor].sizes.back()),
      stride_(round_up_to_lanes(minibatch.size)) {
  const auto columns = static_cast<std::size_t>(stride_);
  observation_.assign(static_cast<std::size_t>(observation_size_) * columns, 0.0f);
  for (AlignedFloats* matrix : {&logits_, &logit_gradient_, &teacher_probability_})
    matrix->assign(static_cast<std::size_t>(actions_) * columns, 0.0f);
  for (AlignedFloats* row : {&loss_per_sample_, &values_, &value_gradient_}) row->assign(columns, 0.0f);
}

double CloningLearner::learning_rate() const {
  if (!config_.linear_schedule) return config_.learning_rate;
  return config_.learning_rate * static_cast<double>(iterations_ - iteration_) /
         static_cast<double>(iterations_);
}

float CloningLearner::learn_values(const Samples& s, const std::int32_t* order) {
  const int size = minibatch_.size;
  network_.forward(kCritic, size, {observation_.data(), stride_}, {values_.data(), stride_});
  double loss = 0;
  for (int j = 0; j < size; ++j) {
    const float error = values_[j] - s.value[order[j]];
    loss += 0.5 * error * error / size;
    value_gradient_[j] = error / static_cast<float>(size);
  }
  network_.backward(kCritic, size, {value_gradient_.data(), stride_});
  return static_cast<float>(loss);
}

UpdateReport CloningLearner::learn_minibatch(const Samples& s, const std::int32_t* order) {
  const int size = minibatch_.size;
  gather_columns(observation_size_, size, order, s.observation.data(), s.stride, observation_.data(),
                 stride_);
  gather_columns(actions_, size, order, s.probability.data(), s.stride, teacher_probability_.data(), stride_);
  network_.forward(kActor, size, {observation_.data(), stride_}, {logits_.data(), stride_});
  UpdateReport report;
  report.loss = kernels().cross_entropy({.actions = actions_,
                                         .batch = size,
                                         .logits = logits_.data(),
                                         .teacher_probability = teacher_probability_.data(),
                                         .stride = stride_,
                                         .logit_gradient = logit_gradient_.data(),
                                         .loss_per_sample = loss_per_sample_.data()});
  network_.backward(kActor, size, {logit_gradient_.data(), stride_});
  if (config_.critic == CloningCritic::kDistill) report.loss += learn_values(s, order);
  report.gradient_norm = adam_.clip_and_step(network_, learning_rate(), config_.clip_grad_norm);
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
    estimate_values(*teacher_, kCritic, {samples_.observation.data(), samples_.stride}, samples_.size(),
                    samples_.value.data());
}

}  // namespace impsweep
