#include "agents/learning/batch_trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "agents/acting/rollout.hpp"
#include "agents/learning/saved_parameters.hpp"
#include "agents/native/kernels/kernels.hpp"

namespace impsweep {
namespace {

// Nobody minds waiting for an iteration that takes less, and of one that takes more, copying its state first
// is a small part.
constexpr std::chrono::milliseconds kLong{200};

}  // namespace

BatchTrainer::BatchTrainer(const TrainingRequest& request, int max_columns, std::int64_t minibatches,
                           std::int64_t epochs)
    : config_(request.config),
      sampler_(request.task, request.task_options, static_cast<int>(request.config.sampler.batch_B),
               request.stream_prefix, request.threads, ObservationForm::kNumbers),
      policy_(make_policy(sampler_.info().actions, sampler_.info().continuous, sampler_.lanes())),
      samples_(static_cast<int>(request.config.sampler.batch_T), sampler_.lanes(),
               sampler_.info().observation_size, sampler_.info().actions, sampler_.info().continuous),
      minibatch_(samples_.size(), minibatches),
      max_columns_(std::max({max_columns, minibatch_.size, samples_.B})),
      iterations_((request.config.sampler.steps + samples_.size() - 1) / samples_.size()),
      network_(make_network(request.backend, request.model, request.mask,
                            {.max_batch = max_columns_,
                             .remove_unreachable = request.config.regularisation.weight_decay == 0})),
      epochs_(epochs),
      start_step_(request.start_step),
      minibatch_stream_(request.stream_prefix + "/minibatch"),
      permutation_(static_cast<std::size_t>(samples_.size())),
      columns_(static_cast<std::size_t>(samples_.observation_size) *
               static_cast<std::size_t>(round_up_to_lanes(max_columns_))),
      interruption_(request.interruption) {
  network_->gather(request.initial_parameters, network_->parameters());
  network_->parameters_changed();
  sampler_.decorrelate(*policy_, config_.sampler.decorrelation_steps, request.interruption);
}

void BatchTrainer::estimate_values(Network& network, int part, const float* observations, int count,
                                   float* value) {
  const std::ptrdiff_t features = samples_.observation_stride;
  const int stride = round_up_to_lanes(max_columns_);
  for (int first = 0; first < count; first += max_columns_) {
    heed(interruption_of_iteration_);
    const int columns = std::min(max_columns_, count - first);
    kernels().transpose(columns, samples_.observation_size, observations + first * features, features,
                        columns_.data(), stride);
    network.infer(part, columns, {columns_.data(), stride}, {value + first, samples_.stride});
  }
}

void BatchTrainer::iterate() {
  const auto start = std::chrono::steady_clock::now();
  interruption_of_iteration_ = takes_long_ ? interruption_ : nullptr;
  if (interruption_of_iteration_) {
    StateWriter writer;
    save(writer);
    state_before_ = writer.take();
  }
  is_under_way_ = true;
  collect_and_learn();
  is_under_way_ = false;
  takes_long_ = std::chrono::steady_clock::now() - start >= kLong;
}

void BatchTrainer::collect_and_learn() {
  collect_rollout(sampler_, *policy_, acting_network(), policy_part(), samples_, interruption_of_iteration_);
  complete_samples();
  UpdateReport last;
  for (std::int64_t epoch = 0; epoch < epochs_; ++epoch) {
    shuffle(minibatch_stream_, permutation_.data(), samples_.size());
    for (int m = 0; m < minibatch_.per_epoch; ++m) {
      heed(interruption_of_iteration_);
      last = learner_->learn_minibatch(
          samples_, permutation_.data() + static_cast<std::ptrdiff_t>(m) * minibatch_.size);
    }
  }
  learner_->finish_iteration();
  if (!std::isfinite(last.loss) || !std::isfinite(last.gradient_norm))
    throw TrainingFailure(fmt::format("loss {} or gradient norm {} is not finite after {} steps", last.loss,
                                      last.gradient_norm, env_steps()));
}

void BatchTrainer::save(StateWriter& writer) const {
  if (is_under_way_) return writer.append(state_before_);  // it was given up
  save_parameters(writer, *network_);
  writer("learner", *learner_);
  writer("minibatch_stream", minibatch_stream_);
  sampler_.save(writer);
}

void BatchTrainer::load(StateReader& reader) {
  load_parameters(reader, *network_);
  reader("learner", *learner_);
  if (learner_->iteration() < 0 || learner_->iteration() > learner_->iterations())
    throw ArchiveError("saved iteration is outside the training");
  reader("minibatch_stream", minibatch_stream_);
  sampler_.load(reader);
}

}  // namespace impsweep
