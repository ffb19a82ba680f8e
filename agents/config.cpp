#include "agents/config.hpp"

namespace impsweep {
namespace {

// What the paper's tables (appendix C) and rlpyt's settings make different from task to task. Everything
// else has the initial values of the structs in config.hpp.
struct Column {
  std::string_view task;
  std::vector<std::int64_t> hidden;
  std::int64_t batch_B, batch_T, evaluation_episodes;
  double ppo_gae_lambda, ppo_entropy_coefficient;
  std::int64_t ppo_steps, ppo_evaluation_interval;
  double cloning_learning_rate;
  std::int64_t cloning_steps, cloning_evaluation_interval;
};

// What the robots have besides their column: rlpyt's networks and configuration for MuJoCo.
void set_locomotion(AgentConfig& config) {
  config.network.activation = Activation::kTanh;
  config.sampler.decorrelation_steps = 0;
  config.ppo.epochs = config.cloning.epochs = 10;
  config.ppo.minibatches = config.cloning.minibatches = 32;
  config.ppo.normalize_advantage = true;
}

// And what Atari games have: rlpyt's network, whose critic is a head on the actor's (table 9).
void set_atari(AgentConfig& config) {
  config.network.architecture = Architecture::kAtari;
  config.network.shared_trunk = true;
  config.ppo.epochs = config.cloning.epochs = 10;
}

const Column& column_of(std::string_view task) {
  static const Column kCartPole = {"cartpole", {128, 128}, 4,    64,   20,    0.8,
                                   0.001,      80000,      2000, 1e-3, 10000, 500};
  static const Column kAcrobot = {"acrobot", {128, 64}, 4,     256,  20,     0.95,
                                  0.01,      500000,    12500, 5e-4, 200000, 5000};
  // PPO on MazeGrid (figure 12); also the starting point for a task without a column of its own.
  static const Column kMazeGrid = {"mazegrid", {512, 256}, 10,     128,  10,      0.95,
                                   0.01,       5000000,    125000, 5e-4, 5000000, 125000};
  static const Column kLocomotion = {"locomotion", {64, 64}, 10,    256,  10,     0.98,
                                     0.001,        1500000,  37500, 5e-4, 500000, 12500};
  static const Column kAtari = {"atari", {512},   10,     128,  10,      0.98,
                                0.001,   2500000, 125000, 5e-4, 2500000, 125000};
  if (is_locomotion(task)) return kLocomotion;
  if (is_atari(task)) return kAtari;
  for (const Column* column : {&kCartPole, &kAcrobot})
    if (column->task == task) return *column;
  return kMazeGrid;
}

// DQN differs from task to task in these as well (table 8, table 11; Cart-Pole is figure 12).
struct DqnColumn {
  std::vector<std::int64_t> hidden;
  std::int64_t steps, batch_B, batch_T, evaluation_interval, evaluation_episodes;
  double learning_rate;
  std::int64_t batch_size, replay_size, min_steps_learn, target_update_interval;
  double epsilon_final;
  std::int64_t epsilon_steps;
};

const DqnColumn& dqn_column_of(std::string_view task) {
  static const DqnColumn kClassic = {{128, 128}, 80'000, 4,     4,   2'000, 20,    5e-4,
                                     64,         50'000, 1'000, 100, 0.01,  10'000};
  static const DqnColumn kMinAtar = {{1024, 512}, 15'000'000, 10,     32,  250'000, 20,       2.5e-4,
                                     256,         100'000,    50'000, 312, 0.05,    7'500'000};
  static const DqnColumn kMazeGrid = {{512, 256}, 5'000'000, 10,     32,  125'000, 10,       5e-4,
                                      256,        100'000,   50'000, 312, 0.01,    1'000'000};
  if (task == "cartpole" || task == "acrobot") return kClassic;
  return task.starts_with("minatar-") ? kMinAtar : kMazeGrid;
}

void set_dqn_defaults(std::string_view task, AgentConfig& config) {
  const DqnColumn& column = dqn_column_of(task);
  if (task != "acrobot") {  // not in the paper: PPO's network and budget there, the rest as on Cart-Pole
    config.network.hidden = column.hidden;
    config.sampler.steps = column.steps;
    config.evaluation.interval = column.evaluation_interval;
    config.evaluation.episodes = column.evaluation_episodes;
  }
  config.sampler.batch_B = column.batch_B;
  config.sampler.batch_T = column.batch_T;
  config.dqn.learning_rate = column.learning_rate;
  config.dqn.batch_size = column.batch_size;
  config.dqn.replay_size = column.replay_size;
  config.dqn.min_steps_learn = column.min_steps_learn;
  config.dqn.target_update_interval = column.target_update_interval;
  config.dqn.epsilon_final = column.epsilon_final;
  config.dqn.epsilon_steps = column.epsilon_steps;
}

// Students of DQN teachers (table 10) collect like them.
void set_value_cloning_defaults(std::string_view task, AgentConfig& config) {
  set_dqn_defaults(task, config);
  config.dqn = {};
  if (task.starts_with("minatar-")) config.sampler.steps = 10'000'000;
  config.cloning.learning_rate = 5e-4;
  config.cloning.clip_grad_norm = 10;
}

// Twenty passes over 60,000 images, a test after each.
AgentConfig supervised_defaults() {
  AgentConfig config;
  config.network.hidden = {300, 100};
  config.sampler.steps = 1'200'000;
  config.evaluation.interval = 60'000;
  return config;
}

}  // namespace

bool distils_values(std::string_view task) {
  return task.starts_with("mazegrid") || task.starts_with("minatar-");
}

AgentConfig paper_defaults(std::string_view task, std::string_view algorithm) {
  if (algorithm == "supervised") return supervised_defaults();
  const Column& column = column_of(task);
  const bool cloning = algorithm == "bc";
  AgentConfig config;
  config.network.hidden = column.hidden;
  config.sampler.steps = cloning ? column.cloning_steps : column.ppo_steps;
  config.sampler.batch_B = column.batch_B;
  config.sampler.batch_T = column.batch_T;
  config.evaluation.interval = cloning ? column.cloning_evaluation_interval : column.ppo_evaluation_interval;
  config.evaluation.episodes = column.evaluation_episodes;
  config.ppo.gae_lambda = column.ppo_gae_lambda;
  config.ppo.entropy_coefficient = column.ppo_entropy_coefficient;
  config.cloning.learning_rate = column.cloning_learning_rate;
  if (is_locomotion(task)) set_locomotion(config);
  if (is_atari(task)) set_atari(config);
  if (algorithm == "dqn") set_dqn_defaults(task, config);
  if (cloning && distils_values(task)) set_value_cloning_defaults(task, config);
  config.cloning.teacher_hidden = paper_teacher_hidden(task, config.network.hidden);
  return config;
}

bool is_locomotion(std::string_view task) {
  return task == "halfcheetah" || task == "walker2d" || task == "hopper" || task == "ant";
}

bool is_atari(std::string_view task) {
  return task.starts_with("atari-");
}

std::vector<std::int64_t> paper_cnn_hidden() {
  return {128, 64};
}

std::vector<std::int64_t> paper_teacher_hidden(std::string_view task,
                                               const std::vector<std::int64_t>& student_hidden) {
  using Sizes = std::vector<std::int64_t>;
  if (task == "cartpole") return student_hidden == Sizes{256, 256} ? Sizes{128, 128} : Sizes{64, 64};
  if (task == "acrobot") return {128, 64};
  if (task.starts_with("minatar-")) return {512, 256};
  return student_hidden;
}

}  // namespace impsweep
