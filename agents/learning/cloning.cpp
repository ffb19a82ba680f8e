#include "agents/learning/cloning.hpp"

#include "agents/config/cloning_config.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/learning/distillation_loss.hpp"
#include "agents/native/kernels/kernels.hpp"

namespace impsweep {
namespace {

constexpr int kActor = 0, kCritic = 1;

bool distils_critic(const AgentConfig& config) {
  return config.options<PolicyCloningConfig>().critic == CloningCritic::kDistill;
}

class SoftmaxCloning final : public CloningObjective {
 public:
  SoftmaxCloning(int actions, int stride)
      : actions_(actions),
        stride_(stride),
        teacher_probability_(static_cast<std::size_t>(actions) * stride, 0.0f),
        loss_per_sample_(static_cast<std::size_t>(stride), 0.0f) {}

  float evaluate(const Samples& s, const std::int32_t* order, int size, const float* outputs,
                 float* output_gradient, std::span<const float>, std::span<float>) override {
    gather_columns(actions_, size, order, s.probability.data(), s.stride, teacher_probability_.data(),
                   stride_);
    return kernels().cross_entropy({.actions = actions_,
                                    .batch = size,
                                    .logits = outputs,
                                    .teacher_probability = teacher_probability_.data(),
                                    .stride = stride_,
                                    .logit_gradient = output_gradient,
                                    .loss_per_sample = loss_per_sample_.data()});
  }

 private:
  int actions_, stride_;
  AlignedFloats teacher_probability_, loss_per_sample_;
};

class GaussianCloning final : public CloningObjective {
 public:
  GaussianCloning(int dimensions, int stride)
      : dimensions_(dimensions),
        stride_(stride),
        teacher_mean_(static_cast<std::size_t>(dimensions) * stride, 0.0f),
        loss_per_sample_(static_cast<std::size_t>(stride), 0.0f) {}

  float evaluate(const Samples& s, const std::int32_t* order, int size, const float* outputs,
                 float* output_gradient, std::span<const float> log_std,
                 std::span<float> log_std_gradient) override {
    gather_columns(dimensions_, size, order, s.mean.data(), s.stride, teacher_mean_.data(), stride_);
    return gaussian_distillation({.actions = dimensions_,
                                  .batch = size,
                                  .stride = stride_,
                                  .teacher_mean = teacher_mean_.data(),
                                  .teacher_log_std = s.log_std.data(),
                                  .student_mean = outputs,
                                  .student_log_std = log_std.data(),
                                  .mean_gradient = output_gradient,
                                  .log_std_gradient = log_std_gradient.data(),
                                  .loss_per_sample = loss_per_sample_.data()});
  }

 private:
  int dimensions_, stride_;
  AlignedFloats teacher_mean_, loss_per_sample_;
};

std::unique_ptr<CloningObjective> make_cloning_objective(const ModelSpec& model, int stride) {
  const int actions = model.parts[kActor].sizes.back();
  if (model.log_std > 0) return std::make_unique<GaussianCloning>(actions, stride);
  return std::make_unique<SoftmaxCloning>(actions, stride);
}

}  // namespace

CloningLearner::CloningLearner(Network& network, const ModelSpec& model, const AgentConfig& config,
                               MinibatchPlan minibatch, std::int64_t iterations)
    : BatchLearner(network, config, minibatch, iterations),
      config_(config.options<PolicyCloningConfig>()),
      observation_size_(model.parts[kActor].sizes.front()),
      log_std_(model.log_std),
      stride_(round_up_to_lanes(minibatch.size)),
      objective_(make_cloning_objective(model, stride_)) {
  const auto columns = static_cast<std::size_t>(stride_);
  observation_.assign(static_cast<std::size_t>(observation_size_) * columns, 0.0f);
  for (AlignedFloats* matrix : {&outputs_, &output_gradient_})
    matrix->assign(static_cast<std::size_t>(model.parts[kActor].sizes.back()) * columns, 0.0f);
  for (AlignedFloats* row : {&values_, &value_gradient_}) row->assign(columns, 0.0f);
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
  kernels().transpose_selected(size, order, observation_size_, s.observation.data(), s.observation_stride,
                               observation_.data(), stride_);
  network_.forward(kActor, size, {observation_.data(), stride_}, {outputs_.data(), stride_});
  const auto log_std_place = network_.log_std_offset(), log_std_count = static_cast<std::size_t>(log_std_);
  UpdateReport report;
  report.loss = objective_->evaluate(s, order, size, outputs_.data(), output_gradient_.data(),
                                     network_.parameters().subspan(log_std_place, log_std_count),
                                     network_.gradients().subspan(log_std_place, log_std_count));
  // The critic first: it may share the actor's trunk.
  if (config_.critic == CloningCritic::kDistill) report.loss += learn_values(s, order);
  network_.backward(kActor, size, {output_gradient_.data(), stride_});
  report.gradient_norm = adam_.clip_and_step(network_, learning_rate(), config_.clip_grad_norm);
  return report;
}

CloningTrainer::CloningTrainer(const TrainingRequest& request, int max_columns)
    : BatchTrainer(request, max_columns, request.config.options<PolicyCloningConfig>().minibatches,
                   request.config.options<PolicyCloningConfig>().epochs),
      teacher_(make_network(request.backend, request.teacher_model, {}, {.max_batch = max_columns_})) {
  teacher_->gather(request.teacher_parameters, teacher_->parameters());
  teacher_->parameters_changed();
  set_learner(std::make_unique<CloningLearner>(*network_, request.model, config_, minibatch_, iterations_));
}

void CloningTrainer::complete_samples() {
  if (config_.options<PolicyCloningConfig>().critic == CloningCritic::kDistill)
    estimate_values(*teacher_, kCritic, samples_.observation.data(), samples_.size(), samples_.value.data());
}

AlgorithmInfo policy_cloning_algorithm() {
  return {
      .name = "bc",
      .semantics = 1,
      .description = "behavioural cloning of a trained teacher: its policy",
      .learns = [](const TaskInfo& task) { return is_environment(task) && teacher_algorithm(task) == "ppo"; },
      .needs = "an environment",
      .has_teacher = true,
      .chooses_inputs = false,
      .options = PolicyCloningConfig{},
      .reads = [](std::string_view key) { return !key.starts_with("reg.dropout"); },
      .is_idle = [](std::string_view, const AgentConfig&) { return false; },
      .check =
          [](const AgentConfig& config, const std::string& prefix) {
            check_minibatches(config, config.options<PolicyCloningConfig>().minibatches, "bc.minibatches",
                              prefix);
          },
      // A student that also learns the teacher's values is pruned like an actor with its critic.
      .prunes_critic = [](const TaskInfo&, const AgentConfig& config) { return distils_critic(config); },
      .model =
          [](const ModelShape& shape, const AgentConfig& config) {
            return policy_model(shape, config.network, distils_critic(config));
          },
      .make_trainer = [](const TrainingRequest& request, int max_columns) -> std::unique_ptr<Trainer> {
        return std::make_unique<CloningTrainer>(request, max_columns);
      },
      .make_evaluator = policy_evaluator,
      .work = [](const AgentConfig& config) -> LearningWork {
        const auto epochs = static_cast<double>(config.options<PolicyCloningConfig>().epochs);
        return {.learned_per_step = epochs, .passes = 3, .teacher_acts = true};
      }};
}

}  // namespace impsweep
