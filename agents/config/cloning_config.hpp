// agents/config/cloning_config.hpp - the options of behavioural cloning, algorithm "bc": of policies, or of
// action values where teachers are DQN agents (protocol of the paper's section 3.1; no part of rlpyt).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "agents/config/option_field.hpp"

namespace impsweep {

enum class CloningCritic { kNone, kDistill };
constexpr auto enum_names(CloningCritic) {
  return std::array<std::string_view, 2>{"none", "distill"};
}

enum class CloningData { kTeacher, kStudent, kFixed };
constexpr auto enum_names(CloningData) {
  return std::array<std::string_view, 3>{"expert", "student", "fixed"};
}

// Whose states a student learns from.
struct CloningDataConfig {
  CloningData data = CloningData::kTeacher;
  std::int64_t fixed_steps = 10'000;

  template <class V>
  void visit(V& v) {
    v("bc.data", data, kAny,
      "whose states are learned from: always new ones of the teacher; the student's own, which the teacher "
      "labels; or the same ones of the teacher again and again");
    v("bc.fixed_steps", fixed_steps, Range{1, 1e8},
      "fixed: states of the teacher, rounded up to whole time steps; the same in all rounds of a seed");
  }
};

// Students of teachers whose policies they learn.
struct PolicyCloningConfig {
  double learning_rate = 1e-3;
  std::int64_t epochs = 4;
  std::int64_t minibatches = 4;
  double clip_grad_norm = 1.0;
  bool linear_schedule = false;
  CloningCritic critic = CloningCritic::kNone;
  CloningDataConfig states = {};

  template <class V>
  void visit(V& v) {
    v("bc.learning_rate", learning_rate, kPositive, "Adam step size");
    v("bc.epochs", epochs, Range{1, 1000}, "passes over each batch of the teacher's states");
    v("bc.minibatches", minibatches, kAtLeastOne, "parts of a batch per epoch");
    v("bc.clip_grad_norm", clip_grad_norm, kPositive, "limit of the global gradient norm");
    v("bc.linear_schedule", linear_schedule, kAny, "learning rate falls linearly to zero");
    v("bc.critic", critic, kAny, "none, or distill: the student also learns the teacher's values");
    states.visit(v);
  }
};

// Students of teachers whose action values they learn.
struct ValueCloningConfig {
  double learning_rate = 1e-3;
  double clip_grad_norm = 1.0;
  bool linear_schedule = false;
  std::int64_t batch_size = 256;
  std::int64_t replay_size = 100'000;
  double replay_ratio = 4;
  double delta_clip = 1.0;
  double epsilon_teacher = 0.05, epsilon_eval = 0.001;
  CloningDataConfig states = {};

  template <class V>
  void visit(V& v) {
    v("bc.learning_rate", learning_rate, kPositive, "Adam step size");
    v("bc.clip_grad_norm", clip_grad_norm, kPositive, "limit of the global gradient norm");
    v("bc.linear_schedule", linear_schedule, kAny, "learning rate falls linearly to zero");
    v("bc.batch_size", batch_size, Range{1, 65536}, "states per update");
    v("bc.replay_size", replay_size, kAtLeastOne,
      "states of the teacher kept, rounded up to whole time steps");
    v("bc.replay_ratio", replay_ratio, kPositive,
      "states learned from for each one visited; at least one update per iteration");
    v("bc.delta_clip", delta_clip, kPositive, "Huber delta of the difference of values");
    v("bc.epsilon_expert", epsilon_teacher, kFraction, "probability of a random action of the teacher");
    v("bc.epsilon_eval", epsilon_eval, kFraction, "probability of a random action in evaluations");
    states.visit(v);
  }
};

// Which trained agent teaches.
struct TeacherChoiceConfig {
  std::vector<std::int64_t> hidden = {64, 64};
  std::int64_t candidates = 5;
  std::int64_t seed = 1000;

  template <class V>
  void visit(V& v) {
    v("bc.teacher_hidden", hidden, kAtLeastOne, "hidden layers of the teacher");
    v("bc.teacher_candidates", candidates, Range{1, 1000},
      "dense trainings of which the best becomes the teacher");
    v("bc.teacher_seed", seed, kNonNegative, "seed of the first candidate");
  }
};

}  // namespace impsweep
