#include "agents/acting/rollout.hpp"

#include "agents/native/kernels/kernels.hpp"

namespace impsweep {
namespace {

// The present observations of `count` lanes from `first` on, as rows that are `row_stride` apart.
void copy_observations(const Sampler& sampler, int first, int count, float* rows, std::ptrdiff_t row_stride) {
  const ConstBatch batch = sampler.observation().dense();
  kernels().transpose(sampler.info().observation_size, count, batch.data + first, batch.stride, rows,
                      row_stride);
}

void record_timeout(const Sampler& sampler, int lane, int i, Samples& samples) {
  Samples::Timeouts& timeouts = samples.timeouts;
  const auto features = static_cast<std::size_t>(samples.observation_stride);
  timeouts.sample.push_back(i);
  timeouts.observation.resize(timeouts.sample.size() * features);
  copy_observations(sampler, lane, 1, timeouts.observation.data() + timeouts.observation.size() - features,
                    samples.observation_stride);
}

}  // namespace

void collect_rollout(Sampler& sampler, Policy& policy, Network& network, int part, Samples& samples,
                     const Interruption& interruption) {
  const std::ptrdiff_t features = samples.observation_stride;
  samples.timeouts.sample.clear();
  samples.timeouts.observation.clear();
  for (int t = 0; t < samples.T; ++t) {
    throw_if_interrupted(interruption);
    sampler.act(policy, network, part);
    copy_observations(sampler, 0, samples.B, samples.observation.data() + t * features, samples.T * features);
    for (int lane = 0; lane < samples.B; ++lane) policy.record(lane, samples, lane * samples.T + t);
    sampler.step(policy.actions());
    for (int lane = 0; lane < samples.B; ++lane) {
      const int i = lane * samples.T + t;
      const StepResult& result = sampler.results()[lane];
      samples.reward[i] = result.reward;
      samples.done[i] = sampler.ended(lane);
      if (result.truncated && !result.terminated) record_timeout(sampler, lane, i, samples);
    }
    sampler.reset_ended();
  }
  policy.complete(samples);
}

}  // namespace impsweep
