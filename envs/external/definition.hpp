// envs/external/definition.hpp - what is known of a task that an environment of Gymnasium makes: what to
// play, as the job says, and what the environment was found to be: spaces, versions, digests of files.
//
// The latter is determined once, by Python, and then stands in the options of the task, and so in every
// frozen job and recipe: whoever reads a store needs no Python.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "envs/environment.hpp"

namespace impsweep::external {

inline constexpr std::string_view kGymnasium = "gymnasium:", kPython = "python:";
inline constexpr std::string_view kArguments = "gymnasium.kwargs.";  // begins keys that no declaration knows
inline constexpr std::string_view kFamily = "gymnasium";  // of their tasks; their keys begin with it

// Why an environment of Gymnasium cannot be played here, and the remedy.
struct GymnasiumUnavailable : TaskUnavailable {
  using TaskUnavailable::TaskUnavailable;
};

// How its episodes repeat under equal seeds and actions.
enum class Repeats {
  kAlways,      // on one object, whatever was played on it before
  kNewObjects,  // on an object that is made for the episode: one is made for each
  kUntested,    // the test failed with an error; taken for kAlways
  kNever,
};

struct Definition {
  // What the job says.
  std::string name;              // "gymnasium:LunarLander-v3", or "python:MyEnv" of the class in `file`
  std::string file;              // where the class is; its path is no part of a recipe
  std::string kwargs = "{}";     // of its construction, JSON
  std::string wrappers = "[]";   // from the inside out, JSON list of names
  std::int64_t max_steps = 0;    // of an episode; 0: its own limit
  std::string actions = "clip";  // how numbers of a policy come within bounds: "clip" or "scale"
  double time_limit = 30;        // seconds, of a step or a reset; no part of a recipe

  // What it was found to be. Empty: that is still to be determined.
  std::string spaces;    // JSON, see Spaces
  std::string inputs;    // JSON list of their names; empty: numbers; no part of a recipe
  std::string packages;  // JSON, version by name
  std::string files;     // JSON, digest by name of file: the class's, and what it loads from its folder
  Repeats repeats = Repeats::kAlways;
  double step_seconds = 0;  // measured; no part of a recipe

  bool is_python() const { return name.starts_with(kPython); }
  bool is_known() const { return !spaces.empty(); }
  // Whether it runs code that is not of an installed package of environments: a file, or module:Name.
  bool runs_other_code() const;
};

// Definition::spaces, read.
struct Spaces {
  std::string observation, action;  // as Gymnasium prints them
  int inputs = 0;
  enum class Row { kBox, kIndex, kFlat } row = Row::kBox;  // how an observation comes from the worker
  char kind = 'f';                                         // numpy's: f real, i integer, u natural, b truth
  int bytes = 4;                                           // of a number
  std::int64_t first = 0;                                  // what the index 0 of kIndex stands for
  int actions = 0;
  std::int64_t first_action = 0;  // what the discrete action 0 stands for
  bool continuous = false;
  std::vector<double> low, high;  // of continuous actions; may be infinite
  int max_steps = 0;              // limit of an episode that is applied; 0: none is known

  std::size_t row_bytes() const;
};

// Throws std::invalid_argument if the text is not what describe() gives.
Spaces read_spaces(const std::string& text);

// The name in chains, streams and tables: "gymnasium-LunarLander-v3", "python-MyEnv".
std::string task_name(const Definition&);

// Whether a name in a job means a task of this kind, and its parts. Throws std::invalid_argument with what is
// wrong with it.
bool is_external_name(std::string_view name);
Definition definition_of_name(const std::string& name);

// The options of every such task: keys gymnasium.*; those that enter no recipe, as they change no result.
std::vector<Option> declared_options();
bool is_without_bearing(std::string_view key);

// To and from values of these options.
TaskOptions options_of(const Definition&);
Definition definition_from(const TaskOptions&);

// For a definition that is known.
TaskInfo task_info(const Definition&);

// "gymnasium 1.4.0, mujoco 4.0.0, numpy 2.4.6"
std::string packages_text(const Definition&);

// "always", "with new objects", "untested", "never".
std::string_view repeats_text(Repeats);

}  // namespace impsweep::external
