#include "agents/learning/cloning.hpp"

#include <algorithm>

#include "agents/acting/rollout.hpp"
#include "agents/config/cloning_config.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/learning/first_loss.hpp"
#include "agents/learning/trained_network.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/subnormals.hpp"

namespace impsweep {
namespace {

bool distils_critic(const AgentConfig& config) {
  return config.options<PolicyCloningConfig>().critic == CloningCritic::kDistill;
}

}  // namespace

CloningTrainer::CloningTrainer(const TrainingRequest& request, int max_columns)
    : BatchTrainer(request, max_columns, request.config.options<PolicyCloningConfig>().minibatches),
      model_(request.model),
      teacher_(make_teacher(request, max_columns_)),
      epochs_(request.config.options<PolicyCloningConfig>().epochs),
      states_(request.config.options<PolicyCloningConfig>().states),
      learner_(*network_, model_, config_, minibatch_, iterations_) {
  learner_.start_at_iteration(first_iteration_);
  if (states_.data == CloningData::kFixed) record_fixed(request);
}

void CloningTrainer::record_fixed(const TrainingRequest& request) {
  const auto steps = static_cast<int>((states_.fixed_steps + samples_.B - 1) / samples_.B);
  fixed_.emplace(steps, samples_.B, samples_.observation_size, samples_.actions, samples_.continuous);
  Sampler sampler(request.task, request.task_options, samples_.B, request.data_stream_prefix, request.threads,
                  ObservationForm::kNumbers);
  sampler.decorrelate(*policy_, config_.sampler.decorrelation_steps, request.interruption);
  collect_rollout(sampler, *policy_, *teacher_, kActor, *fixed_, request.interruption);
  if (distils_critic(config_))
    estimate_values(*teacher_, fixed_->observation.data(), fixed_->size(), fixed_->value.data());
  fixed_stream_ = Stream(request.stream_prefix + "/fixed");
  fixed_order_.resize(static_cast<std::size_t>(fixed_->size()));
  chosen_.resize(static_cast<std::size_t>(samples_.size()));
  minibatch_order_.resize(static_cast<std::size_t>(minibatch_.size));
}

void CloningTrainer::choose_fixed() {
  for (std::int32_t& sample : chosen_) {
    if (next_fixed_ == 0) shuffle(fixed_stream_, fixed_order_.data(), fixed_->size());
    sample = fixed_order_[static_cast<std::size_t>(next_fixed_)];
    next_fixed_ = (next_fixed_ + 1) % fixed_->size();
  }
}

// Log-likelihoods of what the student did stay: nothing is learned from them.
void CloningTrainer::label(Samples& samples) {
  if (!samples.continuous) {
    infer_all(*teacher_, kActor, samples.observation.data(), samples.size(),
              {samples.probability.data(), samples.stride});
    const FlushSubnormals flush;
    kernels().softmax(samples.actions, samples.size(), samples.probability.data(), samples.probability.data(),
                      samples.stride);
    return;
  }
  infer_all(*teacher_, kActor, samples.observation.data(), samples.size(),
            {samples.mean.data(), samples.stride});
  std::ranges::copy(teacher_->parameters().subspan(teacher_->log_std_offset(), samples.log_std.size()),
                    samples.log_std.begin());
}

void CloningTrainer::play() {
  const bool student_acts = states_.data == CloningData::kStudent;
  collect_rollout(sampler_, *policy_, student_acts ? *network_ : *teacher_, kActor, samples_, interruption());
  if (student_acts) label(samples_);
  if (distils_critic(config_))
    estimate_values(*teacher_, samples_.observation.data(), samples_.size(), samples_.value.data());
}

void CloningTrainer::save_own(StateWriter& writer) const {
  if (!fixed_) return;
  writer("fixed_stream", fixed_stream_);
  writer("fixed_order", fixed_order_);
  writer("next_fixed", next_fixed_);
}

void CloningTrainer::load_own(StateReader& reader) {
  if (!fixed_) return;
  reader("fixed_stream", fixed_stream_);
  reader.sized_ranged("fixed_order", fixed_order_, 0, fixed_->size() - 1);
  reader.ranged("next_fixed", next_fixed_, 0, fixed_->size() - 1);
}

BatchLoss CloningTrainer::first_loss(double temperature) {
  play();
  return loss_of_rollout(model_,
                         cloning_loss(samples_, log_std(model_), distils_critic(config_), temperature));
}

UpdateReport CloningTrainer::collect_and_learn() {
  if (fixed_)
    choose_fixed();
  else
    play();
  const Samples& samples = fixed_ ? *fixed_ : samples_;
  UpdateReport last;
  for (std::int64_t epoch = 0; epoch < epochs_; ++epoch)
    for (const std::int32_t* minibatch : shuffled_minibatches()) {
      throw_if_interrupted(interruption());
      if (fixed_) {
        for (std::size_t j = 0; j < minibatch_order_.size(); ++j)
          minibatch_order_[j] = chosen_[static_cast<std::size_t>(minibatch[j])];
        minibatch = minibatch_order_.data();
      }
      if (masks_.is_due(updates()))
        masks_.change(*network_, learner_.optimizer(), [&] { learner_.differentiate(samples, minibatch); });
      last = learner_.learn_minibatch(samples, minibatch);
      masks_.count_step();
    }
  return last;
}

CloningLearner::CloningLearner(Network& network, const ModelSpec& model, const AgentConfig& config,
                               MinibatchPlan minibatch, std::int64_t iterations)
    : BatchLearner(network, model, config, minibatch, iterations),
      config_(config.options<PolicyCloningConfig>()),
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

UpdateReport CloningLearner::differentiate(const Samples& s, const std::int32_t* order) {
  const FlushSubnormals flush;
  minibatch_.gather_observations(s, order);
  minibatch_.forward_actor();
  UpdateReport report;
  report.loss = objective_->evaluate(s, order, minibatch_);
  if (config_.critic == CloningCritic::kDistill) report.loss += learn_values(s, order);
  minibatch_.backward_actor();
  return report;
}

UpdateReport CloningLearner::learn_minibatch(const Samples& s, const std::int32_t* order) {
  UpdateReport report = differentiate(s, order);
  report.gradient_norm =
      adam_.clip_and_step(network_, learning_rate_.at(iteration()), config_.clip_grad_norm);
  return report;
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
      .changes_masks = true,
      .options = PolicyCloningConfig{},
      .reads = [](std::string_view key) { return !key.starts_with("reg.dropout"); },
      // Students do not look at what a time limit cut off, and only a critic can share their trunk.
      .is_idle =
          [](std::string_view key, const AgentConfig& config) {
            return key == "rl.timeout_bootstrap" ||
                   (key == "bc.fixed_steps" &&
                    config.options<PolicyCloningConfig>().states.data != CloningData::kFixed) ||
                   (key == "network.shared_trunk" && !distils_critic(config));
          },
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
        const PolicyCloningConfig& cloning = config.options<PolicyCloningConfig>();
        LearningWork work = minibatch_work(config.sampler, cloning.epochs, cloning.minibatches);
        work.learning_rate = cloning.learning_rate;
        const CloningDataConfig& states = cloning.states;
        work.teacher_acts = states.data != CloningData::kStudent;
        work.fixed_steps = states.data == CloningData::kFixed ? states.fixed_steps : 0;
        // A label costs what a value does.
        work.valued_per_step = (distils_critic(config) ? 1 : 0) + (work.teacher_acts ? 0 : 1);
        return work;
      }};
}

}  // namespace impsweep
