#include "agents/learning/batch_trainer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "agents/learning/trained_network.hpp"
#include "agents/native/kernels/kernels.hpp"

namespace impsweep {

LearningWork minibatch_work(const SamplerConfig& sampler, std::int64_t epochs, std::int64_t minibatches) {
  const MinibatchPlan plan(static_cast<int>(rollout_steps(sampler)), minibatches);
  return {.steps_per_iteration = rollout_steps(sampler),
          .updates_per_iteration = static_cast<double>(epochs) * plan.per_epoch,
          .batch = static_cast<double>(plan.size)};
}

BatchTrainer::BatchTrainer(const TrainingRequest& request, int max_columns, std::int64_t minibatches)
    : config_(request.config),
      sampler_(request.task, request.task_options, static_cast<int>(config_.sampler.batch_B),
               request.stream_prefix, request.threads, ObservationForm::kNumbers),
      policy_(make_policy(sampler_.info().actions, sampler_.info().continuous, sampler_.lanes())),
      samples_(static_cast<int>(config_.sampler.batch_T), sampler_.lanes(), sampler_.info().observation_size,
               sampler_.info().actions, sampler_.info().continuous),
      minibatch_(samples_.size(), minibatches),
      masks_(request),
      max_columns_(std::max({max_columns, minibatch_.size, samples_.B})),
      network_(make_trained_network(request, max_columns_)),
      first_iteration_(request.start_step / samples_.size()),
      iterations_((config_.sampler.steps + samples_.size() - 1) / samples_.size()),
      minibatch_stream_(request.stream_prefix + "/minibatch"),
      permutation_(static_cast<std::size_t>(samples_.size())),
      columns_(zeros(samples_.observation_size, round_up_to_lanes(max_columns_))),
      safe_point_(request.interruption) {
  minibatch_begin_.reserve(static_cast<std::size_t>(minibatch_.per_epoch));
  for (int m = 0; m < minibatch_.per_epoch; ++m)
    minibatch_begin_.push_back(permutation_.data() + std::ptrdiff_t{m} * minibatch_.size);
  sampler_.decorrelate(*policy_, config_.sampler.decorrelation_steps, request.interruption);
}

void BatchTrainer::iterate() {
  safe_point_.leave(*this);
  const UpdateReport last = collect_and_learn();
  learner().finish_iteration();
  safe_point_.reach();
  require_finite(last, env_steps());
}

void BatchTrainer::estimate_values(Network& network, const float* observations, int count, float* value) {
  infer_all(network, kCritic, observations, count, {value, samples_.stride});
}

void BatchTrainer::infer_all(Network& network, int part, const float* observations, int count,
                             MutableBatch outputs) {
  const std::ptrdiff_t features = samples_.observation_stride;
  const int stride = round_up_to_lanes(max_columns_);
  for (int first = 0; first < count; first += max_columns_) {
    throw_if_interrupted(interruption());
    const int columns = std::min(max_columns_, count - first);
    kernels().transpose(columns, samples_.observation_size, observations + first * features, features,
                        columns_.data(), stride);
    network.infer(part, columns, {columns_.data(), stride}, {outputs.data + first, outputs.stride});
  }
}

std::span<const float> BatchTrainer::log_std(const ModelSpec& model) const {
  if (model.log_std == 0) return {};
  return network_->parameters().subspan(network_->log_std_offset(), static_cast<std::size_t>(model.log_std));
}

BatchLoss BatchTrainer::loss_of_rollout(const ModelSpec& model, std::shared_ptr<const OutputLoss> loss) {
  BatchLoss result{samples_.size(), {}, std::move(loss)};
  const auto features = static_cast<std::size_t>(samples_.observation_size);
  for (int i = 0; i < samples_.size(); ++i) {
    const float* row = samples_.observation.data() + std::ptrdiff_t{i} * samples_.observation_stride;
    result.observations.insert(result.observations.end(), row, row + features);
  }
  if (model.observation_moments == 0) return result;
  const float* mean = network_->parameters().data() + network_->moments_offset();
  const float* variance = mean + features;
  for (std::size_t i = 0; i < result.observations.size(); ++i) {
    const std::size_t feature = i % features;
    const double deviation = std::sqrt(variance[feature] + kVarianceFloor);
    const double value = (double{result.observations[i]} - mean[feature]) / deviation;
    result.observations[i] =
        static_cast<float>(std::clamp(value, -double{kObservationClip}, double{kObservationClip}));
  }
  return result;
}

void BatchTrainer::save(StateWriter& writer) const {
  if (safe_point_.is_left()) return safe_point_.save(writer);
  masks_.save(writer);
  save_parameters(writer, "parameters", *network_);
  writer("learner", learner());
  writer("minibatch_stream", minibatch_stream_);
  sampler_.save(writer);
  save_own(writer);
}

void BatchTrainer::load(StateReader& reader) {
  masks_.load(reader, *network_, learner().optimizer());
  load_parameters(reader, "parameters", *network_);
  reader("learner", learner());
  if (learner().iteration() < 0 || learner().iteration() > iterations_)
    throw ArchiveError("saved iteration is outside the training");
  reader("minibatch_stream", minibatch_stream_);
  sampler_.load(reader);
  load_own(reader);
}

}  // namespace impsweep
