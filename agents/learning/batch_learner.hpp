// agents/learning/batch_learner.hpp - what the learners of PPO and of the cloning of policies share: the
// optimizer, the place in their schedules, and an actor and a critic for one minibatch.
#pragma once

#include <cstdint>

#include "agents/learning/actor_critic.hpp"
#include "agents/learning/adam.hpp"
#include "agents/learning/minibatch.hpp"
#include "agents/learning/trainer.hpp"

namespace impsweep {

class BatchLearner {
 public:
  // Iterations move the schedules on.
  void start_at_iteration(std::int64_t iteration) { iteration_ = iteration; }
  void finish_iteration() { ++iteration_; }
  std::int64_t iteration() const { return iteration_; }
  std::int64_t iterations() const { return iterations_; }
  const Adam& optimizer() const { return adam_; }
  Adam& optimizer() { return adam_; }

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("iteration", iteration_, std::int64_t{0}, std::int64_t{1} << 60);
    adam_.visit(archive);
  }

 protected:
  // `iterations`: length of the schedules. Keeps a reference to the network.
  BatchLearner(Network& network, const ModelSpec& model, const AgentConfig& config, MinibatchPlan minibatch,
               std::int64_t iterations)
      : network_(network),
        iterations_(iterations),
        adam_(config.adam, config.regularisation, network.gradients().size()),
        minibatch_(network, model, minibatch.size) {}
  ~BatchLearner() = default;

  Network& network_;
  std::int64_t iterations_, iteration_ = 0;
  Adam adam_;
  ActorCritic minibatch_;
};

}  // namespace impsweep
