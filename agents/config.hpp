// agents/config.hpp - every option of learning, declared once: key, field (its initialiser is the default),
// range, help.
//
// Each struct lists its options in visit(v): v(key, field, Range, help). Enumerations are written in job
// files by the names that enum_names() gives. Values that the paper sets per task are written over these by
// paper_defaults(). Sources of the defaults: the paper's appendix C, rlpyt where the paper is silent.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace impsweep {

struct Range {
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
};
inline constexpr Range kPositive{1e-300, std::numeric_limits<double>::infinity()};
inline constexpr Range kNonNegative{0.0, std::numeric_limits<double>::infinity()};
inline constexpr Range kAtLeastOne{1.0, 1e15};
inline constexpr Range kFraction{0.0, 1.0};
inline constexpr Range kAny{};

enum class Activation { kRelu, kTanh };
constexpr auto enum_names(Activation) {
  return std::array<std::string_view, 2>{"relu", "tanh"};
}

enum class Init { kKaiming, kKaimingInScaled, kXavier, kHe };
constexpr auto enum_names(Init) {
  return std::array<std::string_view, 4>{"kaiming", "kaiming_in_scaled", "xavier", "he"};
}

enum class L2Mode { kAdamL2, kAdamW, kLoss };
constexpr auto enum_names(L2Mode) {
  return std::array<std::string_view, 3>{"adam_l2", "adamw", "loss"};
}

enum class EvaluationMode { kEpisodes, kRlpyt };
constexpr auto enum_names(EvaluationMode) {
  return std::array<std::string_view, 2>{"episodes", "rlpyt"};
}

enum class CloningCritic { kNone, kDistill };
constexpr auto enum_names(CloningCritic) {
  return std::array<std::string_view, 2>{"none", "distill"};
}

enum class BestTie { kFirst, kLast };
constexpr auto enum_names(BestTie) {
  return std::array<std::string_view, 2>{"first", "last"};
}

enum class Architecture { kMlp, kCnn, kAtari };
constexpr auto enum_names(Architecture) {
  return std::array<std::string_view, 3>{"mlp", "cnn", "atari"};
}

struct NetworkConfig {
  Architecture architecture = Architecture::kMlp;
  std::int64_t filters = 16;
  std::int64_t kernel = 3;
  bool shared_trunk = false;
  std::vector<std::int64_t> hidden = {128, 128};
  Activation activation = Activation::kRelu;
  Init init = Init::kKaiming;
  double input_scale = 0.1;

  template <class V>
  void visit(V& v) {
    v("network.hidden", hidden, kAtLeastOne, "units of each hidden layer, e.g. [128, 128]");
    v("network.architecture", architecture, kAny,
      "mlp; cnn: a convolution over the board comes first; atari: two, 16 of 8x8 with stride 4 and 32 of 4x4 "
      "with stride 2");
    v("network.filters", filters, Range{1, 4096}, "cnn: kernels of the convolution");
    v("network.kernel", kernel, Range{1, 64}, "cnn: rows and columns of a kernel; stride 1, no padding");
    v("network.shared_trunk", shared_trunk, kAny, "actor and critic share all layers but their last");
    v("network.activation", activation, kAny, "after every hidden layer");
    v("network.init", init, kAny,
      "initialisation: kaiming U(+-1/sqrt(fan_in)), kaiming_in_scaled, xavier, he");
    v("network.input_scale", input_scale, kPositive, "factor on input-layer weights under kaiming_in_scaled");
  }
};

struct SamplerConfig {
  std::int64_t steps = 80000;
  std::int64_t batch_B = 4;
  std::int64_t batch_T = 64;
  std::int64_t decorrelation_steps = 100;
  bool timeout_bootstrap = false;

  template <class V>
  void visit(V& v) {
    v("rl.steps", steps, kAtLeastOne, "environment steps, or images shown, of one training");
    v("rl.batch_B", batch_B, Range{1, 4096}, "environments stepped in lock-step (the paper's workers)");
    v("rl.batch_T", batch_T, Range{1, 65536}, "steps of each environment per iteration");
    v("rl.decorrelation_steps", decorrelation_steps, kNonNegative,
      "up to this many random actions per environment before training, not counted");
    v("rl.timeout_bootstrap", timeout_bootstrap, kAny,
      "bootstrap the value where only the step limit ended an episode");
  }
};

struct EvaluationConfig {
  EvaluationMode mode = EvaluationMode::kEpisodes;
  std::int64_t interval = 2000;
  std::int64_t episodes = 20;
  std::int64_t max_steps = 10000;
  std::int64_t reevaluation_episodes = 100;

  template <class V>
  void visit(V& v) {
    v("eval.mode", mode, kAny,
      "episodes: a fixed number of full episodes; rlpyt: capped steps, completed episodes only");
    v("eval.interval", interval, kAtLeastOne, "training steps between evaluations");
    v("eval.episodes", episodes, Range{1, 100000},
      "episodes per evaluation (rlpyt mode: cap on completed episodes)");
    v("eval.max_steps", max_steps, kAtLeastOne,
      "rlpyt mode: environment steps per evaluation, over all lanes");
    v("eval.reevaluation_episodes", reevaluation_episodes, Range{1, 1000000},
      "fresh episodes for the final network and for the best checkpoint");
  }
};

struct AdamConfig {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

  template <class V>
  void visit(V& v) {
    v("adam.beta1", beta1, Range{0, 0.999999}, "decay of the first moment");
    v("adam.beta2", beta2, Range{0, 0.999999999}, "decay of the second moment");
    v("adam.epsilon", epsilon, kNonNegative, "added outside the square root");
  }
};

struct RegularisationConfig {
  double weight_decay = 0;
  L2Mode l2_mode = L2Mode::kAdamL2;
  double dropout = 0;
  bool dropout_target = false;

  template <class V>
  void visit(V& v) {
    v("reg.weight_decay", weight_decay, kNonNegative, "L2 coefficient on all parameters");
    v("reg.l2_mode", l2_mode, kAny,
      "adam_l2: gradient term after the norm clip (PyTorch's Adam); adamw: decoupled; loss: in the loss, "
      "before the clip");
    v("reg.dropout", dropout, Range{0, 0.99},
      "part of the hidden activations that the pass learned from sets to 0; off in acting and evaluation");
    v("reg.dropout_target", dropout_target, kAny, "the target network drops activations as well");
  }
};

struct PpoConfig {
  double learning_rate = 5e-4;
  double discount = 0.99;
  double gae_lambda = 0.8;
  double value_coefficient = 0.5;
  double entropy_coefficient = 0.001;
  double ratio_clip = 0.2;
  std::int64_t epochs = 4;
  std::int64_t minibatches = 4;
  bool normalize_advantage = false;
  double clip_grad_norm = 1.0;
  bool linear_schedule = true;

  template <class V>
  void visit(V& v) {
    v("ppo.learning_rate", learning_rate, kPositive, "Adam step size at the start");
    v("ppo.discount", discount, kFraction, "gamma");
    v("ppo.gae_lambda", gae_lambda, kFraction, "lambda of the generalized advantage estimation");
    v("ppo.value_coefficient", value_coefficient, kNonNegative, "weight of mean(0.5 (V - R)^2) in the loss");
    v("ppo.entropy_coefficient", entropy_coefficient, kNonNegative, "weight of the mean entropy in the loss");
    v("ppo.ratio_clip", ratio_clip, kPositive, "clip of the probability ratio at the start");
    v("ppo.epochs", epochs, Range{1, 1000}, "passes over each rollout");
    v("ppo.minibatches", minibatches, kAtLeastOne, "parts of a rollout per epoch");
    v("ppo.normalize_advantage", normalize_advantage, kAny, "over the whole rollout, divisor max(std, 1e-6)");
    v("ppo.clip_grad_norm", clip_grad_norm, kPositive, "limit of the global gradient norm");
    v("ppo.linear_schedule", linear_schedule, kAny, "learning rate and clip fall linearly to zero");
  }
};

struct DqnConfig {
  double learning_rate = 5e-4;
  double discount = 0.99;
  std::int64_t batch_size = 256;
  std::int64_t replay_size = 100'000;
  double replay_ratio = 4;
  std::int64_t min_steps_learn = 50'000;
  std::int64_t n_step = 1;
  bool double_dqn = true;
  bool dueling = false;
  std::int64_t target_update_interval = 312;
  double delta_clip = 1.0;
  double clip_grad_norm = 10.0;
  double adam_epsilon = 0;
  bool prioritized = true;
  double priority_alpha = 0.6;
  double beta_initial = 0.4, beta_final = 1.0;
  std::int64_t beta_steps = 0;
  double epsilon_initial = 1.0, epsilon_final = 0.01;
  std::int64_t epsilon_steps = 1'000'000;
  double epsilon_eval = 0.001;

  // Adam's epsilon in force; rlpyt's default for DQN falls with the batch.
  double adam_epsilon_in_force() const {
    return adam_epsilon > 0 ? adam_epsilon : 0.01 / static_cast<double>(batch_size);
  }

  template <class V>
  void visit(V& v) {
    v("dqn.learning_rate", learning_rate, kPositive, "Adam step size");
    v("dqn.discount", discount, kFraction, "gamma");
    v("dqn.batch_size", batch_size, Range{1, 65536}, "transitions per update");
    v("dqn.replay_size", replay_size, kAtLeastOne, "transitions kept, rounded up to whole time steps");
    v("dqn.replay_ratio", replay_ratio, kPositive,
      "transitions learned from for each one collected; at least one update per iteration");
    v("dqn.min_steps_learn", min_steps_learn, kNonNegative, "environment steps before the first update");
    v("dqn.n_step", n_step, Range{1, 1000}, "rewards summed before the bootstrap");
    v("dqn.double", double_dqn, kAny, "the online network chooses the action that the target network values");
    v("dqn.dueling", dueling, kAny, "separate networks for the value and the advantages");
    v("dqn.target_update_interval", target_update_interval, kAtLeastOne,
      "updates between copies to the target network");
    v("dqn.delta_clip", delta_clip, kPositive, "Huber delta, and the largest priority");
    v("dqn.clip_grad_norm", clip_grad_norm, kPositive, "limit of the global gradient norm");
    v("dqn.adam_epsilon", adam_epsilon, kNonNegative, "added outside the square root; 0: 0.01 / batch_size");
    v("dqn.prioritized", prioritized, kAny, "prioritized replay; false: uniform");
    v("dqn.priority_alpha", priority_alpha, kNonNegative, "exponent of the priorities");
    v("dqn.beta_initial", beta_initial, kNonNegative, "exponent of the importance weights at first");
    v("dqn.beta_final", beta_final, kNonNegative, "and after dqn.beta_steps");
    v("dqn.beta_steps", beta_steps, kNonNegative, "environment steps until then; 0: the whole training");
    v("dqn.epsilon_initial", epsilon_initial, kFraction, "probability of a random action at first");
    v("dqn.epsilon_final", epsilon_final, kFraction, "and after dqn.epsilon_steps");
    v("dqn.epsilon_steps", epsilon_steps, kNonNegative, "environment steps until then");
    v("dqn.epsilon_eval", epsilon_eval, kFraction, "in evaluations");
  }
};

struct CloningConfig {
  double learning_rate = 1e-3;
  std::int64_t epochs = 4;
  std::int64_t minibatches = 4;
  double clip_grad_norm = 1.0;
  bool linear_schedule = false;
  CloningCritic critic = CloningCritic::kNone;
  std::int64_t batch_size = 256;
  std::int64_t replay_size = 100'000;
  double replay_ratio = 4;
  double delta_clip = 1.0;
  double epsilon_teacher = 0.05, epsilon_eval = 0.001;
  std::vector<std::int64_t> teacher_hidden = {64, 64};
  std::int64_t teacher_candidates = 5;
  std::int64_t teacher_seed = 1000;

  template <class V>
  void visit(V& v) {
    v("bc.learning_rate", learning_rate, kPositive, "Adam step size");
    v("bc.epochs", epochs, Range{1, 1000}, "passes over each batch of teacher states");
    v("bc.minibatches", minibatches, kAtLeastOne, "parts of a batch per epoch");
    v("bc.clip_grad_norm", clip_grad_norm, kPositive, "limit of the global gradient norm");
    v("bc.linear_schedule", linear_schedule, kAny, "learning rate falls linearly to zero");
    v("bc.critic", critic, kAny, "none, or distill: the student also learns the teacher's values");
    v("bc.batch_size", batch_size, Range{1, 65536}, "states per update");
    v("bc.replay_size", replay_size, kAtLeastOne, "teacher states kept, rounded up to whole time steps");
    v("bc.replay_ratio", replay_ratio, kPositive,
      "states learned from for each one visited; at least one update per iteration");
    v("bc.delta_clip", delta_clip, kPositive, "Huber delta of the difference of values");
    v("bc.epsilon_expert", epsilon_teacher, kFraction, "probability of a random action of the teacher");
    v("bc.epsilon_eval", epsilon_eval, kFraction, "probability of a random action in evaluations");
    v("bc.teacher_hidden", teacher_hidden, kAtLeastOne, "hidden layers of the teacher");
    v("bc.teacher_candidates", teacher_candidates, Range{1, 1000},
      "dense trainings of which the best becomes the teacher");
    v("bc.teacher_seed", teacher_seed, kNonNegative, "seed of the first candidate");
  }
};

// Classification of labelled images. Sources: no hyper-parameter is in the paper; the values of Frankle and
// Carbin (2019) for LeNet-300-100.
struct SupervisedConfig {
  double learning_rate = 1.2e-3;
  std::int64_t batch_size = 60;

  template <class V>
  void visit(V& v) {
    v("supervised.learning_rate", learning_rate, kPositive, "Adam step size");
    v("supervised.batch_size", batch_size, Range{1, 65536}, "images per update");
  }
};

// Everything an agent's training depends on besides the task's own options.
struct AgentConfig {
  NetworkConfig network;
  SamplerConfig sampler;
  EvaluationConfig evaluation;
  AdamConfig adam;
  RegularisationConfig regularisation;
  BestTie best_tie = BestTie::kFirst;
  PpoConfig ppo;
  DqnConfig dqn;
  CloningConfig cloning;
  SupervisedConfig supervised;

  template <class V>
  void visit(V& v) {
    network.visit(v);
    sampler.visit(v);
    evaluation.visit(v);
    adam.visit(v);
    regularisation.visit(v);
    v("imp.best_tie", best_tie, kAny, "which of equal best evaluations counts as the best checkpoint");
    ppo.visit(v);
    dqn.visit(v);
    cloning.visit(v);
    supervised.visit(v);
  }
};

// Whether teachers of the task are DQN agents whose values students learn, and not policies trained by PPO.
bool distils_values(std::string_view task);

// The paper's settings of `algorithm` ("ppo", "dqn", "bc", "supervised") on `task` (its appendix C; rlpyt
// where it is silent).
AgentConfig paper_defaults(std::string_view task, std::string_view algorithm);

// The four robots, for which the paper has one set of values.
bool is_locomotion(std::string_view task);

// Games of the Atari 2600.
bool is_atari(std::string_view task);

// Hidden layers behind the convolution on MinAtar (table 10).
std::vector<std::int64_t> paper_cnn_hidden();

// Hidden layers of the teacher that teaches a student of this size (tables 2 and 4): on Cart-Pole 64-64
// teaches 128-128 and 128-128 teaches 256-256; on Acrobot 128-64 teaches all, on MinAtar 512-256.
std::vector<std::int64_t> paper_teacher_hidden(std::string_view task,
                                               const std::vector<std::int64_t>& student_hidden);

}  // namespace impsweep
