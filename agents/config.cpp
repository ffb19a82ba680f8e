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
  if (is_locomotion(task)) return kLocomotion;
  for (const Column* column : {&kCartPole, &kAcrobot})
    if (column->task == task) return *column;
  return kMazeGrid;
}

}  // namespace

AgentConfig paper_defaults(std::string_view task, std::string_view algorithm) {
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
  config.cloning.teacher_hidden = paper_teacher_hidden(task, column.hidden);
  if (is_locomotion(task)) set_locomotion(config);
  return config;
}

bool is_locomotion(std::string_view task) {
  return task == "halfcheetah" || task == "walker2d" || task == "hopper" || task == "ant";
}

std::vector<std::int64_t> paper_teacher_hidden(std::string_view task,
                                               const std::vector<std::int64_t>& student_hidden) {
  using Sizes = std::vector<std::int64_t>;
  if (task == "cartpole") return student_hidden == Sizes{256, 256} ? Sizes{128, 128} : Sizes{64, 64};
  if (task == "acrobot") return {128, 64};
  return student_hidden;
}

}  // namespace impsweep
