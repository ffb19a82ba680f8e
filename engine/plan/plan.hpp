// engine/plan/plan.hpp - a job as a directed acyclic graph of trainings, without running anything.
//
//   chain (task, algorithm, network, variant, baseline, seed):   r00 -> r01 -> r02 ...
//
// Round k needs round k-1 (its mask); under random/re-init only the number of kept weights, which is known,
// so its rounds are independent; so are rounds that prune the untrained network. A student needs all
// candidates for its teacher, an agent that is given the inputs of a ticket needs that ticket, and one that
// has the mask of another chain's round needs that round. Equal recipes are one training: baselines of a seed
// share round 0, students share teachers, figures share chains.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/job/job.hpp"
#include "engine/plan/recipe.hpp"
#include "io/error.hpp"

namespace impsweep {

using TrainingIndex = std::uint32_t;

struct TrainingNode {
  TrainingId digest;
  std::uint32_t settings = 0;                  // index into Plan::settings
  Baseline baseline = Baseline::kMaskWeights;  // of the first chain that it belongs to
  int round = 0;
  std::int64_t seed = 0;
  std::int64_t env_steps = 0;  // of training, without evaluation
  std::int64_t kept = 0;       // prunable weights left
  double density = 1;          // part of the prunable weights left
  std::optional<TrainingIndex> mask_parent, values_parent, rewind_parent, inputs_parent;
  std::optional<TrainingIndex> mask_from;  // a round of another chain, whose mask it has
  std::optional<std::uint32_t> teacher;    // index into Plan::choices
  std::uint32_t first_dependency = 0;      // into Plan::dependency_list
};

// A teacher that is chosen when its candidates are trained: the highest re-evaluated return, the first wins.
struct TeacherChoice {
  TrainingId digest;
  std::vector<TrainingIndex> candidates;  // in order of preference
};

struct Chain {
  std::string name;  // "cartpole.ppo.128-128.default.mask-weights.s00"
  std::string task, algorithm, network, variant;
  Baseline baseline = Baseline::kMaskWeights;
  std::int64_t seed = 0;
  std::uint32_t settings = 0;         // index into Plan::settings
  std::vector<TrainingIndex> rounds;  // training of each round
};

struct Plan {
  std::vector<GridPoint> points;               // the resolved job
  std::vector<Settings> settings;              // of the points, and of teachers
  std::vector<TrainingNode> trainings;         // every training comes after those that it depends on
  std::vector<TrainingIndex> dependency_list;  // grouped by training
  std::vector<TeacherChoice> choices;
  std::vector<Chain> chains;                              // in the order of the job
  std::vector<std::optional<std::uint32_t>> first_chain;  // of each training; none for teachers

  // All trainings that must be finished before this one, ascending.
  std::span<const TrainingIndex> dependencies(TrainingIndex training) const {
    const std::size_t begin = trainings[training].first_dependency;
    const std::size_t end =
        training + 1 < trainings.size() ? trainings[training + 1].first_dependency : dependency_list.size();
    return std::span(dependency_list).subspan(begin, end - begin);
  }
};

// Chains of one group would be trained with different settings (identity.hpp).
class ChainClash : public InputError {
 public:
  using InputError::InputError;
};

// Throws ChainClash.
Plan expand(std::vector<GridPoint>);

// resolve() and expand().
Plan make_plan(std::span<const JobFile>, std::span<const JobEntry> overrides = {},
               std::vector<std::string>* missing_data = nullptr);
// The same of files by their paths and of the texts "key=value" of --set, as `run` and `plan` are given them.
Plan read_plan(std::span<const std::string> paths, std::span<const std::string> assignments,
               std::vector<std::string>* missing_data = nullptr);

// Everything that a training depends on, as it is sent to workers and stored.
Recipe recipe_of(const Plan&, TrainingIndex);

const TaskInfo& task_of(const Plan&, TrainingIndex);

// For messages: "cartpole.ppo.128-128.default.mask-weights.s00 r03", or "teacher cartpole.ppo.64-64 s1000".
std::string training_name(const Plan&, TrainingIndex);

// Names of the random streams of a training, given its settings and place.
StreamNames stream_names(const Settings&, Baseline, std::int64_t seed, int round);

}  // namespace impsweep
