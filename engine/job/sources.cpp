#include "engine/job/sources.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace impsweep {
namespace {

// Hyper-parameter tables of the paper's appendix C.
struct Table {
  std::string_view family, algorithm;
  int number;
};
constexpr std::array kTables = {
    Table{"cartpole", "bc", 2},  Table{"cartpole", "ppo", 3},  Table{"acrobot", "bc", 4},
    Table{"acrobot", "ppo", 5},  Table{"locomotion", "bc", 6}, Table{"locomotion", "ppo", 7},
    Table{"mazegrid", "dqn", 8}, Table{"atari", "ppo", 9},     Table{"minatar", "bc", 10},
    Table{"minatar", "dqn", 11},
};

// Rows of these tables, by algorithm.
constexpr std::array kOfPpo = {"rl.steps",          "rl.batch_B",
                               "ppo.learning_rate", "ppo.discount",
                               "ppo.gae_lambda",    "ppo.value_coefficient",
                               "ppo.ratio_clip",    "ppo.entropy_coefficient",
                               "ppo.epochs"};
constexpr std::array kOfDqn = {
    "rl.steps",         "dqn.learning_rate",   "dqn.discount",      "dqn.batch_size",     "dqn.replay_size",
    "dqn.replay_ratio", "dqn.clip_grad_norm",  "dqn.delta_clip",    "dqn.priority_alpha", "dqn.beta_initial",
    "dqn.beta_final",   "dqn.epsilon_initial", "dqn.epsilon_final", "dqn.epsilon_steps",  "dqn.epsilon_eval"};
constexpr std::array kOfCloning = {"rl.steps", "bc.learning_rate", "bc.teacher_hidden", "network.hidden"};

// What holds wherever the tables do not say. The first row that fits counts; "" fits everything, and a key
// that ends with '*' whatever begins like it.
struct Row {
  std::string_view key, family, algorithm, source;
};
constexpr std::array kRows = {
    Row{"rounds", "", "", "ours; the paper: 20 to 30"},
    Row{"seeds", "", "", "paper, captions of its figures"},
    Row{"master_seed", "", "", "ours"},
    Row{"network.hidden", "cartpole", "", "ours: the student of paper, table 2"},
    Row{"network.hidden", "acrobot", "", "ours: the student of paper, table 4"},
    Row{"network.hidden", "minatar", "dqn", "ours (A20)"},
    Row{"network.hidden", "locomotion", "ppo", "ours: the student of paper, table 6"},
    Row{"network.hidden", "atari", "", "rlpyt, atari_ff_model.py"},
    Row{"network.hidden", "digits", "", "ours (after Frankle and Carbin 2019)"},
    Row{"network.hidden", "gymnasium", "ppo", "CleanRL, ppo.py and ppo_continuous_action.py"},
    Row{"network.hidden", "", "", "ours"},
    Row{"network.architecture", "atari", "", "rlpyt, atari_ff_model.py"},
    Row{"network.architecture", "", "", "paper, section 2 and appendix A.1"},
    Row{"network.filters", "", "", "paper, table 10"},
    Row{"network.kernel", "", "", "paper, table 10"},
    Row{"network.shared_trunk", "atari", "", "ours (A4)"},
    Row{"network.shared_trunk", "", "", "ours; the paper speaks of actor and critic networks"},
    Row{"network.activation", "locomotion", "", "rlpyt, mujoco_ff_model.py"},
    Row{"network.activation", "gymnasium", "ppo", "CleanRL, ppo.py and ppo_continuous_action.py"},
    Row{"network.activation", "", "", "rlpyt, models/mlp.py (A16)"},
    Row{"network.init", "", "", "PyTorch; paper, section 4.2: the Kaiming family"},
    Row{"network.input_scale", "", "", "paper, section 4.2"},
    Row{"network.tanh_mean", "gymnasium", "", "CleanRL, ppo_continuous_action.py"},
    Row{"network.tanh_mean", "", "", "rlpyt, mujoco_ff_model.py"},
    Row{"network.*", "", "", "ours"},
    Row{"ppo.learning_rate", "gymnasium", "", "CleanRL, ppo.py and ppo_continuous_action.py"},
    Row{"ppo.gae_lambda", "gymnasium", "", "CleanRL, ppo.py and ppo_continuous_action.py"},
    Row{"ppo.entropy_coefficient", "gymnasium", "", "CleanRL, ppo.py and ppo_continuous_action.py"},
    Row{"ppo.epochs", "gymnasium", "", "CleanRL, ppo.py and ppo_continuous_action.py"},
    Row{"ppo.minibatches", "gymnasium", "", "CleanRL, ppo.py and ppo_continuous_action.py"},
    Row{"ppo.normalize_advantage", "gymnasium", "", "CleanRL, ppo.py and ppo_continuous_action.py"},
    Row{"ppo.clip_grad_norm", "gymnasium", "", "CleanRL, ppo.py and ppo_continuous_action.py"},
    Row{"dqn.learning_rate", "gymnasium", "", "CleanRL, dqn.py"},
    Row{"dqn.batch_size", "gymnasium", "", "CleanRL, dqn.py"},
    Row{"dqn.min_steps_learn", "gymnasium", "", "CleanRL, dqn.py"},
    Row{"dqn.prioritized", "gymnasium", "", "CleanRL, dqn.py"},
    Row{"dqn.epsilon_final", "gymnasium", "", "CleanRL, dqn.py"},
    Row{"dqn.epsilon_fraction", "gymnasium", "", "CleanRL, dqn.py"},
    Row{"rl.batch_B", "", "", "ours (A12)"},
    Row{"rl.batch_T", "", "", "ours"},
    Row{"rl.steps", "", "", "ours"},
    Row{"rl.decorrelation_steps", "", "", "rlpyt, samplers/base.py and configs"},
    Row{"rl.timeout_bootstrap", "", "", "rlpyt, envs/gym.py"},
    Row{"rl.*", "", "", "ours"},
    Row{"eval.max_steps", "", "", "ours, of rlpyt's eval_max_steps"},
    Row{"eval.*", "", "", "ours; the paper: \"a set of evaluation episodes\""},
    Row{"adam.*", "", "supervised", "PyTorch"},
    Row{"adam.*", "", "", "PyTorch; paper: Adam"},
    Row{"reg.weight_decay", "", "", "paper; 0.1 in figure 14"},
    Row{"reg.dropout", "", "", "paper; 0.1 in figure 14"},
    Row{"reg.l2_mode", "", "", "PyTorch's Adam"},
    Row{"reg.dropout_target", "", "", "ours"},
    Row{"imp.prune_fraction", "", "", "paper, section 2"},
    Row{"imp.prune_from", "", "", "paper, section 2 (A9)"},
    Row{"imp.scope", "cartpole", "ppo", "paper, section 3.3"},
    Row{"imp.scope", "acrobot", "ppo", "paper, section 3.3"},
    Row{"imp.scope", "atari", "ppo", "paper, section 3.3 (A4)"},
    Row{"imp.scope", "locomotion", "ppo", "paper, section 3.3"},
    Row{"imp.scope", "", "bc", "ours (A5)"},
    Row{"imp.scope", "", "", "ours"},
    Row{"imp.mask_source", "", "", "ours (A1)"},
    Row{"imp.prune_rule", "", "", "ours (A2)"},
    Row{"imp.prune_bias", "", "", "ours (A3)"},
    Row{"imp.mask_perm", "", "", "ours (A6)"},
    Row{"imp.reinit_scope", "", "", "ours (A7)"},
    Row{"imp.rewind_budget", "", "", "ours (A8)"},
    Row{"imp.perm_round0", "", "", "ours (A10)"},
    Row{"imp.reset_unpruned", "", "", "ours (A11)"},
    Row{"imp.rewind_step", "", "", "paper, section 2; figure 14"},
    Row{"imp.*", "", "", "ours"},
    Row{"sparse.interval", "", "", "Graesser et al. 2022; gradual: Obando-Ceron et al. 2024"},
    Row{"sparse.fraction", "", "", "Graesser et al. 2022"},
    Row{"sparse.start", "", "", "Graesser et al. 2022, Obando-Ceron et al. 2024"},
    Row{"sparse.end", "", "", "Graesser et al. 2022; gradual: Obando-Ceron et al. 2024"},
    Row{"sparse.grow", "", "", "Evci et al. 2020"},
    Row{"sparse.*", "", "", "ours; nothing by default"},
    Row{"ppo.minibatches", "locomotion", "", "rlpyt, mujoco_ppo.py (A19)"},
    Row{"ppo.minibatches", "", "", "rlpyt, ppo.py"},
    Row{"ppo.normalize_advantage", "locomotion", "", "rlpyt, mujoco_ppo.py (A19)"},
    Row{"ppo.normalize_advantage", "", "", "rlpyt, ppo.py"},
    Row{"ppo.clip_grad_norm", "", "", "rlpyt, ppo.py"},
    Row{"ppo.linear_schedule", "", "", "rlpyt, ppo.py (A13)"},
    Row{"ppo.advantage_scope", "", "", "rlpyt, base.py"},
    Row{"ppo.clip_value_loss", "", "", "rlpyt, ppo.py"},
    Row{"ppo.target_kl", "", "", "rlpyt, ppo.py"},
    Row{"ppo.clip_schedule", "", "", "rlpyt, ppo.py"},
    Row{"ppo.reward_norm", "", "", "rlpyt, ppo.py"},
    Row{"ppo.obs_norm", "", "", "rlpyt, mujoco_ff_model.py"},
    Row{"ppo.initial_log_std", "", "", "rlpyt, mujoco_ff_model.py"},
    Row{"ppo.*", "", "", "ours"},
    Row{"dqn.min_steps_learn", "mazegrid", "", "rlpyt, dqn.py"},
    Row{"dqn.min_steps_learn", "minatar", "", "rlpyt, dqn.py"},
    Row{"dqn.min_steps_learn", "atari", "", "rlpyt, dqn.py"},
    Row{"dqn.target_update_interval", "mazegrid", "", "rlpyt, dqn.py"},
    Row{"dqn.target_update_interval", "minatar", "", "rlpyt, dqn.py"},
    Row{"dqn.target_update_interval", "atari", "", "rlpyt, dqn.py"},
    Row{"dqn.n_step", "", "", "rlpyt, dqn.py"},
    Row{"dqn.dueling", "", "", "rlpyt, atari_dqn_model.py"},
    Row{"dqn.double", "", "", "paper, section 2"},
    Row{"dqn.prioritized", "", "", "paper, section 2"},
    Row{"dqn.adam_epsilon", "", "", "rlpyt, dqn.py (A21)"},
    Row{"dqn.beta_steps", "", "", "ours (A14)"},
    Row{"dqn.*", "", "", "ours"},
    Row{"supervised.*", "", "", "ours (after Frankle and Carbin 2019)"},
    Row{"bc.critic", "", "", "ours (A5)"},
    Row{"bc.data", "", "", "ours (A17)"},
    Row{"bc.*", "", "", "ours"},
    Row{"inputs.*", "", "", "paper, sections 4.1 and 4.2; nothing by default"},
    Row{"cartpole.version", "", "", "ours (A18)"},
    Row{"cartpole.*", "", "", "Gymnasium"},
    Row{"acrobot.*", "", "", "Gymnasium"},
    Row{"mazegrid.max_steps", "", "", "paper, appendix B"},
    Row{"mazegrid.*", "", "", "ours"},
    Row{"minatar.minimal_actions", "", "", "MinAtar"},
    Row{"minatar.*", "", "", "MinAtar"},
    Row{"halfcheetah.*", "", "", "PyBullet Gym"},
    Row{"walker2d.*", "", "", "PyBullet Gym"},
    Row{"hopper.*", "", "", "PyBullet Gym"},
    Row{"ant.*", "", "", "PyBullet Gym"},
    Row{"locomotion.package", "", "", "paper, which cites PyBullet Gym"},
    Row{"locomotion.*", "", "", "ours"},
    Row{"gymnasium.*", "", "", "Gymnasium"},
    Row{"atari.budget_unit", "", "", "ours (A15)"},
    Row{"atari.*", "", "", "rlpyt, atari_env.py"},
    Row{"digits.*", "", "", "ours"},
};

template <std::size_t N>
bool is_among(const std::array<const char*, N>& keys, std::string_view key) {
  return std::ranges::find(keys, key) != keys.end();
}

bool is_tabled(std::string_view key, std::string_view algorithm, int table) {
  constexpr int kMinAtarCloning = 10;  // says nothing of workers
  if (algorithm == "ppo") return is_among(kOfPpo, key);
  if (algorithm == "dqn") return is_among(kOfDqn, key);
  return is_among(kOfCloning, key) || (key == "rl.batch_B" && table != kMinAtarCloning);
}

bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return true;
  return pattern.ends_with('*') ? text.starts_with(pattern.substr(0, pattern.size() - 1)) : text == pattern;
}

// By what the teacher of a student has learned.
std::string_view learned_by(std::string_view family) {
  return family == "mazegrid" || family == "minatar" ? "dqn" : "ppo";
}

}  // namespace

std::string source_of(std::string_view key, std::string_view family, std::string_view algorithm) {
  constexpr std::string_view kTeacher = "teacher.";
  if (key.starts_with(kTeacher)) return source_of(key.substr(kTeacher.size()), family, learned_by(family));
  for (const Table& table : kTables)
    if (table.family == family && table.algorithm == algorithm && is_tabled(key, algorithm, table.number)) {
      std::string text = "paper, table " + std::to_string(table.number);
      if (key == "rl.batch_B") text += " (A12)";
      if (key == "rl.steps" && family == "atari") text += " (A15)";
      return text;
    }
  for (const Row& row : kRows)
    if (fits(row.key, key) && fits(row.family, family) && fits(row.algorithm, algorithm))
      return std::string(row.source);
  return "";
}

std::string source_of_task(std::string_view task) {
  constexpr std::array kNamed = {"cartpole",
                                 "acrobot",
                                 "ant",
                                 "walker2d",
                                 "mazegrid",
                                 "mazegrid-rgb",
                                 "mazegrid-entangled",
                                 "minatar-asterix",
                                 "minatar-breakout",
                                 "minatar-freeway",
                                 "minatar-space_invaders",
                                 "digits"};
  if (is_among(kNamed, task)) return "named in the paper";
  if (task == "halfcheetah" || task == "hopper")
    return "not named in the paper, which has four robots and names two: ours";
  if (task.starts_with("atari-")) return "the paper names no Atari game: ours";
  return "not in the paper: ours";
}

}  // namespace impsweep
