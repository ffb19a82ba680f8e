// agents/learning/cloning.hpp - behavioural cloning of a frozen teacher's policy (policy distillation,
// protocol of the paper's section 3.1). One iteration, in T steps of B environments:
//
//   act     with the teacher and its own stochastic policy, and take down observations and distributions
//   value   by the teacher's critic, if the critic is distilled
//   learn   `epochs` times from all samples, in shuffled minibatches: the loss of cloning_objective.hpp, plus
//           mean(0.5 (V - V_teacher)^2) if the critic is distilled, its gradient, clip of the norm, step of
//           Adam
//   anneal  the learning rate falls, if it is to
//
// Under bc.data = "student" the student acts, by its own stochastic policy, and the teacher says what it
// would have done: on-policy distillation (Czarnecki et al. 2019), without the aggregation of DAgger. Under
// "fixed" the teacher acts once, for bc.fixed_steps, and every iteration takes T * B of these samples in
// turn, in an order that is drawn anew when all have been taken.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "agents/config/cloning_config.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/batch_learner.hpp"
#include "agents/learning/batch_trainer.hpp"
#include "agents/learning/cloning_objective.hpp"
#include "agents/learning/schedule.hpp"

namespace impsweep {

// The student's network has part 0 = actor and, if the critic is distilled, part 1 = critic.
class CloningLearner final : public BatchLearner {
 public:
  CloningLearner(Network&, const ModelSpec&, const AgentConfig&, MinibatchPlan, std::int64_t iterations);

  // The loss on the samples order[0 .. size-1], by the teacher's distributions (and values) in them, and its
  // gradients in the network.
  UpdateReport differentiate(const Samples&, const std::int32_t* order);

  // One gradient step on them.
  UpdateReport learn_minibatch(const Samples&, const std::int32_t* order);

 private:
  // The critic's loss, of which it writes all gradients.
  float learn_values(const Samples&, const std::int32_t* order);

  PolicyCloningConfig config_;
  LinearDecay learning_rate_;
  std::unique_ptr<CloningObjective> objective_;
};

class CloningTrainer final : public BatchTrainer {
 public:
  CloningTrainer(const TrainingRequest&, int max_columns);
  BatchLoss first_loss(double temperature) override;

 private:
  UpdateReport collect_and_learn() override;
  void play();
  void label(Samples&);  // by the teacher
  void record_fixed(const TrainingRequest&);
  void choose_fixed();
  void save_own(StateWriter&) const override;
  void load_own(StateReader&) override;
  CloningLearner& learner() override { return learner_; }
  const CloningLearner& learner() const override { return learner_; }

  ModelSpec model_;
  std::unique_ptr<Network> teacher_;
  std::int64_t epochs_;
  CloningDataConfig states_;
  CloningLearner learner_;

  // The fixed samples: all of them, the order in which they are taken and how far, and those of this
  // iteration, as a whole and of one minibatch.
  std::optional<Samples> fixed_;
  Stream fixed_stream_;
  std::vector<std::int32_t> fixed_order_, chosen_, minibatch_order_;
  std::int64_t next_fixed_ = 0;
};

// Its row in the list of algorithms.
AlgorithmInfo policy_cloning_algorithm();

}  // namespace impsweep
