#include "agents/learning/supervised.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "agents/config/supervised_config.hpp"
#include "agents/learning/first_loss.hpp"
#include "agents/learning/trained_network.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/subnormals.hpp"

namespace impsweep {
namespace {

constexpr int kClassifier = 0;
constexpr double kNoClip = std::numeric_limits<double>::infinity();

}  // namespace

SupervisedLearner::SupervisedLearner(Network& network, const AgentConfig& config)
    : network_(network),
      learning_rate_(config.options<SupervisedConfig>().learning_rate),
      batch_size_(static_cast<int>(config.options<SupervisedConfig>().batch_size)),
      stride_(round_up_to_lanes(batch_size_)),
      adam_(config.adam, config.regularisation, network.gradients().size()),
      image_(zeros(network.input_size(kClassifier), stride_)),
      logits_(zeros(LabelledImages::kClasses, stride_)),
      logit_gradient_(logits_),
      target_(logits_),
      loss_(zeros(1, stride_)) {}

UpdateReport SupervisedLearner::learn(const LabelledImages& images, std::span<const std::int32_t> chosen) {
  const FlushSubnormals flush;
  std::ranges::fill(target_, 0.0f);
  for (int j = 0; j < batch_size_; ++j) {
    images.write_image(chosen[j], image_.data() + j, stride_);
    target_[static_cast<std::size_t>(images.labels[chosen[j]]) * stride_ + j] = 1;
  }
  network_.forward(kClassifier, batch_size_, {image_.data(), stride_}, {logits_.data(), stride_});
  UpdateReport report;
  report.loss = kernels().cross_entropy({.actions = LabelledImages::kClasses,
                                         .batch = batch_size_,
                                         .logits = logits_.data(),
                                         .teacher_probability = target_.data(),
                                         .stride = stride_,
                                         .logit_gradient = logit_gradient_.data(),
                                         .loss_per_sample = loss_.data()});
  network_.backward(kClassifier, batch_size_, {logit_gradient_.data(), stride_});
  report.gradient_norm = adam_.clip_and_step(network_, learning_rate_, kNoClip);
  return report;
}

SupervisedTrainer::SupervisedTrainer(const TrainingRequest& request, int max_columns)
    : data_set_(request.data_set),
      network_(make_trained_network(
          request,
          std::max(max_columns, static_cast<int>(request.config.options<SupervisedConfig>().batch_size)))),
      masks_(request),
      learner_(*network_, request.config),
      steps_(request.start_step),
      total_steps_(request.config.sampler.steps),
      order_stream_(request.stream_prefix + "/minibatch"),
      order_(static_cast<std::size_t>(data_set_->training.count)) {
  if (learner_.batch_size() > data_set_->training.count)
    throw TrainingFailure(fmt::format("supervised.batch_size = {} is more than the {} images of the data set",
                                      learner_.batch_size(), data_set_->training.count));
}

void SupervisedTrainer::iterate() {
  const auto size = static_cast<std::size_t>(learner_.batch_size());
  if (next_ == 0) shuffle(order_stream_, order_.data(), data_set_->training.count);
  const UpdateReport report = learner_.learn(data_set_->training, std::span(order_).subspan(next_, size));
  next_ += size;
  if (next_ + size > order_.size()) next_ = 0;
  steps_ += learner_.batch_size();
  require_finite(report, steps_, "images");
}

BatchLoss SupervisedTrainer::first_loss(double temperature) {
  shuffle(order_stream_, order_.data(), data_set_->training.count);
  const auto size = static_cast<std::size_t>(learner_.batch_size());
  const auto pixels = static_cast<std::size_t>(data_set_->training.pixels_per_image());
  BatchLoss loss{learner_.batch_size(), std::vector<float>(size * pixels), {}};
  std::vector<std::int32_t> labels;
  for (std::size_t j = 0; j < size; ++j) {
    data_set_->training.write_image(order_[j], loss.observations.data() + j * pixels, 1);
    labels.push_back(data_set_->training.labels[static_cast<std::size_t>(order_[j])]);
  }
  loss.of_outputs = classification_loss(std::move(labels),
                                        std::vector<double>(size, 1.0 / learner_.batch_size()), temperature);
  return loss;
}

void SupervisedTrainer::save(StateWriter& writer) const {
  save_parameters(writer, "parameters", *network_);
  writer("learner", learner_);
  writer("steps", steps_);
  writer("order_stream", order_stream_);
  writer("order", order_);
  writer("next", next_);
}

void SupervisedTrainer::load(StateReader& reader) {
  load_parameters(reader, "parameters", *network_);
  reader("learner", learner_);
  reader.ranged("steps", steps_, std::int64_t{0}, total_steps_ + learner_.batch_size());
  reader("order_stream", order_stream_);
  const std::size_t images = order_.size();
  reader.sized_ranged("order", order_, std::size_t{0}, images - 1);
  reader.ranged("next", next_, std::size_t{0}, images - static_cast<std::size_t>(learner_.batch_size()));
}

TestSetEvaluator::TestSetEvaluator(std::shared_ptr<const Digits> data_set, int lanes)
    : data_set_(std::move(data_set)),
      lanes_(lanes),
      stride_(round_up_to_lanes(lanes)),
      image_(zeros(data_set_->test.pixels_per_image(), stride_)),
      logits_(zeros(LabelledImages::kClasses, stride_)) {}

PlayedEpisodes TestSetEvaluator::play_episodes(Network& network, int part, std::int64_t /*episodes*/,
                                               const std::string& /*stream_prefix*/) {
  return {.returns = {accuracy(network, part)}};
}

PlayedEpisodes TestSetEvaluator::play_steps(Network& network, int part, std::int64_t /*max_steps*/,
                                            std::int64_t /*max_episodes*/,
                                            const std::string& /*stream_prefix*/) {
  return {.returns = {accuracy(network, part)}};
}

float TestSetEvaluator::accuracy(Network& network, int part) {
  const LabelledImages& test = data_set_->test;
  std::int64_t right = 0;
  for (int first = 0; first < test.count; first += lanes_) {
    const int batch = std::min(lanes_, test.count - first);
    for (int j = 0; j < batch; ++j) test.write_image(first + j, image_.data() + j, stride_);
    network.infer(part, batch, {image_.data(), stride_}, {logits_.data(), stride_});
    for (int j = 0; j < batch; ++j) {
      int best = 0;
      for (int c = 1; c < LabelledImages::kClasses; ++c)
        if (logits_[c * stride_ + j] > logits_[best * stride_ + j]) best = c;
      const bool is_right = best == test.labels[static_cast<std::size_t>(first + j)];
      right += is_right;
      if (watcher_) show(j, best, is_right, first + j + 1 == test.count);
    }
  }
  return static_cast<float>(100.0 * static_cast<double>(right) / test.count);
}

void TestSetEvaluator::show(int column, int chosen, bool right, bool last) const {
  std::vector<float> pixels, logits;
  for (int p = 0; p < data_set_->test.pixels_per_image(); ++p) pixels.push_back(image_[p * stride_ + column]);
  for (int c = 0; c < LabelledImages::kClasses; ++c) logits.push_back(logits_[c * stride_ + column]);
  watcher_({.episode = 0,
            .observation = pixels,
            .outputs = logits,
            .action = chosen,
            .continuous_action = {},
            .reward = right ? 1.0f : 0.0f,
            .ends = last});
}

AlgorithmInfo supervised_algorithm() {
  return {.name = "supervised",
          .semantics = 1,
          .description = "classification of labelled images",
          .learns = [](const TaskInfo& task) { return task.is_data_set; },
          .needs = "a data set",
          .has_teacher = false,
          .chooses_inputs = false,
          .changes_masks = false,
          .options = SupervisedConfig{},
          // Nothing acts, and the test set is always tested as a whole.
          .reads =
              [](std::string_view key) {
                if (key.starts_with("rl.") || key.starts_with("eval."))
                  return key == "rl.steps" || key == "eval.interval";
                return key != "network.shared_trunk" && key != "network.actor_gain" &&
                       !key.starts_with("reg.dropout");
              },
          .is_idle = [](std::string_view, const AgentConfig&) { return false; },
          .check = [](const AgentConfig&, const std::string&) {},
          .prunes_critic = [](const TaskInfo&, const AgentConfig&) { return false; },
          .model = [](const ModelShape& shape,
                      const AgentConfig& config) { return classifier_model(shape, config.network); },
          .make_trainer = [](const TrainingRequest& request, int max_columns) -> std::unique_ptr<Trainer> {
            return std::make_unique<SupervisedTrainer>(request, max_columns);
          },
          .make_evaluator = [](const TrainingRequest& request, int max_columns,
                               bool) -> std::unique_ptr<Evaluator> {
            return std::make_unique<TestSetEvaluator>(request.data_set, max_columns);
          },
          .work = [](const AgentConfig& config) -> LearningWork {
            const SupervisedConfig& own = config.options<SupervisedConfig>();
            return {.steps_per_iteration = own.batch_size,
                    .batch = static_cast<double>(own.batch_size),
                    .learning_rate = own.learning_rate};
          }};
}

}  // namespace impsweep
