// envs/environment.hpp - a task as the learner sees it: lanes that are stepped together and write into the
// caller's batch. Nothing is allocated after construction.
//
// Layout: batches are feature-major, [feature][column]; feature f of column c is at data[f * stride + c]. A
// column is a place in the batch, a lane is a copy of the task; callers map columns to lanes, so that ended
// episodes can leave the batch. Lanes never reset themselves.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "envs/archive.hpp"
#include "envs/option.hpp"
#include "envs/random.hpp"

namespace impsweep {

// Values of a task's own options by full key; what is absent has its declared default.
using TaskOptions = std::map<std::string, OptionValue>;

// How a recording of the original is compared with the task, beyond plain equality. Largest absolute errors.
struct TraceTolerance {
  double state = 0;                // of a state component
  double first_state = 0;          // the same, at reset
  int angles = 0;                  // this many leading state components are compared modulo 2 pi
  int first_observation_ulps = 0;  // units in the last place, on observation 0
  double observation = 0;          // of a feature
  double reward = 0;
  bool whole_state = true;  // setting the declared state continues as recorded
};

struct TaskInfo {
  std::string name;    // "cartpole"
  std::string family;  // tasks of one family share the paper's settings: "cartpole", "locomotion", "minatar"
  std::string description;   // one line for people
  int observation_size = 0;  // features of a flat observation
  int actions = 0;           // number of actions, or dimension of a continuous action
  bool continuous = false;
  int max_steps = 0;  // episode limit in steps; truncation, applied by the environment; 0: none
  std::vector<std::string> observation_names;  // one per feature, empty if they form a board
  // Boards: feature f stands for channel f / (rows * columns), row and column; all empty or zero for vectors.
  std::vector<std::string> channel_names;  // one per channel
  int rows = 0, columns = 0;
  bool binary = false;  // every feature is 0 or 1: active_features() describes an observation completely
  // Coded tasks: every observation is a function of a vector of code_size zeros and ones, of which at most
  // max_active are 1. active_features() gives the ones and Environment::expand() the observations, so that a
  // memory can keep the former. The code of a binary task is its observation. Both are 0 for other tasks.
  int code_size = 0;
  int max_active = 0;
  std::vector<Option> options;  // keys "<task or family>.<name>" with defaults, e.g. "minatar.sticky_actions"
  // Options of recordings, which replays set and jobs have not.
  std::vector<Option> replay_options;
  // What new jobs have for options whose default is what jobs did before there was such an option.
  TaskOptions job_options;
  // Tasks that are partly random themselves: the integer option that names the draw. Where it is 0, whoever
  // trains sets it to a number that depends on the seed of the training.
  std::string seed_option;
  // What the return of an episode can be under default options; the accuracy in percent of a data set.
  double least_return = -std::numeric_limits<double>::infinity();
  double most_return = std::numeric_limits<double>::infinity();
  std::string picture;  // what the task looks like at the start, in text; may be empty
  int semantics = 1;    // raised whenever results of this task change
  // Labelled examples (envs/digits.hpp) in place of an environment: observations are examples and actions
  // classes. make_environment() refuses it.
  bool is_data_set = false;
  // It needs a program that is not part of this one; require_task() says whether it is there.
  bool is_external = false;
  // Equal seeds and actions give equal episodes. Where they do not, a result cannot be computed again.
  bool is_reproducible = true;
  // Libraries whose version decides the bits of its steps: "bullet", "3.24, double precision".
  std::map<std::string, std::string> numerics;
  // What evaluations set, over the options of the training: full games and the true score.
  TaskOptions evaluation_options;

  // What forecasts of a training's cost know of it: seconds of a step of one lane, on one core of AMD EPYC,
  // family 26; steps of an episode of a trained agent (0: as long as it may be) and of an untrained one (0:
  // the same), and the steps of training until episodes are half-way between the two; of a binary task, how
  // many features usually are 1 (0: as many as can be).
  double seconds_per_step = 0.5e-6;
  // Options under which a step takes `second` times as long.
  std::vector<std::pair<TaskOptions, double>> slower_steps;
  int usual_episode_steps = 0, first_episode_steps = 0;
  double steps_to_learn = 0;
  double usual_active = 0;
  double target_steps_per_second = 0;  // on one core, of the benchmarks; 0: no target

  // Names of originals in recordings, with the options that each stands for, and how recordings are compared.
  std::map<std::string, TaskOptions> recorded_as;
  TraceTolerance trace_tolerance;
};

// A task needs a program or file that is missing or unusable. what() says what was looked for and where, why
// it cannot be used, and the remedies.
struct TaskUnavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct StepResult {
  float reward = 0;
  bool terminated = false;  // the task itself ended
  bool truncated = false;   // the step limit was reached; both may be set on the last step
};

struct ObservationBatch {
  float* data = nullptr;  // [observation_size][stride]; null for a coded task: nothing is written
  int stride = 0;         // columns per row, >= number of columns in use

  // The same batch, counted from this column on.
  ObservationBatch from(int column) const { return {data == nullptr ? nullptr : data + column, stride}; }
};

struct ActionBatch {
  const std::int32_t* discrete = nullptr;  // [column]
  const float* continuous = nullptr;       // [actions][stride], raw policy samples
  int stride = 0;

  ActionBatch from(int column) const {
    return {discrete == nullptr ? nullptr : discrete + column,
            continuous == nullptr ? nullptr : continuous + column, stride};
  }
};

class Environment {
 public:
  virtual ~Environment() = default;
  virtual const TaskInfo& info() const = 0;
  virtual int lanes() const = 0;

  // The random source of a lane; must be set before its first reset and outlive its use. Owned by the caller.
  virtual void attach(int lane, RandomSource& draws) = 0;

  // Starts a new episode of `lane` and writes its first observation into `column`.
  virtual void reset(int lane, int column, ObservationBatch observations) = 0;

  // Column c steps lane lanes[c] with action c; writes observation c and results[c].
  virtual void step(std::span<const std::int32_t> lanes, ActionBatch actions, ObservationBatch observations,
                    std::span<StepResult> results) = 0;

  // Coded tasks: writes the elements of the code of the lane's current observation that are 1, ascending, at
  // most max_active of them, and returns their number. Other tasks have none.
  virtual int active_features(int /*lane*/, std::uint16_t* /*features*/) const { return 0; }

  // Coded tasks: writes the observations of any codes, whatever the state of the lanes. The ones of column c
  // are feature[begin[c]] .. feature[begin[c + 1] - 1], ascending; begin has columns + 1 elements.
  virtual void expand(int /*columns*/, const std::uint32_t* /*begin*/, const std::uint16_t* /*feature*/,
                      ObservationBatch) const {}

  // External tasks that step their lanes in processes of their own: uses so many of them, from the first
  // reset on, and says so. Others are stepped by threads (envs/parallel_environment.hpp).
  virtual bool share_among_processes(int /*processes*/) { return false; }

  // External tasks: whoever calls this resets each lane whose episode ended before it steps again, and draws
  // nothing from its random source in between. The program that plays may then do both in one go.
  virtual void expect_resets_after_ends() {}

  // External tasks: the program that plays and its version, once it has been started. Else empty.
  virtual std::string external_program() const { return {}; }

  // Internal state as doubles, where the task declares one (classic control); for comparison with recordings.
  virtual int state_size() const { return 0; }
  virtual void get_state(int /*lane*/, std::span<double> /*state*/) const {}
  virtual void set_state(int /*lane*/, std::span<const double> /*state*/) {}

  // Whole state of every lane, except the attached random sources.
  virtual void save(StateWriter&) const = 0;
  virtual void load(StateReader&) = 0;
};

// ---- registry

// Every task, in the order of presentation. Tasks of other programs that a job names (envs/external/) are
// none of these; they are known by name once they are registered.
std::vector<std::string> task_names();

// The environments that need nothing from outside: neither data sets nor external tasks.
std::vector<std::string> environment_names();

// nullptr if there is no such task.
const TaskInfo* find_task(std::string_view name);

// The task as its options make it; they may change sizes. Throws std::invalid_argument if the task is unknown
// or an option has a value outside its declaration.
TaskInfo task_with(std::string_view task, const TaskOptions&);

// Throws TaskUnavailable if the task needs a program or file that cannot be found here, and
// std::invalid_argument if it is unknown. An external task is tried out, which takes a moment.
void require_task(std::string_view task, const TaskOptions& options = {});

// Throws like task_with(), and for a data set. An external task is looked for when it is first reset or
// loaded: that may throw TaskUnavailable.
std::unique_ptr<Environment> make_environment(std::string_view task, int lanes,
                                              const TaskOptions& options = {});

// Makes a task of another program known by its name from now on (external::task_info). Throws
// std::invalid_argument if a task of this name and of other sizes is known already: its options may differ,
// sizes may not.
void register_task(TaskInfo);

}  // namespace impsweep
