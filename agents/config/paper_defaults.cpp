#include "agents/config/paper_defaults.hpp"

#include <span>
#include <stdexcept>
#include <string>

#include "agents/config/cloning_config.hpp"
#include "agents/config/dqn_config.hpp"
#include "agents/config/ppo_config.hpp"
#include "agents/config/supervised_config.hpp"

namespace impsweep {
namespace {

// How one algorithm is set on the tasks of one family.
struct Row {
  std::string_view family, algorithm, source;
  AgentConfig (*config)();
};

// The tables print the learning rate, discount, coefficients, clip, steps, workers and epochs. What they
// leave out, batch_T and the evaluations, is ours; minibatches, norm clip, schedules and the normalisation of
// advantages are rlpyt's (its classes, or its configurations for the domain).
std::span<const Row> rows() {
  static constexpr Row kRows[] = {
      {.family = "cartpole",
       .algorithm = "bc",
       .source = "Table 2",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {128, 128}},
                 .sampler = {.steps = 10'000, .batch_B = 4, .batch_T = 64},
                 .evaluation = {.interval = 500, .episodes = 20},
                 .own = PolicyCloningConfig{.learning_rate = 1e-3}};
       }},
      {.family = "cartpole",
       .algorithm = "ppo",
       .source = "Table 3",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {128, 128}},
                 .sampler = {.steps = 80'000, .batch_B = 4, .batch_T = 64},
                 .evaluation = {.interval = 2'000, .episodes = 20},
                 .own = PpoConfig{.gae_lambda = 0.8, .entropy_coefficient = 0.001}};
       }},
      {.family = "cartpole",
       .algorithm = "dqn",
       .source = "ours, figure 12",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {128, 128}},
                 .sampler = {.steps = 80'000, .batch_B = 4, .batch_T = 4},
                 .evaluation = {.interval = 2'000, .episodes = 20},
                 .own = DqnConfig{.learning_rate = 5e-4,
                                  .batch_size = 64,
                                  .replay_size = 50'000,
                                  .min_steps_learn = 1'000,
                                  .target_update_interval = 100,
                                  .epsilon_final = 0.01,
                                  .epsilon_steps = 10'000}};
       }},
      {.family = "acrobot",
       .algorithm = "bc",
       .source = "Table 4",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {128, 64}},
                 .sampler = {.steps = 200'000, .batch_B = 4, .batch_T = 256},
                 .evaluation = {.interval = 5'000, .episodes = 20},
                 .own = PolicyCloningConfig{.learning_rate = 5e-4}};
       }},
      {.family = "acrobot",
       .algorithm = "ppo",
       .source = "Table 5",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {128, 64}},
                 .sampler = {.steps = 500'000, .batch_B = 4, .batch_T = 256},
                 .evaluation = {.interval = 12'500, .episodes = 20},
                 .own = PpoConfig{.gae_lambda = 0.95, .entropy_coefficient = 0.01}};
       }},
      {.family = "acrobot",  // PPO's network and budget, the rest as on Cart-Pole
       .algorithm = "dqn",
       .source = "ours",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {128, 64}},
                 .sampler = {.steps = 500'000, .batch_B = 4, .batch_T = 4},
                 .evaluation = {.interval = 12'500, .episodes = 20},
                 .own = DqnConfig{.learning_rate = 5e-4,
                                  .batch_size = 64,
                                  .replay_size = 50'000,
                                  .min_steps_learn = 1'000,
                                  .target_update_interval = 100,
                                  .epsilon_final = 0.01,
                                  .epsilon_steps = 10'000}};
       }},
      {.family = "locomotion",
       .algorithm = "bc",
       .source = "Table 6",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {64, 64}, .activation = Activation::kTanh},
                 .sampler = {.steps = 500'000, .batch_B = 10, .batch_T = 256, .decorrelation_steps = 0},
                 .evaluation = {.interval = 12'500, .episodes = 10},
                 .own = PolicyCloningConfig{.learning_rate = 5e-4, .epochs = 10, .minibatches = 32}};
       }},
      {.family = "locomotion",
       .algorithm = "ppo",
       .source = "Table 7",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {64, 64}, .activation = Activation::kTanh},
                 .sampler = {.steps = 1'500'000, .batch_B = 10, .batch_T = 256, .decorrelation_steps = 0},
                 .evaluation = {.interval = 37'500, .episodes = 10},
                 .own = PpoConfig{.gae_lambda = 0.98,
                                  .entropy_coefficient = 0.001,
                                  .epochs = 10,
                                  .minibatches = 32,
                                  .normalize_advantage = true}};
       }},
      {.family = "mazegrid",
       .algorithm = "dqn",
       .source = "Table 8",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {512, 256}},
                 .sampler = {.steps = 5'000'000, .batch_B = 10, .batch_T = 32},
                 .evaluation = {.interval = 125'000, .episodes = 10},
                 .own = DqnConfig{.learning_rate = 5e-4,
                                  .batch_size = 256,
                                  .replay_size = 100'000,
                                  .min_steps_learn = 50'000,
                                  .target_update_interval = 312,
                                  .epsilon_final = 0.01,
                                  .epsilon_steps = 1'000'000}};
       }},
      {.family = "mazegrid",
       .algorithm = "bc",
       .source = "ours, figure 12",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {512, 256}},
                 .sampler = {.steps = 5'000'000, .batch_B = 10, .batch_T = 32},
                 .evaluation = {.interval = 125'000, .episodes = 10},
                 .own = ValueCloningConfig{.learning_rate = 5e-4, .clip_grad_norm = 10}};
       }},
      {.family = "mazegrid",
       .algorithm = "ppo",
       .source = "ours, figure 12",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {512, 256}},
                 .sampler = {.steps = 5'000'000, .batch_B = 10, .batch_T = 128},
                 .evaluation = {.interval = 125'000, .episodes = 10},
                 .own = PpoConfig{.gae_lambda = 0.95, .entropy_coefficient = 0.01}};
       }},
      {.family = "atari",
       .algorithm = "ppo",
       .source = "Table 9",
       .config = []() -> AgentConfig {
         return {.network = {.architecture = Architecture::kAtari, .shared_trunk = true, .hidden = {512}},
                 .sampler = {.steps = 2'500'000, .batch_B = 10, .batch_T = 128},
                 .evaluation = {.interval = 125'000, .episodes = 10},
                 .own = PpoConfig{.gae_lambda = 0.98, .entropy_coefficient = 0.001, .epochs = 10}};
       }},
      {.family = "atari",
       .algorithm = "bc",
       .source = "ours",
       .config = []() -> AgentConfig {
         return {.network = {.architecture = Architecture::kAtari, .shared_trunk = true, .hidden = {512}},
                 .sampler = {.steps = 2'500'000, .batch_B = 10, .batch_T = 128},
                 .evaluation = {.interval = 125'000, .episodes = 10},
                 .own = PolicyCloningConfig{.learning_rate = 5e-4, .epochs = 10}};
       }},
      {.family = "atari",
       .algorithm = "dqn",
       .source = "ours",
       .config = []() -> AgentConfig {
         return {.network = {.architecture = Architecture::kAtari, .shared_trunk = true, .hidden = {512}},
                 .sampler = {.steps = 2'500'000, .batch_B = 10, .batch_T = 32},
                 .evaluation = {.interval = 125'000, .episodes = 10},
                 .own = DqnConfig{.learning_rate = 2.5e-4, .epsilon_steps = 1'000'000}};
       }},
      {.family = "minatar",
       .algorithm = "bc",
       .source = "Table 10",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {1024, 512}},
                 .sampler = {.steps = 10'000'000, .batch_B = 10, .batch_T = 32},
                 .evaluation = {.interval = 250'000, .episodes = 20},
                 .own = ValueCloningConfig{.learning_rate = 5e-4, .clip_grad_norm = 10}};
       }},
      {.family = "minatar",
       .algorithm = "dqn",
       .source = "Table 11",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {1024, 512}},
                 .sampler = {.steps = 15'000'000, .batch_B = 10, .batch_T = 32},
                 .evaluation = {.interval = 250'000, .episodes = 20},
                 .own = DqnConfig{.learning_rate = 2.5e-4,
                                  .batch_size = 256,
                                  .replay_size = 100'000,
                                  .min_steps_learn = 50'000,
                                  .target_update_interval = 312,
                                  .epsilon_final = 0.05,
                                  .epsilon_steps = 7'500'000}};
       }},
      {.family = "minatar",
       .algorithm = "ppo",
       .source = "ours",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {512, 256}},
                 .sampler = {.steps = 5'000'000, .batch_B = 10, .batch_T = 128},
                 .evaluation = {.interval = 125'000, .episodes = 10},
                 .own = PpoConfig{.gae_lambda = 0.95, .entropy_coefficient = 0.01}};
       }},
      {.family = "digits",  // twenty passes over 60,000 images, a test after each
       .algorithm = "supervised",
       .source = "ours, figure 1",
       .config = []() -> AgentConfig {
         return {.network = {.hidden = {300, 100}},
                 .sampler = {.steps = 1'200'000},
                 .evaluation = {.interval = 60'000},
                 .own = SupervisedConfig{}};
       }},
  };
  return kRows;
}

const Row* find_row(const TaskInfo& task, std::string_view algorithm) {
  for (const Row& row : rows())
    if (row.family == task.family && row.algorithm == algorithm) return &row;
  return nullptr;
}

// For tasks and algorithms that the table does not know: by the kind of observations and actions. Images are
// given rlpyt's network for Atari, boards of zeros and ones wide layers, vectors two small ones; continuous
// actions what rlpyt does on MuJoCo.
AgentConfig neutral_defaults(const TaskInfo& task) {
  if (task.is_data_set)
    return {.network = {.hidden = {300, 100}},
            .sampler = {.steps = 1'200'000},
            .evaluation = {.interval = 60'000}};
  if (task.continuous)
    return {.network = {.hidden = {64, 64}, .activation = Activation::kTanh},
            .sampler = {.steps = 1'000'000, .batch_B = 8, .batch_T = 256, .decorrelation_steps = 0},
            .evaluation = {.interval = 25'000, .episodes = 10}};
  if (task.rows > 0)
    return {.network = {.hidden = {512, 256}},
            .sampler = {.steps = 5'000'000, .batch_B = 10, .batch_T = 128},
            .evaluation = {.interval = 125'000, .episodes = 10}};
  return {.network = {.hidden = {128, 128}},
          .sampler = {.steps = 500'000, .batch_B = 8, .batch_T = 128},
          .evaluation = {.interval = 12'500, .episodes = 20}};
}

// Environments of Gymnasium, of which the paper says nothing: what CleanRL (commit fe8d8a0) trains
// CartPole-v1 (ppo.py, dqn.py) and MuJoCo (ppo_continuous_action.py) with, in as many lanes as here. Its
// normalisation of observations and rewards is left to ppo.obs_norm and ppo.reward_norm.
AgentConfig gymnasium_defaults(const TaskInfo& task, std::string_view algorithm) {
  AgentConfig config = neutral_defaults(task);
  config.network.tanh_mean = false;
  if (algorithm == "ppo") {
    config.network.hidden = {64, 64};
    config.network.activation = Activation::kTanh;
  }
  if (algorithm == "ppo" && task.continuous)
    config.own = PpoConfig{.learning_rate = 3e-4,
                           .gae_lambda = 0.95,
                           .entropy_coefficient = 0,
                           .epochs = 10,
                           .minibatches = 32,
                           .normalize_advantage = true,
                           .clip_grad_norm = 0.5};
  if (algorithm == "ppo" && !task.continuous)
    config.own = PpoConfig{.learning_rate = 2.5e-4,
                           .gae_lambda = 0.95,
                           .entropy_coefficient = 0.01,
                           .normalize_advantage = true,
                           .clip_grad_norm = 0.5};
  if (algorithm == "dqn") {
    config.sampler.batch_T = 4;
    config.own = DqnConfig{.learning_rate = 2.5e-4,
                           .batch_size = 128,
                           .replay_size = 50'000,
                           .min_steps_learn = 10'000,
                           .target_update_interval = 200,
                           .prioritized = false,
                           .epsilon_final = 0.05,
                           .epsilon_fraction = 0.5};
  }
  return config;
}

// What holds for all algorithms of a family.
struct Family {
  std::string_view name;
  int rounds = 20;
  std::string_view teacher = "ppo";
  bool prunes_critic = false;
};

const Family& family_of(const TaskInfo& task) {
  static const std::vector<Family> kFamilies = {
      {.name = "cartpole", .rounds = 30},
      {.name = "acrobot", .rounds = 30},
      {.name = "mazegrid", .rounds = 30, .teacher = "dqn"},
      {.name = "minatar", .teacher = "dqn"},
      {.name = "locomotion", .prunes_critic = true},
      {.name = "atari"},
      {.name = "digits"},
  };
  static const Family kUnknown{};
  for (const Family& family : kFamilies)
    if (family.name == task.family) return family;
  return kUnknown;
}

}  // namespace

AgentConfig paper_defaults(const TaskInfo& task, std::string_view algorithm) {
  const Row* row = find_row(task, algorithm);
  AgentConfig config = row != nullptr               ? row->config()
                       : task.family == "gymnasium" ? gymnasium_defaults(task, algorithm)
                                                    : neutral_defaults(task);
  config.evaluation.max_episode_steps = default_episode_cap(task);
  return config;
}

AgentConfig paper_defaults(std::string_view task, std::string_view algorithm) {
  const TaskInfo* info = find_task(task);
  if (info == nullptr) throw std::invalid_argument("there is no task '" + std::string(task) + "'");
  return paper_defaults(*info, algorithm);
}

std::int64_t default_episode_cap(const TaskInfo& task) {
  constexpr std::int64_t kLongest = 5'000;
  return task.max_steps == 0 && !task.is_data_set ? kLongest : 0;
}

std::string_view source_of_defaults(const TaskInfo& task, std::string_view algorithm) {
  const Row* row = find_row(task, algorithm);
  return row != nullptr ? row->source : "ours";
}

int paper_rounds(const TaskInfo& task) {
  return family_of(task).rounds;
}

std::string_view teacher_algorithm(const TaskInfo& task) {
  return family_of(task).teacher;
}

bool prunes_critic(const TaskInfo& task) {
  return family_of(task).prunes_critic;
}

std::vector<std::int64_t> paper_cnn_hidden() {
  return {128, 64};
}

std::vector<std::int64_t> paper_teacher_hidden(const TaskInfo& task,
                                               const std::vector<std::int64_t>& student_hidden) {
  using Sizes = std::vector<std::int64_t>;
  if (task.family == "cartpole") return student_hidden == Sizes{256, 256} ? Sizes{128, 128} : Sizes{64, 64};
  if (task.family == "acrobot") return {128, 64};
  if (task.family == "minatar") return {512, 256};
  return student_hidden;
}

}  // namespace impsweep
