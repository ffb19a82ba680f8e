// engine/job/settings.hpp - everything that one kind of training depends on, resolved: the paper's values of
// its task and algorithm, with the job's values written over them.
//
// Keys: network.* rl.* eval.* adam.* reg.* imp.* of every algorithm, inputs.* of those that act alone,
// sparse.* of all that act or have a teacher, ppo.* of PPO, dqn.* of DQN, bc.* of behavioural cloning,
// supervised.* of classification, and the task's own. A student's teacher is a PPO agent with the paper's
// values, or a DQN agent where students learn action values (mazegrid, minatar); teacher.KEY changes any of
// them, and ppo.KEY or dqn.KEY means the teacher's where the student has no such key itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/config/cloning_config.hpp"
#include "agents/config/sparse_config.hpp"
#include "agents/learning/algorithm.hpp"
#include "engine/imp/imp_config.hpp"
#include "engine/job/inputs.hpp"
#include "engine/job/option_table.hpp"
#include "envs/environment.hpp"

namespace impsweep {

struct Settings {
  std::string task, algorithm;
  std::uint64_t master_seed = 0;
  AgentConfig agent;
  AgentConfig teacher;                 // of students; its hidden layers are teacher_choice.hidden
  TeacherChoiceConfig teacher_choice;  // of students
  ImpConfig imp;
  InputsConfig inputs;       // of algorithms that choose inputs
  SparseConfig sparse;       // of algorithms whose masks may change
  TaskOptions task_options;  // those that were set
};

// "128-128", "cnn16x3-128-64", or "linear" without hidden layers, as in names of chains.
std::string network_name(const NetworkConfig&);

// Every option at its declared default, for a known task and algorithm.
Settings declared_settings(const std::string& task, const std::string& algorithm);

// What the paper does, for a known task and algorithm.
Settings paper_settings(const std::string& task, const std::string& algorithm);

// The row of the settings' algorithm. Throws InputError if no such algorithm learns the task.
const AlgorithmInfo& algorithm_of(const Settings&);

// Throw InputError with the nearest name, or with the algorithms that can learn the task.
const TaskInfo& known_task(const std::string& name, const std::string& place);
const AlgorithmInfo& available_algorithm(const std::string& name, const std::string& task,
                                         const std::string& place);

// Every key that these settings have, in the order of declaration: with the declared default (which does not
// depend on the paper's value for the task) and the value that it has here.
std::vector<OptionState> list_settings(const Settings&);

// Every key of any task and algorithm, for suggestions.
std::vector<std::string> known_keys();

// Whether set_option() of such settings knows the key. Keys of a Gaussian policy are only those of tasks with
// continuous actions.
bool has_option(const std::string& task, const std::string& algorithm, const std::string& key);

// Sets one key of the list. False if these settings have no such key; InputError if the value is impossible.
bool set_option(Settings&, const std::string& key, const JobValue&, const std::string& place);

// The steps of a training whose budget counts the frames of a game (atari.budget_unit), in steps; the unit is
// no part of the settings then. Throws InputError "place: ..." if they are no whole number of steps.
void apply_budget_unit(Settings&, const std::string& place);

// Conditions between keys. Throws InputError "place: ..." with the remedy.
void check_settings(const Settings&, const std::string& place);

// The agent that teaches these students, as settings of its own.
Settings teacher_settings(const Settings& student);

// The networks that are trained.
ModelSpec model_of(const Settings&);

// The same without the inputs that inputs.select takes away.
RestrictedModel restricted_model_of(const Settings&);

// Number of prunable weights, those of inputs that are taken away not counted. With inputs.ticket_round it
// becomes known with the ticket, and this is the most that it can be.
std::int64_t prunable_entries(const Settings&);

// Whether masks change while these agents learn.
bool has_changing_masks(const Settings&);

// What the sources of the method do with such agents. Method and densities are those of the settings.
SparseConfig published_sparsity(const Settings&);

// The settings of the ticket whose inputs inputs.ticket_round asks for.
Settings ticket_settings(const Settings&);

// The task's options in a training of this seed: those that were set and, for a task with a random part, the
// number that names the seed's own (the same under every baseline, in every round).
TaskOptions seeded_task_options(const Settings&, std::int64_t seed);

}  // namespace impsweep
