// engine/training/round_record.hpp - what the file of a finished training holds, and how later trainings read
// it.
//
//   @                         format, digest, recipe (canonical text), task, algorithm, network, seed, round
//   curve/step                [evaluations] training steps; the first is of the untrained network
//   curve/mean, deviation     [evaluations]
//   curve/returns             [evaluations][episodes], NaN where fewer ended
//   curve/density             [evaluations] of the prunable weights, where the mask changes while it learns
//   result@                   best_step, best_return, final_return, reevaluated_return, density ...
//   result/final_returns      fresh episodes of the final network
//   result/best_returns       fresh episodes of the best checkpoint
//   result/kept_per_tensor    remaining entries, in the order of result@tensors
//   result/effective_per_tensor  those of them on a path from an input to an output (effective.hpp)
//   result/input_magnitude    [inputs] sum of |weight| into the actor's first layer, best checkpoint
//   mask/<tensor>             1 = kept, 0 = pruned; left out where nothing is pruned. Of masks that change,
//                             that of the best checkpoint, as all that is counted under result
//   weights/best/<tensor>     best checkpoint; where a tensor is masked, only the kept values in flat order
//   weights/final/<tensor>    the final network, where imp.prune_from = final asks for it and the mask stays
//   initial/<tensor>          parameters at the start (of round 0, as they are the same in all rounds of a
//                             seed, unless the mask changes; and wherever the next round prunes by movement)
//   snapshots/<step>/<tensor> parameters recorded for late rewinding (round 0 only), with @step
//   provenance@               where, when and how fast it was computed; not part of the result
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "agents/learning/session.hpp"
#include "engine/imp/pruning.hpp"
#include "engine/plan/plan.hpp"
#include "io/files.hpp"
#include "io/record.hpp"

namespace impsweep {

// A finished round as later rounds need it; arrays in dense order, 0 where masked.
struct RoundResult {
  Mask mask;
  std::vector<float> best, final, initial;  // the last two are empty if the file does not hold them
};

struct RoundSnapshot {
  std::int64_t step = 0;  // at which it was really taken
  std::vector<float> parameters;
};

// Throw InputError naming the file if something is missing or does not fit the model.
RoundResult read_round(const Record&, const ModelSpec&);
RoundSnapshot read_snapshot(const Record&, const ModelSpec&, std::int64_t requested_step);
double read_reevaluated_return(const Record&);

// The mask of a round of any other network, for the tensors given: those that it did not prune have no zeros.
// [parameter_count], 1 elsewhere. Throws InputError if it has no such tensor of this size.
Mask read_foreign_mask(const Record&, const std::vector<Tensor>&, std::span<const std::size_t> wanted);

// Scalars of a finished training, for tables. Each is an attribute of its name in the group "result", or in
// "provenance" for those of visit_times().
struct RoundSummary {
  FileStamp file;  // that it was read from or published as; not a field that is visited
  double density = 1;
  std::int64_t best_step = 0;
  double best_return = 0, best_deviation = 0;
  double final_return = 0, final_deviation = 0;
  double reevaluated_return = 0, reevaluated_deviation = 0;
  std::int64_t inputs_left = 0;  // read by a kept weight
  // Inputs of the first network on a path of kept weights to an output of it, and the part of the prunable
  // weights that are on one (effective.hpp); -1 and NaN in results of versions that did not look.
  std::int64_t effective_inputs = -1;
  double effective_density = std::numeric_limits<double>::quiet_NaN();
  std::int64_t kept = 0;  // prunable weights, where the plan could not know it (inputs.ticket_round); else 0
  std::int64_t env_steps = 0, updates = 0, evaluation_episodes = 0;
  std::int64_t episodes_cut = 0;  // of them, by eval.max_episode_steps
  double wall_seconds = 0, cpu_seconds = 0;
  // Floating-point operations of its gradient steps (agents/learning/mask_updates.hpp); NaN in results of
  // versions that did not count.
  double train_flops = std::numeric_limits<double>::quiet_NaN();

  template <class Archive>
  void visit(Archive& archive) {
    visit_result(archive);
    visit_times(archive);
  }
  template <class Archive>
  void visit_result(Archive& archive) {
    archive("density", density);
    archive("best_step", best_step);
    archive("best_return", best_return);
    archive("best_deviation", best_deviation);
    archive("final_return", final_return);
    archive("final_deviation", final_deviation);
    archive("reevaluated_return", reevaluated_return);
    archive("reevaluated_deviation", reevaluated_deviation);
    archive("inputs_left", inputs_left);
    archive("effective_inputs", effective_inputs);
    archive("effective_density", effective_density);
    archive("kept", kept);
    archive("env_steps", env_steps);
    archive("updates", updates);
    archive("evaluation_episodes", evaluation_episodes);
    archive("episodes_cut", episodes_cut);
  }
  template <class Archive>
  void visit_times(Archive& archive) {
    archive("wall_seconds", wall_seconds);
    archive("cpu_seconds", cpu_seconds);
    archive("train_flops", train_flops);
  }
};
// Throws InputError if arrays that belong together differ in length: a curve has one mean, deviation and
// row of returns for each of its steps. What is not there is not looked at.
void require_whole_curve(const Record&);

RoundSummary read_summary(const Record&);
using RoundSummaries = std::map<TrainingIndex, RoundSummary>;

// [parameter_count], 1 = kept; all ones for a tensor that the record holds no mask of.
Mask read_mask(const Record&, const std::vector<Tensor>&);

// Kept weights of the first network's first layer, by input: a feature, or a channel of a convolution.
std::vector<std::int64_t> kept_per_input(const std::vector<Tensor>&, const Mask&);
// The same from the layer's own part of the mask, which has its size.
std::vector<std::int64_t> kept_per_input(const Tensor& first_layer, std::span<const std::uint8_t> mask);

// What tables say of the network of a finished round: from its mask and best weights, or as a summary has it.
struct NetworkCounts {
  std::vector<std::int64_t> input_kept, input_effective;  // [inputs] of the first layer, as kept_per_input()
  // [tensors] entries of each, those left, those of them on a path, and the sum of absolute values left.
  std::vector<std::int64_t> entries, kept, effective;
  std::vector<double> magnitude;
};
// Throws InputError naming the file if the record does not fit the model.
NetworkCounts network_counts(const Record&, const ModelSpec&);

// The same result without mask, weights and snapshots, but with what network_counts() says of them:
//
//   result/input_kept, input_effective   [inputs]
//   result/tensor_entries                [tensors]
//   result/tensor_magnitude              [tensors]
//
// Returns of single episodes stay where they are whole numbers, which hardly take space; else they are left
// out, with NaN for the mean of an evaluation without an episode.
Record without_weights(const Record&, const ModelSpec&);
bool is_without_weights(const Record&);

// Everything but provenance.
Record make_round_record(const Plan&, TrainingIndex, const TrainingRequest&, const TrainingOutcome&);

// Adds the group "provenance".
void add_provenance(Record&, const std::map<std::string, std::string>& texts, double wall_seconds,
                    double cpu_seconds);

// Mean return of each evaluation of a record's curve; NaN where no episode ended, which no mean stands for.
// Throws InputError if the arrays of the curve do not fit each other. Returns of episodes may be missing.
std::vector<double> curve_means(const Record&);

}  // namespace impsweep
