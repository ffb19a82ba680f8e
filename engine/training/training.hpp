// engine/training/training.hpp - one training of the plan, from the results that it depends on to its own.
#pragma once

#include <functional>
#include <optional>

#include "agents/learning/session.hpp"
#include "engine/plan/plan.hpp"
#include "engine/training/checkpoint.hpp"
#include "engine/training/round_record.hpp"
#include "io/record.hpp"
#include "io/store.hpp"

namespace impsweep {

// A finished training by its digest, whole or attributes only. Throws if it is not there.
using RoundLoader = std::function<Record(const TrainingId&, RecordPart)>;

// A candidate for a teacher that has diverged: it has no result, and never will.
class DivergedCandidate : public InputError {
 public:
  using InputError::InputError;
};

// Loader from a store; a missing or damaged file is an InputError that says to run the job again, one of
// `diverged` a DivergedCandidate.
RoundLoader loader_from(const Store&, std::vector<TrainingId> diverged = {});

// Task and agent of a training, without networks, data or what it starts from.
TrainingRequest agent_request(const Settings&, std::int64_t seed);

// Mask, initial parameters, teacher: everything that the training is a function of, but for a data set.
TrainingRequest make_request(const Plan&, TrainingIndex, const RoundLoader&, Backend);

struct ChosenTeacher {
  TrainingIndex training = 0;        // the candidate with the highest re-evaluated return; the first wins
  std::vector<TrainingId> diverged;  // candidates that could not be chosen
};
// Throws TrainingFailure if all of them have diverged.
ChosenTeacher chosen_teacher(const Plan&, const TeacherChoice&, const RoundLoader&);

// Candidates for its teacher that the result of a student says had diverged.
std::vector<TrainingId> diverged_candidates(const Record&);

struct TrainingProgress {
  std::int64_t env_steps = 0;
  double last_return = 0;  // mean of the last evaluation
};

// Called at every safe point, and every 20 ms where the next is far; returning true ends the training at the
// last safe point.
using StopQuestion = std::function<bool(const TrainingProgress&)>;

// Runs the training to its end, `threads` stepping its environments, from a stored checkpoint if one is given
// and holds a state. Nothing if it was stopped, then the checkpoint has its state. Throws TrainingFailure.
std::optional<Record> run_training(const Plan&, TrainingIndex, const RoundLoader&, Backend, int threads,
                                   const StopQuestion&, Checkpoint* = nullptr);

}  // namespace impsweep
