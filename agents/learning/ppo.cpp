#include "agents/learning/ppo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "agents/acting/rollout.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/learning/first_loss.hpp"
#include "agents/native/subnormals.hpp"

namespace impsweep {

PpoTrainer::PpoTrainer(const TrainingRequest& request, int max_columns)
    : BatchTrainer(request, max_columns, request.config.options<PpoConfig>().minibatches),
      ppo_(request.config.options<PpoConfig>()),
      model_(request.model),
      learner_(*network_, model_, config_, minibatch_, iterations_),
      observation_moments_(request.model, request.initial_parameters),
      reward_scaling_(samples_.B, ppo_.discount),
      timeout_value_(zeros(1, samples_.stride)) {
  learner_.start_at_iteration(first_iteration_);
}

void PpoTrainer::collect() {
  collect_rollout(sampler_, *policy_, *network_, kActor, samples_, interruption());
  if (ppo_.reward_norm) reward_scaling_.scale(samples_);
  estimate_values_and_advantages();
  if (ppo_.obs_norm) observation_moments_.take_in(samples_, *network_);
}

// The whole rollout is one minibatch, so that advantages are normalised over it under either scope.
BatchLoss PpoTrainer::first_loss(double temperature) {
  collect();
  if (ppo_.normalize_advantage && ppo_.advantage_scope == AdvantageScope::kMinibatch)
    estimate_advantages(samples_, ppo_.discount, ppo_.gae_lambda, true);
  const std::span<const float> advantage(samples_.advantage.data(),
                                         static_cast<std::size_t>(samples_.size()));
  return loss_of_rollout(model_, policy_gradient_loss(samples_, advantage, log_std(model_),
                                                      {.value_coefficient = ppo_.value_coefficient,
                                                       .entropy_coefficient = ppo_.entropy_coefficient,
                                                       .temperature = temperature}));
}

UpdateReport PpoTrainer::collect_and_learn() {
  collect();
  UpdateReport last;
  bool may_change = true;
  for (std::int64_t epoch = 0; epoch < ppo_.epochs; ++epoch) {
    for (const std::int32_t* minibatch : shuffled_minibatches()) {
      throw_if_interrupted(interruption());
      if (may_change && masks_.is_due(updates()))
        masks_.change(*network_, learner_.optimizer(), [&] { learner_.differentiate(samples_, minibatch); });
      may_change = !masks_.waits_for_rollout();
      last = learner_.learn_minibatch(samples_, minibatch);
      masks_.count_step();
    }
    if (ppo_.target_kl > 0 && last.divergence > ppo_.target_kl) break;
  }
  return last;
}

void PpoTrainer::save_own(StateWriter& writer) const {
  if (ppo_.obs_norm) writer("observations", observation_moments_);
  if (ppo_.reward_norm) writer("rewards", reward_scaling_);
}

void PpoTrainer::load_own(StateReader& reader) {
  if (ppo_.obs_norm) reader("observations", observation_moments_);
  if (ppo_.reward_norm) reader("rewards", reward_scaling_);
}

void PpoTrainer::estimate_values_and_advantages() {
  estimate_values(*network_, samples_.observation.data(), samples_.size(), samples_.value.data());
  network_->infer(kCritic, samples_.B, sampler_.observation().dense(),
                  {samples_.bootstrap_value.data(), samples_.B});
  if (config_.sampler.timeout_bootstrap) add_values_after_timeouts();
  const bool normalises = ppo_.normalize_advantage && ppo_.advantage_scope == AdvantageScope::kRollout;
  estimate_advantages(samples_, ppo_.discount, ppo_.gae_lambda, normalises);
}

// What an episode would have gone on to give, had the time limit not ended it.
void PpoTrainer::add_values_after_timeouts() {
  const Samples::Timeouts& timeouts = samples_.timeouts;
  const int count = static_cast<int>(timeouts.sample.size());
  estimate_values(*network_, timeouts.observation.data(), count, timeout_value_.data());
  for (int j = 0; j < count; ++j)
    samples_.reward[timeouts.sample[j]] += static_cast<float>(ppo_.discount) * timeout_value_[j];
}

void estimate_advantages(Samples& s, double discount, double gae_lambda, bool normalize) {
  const auto gamma = static_cast<float>(discount), decay = static_cast<float>(discount * gae_lambda);
  for (int b = 0; b < s.B; ++b) {
    float next_value = s.bootstrap_value[b], next_advantage = 0.0f;
    for (int t = s.T - 1; t >= 0; --t) {
      const int i = b * s.T + t;
      const float running = s.done[i] != 0 ? 0.0f : 1.0f;
      const float delta = s.reward[i] + gamma * next_value * running - s.value[i];
      next_advantage = delta + decay * next_advantage * running;
      next_value = s.value[i];
      s.advantage[i] = next_advantage;
      s.return_[i] = next_advantage + s.value[i];
    }
  }
  if (!normalize) return;
  double sum = 0, squares = 0;
  for (int i = 0; i < s.size(); ++i) sum += s.advantage[i];
  const double mean = sum / s.size();
  for (int i = 0; i < s.size(); ++i) squares += (s.advantage[i] - mean) * (s.advantage[i] - mean);
  const double deviation = std::max(std::sqrt(squares / (s.size() - 1)), 1e-6);
  for (int i = 0; i < s.size(); ++i) s.advantage[i] = static_cast<float>((s.advantage[i] - mean) / deviation);
}

PpoLearner::PpoLearner(Network& network, const ModelSpec& model, const AgentConfig& config,
                       MinibatchPlan minibatch, std::int64_t iterations)
    : BatchLearner(network, model, config, minibatch, iterations),
      config_(config.options<PpoConfig>()),
      learning_rate_{config_.learning_rate, config_.linear_schedule, iterations},
      ratio_clip_{config_.ratio_clip, config_.clip_falls(), iterations},
      objective_(make_ppo_objective(model, minibatch_.stride())),
      advantage_(zeros(1, minibatch_.stride())),
      return_(advantage_) {}

double PpoLearner::learning_rate() const {
  return learning_rate_.at(iteration());
}

double PpoLearner::ratio_clip() const {
  return ratio_clip_.at(std::max<std::int64_t>(iteration() - 1, 0));
}

// To mean 0 and deviation 1, divisor N-1, as the programs do that normalise so.
void PpoLearner::normalise_advantages() {
  const int size = minibatch_.size();
  double sum = 0, squares = 0;
  for (int j = 0; j < size; ++j) sum += advantage_[j];
  const double mean = sum / size;
  for (int j = 0; j < size; ++j) squares += (advantage_[j] - mean) * (advantage_[j] - mean);
  const double deviation = std::sqrt(squares / (size - 1)) + 1e-8;
  for (int j = 0; j < size; ++j) advantage_[j] = static_cast<float>((advantage_[j] - mean) / deviation);
}

// mean(0.5 max((V - R)^2, (W - R)^2)) with W = V_old + clip(V - V_old, -c, c), of which it writes the
// gradients: where W is the worse one it is constant, and so no gradient flows.
float PpoLearner::clip_value_loss(const Samples& s, const std::int32_t* order) {
  const int size = minibatch_.size();
  const auto clip = static_cast<float>(ratio_clip());
  const float weight = static_cast<float>(config_.value_coefficient) / static_cast<float>(size);
  double sum = 0;
  for (int j = 0; j < size; ++j) {
    const float value = minibatch_.value()[j], old = s.value[order[j]];
    const float free = value - return_[j];
    const float clipped = old + std::clamp(value - old, -clip, clip) - return_[j];
    const bool is_clipped = std::abs(value - old) > clip && std::abs(clipped) > std::abs(free);
    const float error = is_clipped ? clipped : free;
    sum += 0.5 * error * error;
    minibatch_.value_gradient()[j] = is_clipped ? 0 : weight * free;
  }
  return static_cast<float>(sum / size);
}

UpdateReport PpoLearner::differentiate(const Samples& s, const std::int32_t* order) {
  const FlushSubnormals flush;
  minibatch_.gather_observations(s, order);
  gather_row(minibatch_.size(), order, s.advantage.data(), advantage_.data());
  gather_row(minibatch_.size(), order, s.return_.data(), return_.data());
  if (config_.normalize_advantage && config_.advantage_scope == AdvantageScope::kMinibatch)
    normalise_advantages();
  minibatch_.forward_actor();
  minibatch_.forward_critic();
  PpoLossSums mean =
      objective_->evaluate(s, order,
                           {.advantage = advantage_.data(),
                            .return_ = return_.data(),
                            .ratio_clip = static_cast<float>(ratio_clip()),
                            .value_coefficient = static_cast<float>(config_.value_coefficient),
                            .entropy_coefficient = static_cast<float>(config_.entropy_coefficient)},
                           minibatch_);
  UpdateReport report;
  if (config_.clip_value_loss) mean.value = clip_value_loss(s, order);
  if (config_.target_kl > 0) report.divergence = objective_->divergence(s, order, minibatch_);
  minibatch_.backward_critic();
  minibatch_.backward_actor();
  report.loss = static_cast<float>(mean.policy + config_.value_coefficient * mean.value -
                                   config_.entropy_coefficient * mean.entropy);
  report.entropy = mean.entropy;
  return report;
}

UpdateReport PpoLearner::learn_minibatch(const Samples& s, const std::int32_t* order) {
  UpdateReport report = differentiate(s, order);
  report.gradient_norm = adam_.clip_and_step(network_, learning_rate(), config_.clip_grad_norm);
  return report;
}

AlgorithmInfo ppo_algorithm() {
  return {.name = "ppo",
          .semantics = 1,
          .description = "proximal policy optimisation",
          .learns = is_environment,
          .needs = "an environment",
          .has_teacher = false,
          .chooses_inputs = true,
          .changes_masks = true,
          .options = PpoConfig{},
          .reads = [](std::string_view key) { return !key.starts_with("reg.dropout"); },
          .is_idle =
              [](std::string_view key, const AgentConfig& config) {
                const PpoConfig& ppo = config.options<PpoConfig>();
                return (key == "ppo.advantage_scope" && !ppo.normalize_advantage) ||
                       (key == "ppo.clip_schedule" && ppo.clip_falls() == ppo.linear_schedule);
              },
          .check =
              [](const AgentConfig& config, const std::string& prefix) {
                const PpoConfig& ppo = config.options<PpoConfig>();
                check_minibatches(config, ppo.minibatches, "ppo.minibatches", prefix);
                if (ppo.normalize_advantage && ppo.advantage_scope == AdvantageScope::kMinibatch &&
                    rollout_steps(config.sampler) / ppo.minibatches < 2)
                  throw std::invalid_argument(fmt::format(
                      "'{0}ppo.advantage_scope' = \"minibatch\" needs two samples in a minibatch, and "
                      "'{0}ppo.minibatches' = {1} leaves one of {2}; lower it, or use \"rollout\"",
                      prefix, ppo.minibatches, rollout_steps(config.sampler)));
              },
          .prunes_critic = [](const TaskInfo& task, const AgentConfig&) { return prunes_critic(task); },
          .model =
              [](const ModelShape& shape, const AgentConfig& config) {
                const PpoConfig& ppo = config.options<PpoConfig>();
                ModelSpec model = policy_model(shape, config.network, true);
                model.initial_log_std = ppo.initial_log_std;
                if (ppo.obs_norm) model.observation_moments = shape.observation_size;
                return model;
              },
          .make_trainer = [](const TrainingRequest& request, int max_columns) -> std::unique_ptr<Trainer> {
            return std::make_unique<PpoTrainer>(request, max_columns);
          },
          .make_evaluator = policy_evaluator,
          .work = [](const AgentConfig& config) -> LearningWork {
            const PpoConfig& ppo = config.options<PpoConfig>();
            LearningWork work = minibatch_work(config.sampler, ppo.epochs, ppo.minibatches);
            work.learning_rate = ppo.learning_rate;
            work.valued_per_step = 1;
            work.has_rollouts = true;
            return work;
          }};
}

}  // namespace impsweep
