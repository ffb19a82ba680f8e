#include "agents/learning/cloning.hpp"

#include "agents/acting/rollout.hpp"
#include "agents/config/cloning_config.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/learning/first_loss.hpp"
#include "agents/learning/trained_network.hpp"
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
      learner_(*network_, model_, config_, minibatch_, iterations_) {
  learner_.start_at_iteration(first_iteration_);
}

void CloningTrainer::collect() {
  collect_rollout(sampler_, *policy_, *teacher_, kActor, samples_, interruption());
  if (distils_critic(config_))
    estimate_values(*teacher_, samples_.observation.data(), samples_.size(), samples_.value.data());
}

BatchLoss CloningTrainer::first_loss(double temperature) {
  collect();
  return loss_of_rollout(model_,
                         cloning_loss(samples_, log_std(model_), distils_critic(config_), temperature));
}

UpdateReport CloningTrainer::collect_and_learn() {
  collect();
  UpdateReport last;
  for (std::int64_t epoch = 0; epoch < epochs_; ++epoch)
    for (const std::int32_t* minibatch : shuffled_minibatches()) {
      throw_if_interrupted(interruption());
      if (masks_.is_due(updates()))
        masks_.change(*network_, learner_.optimizer(), [&] { learner_.differentiate(samples_, minibatch); });
      last = learner_.learn_minibatch(samples_, minibatch);
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
      .options = PolicyCloningConfig{},
      .reads = [](std::string_view key) { return !key.starts_with("reg.dropout"); },
      // Students do not look at what a time limit cut off, and only a critic can share their trunk.
      .is_idle =
          [](std::string_view key, const AgentConfig& config) {
            return key == "rl.timeout_bootstrap" ||
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
        work.teacher_acts = true;
        work.valued_per_step = distils_critic(config) ? 1 : 0;
        return work;
      }};
}

}  // namespace impsweep
