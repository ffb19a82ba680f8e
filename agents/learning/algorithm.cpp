#include "agents/learning/algorithm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "agents/learning/cloning.hpp"
#include "agents/learning/dqn.hpp"
#include "agents/learning/ppo.hpp"
#include "agents/learning/supervised.hpp"
#include "agents/learning/value_cloning.hpp"

namespace impsweep {

std::span<const AlgorithmInfo> algorithms() {
  static const std::vector<AlgorithmInfo> kAlgorithms = {
      policy_cloning_algorithm(), value_cloning_algorithm(), ppo_algorithm(), dqn_algorithm(),
      supervised_algorithm(),
  };
  return kAlgorithms;
}

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names;
  for (const AlgorithmInfo& algorithm : algorithms())
    if (std::ranges::count(names, algorithm.name) == 0) names.push_back(algorithm.name);
  return names;
}

std::vector<const AlgorithmInfo*> algorithms_for(const TaskInfo& task) {
  std::vector<const AlgorithmInfo*> fitting;
  for (const AlgorithmInfo& algorithm : algorithms())
    if (algorithm.learns(task)) fitting.push_back(&algorithm);
  return fitting;
}

const AlgorithmInfo* find_algorithm(std::string_view name, const TaskInfo& task) {
  for (const AlgorithmInfo& algorithm : algorithms())
    if (algorithm.name == name && algorithm.learns(task)) return &algorithm;
  return nullptr;
}

ModelSpec model_on_task(const AlgorithmInfo& algorithm, const TaskInfo& task, const AgentConfig& config) {
  const ModelShape shape{task.observation_size, task.actions, task.continuous};
  return with_convolutions(algorithm.model(shape, config), task, config.network);
}

std::int64_t planned_iterations(const LearningWork& work, std::int64_t env_steps) {
  return (env_steps + work.steps_per_iteration - 1) / work.steps_per_iteration;
}

std::int64_t planned_updates(const LearningWork& work, std::int64_t env_steps) {
  const auto idle = static_cast<std::int64_t>(work.first_step) / work.steps_per_iteration;
  const std::int64_t learning = std::max<std::int64_t>(planned_iterations(work, env_steps) - idle, 0);
  return std::llround(static_cast<double>(learning) * work.updates_per_iteration);
}

bool is_environment(const TaskInfo& task) {
  return !task.is_data_set;
}

namespace {

std::unique_ptr<Evaluator> evaluator_with(const TrainingRequest& request, int max_columns,
                                          std::unique_ptr<Policy> policy) {
  return std::make_unique<EpisodeEvaluator>(request.task, request.task_options, max_columns,
                                            std::move(policy), request.config.evaluation.max_episode_steps,
                                            request.threads, request.interruption);
}

}  // namespace

std::unique_ptr<Evaluator> policy_evaluator(const TrainingRequest& request, int max_columns, bool greedy) {
  const ModelSpec& model = request.model;
  const int outputs = model.parts.front().sizes.back();
  return evaluator_with(
      request, max_columns,
      greedy ? greedy_policy(model, max_columns) : make_policy(outputs, model.log_std > 0, max_columns));
}

std::unique_ptr<Evaluator> value_evaluator(const TrainingRequest& request, int max_columns, double epsilon) {
  const int outputs = request.model.parts.front().sizes.back();
  return evaluator_with(request, max_columns,
                        std::make_unique<EpsilonGreedyPolicy>(outputs, max_columns, epsilon));
}

void check_minibatches(const AgentConfig& config, std::int64_t minibatches, const std::string& key,
                       const std::string& prefix) {
  const std::int64_t batch = config.sampler.batch_B * config.sampler.batch_T;
  if (minibatches > batch)
    throw std::invalid_argument(fmt::format(
        "'{}' = {} is more than the {} samples of a batch ({}rl.batch_B x {}rl.batch_T = {} x {}); lower it "
        "or "
        "enlarge the batch",
        prefix + key, minibatches, batch, prefix, prefix, config.sampler.batch_B, config.sampler.batch_T));
}

// The ring must hold an iteration and the n-step future of its last step.
void check_replay_size(const AgentConfig& config, std::int64_t size, std::int64_t n_step,
                       const std::string& key) {
  constexpr std::int64_t kMostTransitions = 1'000'000'000;
  const std::int64_t least = config.sampler.batch_B * (config.sampler.batch_T + n_step + 2);
  if (size < least || size > kMostTransitions)
    throw std::invalid_argument(
        fmt::format("'{}' = {} is outside {}..{}: it must hold an iteration of all environments", key, size,
                    least, kMostTransitions));
}

}  // namespace impsweep
