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

struct NetworkConfig {
  std::vector<std::int64_t> hidden = {128, 128};
  Activation activation = Activation::kRelu;
  Init init = Init::kKaiming;
  double input_scale = 0.1;

  template <class V>
  void visit(V& v) {
    v("network.hidden", hidden, kAtLeastOne, "units of each hidden layer, e.g. [128, 128]");
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
    v("rl.steps", steps, kAtLeastOne, "environment steps of one training");
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

  template <class V>
  void visit(V& v) {
    v("reg.weight_decay", weight_decay, kNonNegative, "L2 coefficient on all parameters");
    v("reg.l2_mode", l2_mode, kAny,
      "adam_l2: gradient term after the norm clip (PyTorch's Adam); adamw: decoupled; loss: in the loss, "
      "before the clip");
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

struct CloningConfig {
  double learning_rate = 1e-3;
  std::int64_t epochs = 4;
  std::int64_t minibatches = 4;
  double clip_grad_norm = 1.0;
  bool linear_schedule = false;
  CloningCritic critic = CloningCritic::kNone;
  std::vector<std::int64_t> teacher_hidden = {64, 64};
  std::int64_t teacher_candidates = 5;
  std::int64_t teacher_seed = 1000;

  template <class V>
  void visit(V& v) {
    v("bc.learning_rate", learning_rate, kPositive, "Adam step size");
    v("bc.epochs", epochs, Range{1, 1000}, "passes over each batch of expert states");
    v("bc.minibatches", minibatches, kAtLeastOne, "parts of a batch per epoch");
    v("bc.clip_grad_norm", clip_grad_norm, kPositive, "limit of the global gradient norm");
    v("bc.linear_schedule", linear_schedule, kAny, "learning rate falls linearly to zero");
    v("bc.critic", critic, kAny, "none, or distill: the student also learns the expert's values");
    v("bc.teacher_hidden", teacher_hidden, kAtLeastOne, "hidden layers of the expert");
    v("bc.teacher_candidates", teacher_candidates, Range{1, 1000},
      "dense trainings of which the best becomes the expert");
    v("bc.teacher_seed", teacher_seed, kNonNegative, "seed of the first candidate");
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
  CloningConfig cloning;

  template <class V>
  void visit(V& v) {
    network.visit(v);
    sampler.visit(v);
    evaluation.visit(v);
    adam.visit(v);
    regularisation.visit(v);
    v("imp.best_tie", best_tie, kAny, "which of equal best evaluations counts as the best checkpoint");
    ppo.visit(v);
    cloning.visit(v);
  }
};

// The paper's settings of `algorithm` ("ppo", "bc") on `task` (its appendix C; rlpyt where it is silent).
AgentConfig paper_defaults(std::string_view task, std::string_view algorithm);

// The four robots, for which the paper has one set of values.
bool is_locomotion(std::string_view task);

// Hidden layers of the expert that teaches a student of this size (tables 2 and 4): on Cart-Pole 64-64
// teaches 128-128 and 128-128 teaches 256-256; on Acrobot 128-64 teaches all.
std::vector<std::int64_t> paper_teacher_hidden(std::string_view task,
                                               const std::vector<std::int64_t>& student_hidden);

}  // namespace impsweep
