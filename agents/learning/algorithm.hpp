// agents/learning/algorithm.hpp - an algorithm as one row: everything that the rest of the program must know
// of it.
//
// A row is made by the algorithm's own file (ppo_algorithm() in ppo.cpp) and listed in algorithm.cpp. Fields
// have no defaults: a row that forgets one does not compile under our warnings, and the battery in
// tests/agents/learning/algorithm_test.cpp runs on every row.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/config/config.hpp"
#include "agents/learning/trainer.hpp"
#include "agents/network/model.hpp"
#include "envs/environment.hpp"

namespace impsweep {

// What a training does, for forecasts of its cost. An iteration plays steps_per_iteration steps and then
// makes updates_per_iteration updates, each from `batch` observations: the trained networks go forward and
// backward over them, and others forward only.
struct LearningWork {
  std::int64_t steps_per_iteration = 1;  // trainings end with a whole iteration
  double first_step = 0;                 // environment steps before the first update
  double updates_per_iteration = 1;      // from then on
  double batch = 1;                      // observations of an update
  double learning_rate = 0;              // at the start
  double inferences = 0;                 // of the trained networks over a batch, besides forward and backward
  double teacher_inferences = 0;         // of the teacher's first network over a batch
  double valued_per_step = 0;            // observations whose value the critic says, for each step
  bool teacher_acts = false;             // the teacher's network acts, and not the one that is trained
  std::int64_t fixed_steps = 0;  // steps that are played once, before all iterations; 0: played in them
  bool has_rollouts = false;     // an iteration's updates are from the steps that it played
  std::int64_t replay_size = 0;  // transitions in the replay memory; 0: there is none
  double draws = 0;              // observations drawn from it for each of a batch
  double target_updates = 0;     // updates between copies to a target network; 0: there is none
};

// Iterations of a training of so many environment steps, and the gradient steps that they make if none is
// given up (ppo.target_kl).
std::int64_t planned_iterations(const LearningWork&, std::int64_t env_steps);
std::int64_t planned_updates(const LearningWork&, std::int64_t env_steps);

// Environment steps of all lanes in a rollout.
inline std::int64_t rollout_steps(const SamplerConfig& sampler) {
  return sampler.batch_B * sampler.batch_T;
}

struct AlgorithmInfo {
  std::string name;         // as in job files and names of chains: "ppo"
  int semantics;            // raised whenever results of this algorithm change
  std::string description;  // one line for people

  // Whether it learns the task. Rows may share a name ("bc" clones policies or values) if no task fits two of
  // them.
  bool (*learns)(const TaskInfo&);
  std::string_view needs;  // what a task must be for it, for messages: "an environment"
  bool has_teacher;        // it learns from a trained agent
  bool chooses_inputs;     // its agents may be given some of their inputs only (inputs.*)
  bool changes_masks;      // masks may change while it learns (sparse.*)

  AlgorithmOptions options;             // its own, at their defaults
  bool (*reads)(std::string_view key);  // whether an option that all algorithms share means anything to it
  // Whether an option that it has changes nothing as long as the others are what they are.
  bool (*is_idle)(std::string_view key, const AgentConfig&);
  // Conditions between options. `prefix` stands before keys in messages ("teacher."). Throws
  // std::invalid_argument.
  void (*check)(const AgentConfig&, const std::string& prefix);
  // Whether the critic is pruned with the actor where a job does not say (imp.scope).
  bool (*prunes_critic)(const TaskInfo&, const AgentConfig&);

  ModelSpec (*model)(const ModelShape&, const AgentConfig&);  // the networks that are trained
  std::unique_ptr<Trainer> (*make_trainer)(const TrainingRequest&, int max_columns);
  // What measures returns, with batches of at most max_columns; `greedy`: without the chance in the policy.
  std::unique_ptr<Evaluator> (*make_evaluator)(const TrainingRequest&, int max_columns, bool greedy);
  LearningWork (*work)(const AgentConfig&);
  // What is allowed and hardly meant, e.g. exploration that never ends, for people. `prefix` as for check().
  std::vector<std::string> (*doubts)(const AgentConfig&, const std::string& prefix) = nullptr;
};

// Every algorithm, in the order of presentation.
std::span<const AlgorithmInfo> algorithms();

// Their names, each once.
std::vector<std::string> algorithm_names();

// Those that learn the task.
std::vector<const AlgorithmInfo*> algorithms_for(const TaskInfo&);

// The row of this name that learns the task; nullptr if there is none.
const AlgorithmInfo* find_algorithm(std::string_view name, const TaskInfo&);

// The networks of an algorithm on a task, with the convolutions over its board. Throws std::invalid_argument
// where these do not fit.
ModelSpec model_on_task(const AlgorithmInfo&, const TaskInfo&, const AgentConfig&);

// Building blocks of rows.
bool is_environment(const TaskInfo&);
// Episodes of the policy as it acts while learning, and of action values with this probability of a random
// action.
std::unique_ptr<Evaluator> policy_evaluator(const TrainingRequest&, int max_columns, bool greedy);
std::unique_ptr<Evaluator> value_evaluator(const TrainingRequest&, int max_columns, double epsilon);
// Conditions that several algorithms have. Throw std::invalid_argument.
void check_minibatches(const AgentConfig&, std::int64_t minibatches, const std::string& key,
                       const std::string& prefix);
void check_replay_size(const AgentConfig&, std::int64_t size, std::int64_t n_step, const std::string& key);

}  // namespace impsweep
