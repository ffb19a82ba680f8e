#include "agents/learning/value_cloning.hpp"

#include <algorithm>

#include "agents/config/cloning_config.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/learning/distillation_loss.hpp"
#include "agents/native/kernels/kernels.hpp"

namespace impsweep {
namespace {

int batch_size(const TrainingRequest& request) {
  return static_cast<int>(request.config.options<ValueCloningConfig>().batch_size);
}

ReplayOptions memory_options(const TrainingRequest& request) {
  ReplayOptions options;
  options.size = request.config.options<ValueCloningConfig>().replay_size;
  options.prioritized = false;
  return options;
}

}  // namespace

ValueCloningTrainer::ValueCloningTrainer(const TrainingRequest& request, int max_columns)
    : ReplayTrainer(request, max_columns, memory_options(request),
                    {.batch_size = batch_size(request),
                     .replay_ratio = request.config.options<ValueCloningConfig>().replay_ratio,
                     .min_steps_learn = request.config.options<ValueCloningConfig>().batch_size}),
      config_(request.config.options<ValueCloningConfig>()),
      teacher_(make_network(
          request.backend, request.teacher_model, {},
          {.max_batch = std::max(batch_size(request), static_cast<int>(request.config.sampler.batch_B))})),
      student_values_(request.model, batch_size(request)),
      teacher_values_(request.teacher_model, batch_size(request)),
      adam_(request.config.adam, request.config.regularisation, network().gradients().size()),
      stride_(round_up_to_lanes(batch_size(request))) {
  teacher_->gather(request.teacher_parameters, teacher_->parameters());
  teacher_->parameters_changed();
  for (AlignedFloats* matrix : {&student_q_, &teacher_q_, &gradient_})
    matrix->assign(static_cast<std::size_t>(student_values_.actions() * stride_), 0.0f);
  loss_per_sample_.assign(static_cast<std::size_t>(stride_), 0.0f);
}

UpdateReport ValueCloningTrainer::learn(const ReplayBatch& batch) {
  teacher_values_.infer(*teacher_, batch.observation, batch.size, {teacher_q_.data(), stride_});
  student_values_.forward(network(), batch.observation, batch.size, {student_q_.data(), stride_});
  UpdateReport report;
  report.loss = value_distillation({.actions = student_values_.actions(),
                                    .batch = batch.size,
                                    .stride = stride_,
                                    .delta = static_cast<float>(config_.delta_clip),
                                    .teacher_value = teacher_q_.data(),
                                    .student_value = student_q_.data(),
                                    .value_gradient = gradient_.data(),
                                    .loss_per_sample = loss_per_sample_.data()});
  student_values_.backward(network(), batch.size, {gradient_.data(), stride_});
  report.gradient_norm = adam_.clip_and_step(network(), learning_rate(), config_.clip_grad_norm);
  return report;
}

double ValueCloningTrainer::learning_rate() const {
  if (!config_.linear_schedule) return config_.learning_rate;
  return config_.learning_rate *
         (1.0 - static_cast<double>(env_steps()) / static_cast<double>(total_steps()));
}

void ValueCloningTrainer::save(StateWriter& writer) const {
  ReplayTrainer::save(writer);
  writer("optimizer", adam_);
}

void ValueCloningTrainer::load(StateReader& reader) {
  ReplayTrainer::load(reader);
  reader("optimizer", adam_);
}

AlgorithmInfo value_cloning_algorithm() {
  return {.name = "bc",
          .semantics = 1,
          .description = "behavioural cloning of a trained teacher: its action values",
          .learns =
              [](const TaskInfo& task) {
                return is_environment(task) && !task.continuous && teacher_algorithm(task) == "dqn";
              },
          .needs = "an environment with a finite number of actions",
          .has_teacher = true,
          .chooses_inputs = false,
          .options = ValueCloningConfig{},
          .reads =
              [](std::string_view key) {
                return key != "rl.timeout_bootstrap" && key != "network.shared_trunk" &&
                       !key.starts_with("reg.dropout");
              },
          .is_idle = [](std::string_view, const AgentConfig&) { return false; },
          .check =
              [](const AgentConfig& config, const std::string& prefix) {
                check_replay_size(config, config.options<ValueCloningConfig>().replay_size, 1,
                                  prefix + "bc.replay_size");
              },
          .prunes_critic = [](const TaskInfo&, const AgentConfig&) { return false; },
          .model = [](const ModelShape& shape,
                      const AgentConfig& config) { return value_model(shape, config.network, false); },
          .make_trainer = [](const TrainingRequest& request, int max_columns) -> std::unique_ptr<Trainer> {
            return std::make_unique<ValueCloningTrainer>(request, max_columns);
          },
          .make_evaluator =
              [](const TrainingRequest& request, int max_columns, bool greedy) {
                const double epsilon = request.config.options<ValueCloningConfig>().epsilon_eval;
                return value_evaluator(request, max_columns, greedy ? 0 : epsilon);
              },
          .work = [](const AgentConfig& config) -> LearningWork {
            const ValueCloningConfig& cloning = config.options<ValueCloningConfig>();
            return {.learned_per_step = cloning.replay_ratio,
                    .passes = 3,
                    .teacher_passes = 1,
                    .teacher_acts = true,
                    .replay_size = cloning.replay_size};
          }};
}

}  // namespace impsweep
