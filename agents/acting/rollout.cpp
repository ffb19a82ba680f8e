#include "agents/acting/rollout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agents/native/kernels/kernels.hpp"
#include "envs/parallel_environment.hpp"

namespace impsweep {

Rollout::Rollout(std::string_view task, const TaskOptions& options, int B, const std::string& stream_prefix,
                 int threads)
    : environment_(in_parallel(make_environment(task, B, options), threads)),
      policy_(make_policy(environment_->info().actions, environment_->info().continuous, B)),
      lanes_(B),
      stream_prefix_(stream_prefix),
      lane_of_column_(B),
      results_(B),
      observation_(environment_->info().observation_size, 0, B) {
  for (int lane = 0; lane < B; ++lane) {
    lane_of_column_[lane] = lane;
    task_streams_.emplace_back(fmt::format("{}/environment/{}", stream_prefix, lane));
    action_streams_.emplace_back(fmt::format("{}/action/{}", stream_prefix, lane));
  }
  for (int lane = 0; lane < B; ++lane) {
    environment_->attach(lane, task_streams_[lane]);
    environment_->reset(lane, lane, observation_.target());
  }
}

void Rollout::decorrelate(std::int64_t max_steps, const Interruption& interruption) {
  if (max_steps <= 0) return;
  for (int lane = 0; lane < lanes_; ++lane) {
    Stream stream(fmt::format("{}/decorrelation/{}", stream_prefix_, lane));
    const std::int64_t steps = stream.below(max_steps);
    const std::int32_t column_lane = lane;
    const ObservationBatch all = observation_.target();
    for (std::int64_t s = 0; s < steps; ++s) {
      throw_if_interrupted(interruption);
      policy_->act_at_random(lane, stream);
      environment_->step({&column_lane, 1}, policy_->actions().from(lane), {all.data + lane, all.stride},
                         {results_.data(), 1});
      if (results_[0].terminated || results_[0].truncated)
        environment_->reset(lane, lane, observation_.target());
    }
  }
}

void Rollout::collect(Network& network, int part, Samples& samples, const Interruption& interruption) {
  const ObservationBatch batch = observation_.target();
  const std::ptrdiff_t features = samples.observation_stride;
  // Columns first .. first + count - 1, as rows that are `stride` apart.
  const auto copy_observations = [&](int first, int count, float* rows, std::ptrdiff_t stride) {
    kernels().transpose(samples.observation_size, count, batch.data + first, batch.stride, rows, stride);
  };
  timeouts_.sample.clear();
  timeouts_.observation.clear();
  for (int t = 0; t < samples.T; ++t) {
    throw_if_interrupted(interruption);
    policy_->act(network, part, lanes_, observation_, action_streams_.data(), lane_of_column_.data());
    copy_observations(0, lanes_, samples.observation.data() + t * features, samples.T * features);
    for (int lane = 0; lane < lanes_; ++lane) policy_->record(lane, samples, lane * samples.T + t);
    environment_->step(lane_of_column_, policy_->actions(), batch, results_);
    for (int lane = 0; lane < lanes_; ++lane) {
      const int i = lane * samples.T + t;
      const StepResult& result = results_[lane];
      samples.reward[i] = result.reward;
      samples.done[i] = result.terminated || result.truncated;
      if (samples.done[i] == 0) continue;
      if (!result.terminated) {
        timeouts_.sample.push_back(i);
        timeouts_.observation.resize(timeouts_.sample.size() * static_cast<std::size_t>(features));
        copy_observations(lane, 1, timeouts_.observation.data() + timeouts_.observation.size() - features,
                          features);
      }
      environment_->reset(lane, lane, batch);
    }
  }
  policy_->complete(samples);
}

void Rollout::save(StateWriter& writer) const {
  writer("rollout.task_streams", task_streams_);
  writer("rollout.action_streams", action_streams_);
  writer("rollout.observation", observation_);
  environment_->save(writer);
}

void Rollout::load(StateReader& reader) {
  reader.sized("rollout.task_streams", task_streams_);
  reader.sized("rollout.action_streams", action_streams_);
  reader("rollout.observation", observation_);
  environment_->load(reader);
}

}  // namespace impsweep
