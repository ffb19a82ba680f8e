// agents/learning/supervised.hpp - classification of labelled images (figure 1 of the paper, left): the data
// set is shown in epochs of minibatches, each epoch in an order of its own; what does not fill a minibatch is
// left out.
//
//   loss = mean over the minibatch of -log softmax(classifier(image))(label)
//
// A step is an image shown. The return is the accuracy on the test set in percent.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agents/acting/evaluation.hpp"
#include "agents/config/supervised_config.hpp"
#include "agents/learning/adam.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/mask_updates.hpp"
#include "agents/learning/trainer.hpp"

namespace impsweep {

// What is learned by: the optimizer and a minibatch of scratch memory. Keeps a reference to the network,
// whose part 0 is the classifier.
class SupervisedLearner {
 public:
  SupervisedLearner(Network&, const AgentConfig&);

  // One gradient step on the images chosen[0 .. batch_size-1].
  UpdateReport learn(const LabelledImages&, std::span<const std::int32_t> chosen);

  int batch_size() const { return batch_size_; }
  std::int64_t updates() const { return adam_.steps(); }

  template <class Archive>
  void visit(Archive& archive) {
    adam_.visit(archive);
  }

 private:
  Network& network_;
  double learning_rate_;
  int batch_size_, stride_;
  Adam adam_;
  AlignedFloats image_;                             // [pixels][stride]
  AlignedFloats logits_, logit_gradient_, target_;  // [classes][stride]
  AlignedFloats loss_;                              // [stride]
};

class SupervisedTrainer final : public Trainer {
 public:
  // Throws TrainingFailure if the data set is smaller than a minibatch.
  SupervisedTrainer(const TrainingRequest&, int max_columns);

  void iterate() override;  // one minibatch
  BatchLoss first_loss(double temperature) override;
  std::int64_t env_steps() const override { return steps_; }
  std::int64_t updates() const override { return learner_.updates(); }
  bool finished() const override { return steps_ >= total_steps_; }
  Network& network() override { return *network_; }
  int policy_part() const override { return 0; }
  const MaskUpdates& masks() const override { return masks_; }
  void save(StateWriter&) const override;
  void load(StateReader&) override;

 private:
  std::shared_ptr<const Digits> data_set_;
  std::unique_ptr<Network> network_;
  MaskUpdates masks_;
  SupervisedLearner learner_;
  std::int64_t steps_, total_steps_;
  Stream order_stream_;
  std::vector<std::int32_t> order_;  // [training images], of this epoch
  std::size_t next_ = 0;             // the first of `order_` that has not been shown
};

// The whole test set is one episode, whose return is the part of its images that are classified rightly, in
// percent. It is the same whatever numbers of episodes and names of streams are asked for. A watcher sees
// each image as a step: with the class chosen, and reward 1 if that is right.
class TestSetEvaluator final : public Evaluator {
 public:
  TestSetEvaluator(std::shared_ptr<const Digits>, int lanes);

  void watch(StepWatcher watcher) override { watcher_ = std::move(watcher); }
  int lanes() const override { return lanes_; }
  PlayedEpisodes play_episodes(Network&, int part, std::int64_t episodes,
                               const std::string& stream_prefix) override;
  PlayedEpisodes play_steps(Network&, int part, std::int64_t max_steps, std::int64_t max_episodes,
                            const std::string& stream_prefix) override;

 private:
  float accuracy(Network&, int part);
  void show(int column, int chosen, bool right, bool last) const;

  std::shared_ptr<const Digits> data_set_;
  int lanes_, stride_;
  AlignedFloats image_;   // [pixels][stride]
  AlignedFloats logits_;  // [classes][stride]
  StepWatcher watcher_;
};

// Its row in the list of algorithms.
AlgorithmInfo supervised_algorithm();

}  // namespace impsweep
