// agents/learning/mask_updates.hpp - the mask of a training, changed while it learns: what
// agents/sparsity/changing_mask.hpp decides is carried into network and optimizer.
//
// A change comes before a gradient step, from the weights as the step before left them. RigL looks at the
// gradient of the loss on the minibatch of that step, with respect to all weights, pruned ones at zero; the
// step is then taken on the same minibatch by the new mask. What comes starts at zero, or at its initial
// value, with moments of zero; what goes loses its moments.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "agents/learning/adam.hpp"
#include "agents/learning/trainer.hpp"
#include "agents/sparsity/changing_mask.hpp"

namespace impsweep {

class MaskUpdates {
 public:
  // The mask of a request without a plan stays as it is.
  explicit MaskUpdates(const TrainingRequest&);

  bool changes_masks() const { return mask_.has_value(); }
  bool waits_for_rollout() const { return mask_ && mask_->plan().align == SparseAlign::kRollout; }

  // Before a gradient step, after so many. `differentiate` leaves the gradients of the minibatch at hand in
  // the network, whatever its mask.
  bool is_due(std::int64_t steps) const { return mask_ && mask_->is_due(steps); }
  void change(Network&, Adam&, const std::function<void()>& differentiate);

  // After each gradient step. The target network has the mask of the network since it was copied.
  void count_step() {
    if (mask_) flop_ += flop_of_step();
  }
  void target_was_copied() { target_products_ = products_; }

  bool has_final_counts() const { return !mask_ || mask_->has_final_counts(); }
  double density() const { return mask_ ? mask_->density() : 1; }

  // Floating-point operations of `steps` gradient steps with the weights that they had: two for a weight and
  // an observation that passes it, three times for forward and backward and once for other passes. Under RigL
  // also those of the dense gradients. Acting, evaluation, activations and the optimizer are not counted.
  double flop(std::int64_t steps) const;

  // Nothing where the mask stays. Loading compiles the network for the mask of the state.
  void save(StateWriter&) const;
  void load(StateReader&, Network&, Adam&);

 private:
  double flop_of_step() const;

  ModelSpec model_;
  std::optional<ChangingMask> mask_;
  double batch_ = 1, passes_ = 3, target_passes_ = 0;  // of a gradient step
  double dense_products_ = 0, products_ = 0, target_products_ = 0;
  double flop_ = 0;                      // until now, where the mask changes
  std::vector<float> dense_, gradient_;  // [parameter_count]
  Adam::DenseMoments moments_;
};

}  // namespace impsweep
