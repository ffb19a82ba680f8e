// agents/config/config.hpp - the options that agents of every algorithm share, and a place for those of one.
// Each struct lists its options in visit(v), see option_field.hpp. Values that the paper sets for a task are
// written over these defaults by paper_defaults(). Sources of the defaults: the paper's appendix C, rlpyt
// where the paper is silent.
#pragma once

#include <any>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/config/option_field.hpp"

namespace impsweep {

enum class Activation { kRelu, kTanh };
constexpr auto enum_names(Activation) {
  return std::array<std::string_view, 2>{"relu", "tanh"};
}

enum class Init { kKaiming, kKaimingInScaled, kXavier, kHe, kOrthogonal };
constexpr auto enum_names(Init) {
  return std::array<std::string_view, 5>{"kaiming", "kaiming_in_scaled", "xavier", "he", "orthogonal"};
}

enum class L2Mode { kAdamL2, kAdamW, kLoss };
constexpr auto enum_names(L2Mode) {
  return std::array<std::string_view, 3>{"adam_l2", "adamw", "loss"};
}

enum class EvaluationMode { kEpisodes, kRlpyt };
constexpr auto enum_names(EvaluationMode) {
  return std::array<std::string_view, 2>{"episodes", "rlpyt"};
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
  double hidden_gain = 1.4142135623730951;
  double actor_gain = 0.01;
  double output_gain = 1;
  bool tanh_mean = true;

  template <class V>
  void visit(V& v) {
    v("network.hidden", hidden, kAtLeastOne,
      "units of each hidden layer, e.g. [128, 128]; []: none, a linear network");
    v("network.architecture", architecture, kAny,
      "mlp; cnn: a convolution over the board comes first; atari: two, 16 of 8x8 with stride 4 and 32 of 4x4 "
      "with stride 2");
    v("network.filters", filters, Range{1, 4096}, "cnn: kernels of the convolution");
    v("network.kernel", kernel, Range{1, 64}, "cnn: rows and columns of a kernel; stride 1, no padding");
    v("network.shared_trunk", shared_trunk, kAny, "actor and critic share all layers but their last");
    v("network.activation", activation, kAny, "after every hidden layer");
    v("network.init", init, kAny,
      "initialisation: kaiming U(+-1/sqrt(fan_in)), kaiming_in_scaled, xavier, he; orthogonal with gains, "
      "and "
      "biases 0");
    v("network.input_scale", input_scale, kPositive, "factor on input-layer weights under kaiming_in_scaled");
    v("network.hidden_gain", hidden_gain, kPositive, "orthogonal: gain of all layers but the last");
    v("network.actor_gain", actor_gain, kPositive, "orthogonal: gain of an actor's output layer");
    v("network.output_gain", output_gain, kPositive, "orthogonal: gain of every other output layer");
    v("network.tanh_mean", tanh_mean, kAny, "continuous actions: tanh on the mean of the policy");
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
  std::int64_t max_episode_steps = 0;
  std::int64_t reevaluation_episodes = 100;
  bool greedy = false;

  template <class V>
  void visit(V& v) {
    v("eval.mode", mode, kAny,
      "episodes: a fixed number of full episodes; rlpyt: capped steps, completed episodes only");
    v("eval.interval", interval, kAtLeastOne, "training steps between evaluations");
    v("eval.episodes", episodes, Range{1, 100000},
      "episodes per evaluation (rlpyt mode: cap on completed episodes)");
    v("eval.max_steps", max_steps, kAtLeastOne,
      "rlpyt mode: environment steps per evaluation, over all lanes");
    v("eval.max_episode_steps", max_episode_steps, Range{0, 1e9},
      "an episode is cut after so many steps, and counts; 0: the task's own limit");
    v("eval.reevaluation_episodes", reevaluation_episodes, Range{1, 1000000},
      "fresh episodes for the final network and for the best checkpoint");
    v("eval.greedy", greedy, kAny,
      "no chance in the evaluated policy: the largest output's action, or the mean");
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

// The options of one algorithm: a value of any type that lists its options in visit().
class AlgorithmOptions {
 public:
  AlgorithmOptions() = default;

  template <class Options>
  requires(!std::is_same_v<std::remove_cvref_t<Options>, AlgorithmOptions>)
      AlgorithmOptions(Options options)  // NOLINT: a row of defaults is written as the options themselves
      : held_(std::move(options)), append_(append_of<Options>) {}

  bool empty() const { return !held_.has_value(); }

  // The options as what they are; an empty holder takes the defaults first. Throws std::logic_error if it
  // holds the options of another algorithm.
  template <class Options>
  Options& as() {
    if (!held_.has_value()) *this = Options{};
    if (auto* options = std::any_cast<Options>(&held_)) return *options;
    throw std::logic_error("these are the options of another algorithm");
  }
  template <class Options>
  const Options& as() const {
    static const Options kDefaults{};
    if (!held_.has_value()) return kDefaults;
    if (const auto* options = std::any_cast<Options>(&held_)) return *options;
    throw std::logic_error("these are the options of another algorithm");
  }

  void append(std::vector<OptionField>& fields) {
    if (append_ != nullptr) append_(held_, fields);
  }

 private:
  template <class Options>
  static void append_of(std::any& held, std::vector<OptionField>& fields) {
    append_fields(*std::any_cast<Options>(&held), fields);
  }

  std::any held_;
  void (*append_)(std::any&, std::vector<OptionField>&) = nullptr;
};

// Everything an agent's training depends on besides the task's own options.
struct AgentConfig {
  NetworkConfig network = {};
  SamplerConfig sampler = {};
  EvaluationConfig evaluation = {};
  AdamConfig adam = {};
  RegularisationConfig regularisation = {};
  BestTie best_tie = BestTie::kFirst;
  AlgorithmOptions own = {};  // PpoConfig, DqnConfig, ...

  template <class Options>
  Options& options() {
    return own.as<Options>();
  }
  template <class Options>
  const Options& options() const {
    return own.as<Options>();
  }

  // The shared options.
  template <class V>
  void visit(V& v) {
    network.visit(v);
    sampler.visit(v);
    evaluation.visit(v);
    adam.visit(v);
    regularisation.visit(v);
    v("imp.best_tie", best_tie, kAny, "which of equal best evaluations counts as the best checkpoint");
  }
};

}  // namespace impsweep
