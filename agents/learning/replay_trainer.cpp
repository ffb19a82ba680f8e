#include "agents/learning/replay_trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "agents/learning/saved_parameters.hpp"

namespace impsweep {
namespace {

// Completes a memory's options with what the sampler's task is. The sampler must outlive the memory.
ReplayOptions of_task(ReplayOptions options, const Sampler& sampler) {
  const TaskInfo& info = sampler.info();
  options.B = sampler.lanes();
  options.features = info.observation_size;
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

int updates_per_iteration(const ReplaySchedule& schedule, std::int64_t steps) {
  const double updates = schedule.replay_ratio * static_cast<double>(steps) / schedule.batch_size;
  return std::max(1, static_cast<int>(std::nearbyint(updates)));
}

ReplayTrainer::ReplayTrainer(const TrainingRequest& request, int max_columns, ReplayOptions options,
                             const ReplaySchedule& schedule)
    : config_(request.config),
      schedule_(schedule),
      sampler_(request.task, request.task_options, static_cast<int>(request.config.sampler.batch_B),
               request.stream_prefix, request.threads, ObservationForm::kOfTask),
      policy_(sampler_.info().actions, sampler_.lanes(), 1.0),
      memory_(of_task(options, sampler_)),
      batch_(of_task(std::move(options), sampler_), schedule.batch_size),
      network_options_({.max_batch = std::max({max_columns, schedule.batch_size, sampler_.lanes()}),
                        .remove_unreachable = request.config.regularisation.weight_decay == 0,
                        .active_inputs = usual_active_inputs(sampler_.info())}),
      network_(make_network(request.backend, request.model, request.mask, network_options_)),
      replay_stream_(request.stream_prefix + "/replay"),
      uniform_(static_cast<std::size_t>(schedule.batch_size)),
      reward_(static_cast<std::size_t>(sampler_.lanes())),
      done_(static_cast<std::size_t>(sampler_.lanes())) {
  first_iteration_ = iteration_ = request.start_step / steps_per_iteration();
  iterations_ = (total_steps() + steps_per_iteration() - 1) / steps_per_iteration();
  network_->gather(request.initial_parameters, network_->parameters());
  network_->parameters_changed();
  sampler_.decorrelate(policy_, config_.sampler.decorrelation_steps, request.interruption);
}

void ReplayTrainer::collect() {
  policy_.set_epsilon(epsilon());
  for (std::int64_t t = 0; t < config_.sampler.batch_T; ++t) {
    sampler_.act(policy_, acting_network(), policy_part());
    memory_.observe(sampler_.code());
    sampler_.step(policy_.actions());
    for (int lane = 0; lane < sampler_.lanes(); ++lane) {
      reward_[lane] = sampler_.results()[lane].reward;
      done_[lane] = sampler_.ended(lane);
    }
    memory_.append({policy_.actions().discrete, done_.size()}, reward_, done_);
    sampler_.reset_ended();
  }
}

void ReplayTrainer::iterate() {
  collect();
  UpdateReport last;
  if (iteration_ - first_iteration_ >= first_learning_iteration()) {
    const int updates = updates_per_iteration(schedule_, steps_per_iteration());
    for (int u = 0; u < updates && memory_.can_sample(); ++u) {
      for (double& value : uniform_) value = replay_stream_.uniform();
      memory_.sample(uniform_, beta(), batch_);
      last = learn(batch_);
    }
  }
  ++iteration_;
  if (!std::isfinite(last.loss) || !std::isfinite(last.gradient_norm))
    throw TrainingFailure(fmt::format("loss {} or gradient norm {} is not finite after {} steps", last.loss,
                                      last.gradient_norm, env_steps()));
}

void ReplayTrainer::save(StateWriter& writer) const {
  save_parameters(writer, *network_);
  writer("iteration", iteration_);
  writer("replay_stream", replay_stream_);
  writer("memory", memory_);
  sampler_.save(writer);
}

void ReplayTrainer::load(StateReader& reader) {
  load_parameters(reader, *network_);
  reader("iteration", iteration_);
  if (iteration_ < first_iteration_ || iteration_ > iterations_)
    throw ArchiveError("saved iteration is outside the training");
  reader("replay_stream", replay_stream_);
  reader("memory", memory_);
  sampler_.load(reader);
}

}  // namespace impsweep
