#include "engine/training/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "agents/network/initialisation.hpp"
#include "agents/network/model.hpp"
#include "engine/imp/baseline.hpp"
#include "engine/imp/round_mask.hpp"
#include "engine/imp/sparse_start.hpp"
#include "engine/job/data_set.hpp"
#include "engine/job/external_task.hpp"
#include "envs/external/definition.hpp"
#include "envs/external/worker_process.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr std::chrono::milliseconds kQuestionInterval{20};
const std::string kResult = "result", kDivergedCandidates = "diverged_candidates";

// Steps of round 0 at which parameters are recorded for late rewinding.
std::vector<std::int64_t> snapshot_steps(const Settings& settings, int round) {
  std::vector<std::int64_t> steps;
  if (round != 0 || changes_mask(settings, round)) return steps;
  const std::int64_t budget = settings.agent.sampler.steps;
  std::copy_if(kSnapshotSteps.begin(), kSnapshotSteps.end(), std::back_inserter(steps),
               [&](std::int64_t step) { return step < budget; });
  const std::int64_t asked = settings.imp.rewind_step;
  if (asked > 0 && std::find(steps.begin(), steps.end(), asked) == steps.end()) steps.push_back(asked);
  return steps;
}

// The chosen teacher of a student.
void add_teacher(const Plan& plan, const TrainingNode& node, const RoundLoader& load,
                 TrainingRequest& request) {
  if (!node.teacher) return;
  const TrainingNode& teacher =
      plan.trainings[chosen_teacher(plan, plan.choices[*node.teacher], load).training];
  request.teacher_model = model_of(plan.settings[teacher.settings]);
  request.teacher_parameters = read_round(load(teacher.digest, RecordPart::kAll), request.teacher_model).best;
}

// What GraSP divides a policy's logits by: students and classifiers learn by cross-entropy, to which its
// paper gives 200.
double temperature_of(const Settings& settings, const ModelSpec& model) {
  constexpr double kOfCrossEntropy = 200;
  if (settings.imp.criterion != Criterion::kGrasp) return 1;
  if (settings.imp.temperature > 0) return settings.imp.temperature;
  const bool has_logits = model.log_std == 0 && !learns_values(model);
  return has_logits && settings.algorithm != "ppo" ? kOfCrossEntropy : 1;
}

// round_mask(), whose errors are those of a training.
Mask mask_of(const ScoreInputs& scored, const TrainingNode& node) try {
  return round_mask(scored, node.round, node.kept);
} catch (const std::invalid_argument& error) {
  throw TrainingFailure(fmt::format("its mask: {}", error.what()));
}

// The mask by a criterion of the untrained network. Its experience has streams of its own.
Mask mask_at_start(const Settings& settings, TrainingRequest request, ScoreInputs scored,
                   const TrainingNode& node) {
  std::optional<BatchLoss> loss;
  if (info_of(settings.imp.criterion).needs_loss) {
    request.stream_prefix = scored.streams->of_training("scoring");
    request.mask.assign(scored.available.begin(), scored.available.end());
    request.initial_parameters.assign(scored.weights.begin(), scored.weights.end());
    for (std::size_t i = 0; i < request.mask.size(); ++i)
      if (request.mask[i] == 0) request.initial_parameters[i] = 0;
    request.data_set = load_data_set(settings);
    loss = make_trainer(request, 1)->first_loss(temperature_of(settings, request.model));
    scored.loss = &*loss;
  }
  return mask_of(scored, node);
}

// The networks with the inputs that the training is given.
RestrictedModel given_model(const Plan& plan, const TrainingNode& node, const RoundLoader& load) {
  const Settings& settings = plan.settings[node.settings];
  if (!node.inputs_parent) return restricted_model_of(settings);
  ModelSpec model = model_of(settings);
  const RoundResult ticket =
      read_round(load(plan.trainings[*node.inputs_parent].digest, RecordPart::kAll), model);
  try {
    return with_ticket_inputs(std::move(model), settings.inputs, ticket.mask);
  } catch (const std::invalid_argument& error) {
    throw TrainingFailure(error.what());
  }
}

}  // namespace

RoundLoader loader_from(const Store& store, std::vector<TrainingId> diverged) {
  return [&store, diverged = std::move(diverged)](const TrainingId& digest, RecordPart part) {
    if (std::ranges::count(diverged, digest) > 0)
      throw DivergedCandidate("{}: the training {} has diverged, and has no result",
                              store.directory().string(), digest);
    std::optional<Record> record = store.load(digest, part);
    if (!record)
      throw InputError("{}: the finished training {} is missing; run the job again to compute it",
                       store.directory().string(), digest);
    return std::move(*record);
  };
}

ChosenTeacher chosen_teacher(const Plan& plan, const TeacherChoice& choice, const RoundLoader& load) {
  ChosenTeacher chosen;
  std::optional<double> best;
  for (const TrainingIndex candidate : choice.candidates) {
    const TrainingId& digest = plan.trainings[candidate].digest;
    try {
      const double value = read_reevaluated_return(load(digest, RecordPart::kAttributes));
      if (best && !(value > *best)) continue;
      best = value;
      chosen.training = candidate;
    } catch (const DivergedCandidate&) {
      chosen.diverged.push_back(digest);
    }
  }
  if (!best)
    throw TrainingFailure(fmt::format(
        "all {} candidates for its teacher diverged; lower their learning rate (teacher.*), or give others "
        "by 'bc.teacher_seed' and 'bc.teacher_candidates'",
        choice.candidates.size()));
  return chosen;
}

std::vector<TrainingId> diverged_candidates(const Record& record) {
  std::vector<TrainingId> digests;
  if (!record.has_attribute(kResult, kDivergedCandidates)) return digests;
  for (const std::string& digest : record.texts(kResult, kDivergedCandidates)) {
    if (digest.size() > TrainingId::kLength)
      throw InputError("{}: '{}@{}' holds '{}', which is no digest; remove the file and run again",
                       record.origin, kResult, kDivergedCandidates, digest);
    digests.emplace_back(digest);
  }
  return digests;
}

TrainingRequest agent_request(const Settings& settings, std::int64_t seed) {
  TrainingRequest request;
  request.task = settings.task;
  request.task_options = seeded_task_options(settings, seed);
  request.algorithm = &algorithm_of(settings);
  request.config = settings.agent;
  return request;
}

namespace {

TrainingLength training_length(const Settings& settings) {
  const LearningWork work = algorithm_of(settings).work(settings.agent);
  const std::int64_t env_steps = settings.agent.sampler.steps;
  TrainingLength length{.steps = planned_updates(work, env_steps), .has_rollouts = work.has_rollouts};
  length.last_change = std::max<std::int64_t>(length.steps - 1, 0);
  if (work.has_rollouts && settings.sparse.align == SparseAlign::kRollout)
    length.last_change = std::llround(static_cast<double>(planned_iterations(work, env_steps) - 1) *
                                      work.updates_per_iteration);
  return length;
}

}  // namespace

TrainingRequest make_request(const Plan& plan, TrainingIndex index, const RoundLoader& load,
                             Backend backend) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const ImpConfig& imp = settings.imp;
  const StreamNames streams = stream_names(settings, node.baseline, node.seed, node.round);

  TrainingRequest request = agent_request(settings, node.seed);
  request.backend = backend;
  request.stream_prefix = streams.of_training("training");
  StreamNames of_first_round = streams;
  of_first_round.round = 0;
  request.data_stream_prefix = of_first_round.of_training("data");
  request.snapshot_steps = snapshot_steps(settings, node.round);

  RestrictedModel given = given_model(plan, node, load);
  request.model = std::move(given.model);
  const std::vector<Tensor> tensors = tensors_of(request.model);
  const std::vector<std::size_t> prunable = prunable_tensors(tensors, request.model, imp);
  std::vector<float> initial =
      initial_parameters(request.model, settings.agent.network,
                         [&](std::string_view tensor) { return streams.initial_weights(tensor); });
  const auto handed_on = [&](const RoundResult& round) -> const std::vector<float>& {
    return imp.prune_from == PruneFrom::kFinal ? round.final : round.best;
  };
  add_teacher(plan, node, load, request);
  if (changes_mask(settings, node.round)) {
    SparseStart sparse = start_sparse(settings.sparse,
                                      {.model = &request.model,
                                       .tensors = &tensors,
                                       .prunable = prunable,
                                       .available = given.available,
                                       .initial = initial,
                                       .kept = node.kept,
                                       .length = training_length(settings)},
                                      streams);
    request.mask = std::move(sparse.mask);
    request.initial_parameters = std::move(sparse.parameters);
    request.mask_plan = std::move(sparse.plan);
    return request;
  }
  Mask mask = given.available;
  std::int64_t kept = node.kept;
  std::vector<float> previous;
  ScoreInputs scored = {.model = &request.model,
                        .tensors = &tensors,
                        .prunable = prunable,
                        .network = &settings.agent.network,
                        .imp = &imp,
                        .streams = &streams,
                        .available = given.available,
                        .mask = given.available,
                        .weights = initial,
                        .initial = initial,
                        .loss = nullptr};
  if (node.mask_parent) {
    const RoundResult parent =
        read_round(load(plan.trainings[*node.mask_parent].digest, RecordPart::kAll), request.model);
    scored.mask = parent.mask;
    scored.weights = handed_on(parent);
    scored.initial = parent.initial;
    mask = mask_of(scored, node);
    if (node.values_parent == node.mask_parent) previous = handed_on(parent);
  } else if (node.mask_from) {
    mask =
        read_foreign_mask(load(plan.trainings[*node.mask_from].digest, RecordPart::kAll), tensors, prunable);
    const std::vector<std::int64_t> counts = kept_per_tensor(tensors, prunable, mask);
    kept = std::reduce(counts.begin(), counts.end());
  } else if (node.round > 0 && info_of(node.baseline).prunes) {
    mask = mask_at_start(settings, request, scored, node);
  }
  if (node.values_parent && previous.empty())
    previous = handed_on(
        read_round(load(plan.trainings[*node.values_parent].digest, RecordPart::kAll), request.model));
  if (node.rewind_parent) {
    RoundSnapshot snapshot = read_snapshot(load(plan.trainings[*node.rewind_parent].digest, RecordPart::kAll),
                                           request.model, imp.rewind_step);
    initial = std::move(snapshot.parameters);
    if (imp.rewind_budget == RewindBudget::kRemaining) request.start_step = snapshot.step;
  }
  RoundStart start = prepare(node.baseline, {.model = &request.model,
                                             .tensors = &tensors,
                                             .prunable = prunable,
                                             .network = &settings.agent.network,
                                             .imp = &imp,
                                             .streams = &streams,
                                             .round = node.round,
                                             .available = given.available,
                                             .mask = mask,
                                             .kept = kept,
                                             .initial = initial,
                                             .previous = previous});
  request.mask = std::move(start.mask);
  request.initial_parameters = std::move(start.parameters);
  return request;
}

std::optional<Record> run_training(const Plan& plan, TrainingIndex index, const RoundLoader& load,
                                   Backend backend, int threads, const StopQuestion& should_stop,
                                   Checkpoint* checkpoint) {
  TrainingRequest request = make_request(plan, index, load, backend);
  request.threads = threads;
  request.data_set = load_data_set(plan.settings[plan.trainings[index].settings]);
  std::unique_ptr<TrainingSession> session;
  const auto ask = [&] {
    if (!session) return should_stop({});
    return should_stop({.env_steps = session->env_steps(), .last_return = session->last_return()});
  };
  request.interruption = [&, last = std::chrono::steady_clock::now()]() mutable {
    const auto now = std::chrono::steady_clock::now();
    if (now - last < kQuestionInterval) return false;
    last = now;
    return ask();
  };
  try {
    session = checkpoint != nullptr ? checkpoint->start(request) : std::make_unique<TrainingSession>(request);
    while (session->advance()) {
      if (ask()) throw Interrupted();
      if (checkpoint != nullptr) checkpoint->save_if_due(*session);
    }
  } catch (const Interrupted&) {
    if (checkpoint != nullptr && session) checkpoint->save(*session);
    return std::nullopt;
  } catch (const external::WaitAbandoned&) {
    return std::nullopt;  // in the midst of a step: it goes on from its last checkpoint
  }
  Record record = make_round_record(plan, index, request, session->outcome());
  record.attributes[std::string(kProvenance)]["train_flops"] = session->outcome().train_flop;
  if (const std::optional<std::uint32_t> choice = plan.trainings[index].teacher) {
    const ChosenTeacher teacher = chosen_teacher(plan, plan.choices[*choice], load);
    auto& result = record.attributes[kResult];
    result["teacher"] = std::string(plan.trainings[teacher.training].digest.digits());
    std::vector<std::string> diverged;
    for (const TrainingId& digest : teacher.diverged) diverged.emplace_back(digest.digits());
    if (!diverged.empty()) result[kDivergedCandidates] = std::move(diverged);
  }
  if (const std::string program = session->external_program(); !program.empty())
    record.attributes[std::string(kProvenance)]["external_program"] = program;
  const Settings& settings = plan.settings[plan.trainings[index].settings];
  if (find_task(settings.task)->family == external::kFamily)
    record.attributes[std::string(kProvenance)]["reproducible"] =
        std::string(is_reproducible(settings) ? "yes" : "no");
  return record;
}

}  // namespace impsweep
