// agents/learning/trainer.hpp - what every learning algorithm offers to the session that runs it. A new
// algorithm is a class derived from Trainer, and a row of the list in algorithm.hpp that names it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "agents/acting/evaluation.hpp"
#include "agents/acting/interruption.hpp"
#include "agents/config/config.hpp"
#include "agents/network/derivatives.hpp"
#include "agents/network/network.hpp"
#include "agents/sparsity/changing_mask.hpp"
#include "envs/digits.hpp"
#include "envs/environment.hpp"

namespace impsweep {

// A training that cannot go on, e.g. because a weight became non-finite. Deterministic: it would happen
// again.
struct TrainingFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct AlgorithmInfo;
class MaskUpdates;

enum class Backend { kNative, kTorch };

// Everything a training is a function of, in the agents' own terms.
struct TrainingRequest {
  std::string task;
  TaskOptions task_options;
  const AlgorithmInfo* algorithm = nullptr;  // what learns (algorithm.hpp)
  AgentConfig config;
  Backend backend = Backend::kNative;
  int threads = 1;            // that step the environments; results do not depend on it
  Interruption interruption;  // of iterations and evaluations; results do not depend on it either
  ModelSpec model;
  std::vector<std::uint8_t> mask;         // [parameter_count], dense order
  std::optional<MaskPlan> mask_plan;      // of masks that change; `mask` is then the first
  std::vector<float> initial_parameters;  // [parameter_count], 0 where masked
  std::string stream_prefix;              // names every random stream of this training
  std::string data_stream_prefix;         // those of data that all rounds of a seed share
  std::int64_t start_step = 0;  // schedules start here and the budget counts from here (late rewinding)
  std::vector<std::int64_t> snapshot_steps;  // parameters are kept at the first safe point at or after each
  ModelSpec teacher_model;                   // bc: the teacher
  std::vector<float> teacher_parameters;
  std::shared_ptr<const Digits> data_set;  // supervised: what is learned from and tested on
};

// One gradient step, as measured before it.
struct UpdateReport {
  float loss = 0;
  float entropy = 0;        // PPO only
  double divergence = 0;    // PPO with ppo.target_kl only: mean(r - 1 - log r), about KL(old, new)
  float gradient_norm = 0;  // over all parameters, before the clip
};

// Throws TrainingFailure if loss or norm is not, after so many steps.
void require_finite(const UpdateReport&, std::int64_t steps, std::string_view unit = "steps");

std::unique_ptr<Network> make_network(Backend, const ModelSpec&, std::span<const std::uint8_t> mask,
                                      NetworkOptions);

class Trainer {
 public:
  virtual ~Trainer() = default;

  // Collects one batch of experience and learns from it. Between two calls is a safe point. If it takes long
  // it may throw Interrupted; save() then still writes the state before it, and nothing else may be called.
  virtual void iterate() = 0;

  // So far, decorrelation and evaluation excluded; of a data set, images shown.
  virtual std::int64_t env_steps() const = 0;
  virtual std::int64_t updates() const = 0;  // gradient steps so far
  virtual bool finished() const = 0;

  // The loss of the first update as a function of the parameters; asked of a trainer that has done nothing
  // yet, and will do nothing else. Collects one batch of experience, or as much as learning waits for; where
  // updates are made of parts of the batch, the loss is that of all of it. `temperature` divides the logits
  // of a softmax policy; action values and Gaussians have none. Throws Interrupted.
  virtual BatchLoss first_loss(double temperature) = 0;

  // The policy that acts, for evaluation: part `policy_part` of `network`.
  virtual Network& network() = 0;
  virtual int policy_part() const = 0;

  virtual const MaskUpdates& masks() const = 0;

  // Whole state; loading continues to the same bits.
  virtual void save(StateWriter&) const = 0;
  virtual void load(StateReader&) = 0;
};

// `max_columns`: largest batch that evaluation will pass to the network.
std::unique_ptr<Trainer> make_trainer(const TrainingRequest&, int max_columns);

// What measures the returns of such a training, with batches of at most `max_columns`; `greedy`: without the
// chance in its policy.
std::unique_ptr<Evaluator> make_evaluator(const TrainingRequest&, int max_columns, bool greedy = false);

}  // namespace impsweep
