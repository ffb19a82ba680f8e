#include "agents/acting/sampler.hpp"

#include <fmt/format.h>

#include "envs/parallel_environment.hpp"

namespace impsweep {

bool is_coded(const TaskInfo& task) {
  return !task.binary && task.code_size > 0;
}

Sampler::Sampler(std::string_view task, const TaskOptions& options, int B, const std::string& stream_prefix,
                 int threads, ObservationForm form)
    : environment_(in_parallel(make_environment(task, B, options), threads)),
      stream_prefix_(stream_prefix),
      results_(static_cast<std::size_t>(B)),
      observation_(form == ObservationForm::kOfTask ? ObservationColumns(info(), B)
                                                    : ObservationColumns(info().observation_size, 0, B)),
      keeps_code_(form == ObservationForm::kOfTask && is_coded(info())) {
  if (keeps_code_) code_ = ObservationColumns(info().code_size, info().max_active, B);
  for (int lane = 0; lane < B; ++lane) {
    lane_of_column_.push_back(lane);
    task_streams_.emplace_back(fmt::format("{}/environment/{}", stream_prefix, lane));
    action_streams_.emplace_back(fmt::format("{}/action/{}", stream_prefix, lane));
  }
  environment_->expect_resets_after_ends();
  for (int lane = 0; lane < B; ++lane) {
    environment_->attach(lane, task_streams_[lane]);
    environment_->reset(lane, lane, observation_.target());
  }
}

void Sampler::decorrelate(Policy& policy, std::int64_t max_steps, const Interruption& interruption) {
  if (max_steps <= 0) return;
  for (const std::int32_t lane : lane_of_column_) {
    Stream stream(fmt::format("{}/decorrelation/{}", stream_prefix_, lane));
    const std::int64_t steps = stream.below(max_steps);
    for (std::int64_t s = 0; s < steps; ++s) {
      throw_if_interrupted(interruption);
      policy.act_at_random(lane, stream);
      environment_->step({&lane, 1}, policy.actions().from(lane), observation_.target().from(lane),
                         {&results_[lane], 1});
      if (ended(lane)) environment_->reset(lane, lane, observation_.target());
    }
  }
}

void Sampler::observe() {
  observation_.observe(*environment_, lane_of_column_);
  if (keeps_code_) code_.observe(*environment_, lane_of_column_);
}

void Sampler::act(Policy& policy, Network& network, int part) {
  observe();
  policy.act(network, part, lanes(), observation_, action_streams_.data(), lane_of_column_.data());
}

void Sampler::step(const ActionBatch& actions) {
  environment_->step(lane_of_column_, actions, observation_.target(), results_);
}

void Sampler::reset_ended() {
  for (const std::int32_t lane : lane_of_column_)
    if (ended(lane)) environment_->reset(lane, lane, observation_.target());
}

void Sampler::save(StateWriter& writer) const {
  writer("rollout.task_streams", task_streams_);
  writer("rollout.action_streams", action_streams_);
  writer("rollout.observation", observation_);
  environment_->save(writer);
}

void Sampler::load(StateReader& reader) {
  reader.sized("rollout.task_streams", task_streams_);
  reader.sized("rollout.action_streams", action_streams_);
  reader("rollout.observation", observation_);
  environment_->load(reader);
}

}  // namespace impsweep
