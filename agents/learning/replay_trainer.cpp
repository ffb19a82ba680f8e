#include "agents/learning/replay_trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "agents/learning/saved_parameters.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "envs/parallel_environment.hpp"

namespace impsweep {
namespace {

// Observations that are made of a code of zeros and ones, and are not the code itself.
bool is_coded(const TaskInfo& task) {
  return !task.binary && task.code_size > 0;
}

}  // namespace

double usual_active_inputs(const TaskInfo& task) {
  return task.binary ? 0.5 * task.max_active : 0.0;
}

int updates_per_iteration(const ReplaySchedule& schedule, std::int64_t steps) {
  const double updates = schedule.replay_ratio * static_cast<double>(steps) / schedule.batch_size;
  return std::max(1, static_cast<int>(std::nearbyint(updates)));
}

double line_at(std::int64_t i, double initial, std::int64_t first, double final, std::int64_t last) {
  if (i >= last) return final;
  if (i <= first) return initial;
  const double part = static_cast<double>(i - first) / static_cast<double>(last - first);
  return part * final + (1 - part) * initial;
}

ReplayRollout::ReplayRollout(const TrainingRequest& request)
    : environment_(
          in_parallel(make_environment(request.task, static_cast<int>(request.config.sampler.batch_B),
                                       request.task_options),
                      request.threads)),
      stream_prefix_(request.stream_prefix),
      policy_(environment_->info().actions, environment_->lanes(), 1.0),
      observation_(environment_->info(), environment_->lanes()) {
  if (is_coded(info()))
    code_ = ObservationColumns(info().code_size, info().max_active, environment_->lanes());
  const auto lanes = static_cast<std::size_t>(environment_->lanes());
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    lanes_.push_back(static_cast<std::int32_t>(lane));
    task_streams_.emplace_back(fmt::format("{}/environment/{}", stream_prefix_, lane));
    action_streams_.emplace_back(fmt::format("{}/action/{}", stream_prefix_, lane));
  }
  results_.resize(lanes);
  reward_.resize(lanes);
  done_.resize(lanes);
  for (const std::int32_t lane : lanes_) {
    environment_->attach(lane, task_streams_[static_cast<std::size_t>(lane)]);
    environment_->reset(lane, lane, observation_.target());
  }
}

void ReplayRollout::decorrelate(std::int64_t max_steps, const Interruption& interruption) {
  if (max_steps <= 0) return;
  for (const std::int32_t lane : lanes_) {
    Stream stream(fmt::format("{}/decorrelation/{}", stream_prefix_, lane));
    const std::int64_t steps = stream.below(max_steps);
    ObservationBatch column = observation_.target();
    if (column.data != nullptr) column.data += lane;
    for (std::int64_t s = 0; s < steps; ++s) {
      throw_if_interrupted(interruption);
      const auto action = static_cast<std::int32_t>(stream.below(info().actions));
      environment_->step({&lane, 1}, {.discrete = &action}, column, {results_.data(), 1});
      if (results_[0].terminated || results_[0].truncated)
        environment_->reset(lane, lane, observation_.target());
    }
  }
}

void ReplayRollout::collect(Network& network, double epsilon, int T, ReplayMemory& memory) {
  policy_.set_epsilon(epsilon);
  for (int t = 0; t < T; ++t) {
    observation_.observe(*environment_, lanes_);
    if (is_coded(info())) code_.observe(*environment_, lanes_);
    memory.observe(is_coded(info()) ? code_ : observation_);
    policy_.act(network, 0, environment_->lanes(), observation_, action_streams_.data(), lanes_.data());
    environment_->step(lanes_, policy_.actions(), observation_.target(), results_);
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
      reward_[lane] = results_[lane].reward;
      done_[lane] = results_[lane].terminated || results_[lane].truncated;
      if (done_[lane] != 0) environment_->reset(lanes_[lane], lanes_[lane], observation_.target());
    }
    memory.append({policy_.actions().discrete, lanes_.size()}, reward_, done_);
  }
}

ReplayOptions ReplayRollout::for_task(ReplayOptions options) const {
  options.B = environment_->lanes();
  options.features = info().observation_size;
  options.max_active = info().binary || is_coded(info()) ? info().max_active : 0;
  if (!is_coded(info())) return options;
  options.code_size = info().code_size;
  options.expand = [environment = environment_.get()](const ActiveBatch& code, int batch,
                                                      MutableBatch dense) {
    environment->expand(batch, code.begin, code.feature, {dense.data, dense.stride});
  };
  return options;
}

void ReplayRollout::save(StateWriter& writer) const {
  writer("rollout.task_streams", task_streams_);
  writer("rollout.action_streams", action_streams_);
  writer("rollout.observation", observation_);
  environment_->save(writer);
}

void ReplayRollout::load(StateReader& reader) {
  reader.sized("rollout.task_streams", task_streams_);
  reader.sized("rollout.action_streams", action_streams_);
  reader("rollout.observation", observation_);
  environment_->load(reader);
}

ReplayTrainer::ReplayTrainer(const TrainingRequest& request, int max_columns, ReplayOptions options,
                             const ReplaySchedule& schedule)
    : config_(request.config),
      schedule_(schedule),
      rollout_(request),
      memory_(rollout_.for_task(options)),
      batch_(rollout_.for_task(std::move(options)), schedule.batch_size),
      network_options_(
          {.max_batch = std::max({max_columns, schedule.batch_size, static_cast<int>(memory_.B())}),
           .remove_unreachable = request.config.regularisation.weight_decay == 0,
           .active_inputs = usual_active_inputs(rollout_.info())}),
      network_(make_network(request.backend, request.model, request.mask, network_options_)),
      replay_stream_(request.stream_prefix + "/replay"),
      uniform_(static_cast<std::size_t>(schedule.batch_size)) {
  first_iteration_ = iteration_ = request.start_step / steps_per_iteration();
  iterations_ = (total_steps() + steps_per_iteration() - 1) / steps_per_iteration();
  network_->gather(request.initial_parameters, network_->parameters());
  network_->parameters_changed();
  rollout_.decorrelate(config_.sampler.decorrelation_steps, request.interruption);
}

void ReplayTrainer::iterate() {
  rollout_.collect(acting_network(), epsilon(), static_cast<int>(config_.sampler.batch_T), memory_);
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
  rollout_.save(writer);
}

void ReplayTrainer::load(StateReader& reader) {
  load_parameters(reader, *network_);
  reader("iteration", iteration_);
  if (iteration_ < first_iteration_ || iteration_ > iterations_)
    throw ArchiveError("saved iteration is outside the training");
  reader("replay_stream", replay_stream_);
  reader("memory", memory_);
  rollout_.load(reader);
}

}  // namespace impsweep
