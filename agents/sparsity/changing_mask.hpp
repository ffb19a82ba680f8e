// agents/sparsity/changing_mask.hpp - the mask of a network that changes while it learns: dense order in,
// dense order out. It knows neither networks nor optimizers; agents/learning/mask_updates.hpp puts it to use.
//
//   gradual   every layer is pruned along the cubic towards its own count; what is pruned stays so
//   SET, RigL every layer keeps its count and exchanges the part of it that the cosine says
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/network/network.hpp"
#include "agents/sparsity/mask_schedule.hpp"
#include "envs/random.hpp"

namespace impsweep {

struct MaskPlan {
  MaskSchedule schedule;
  double fraction = 0;                        // SET, RigL: of a layer's weights, exchanged at first
  SparseAlign align = SparseAlign::kRollout;  // where changes are put off until the next rollout
  std::vector<std::size_t> tensors;           // whose mask changes, into tensors_of() the model
  std::vector<std::int64_t> counts;           // by these: weights kept in the end; SET, RigL: always
  std::vector<std::uint8_t> available;        // [parameter_count] 0: never kept; empty: all may be
  std::vector<float> grown;                   // [parameter_count] values that weights come with; empty: zeros
};

class ChangingMask {
 public:
  // `mask` [parameter_count] is the first; `growth` decides what SET grows.
  ChangingMask(const ModelSpec&, MaskPlan, std::span<const std::uint8_t> mask, Stream growth);

  const MaskPlan& plan() const { return plan_; }
  std::span<const std::uint8_t> mask() const { return mask_; }
  bool has_final_counts() const;
  double density() const;  // of the plan's tensors

  // Whether the mask should change before the next step of a training that has made so many.
  bool is_due(std::int64_t steps) const { return plan_.schedule.last_change(asked_, steps).has_value(); }
  bool reads_gradients() const { return plan_.schedule.method == SparseMethod::kRigl; }

  // The change that is due. weights, and gradients for those who read them: [parameter_count]; gradients are
  // those of all places, pruned ones included. Returns whether any place has changed.
  bool change(std::int64_t steps, std::span<const float> weights, std::span<const float> gradients);

  template <class Archive>
  void visit(Archive& archive) {
    archive.sized_ranged("mask", mask_, 0, 1);
    archive.ranged("asked", asked_, std::int64_t{-1}, std::int64_t{1} << 60);
    archive("growth", growth_);
  }

 private:
  MaskPlan plan_;
  std::vector<Tensor> tensors_;  // of the plan, in its order
  std::vector<std::int64_t> first_counts_;
  std::vector<std::uint8_t> mask_;
  std::int64_t asked_ = -1;  // steps at the last change
  Stream growth_;
};

// Multiplications of weights that the mask keeps (empty: all) with what they read, for one observation: a
// weight of a convolution counts at every position.
double weight_products(const ModelSpec&, std::span<const std::uint8_t> mask);

}  // namespace impsweep
