#include "agents/learning/ppo.hpp"

#include <algorithm>
#include <cmath>

#include "agents/native/kernels/kernels.hpp"

namespace impsweep {
namespace {

constexpr int kActor = 0, kCritic = 1;

}  // namespace

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
    : BatchLearner(network, config, minibatch, iterations),
      config_(config.ppo),
      observation_size_(model.parts[kActor].sizes.front()),
      log_std_(model.log_std),
      stride_(round_up_to_lanes(minibatch.size)),
      objective_(make_ppo_objective(model, stride_)) {
  const auto columns = static_cast<std::size_t>(stride_);
  const auto outputs = static_cast<std::size_t>(model.parts[kActor].sizes.back());
  observation_.assign(static_cast<std::size_t>(observation_size_) * columns, 0.0f);
  outputs_.assign(outputs * columns, 0.0f);
  output_gradient_.assign(outputs * columns, 0.0f);
  for (AlignedFloats* row : {&values_, &value_gradient_, &advantage_, &return_}) row->assign(columns, 0.0f);
}

double PpoLearner::learning_rate() const {
  if (!config_.linear_schedule) return config_.learning_rate;
  return config_.learning_rate * static_cast<double>(iterations_ - iteration_) /
         static_cast<double>(iterations_);
}

double PpoLearner::ratio_clip() const {
  if (!config_.linear_schedule) return config_.ratio_clip;
  const std::int64_t lagging = std::max<std::int64_t>(iteration_ - 1, 0);
  return config_.ratio_clip * static_cast<double>(iterations_ - lagging) / static_cast<double>(iterations_);
}

UpdateReport PpoLearner::learn_minibatch(const Samples& s, const std::int32_t* order) {
  const int size = minibatch_.size;
  kernels().transpose_selected(size, order, observation_size_, s.observation.data(), s.observation_stride,
                               observation_.data(), stride_);
  gather_columns(1, size, order, s.advantage.data(), s.stride, advantage_.data(), stride_);
  gather_columns(1, size, order, s.return_.data(), s.stride, return_.data(), stride_);
  network_.forward(kActor, size, {observation_.data(), stride_}, {outputs_.data(), stride_});
  network_.forward(kCritic, size, {observation_.data(), stride_}, {values_.data(), stride_});
  const auto log_std_place = network_.log_std_offset(), log_std_count = static_cast<std::size_t>(log_std_);
  const PpoLossSums sums =
      objective_->evaluate(s, order,
                           {.size = size,
                            .stride = stride_,
                            .outputs = outputs_.data(),
                            .values = values_.data(),
                            .advantage = advantage_.data(),
                            .return_ = return_.data(),
                            .log_std = network_.parameters().subspan(log_std_place, log_std_count),
                            .output_gradient = output_gradient_.data(),
                            .value_gradient = value_gradient_.data(),
                            .log_std_gradient = network_.gradients().subspan(log_std_place, log_std_count),
                            .ratio_clip = static_cast<float>(ratio_clip()),
                            .value_coefficient = static_cast<float>(config_.value_coefficient),
                            .entropy_coefficient = static_cast<float>(config_.entropy_coefficient)});
  // The critic first: it may share the actor's trunk.
  network_.backward(kCritic, size, {value_gradient_.data(), stride_});
  network_.backward(kActor, size, {output_gradient_.data(), stride_});
  UpdateReport report;
  report.loss = static_cast<float>(sums.policy + config_.value_coefficient * sums.value -
                                   config_.entropy_coefficient * sums.entropy);
  report.entropy = sums.entropy;
  report.gradient_norm = adam_.clip_and_step(network_, learning_rate(), config_.clip_grad_norm);
  return report;
}

PpoTrainer::PpoTrainer(const TrainingRequest& request, int max_columns)
    : BatchTrainer(request, max_columns, request.config.ppo.minibatches, request.config.ppo.epochs) {
  set_learner(std::make_unique<PpoLearner>(*network_, request.model, config_, minibatch_, iterations_));
  timeout_value_.assign(static_cast<std::size_t>(samples_.stride), 0.0f);
}

void PpoTrainer::complete_samples() {
  estimate_values(*network_, kCritic, samples_.observation.data(), samples_.size(), samples_.value.data());
  network_->infer(kCritic, samples_.B, sampler_.observation().dense(),
                  {samples_.bootstrap_value.data(), samples_.B});
  if (config_.sampler.timeout_bootstrap) {
    const Samples::Timeouts& timeouts = samples_.timeouts;
    const int count = static_cast<int>(timeouts.sample.size());
    estimate_values(*network_, kCritic, timeouts.observation.data(), count, timeout_value_.data());
    for (int j = 0; j < count; ++j)
      samples_.reward[timeouts.sample[j]] += static_cast<float>(config_.ppo.discount) * timeout_value_[j];
  }
  estimate_advantages(samples_, config_.ppo.discount, config_.ppo.gae_lambda,
                      config_.ppo.normalize_advantage);
}

}  // namespace impsweep
