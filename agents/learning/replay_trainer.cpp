#include "agents/learning/replay_trainer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "agents/learning/trained_network.hpp"

namespace impsweep {
namespace {

// Completes a memory's options with what the sampler's task is. The sampler must outlive the memory.
ReplayOptions of_task(ReplayOptions options, const Sampler& sampler) {
  const TaskInfo& info = sampler.info();
  options.B = sampler.lanes();
  options.features = info.observation_size;
  options.actions = info.actions;
  options.max_active = info.binary || is_coded(info) ? info.max_active : 0;
  if (!is_coded(info)) return options;
  options.code_size = info.code_size;
  options.expand = [environment = &sampler.environment()](const ActiveBatch& code, int batch,
                                                          MutableBatch dense) {
    environment->expand(batch, code.begin, code.feature, {dense.data, dense.stride});
  };
  return options;
}

}  // namespace

double usual_active_inputs(const TaskInfo& task) {
  return task.binary ? 0.5 * task.max_active : 0.0;
}

LearningWork replay_work(const SamplerConfig& sampler, const ReplaySchedule& schedule,
                         std::int64_t replay_size) {
  const std::int64_t steps = rollout_steps(sampler);
  const double updates = schedule.replay_ratio * static_cast<double>(steps) / schedule.batch_size;
  return {.steps_per_iteration = steps,
          .first_step = static_cast<double>(schedule.min_steps_learn / steps * steps),
          .updates_per_iteration = std::max(1.0, std::nearbyint(updates)),
          .batch = static_cast<double>(schedule.batch_size),
          .replay_size = replay_size};
}

int updates_per_iteration(const ReplaySchedule& schedule, std::int64_t steps) {
  const double updates = schedule.replay_ratio * static_cast<double>(steps) / schedule.batch_size;
  return std::max(1, static_cast<int>(std::nearbyint(updates)));
}

ReplayTrainer::ReplayTrainer(const TrainingRequest& request, int max_columns, ReplayOptions options,
                             const ReplaySchedule& schedule)
    : config_(request.config),
      schedule_(schedule),
      sampler_(request.task, request.task_options, static_cast<int>(config_.sampler.batch_B),
               schedule.data_is_fixed ? request.data_stream_prefix : request.stream_prefix, request.threads,
               ObservationForm::kOfTask),
      memory_(of_task(options, sampler_)),
      masks_(request),
      max_columns_(std::max({max_columns, schedule.batch_size, sampler_.lanes()})),
      network_(make_trained_network(request, max_columns_, usual_active_inputs(sampler_.info()))),
      policy_(sampler_.info().actions, sampler_.lanes(), 1.0),
      batch_(of_task(std::move(options), sampler_), schedule.batch_size),
      first_iteration_(request.start_step / steps_per_iteration()),
      iteration_(first_iteration_),
      iterations_((total_steps() + steps_per_iteration() - 1) / steps_per_iteration()),
      replay_stream_(request.stream_prefix + "/replay"),
      uniform_(static_cast<std::size_t>(schedule.batch_size)),
      reward_(static_cast<std::size_t>(sampler_.lanes())),
      done_(reward_.size()),
      safe_point_(request.interruption) {
  sampler_.decorrelate(policy_, config_.sampler.decorrelation_steps, request.interruption);
}

void ReplayTrainer::iterate() {
  safe_point_.leave(*this);
  const UpdateReport last = collect_and_learn();
  ++iteration_;
  safe_point_.reach();
  require_finite(last, env_steps());
}

void ReplayTrainer::collect(Network& actor, double epsilon) {
  policy_.set_epsilon(epsilon);
  for (std::int64_t t = 0; t < config_.sampler.batch_T; ++t) {
    throw_if_interrupted(interruption());
    sampler_.act(policy_, actor, policy_part());
    memory_.observe(sampler_.code());
    sampler_.step(policy_.actions());
    for (int lane = 0; lane < sampler_.lanes(); ++lane) {
      reward_[lane] = sampler_.results()[lane].reward;
      done_[lane] = sampler_.ended(lane) ? ReplayMemory::kEnds : ReplayMemory::kRuns;
      if (memory_.bootstraps_timeouts() && done_[lane] != ReplayMemory::kRuns &&
          !sampler_.results()[lane].terminated)
        done_[lane] = ReplayMemory::kEndsByLimit;
    }
    if (std::ranges::count(done_, ReplayMemory::kEndsByLimit) > 0) {
      sampler_.observe();
      memory_.observe_ends(sampler_.code(), done_);
    }
    memory_.append({policy_.actions().discrete, done_.size()}, reward_, done_);
    sampler_.reset_ended();
  }
}

void ReplayTrainer::collect_fixed(Network& actor, double epsilon, std::int64_t steps,
                                  const Interruption& interruption) {
  for (std::int64_t played = 0; played < steps; played += steps_per_iteration()) {
    throw_if_interrupted(interruption);
    collect(actor, epsilon);
  }
}

int ReplayTrainer::updates_due() const {
  if (iteration_ - first_iteration_ < first_learning_iteration()) return 0;
  return updates_per_iteration(schedule_, steps_per_iteration());
}

const ReplayBatch& ReplayTrainer::draw_batch(double beta) {
  for (double& value : uniform_) value = replay_stream_.uniform();
  memory_.sample(uniform_, beta, batch_);
  return batch_;
}

void ReplayTrainer::collect_until_due(const std::function<void()>& collect_steps) {
  for (; !finished(); ++iteration_) {
    collect_steps();
    if (updates_due() > 0 && memory_.can_sample()) return;
  }
  throw TrainingFailure("no update would be made in the steps of this training; give it more");
}

BatchLoss ReplayTrainer::loss_of_batch(const ReplayBatch& batch,
                                       std::shared_ptr<const OutputLoss> loss) const {
  const auto features = static_cast<std::size_t>(sampler_.info().observation_size);
  BatchLoss result{batch.size, std::vector<float>(static_cast<std::size_t>(batch.size) * features),
                   std::move(loss)};
  const ConstBatch dense = batch.observation.dense();
  const ActiveBatch active = batch.observation.active();
  for (std::size_t j = 0; j < static_cast<std::size_t>(batch.size); ++j) {
    float* row = result.observations.data() + j * features;
    if (batch.observation.is_binary())
      for (std::uint32_t e = active.begin[j]; e < active.begin[j + 1]; ++e) row[active.feature[e]] = 1;
    else
      for (std::size_t f = 0; f < features; ++f)
        row[f] = dense.data[f * static_cast<std::size_t>(dense.stride) + j];
  }
  return result;
}

void ReplayTrainer::save(StateWriter& writer) const {
  if (safe_point_.is_left()) return safe_point_.save(writer);
  masks_.save(writer);
  save_parameters(writer, "parameters", *network_);
  writer("iteration", iteration_);
  writer("replay_stream", replay_stream_);
  writer("memory", memory_);
  sampler_.save(writer);
  save_learner(writer);
}

void ReplayTrainer::load(StateReader& reader) {
  masks_.load(reader, *network_, optimizer());
  load_parameters(reader, "parameters", *network_);
  reader.ranged("iteration", iteration_, first_iteration_, iterations_);
  reader("replay_stream", replay_stream_);
  reader("memory", memory_);
  sampler_.load(reader);
  load_learner(reader);
}

}  // namespace impsweep
