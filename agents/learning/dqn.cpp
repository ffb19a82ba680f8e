#include "agents/learning/dqn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "agents/config/dqn_config.hpp"
#include "agents/learning/first_loss.hpp"
#include "agents/learning/schedule.hpp"
#include "agents/learning/trained_network.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/subnormals.hpp"

namespace impsweep {
namespace {

ReplayOptions memory_options(const AgentConfig& config) {
  const DqnConfig& dqn = config.options<DqnConfig>();
  ReplayOptions options;
  options.bootstraps_timeouts = config.sampler.timeout_bootstrap;
  options.size = dqn.replay_size;
  options.n_step = static_cast<int>(dqn.n_step);
  options.discount = dqn.discount;
  options.prioritized = dqn.prioritized;
  options.alpha = dqn.priority_alpha;
  options.initial_priority = dqn.delta_clip;
  return options;
}

ReplaySchedule schedule(const DqnConfig& dqn) {
  return {.batch_size = static_cast<int>(dqn.batch_size),
          .replay_ratio = dqn.replay_ratio,
          .min_steps_learn = dqn.min_steps_learn};
}

}  // namespace

DqnTrainer::DqnTrainer(const TrainingRequest& request, int max_columns)
    : ReplayTrainer(request, max_columns, memory_options(request.config),
                    schedule(request.config.options<DqnConfig>())),
      dqn_(request.config.options<DqnConfig>()),
      target_(make_trained_network(request, max_columns_, usual_active_inputs(sampler_.info()))),
      learner_(*network_, *target_, request.model, config_, Stream(request.stream_prefix + "/dropout")) {}

UpdateReport DqnTrainer::collect_and_learn() {
  collect(*network_, epsilon());
  UpdateReport last;
  for (int due = updates_due(); due > 0 && memory_.can_sample(); --due) {
    throw_if_interrupted(interruption());
    const ReplayBatch& batch = draw_batch(beta());
    if (masks_.is_due(updates()))
      masks_.change(*network_, learner_.optimizer(), [&] { learner_.differentiate(batch); });
    last = learner_.learn(batch);
    masks_.count_step();
    if (learner_.has_copied()) masks_.target_was_copied();
    if (dqn_.prioritized) memory_.set_priorities(batch, learner_.td_abs_error());
  }
  return last;
}

BatchLoss DqnTrainer::first_loss(double /*temperature*/) {
  collect_until_due([&] { collect(*network_, epsilon()); });
  const ReplayBatch& batch = draw_batch(beta());
  return loss_of_batch(batch, learner_.loss_of(batch));
}

double DqnTrainer::epsilon() const {
  const std::int64_t last =
      std::max<std::int64_t>(1, dqn_.epsilon_steps_of(total_steps()) / steps_per_iteration());
  return line_at(iteration(), dqn_.epsilon_initial, first_learning_iteration(), dqn_.epsilon_final, last);
}

double DqnTrainer::beta() const {
  const std::int64_t steps = dqn_.beta_steps > 0 ? dqn_.beta_steps : total_steps();
  const std::int64_t last = std::max<std::int64_t>(1, steps / steps_per_iteration());
  // Set at the end of an iteration: the updates of the next one use it.
  return line_at(iteration() - 1, dqn_.beta_initial, first_learning_iteration(), dqn_.beta_final, last);
}

void DqnTrainer::save_learner(StateWriter& writer) const {
  writer("learner", learner_);
  if (masks_.changes_masks())
    writer("target_mask", std::vector<std::uint8_t>(target_->mask().begin(), target_->mask().end()));
  save_parameters(writer, "target", *target_);
}

void DqnTrainer::load_learner(StateReader& reader) {
  reader("learner", learner_);
  if (masks_.changes_masks()) {
    std::vector<std::uint8_t> mask(target_->mask().begin(), target_->mask().end());
    reader.sized_ranged("target_mask", mask, 0, 1);
    target_->recompile(mask);
  }
  load_parameters(reader, "target", *target_);
}

DqnLearner::DqnLearner(Network& online, Network& target, const ModelSpec& model, const AgentConfig& config,
                       Stream dropout_stream)
    : online_(online),
      target_(target),
      config_(config.options<DqnConfig>()),
      adam_({config.adam.beta1, config.adam.beta2, config_.adam_epsilon_in_force()}, config.regularisation,
            online.gradients().size()),
      values_(model, static_cast<int>(config.options<DqnConfig>().batch_size)),
      dropout_(model, config.regularisation.dropout, static_cast<int>(config.options<DqnConfig>().batch_size),
               std::move(dropout_stream)),
      drops_target_(config.regularisation.dropout_target),
      stride_(round_up_to_lanes(static_cast<int>(config.options<DqnConfig>().batch_size))),
      q_(zeros(values_.actions(), stride_)),
      next_online_(q_),
      next_target_(q_),
      q_gradient_(q_),
      running_(zeros(1, stride_)),
      error_(running_) {}

UpdateReport DqnLearner::differentiate(const ReplayBatch& batch) {
  const FlushSubnormals flush;
  const int size = batch.size;
  value_next_observations(batch);
  dropout_.set(online_);
  values_.forward(online_, batch.observation, size, {q_.data(), stride_});
  UpdateReport report;
  report.loss = evaluate_loss(batch);
  values_.backward(online_, size, {q_gradient_.data(), stride_});
  dropout_.clear(online_);
  return report;
}

UpdateReport DqnLearner::learn(const ReplayBatch& batch) {
  UpdateReport report = differentiate(batch);
  report.gradient_norm = adam_.clip_and_step(online_, config_.learning_rate, config_.clip_grad_norm);
  if (has_copied()) copy_to_target();
  return report;
}

void DqnLearner::value_next_observations(const ReplayBatch& batch) {
  if (drops_target_) {
    dropout_.set(target_);
    values_.forward(target_, batch.next_observation, batch.size, {next_target_.data(), stride_});
  } else {
    values_.infer(target_, batch.next_observation, batch.size, {next_target_.data(), stride_});
  }
  if (config_.double_dqn)
    values_.infer(online_, batch.next_observation, batch.size, {next_online_.data(), stride_});
}

float DqnLearner::evaluate_loss(const ReplayBatch& batch) {
  for (int b = 0; b < batch.size; ++b)
    running_[b] =
        batch.done_n[static_cast<std::size_t>(b)] != 0 ? 0.0f : batch.bootstrap[static_cast<std::size_t>(b)];
  return kernels().q_loss(
      {.actions = values_.actions(),
       .batch = batch.size,
       .q = q_.data(),
       .next_selector = config_.double_dqn ? next_online_.data() : next_target_.data(),
       .next_value = next_target_.data(),
       .stride = stride_,
       .action = batch.action.data(),
       .return_ = batch.return_.data(),
       .running = running_.data(),
       .weight = batch.weight.data(),
       .discount = static_cast<float>(std::pow(config_.discount, static_cast<double>(config_.n_step))),
       .delta = static_cast<float>(config_.delta_clip),
       .q_gradient = q_gradient_.data(),
       .td_abs_error = error_.data()});
}

std::shared_ptr<const OutputLoss> DqnLearner::loss_of(const ReplayBatch& batch) {
  value_next_observations(batch);
  const double discount = std::pow(config_.discount, static_cast<double>(config_.n_step));
  const AlignedFloats& selector = config_.double_dqn ? next_online_ : next_target_;
  std::vector<std::int32_t> action;
  std::vector<double> target, weight;
  for (std::size_t b = 0; b < static_cast<std::size_t>(batch.size); ++b) {
    std::size_t best = b;
    for (std::size_t a = 1; a < static_cast<std::size_t>(values_.actions()); ++a)
      if (const std::size_t place = a * static_cast<std::size_t>(stride_) + b;
          selector[place] > selector[best])
        best = place;
    const double running = batch.done_n[b] != 0 ? 0.0 : double{batch.bootstrap[b]};
    action.push_back(batch.action[b]);
    target.push_back(batch.return_[b] + discount * running * next_target_[best]);
    weight.push_back(batch.weight[b]);
  }
  return action_value_loss(values_.actions(), config_.dueling, config_.delta_clip, std::move(action),
                           std::move(target), std::move(weight));
}

void DqnLearner::copy_to_target() {
  if (!std::ranges::equal(online_.mask(), target_.mask())) target_.recompile(online_.mask());
  std::ranges::copy(online_.parameters(), target_.parameters().begin());
  target_.parameters_changed();
}

namespace {

void check_dqn(const AgentConfig& config, const std::string& prefix) {
  const DqnConfig& dqn = config.options<DqnConfig>();
  check_replay_size(config, dqn.replay_size, dqn.n_step, prefix + "dqn.replay_size");
  if (dqn.min_steps_learn >= config.sampler.steps)
    throw std::invalid_argument(fmt::format(
        "'{}dqn.min_steps_learn' = {} is not reached within '{}rl.steps' = {}, so nothing would be learned; "
        "lower it",
        prefix, dqn.min_steps_learn, prefix, config.sampler.steps));
}

std::vector<std::string> dqn_doubts(const AgentConfig& config, const std::string& prefix) {
  const DqnConfig& dqn = config.options<DqnConfig>();
  const std::int64_t steps = config.sampler.steps, exploring = dqn.epsilon_steps_of(steps);
  std::vector<std::string> doubts;
  if (dqn.epsilon_initial == dqn.epsilon_final) return doubts;
  if (exploring > steps)
    doubts.push_back(
        fmt::format("exploration is to end after '{0}dqn.epsilon_steps' = {1} steps, and '{0}rl.steps' = {2} "
                    "ends before: "
                    "the agent never acts by what it learned alone; give '{0}dqn.epsilon_fraction', e.g. 0.1",
                    prefix, exploring, steps));
  if (exploring <= dqn.min_steps_learn)
    doubts.push_back(fmt::format(
        "exploration is over after {1} steps, before learning starts ('{0}dqn.min_steps_learn' = {2}); raise "
        "'{0}dqn.epsilon_steps'",
        prefix, exploring, dqn.min_steps_learn));
  return doubts;
}

}  // namespace

AlgorithmInfo dqn_algorithm() {
  return {.name = "dqn",
          .semantics = 1,
          .description = "double Q-learning with prioritized replay",
          .learns = [](const TaskInfo& task) { return is_environment(task) && !task.continuous; },
          .needs = "an environment with a finite number of actions",
          .has_teacher = false,
          .chooses_inputs = true,
          .changes_masks = true,
          .options = DqnConfig{},
          // Its Adam has an epsilon of its own, and its values no use for the others.
          .reads =
              [](std::string_view key) {
                return key != "network.shared_trunk" && key != "network.actor_gain" && key != "adam.epsilon";
              },
          .is_idle =
              [](std::string_view key, const AgentConfig& config) {
                const DqnConfig& dqn = config.options<DqnConfig>();
                if (key == "dqn.epsilon_steps") return dqn.epsilon_fraction > 0;
                return (key == "dqn.priority_alpha" || key.starts_with("dqn.beta_")) && !dqn.prioritized;
              },
          .check = check_dqn,
          .prunes_critic = [](const TaskInfo&, const AgentConfig&) { return false; },
          .model =
              [](const ModelShape& shape, const AgentConfig& config) {
                return value_model(shape, config.network, config.options<DqnConfig>().dueling);
              },
          .make_trainer = [](const TrainingRequest& request, int max_columns) -> std::unique_ptr<Trainer> {
            return std::make_unique<DqnTrainer>(request, max_columns);
          },
          .make_evaluator =
              [](const TrainingRequest& request, int max_columns, bool greedy) {
                const double epsilon = request.config.options<DqnConfig>().epsilon_eval;
                return value_evaluator(request, max_columns, greedy ? 0 : epsilon);
              },
          // The next observation is looked at with the target network, and in double Q-learning with both.
          .work = [](const AgentConfig& config) -> LearningWork {
            const DqnConfig& dqn = config.options<DqnConfig>();
            const std::int64_t kept = (config.sampler.timeout_bootstrap ? 2 : 1) * dqn.replay_size;
            LearningWork work = replay_work(config.sampler, schedule(dqn), kept);
            work.learning_rate = dqn.learning_rate;
            work.inferences = dqn.double_dqn ? 2 : 1;
            work.draws = 2;
            work.target_updates = static_cast<double>(dqn.target_update_interval);
            return work;
          },
          .doubts = dqn_doubts};
}

}  // namespace impsweep
