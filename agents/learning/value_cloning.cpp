#include "agents/learning/value_cloning.hpp"

#include <algorithm>
#include <utility>

#include "agents/config/paper_defaults.hpp"
#include "agents/learning/distillation_loss.hpp"
#include "agents/learning/first_loss.hpp"
#include "agents/learning/schedule.hpp"
#include "agents/learning/trained_network.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/subnormals.hpp"

namespace impsweep {
namespace {

bool is_fixed(const ValueCloningConfig& cloning) {
  return cloning.states.data == CloningData::kFixed;
}

// Fixed states are kept whole, in iterations of `steps`; the last ones of a memory cannot be drawn.
std::int64_t memory_size(const ValueCloningConfig& cloning, const SamplerConfig& sampler) {
  if (!is_fixed(cloning)) return cloning.replay_size;
  const std::int64_t steps = rollout_steps(sampler);
  const std::int64_t iterations = (cloning.states.fixed_steps + steps - 1) / steps;
  return iterations * steps + 3 * sampler.batch_B;
}

ReplayOptions memory_options(const AgentConfig& config) {
  ReplayOptions options;
  options.size = memory_size(config.options<ValueCloningConfig>(), config.sampler);
  options.prioritized = false;
  return options;
}

ReplaySchedule schedule(const ValueCloningConfig& cloning) {
  return {.batch_size = static_cast<int>(cloning.batch_size),
          .replay_ratio = cloning.replay_ratio,
          .min_steps_learn = is_fixed(cloning) ? 0 : cloning.batch_size,
          .data_is_fixed = is_fixed(cloning)};
}

}  // namespace

ValueCloningTrainer::ValueCloningTrainer(const TrainingRequest& request, int max_columns)
    : ReplayTrainer(request, max_columns, memory_options(request.config),
                    schedule(request.config.options<ValueCloningConfig>())),
      cloning_(request.config.options<ValueCloningConfig>()),
      teacher_(make_teacher(request, std::max(schedule_.batch_size, sampler_.lanes()))),
      student_values_(request.model, schedule_.batch_size),
      teacher_values_(request.teacher_model, schedule_.batch_size),
      adam_(config_.adam, config_.regularisation, network_->gradients().size()),
      stride_(round_up_to_lanes(schedule_.batch_size)),
      student_q_(zeros(student_values_.actions(), stride_)),
      teacher_q_(student_q_),
      gradient_(student_q_),
      loss_per_sample_(zeros(1, stride_)) {
  if (is_fixed(cloning_))
    collect_fixed(*teacher_, cloning_.epsilon_teacher, cloning_.states.fixed_steps, request.interruption);
}

Network& ValueCloningTrainer::actor() {
  return cloning_.states.data == CloningData::kStudent ? *network_ : *teacher_;
}

UpdateReport ValueCloningTrainer::collect_and_learn() {
  if (!is_fixed(cloning_)) collect(actor(), cloning_.epsilon_teacher);
  UpdateReport last;
  for (int due = updates_due(); due > 0 && memory_.can_sample(); --due) {
    throw_if_interrupted(interruption());
    const ReplayBatch& batch = draw_batch();
    if (masks_.is_due(updates())) masks_.change(*network_, adam_, [&] { differentiate(batch); });
    last = learn(batch);
    masks_.count_step();
  }
  return last;
}

BatchLoss ValueCloningTrainer::first_loss(double /*temperature*/) {
  collect_until_due([&] { collect(actor(), cloning_.epsilon_teacher); });
  const ReplayBatch& batch = draw_batch();
  teacher_values_.infer(*teacher_, batch.observation, batch.size, {teacher_q_.data(), stride_});
  const auto actions = static_cast<std::size_t>(student_values_.actions());
  std::vector<double> target;
  for (std::size_t b = 0; b < static_cast<std::size_t>(batch.size); ++b)
    for (std::size_t a = 0; a < actions; ++a)
      target.push_back(teacher_q_[a * static_cast<std::size_t>(stride_) + b]);
  return loss_of_batch(
      batch, value_cloning_loss(student_values_.actions(), false, cloning_.delta_clip, std::move(target)));
}

UpdateReport ValueCloningTrainer::differentiate(const ReplayBatch& batch) {
  const FlushSubnormals flush;
  teacher_values_.infer(*teacher_, batch.observation, batch.size, {teacher_q_.data(), stride_});
  student_values_.forward(*network_, batch.observation, batch.size, {student_q_.data(), stride_});
  UpdateReport report;
  report.loss = value_distillation({.actions = student_values_.actions(),
                                    .batch = batch.size,
                                    .stride = stride_,
                                    .delta = static_cast<float>(cloning_.delta_clip),
                                    .teacher_value = teacher_q_.data(),
                                    .student_value = student_q_.data(),
                                    .value_gradient = gradient_.data(),
                                    .loss_per_sample = loss_per_sample_.data()});
  student_values_.backward(*network_, batch.size, {gradient_.data(), stride_});
  return report;
}

UpdateReport ValueCloningTrainer::learn(const ReplayBatch& batch) {
  UpdateReport report = differentiate(batch);
  report.gradient_norm = adam_.clip_and_step(*network_, learning_rate(), cloning_.clip_grad_norm);
  return report;
}

double ValueCloningTrainer::learning_rate() const {
  if (!cloning_.linear_schedule) return cloning_.learning_rate;
  return line_at(env_steps(), cloning_.learning_rate, 0, 0.0, total_steps());
}

void ValueCloningTrainer::save_learner(StateWriter& writer) const {
  writer("optimizer", adam_);
}

void ValueCloningTrainer::load_learner(StateReader& reader) {
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
          .changes_masks = true,
          .options = ValueCloningConfig{},
          .reads =
              [](std::string_view key) {
                return key != "rl.timeout_bootstrap" && key != "network.shared_trunk" &&
                       key != "network.actor_gain" && !key.starts_with("reg.dropout");
              },
          .is_idle =
              [](std::string_view key, const AgentConfig& config) {
                const bool fixed = is_fixed(config.options<ValueCloningConfig>());
                return (key == "bc.fixed_steps" && !fixed) || (key == "bc.replay_size" && fixed);
              },
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
            LearningWork work =
                replay_work(config.sampler, schedule(cloning), memory_size(cloning, config.sampler));
            work.learning_rate = cloning.learning_rate;
            work.teacher_acts = cloning.states.data != CloningData::kStudent;
            work.fixed_steps = is_fixed(cloning) ? cloning.states.fixed_steps : 0;
            work.teacher_inferences = 1;
            work.draws = 1;
            return work;
          }};
}

}  // namespace impsweep
