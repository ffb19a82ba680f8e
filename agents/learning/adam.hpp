// agents/learning/adam.hpp - the optimizer: one pass for the norm, one for the step, over a network's whole
// arena.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/config/config.hpp"
#include "agents/native/aligned.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

// Adam (Kingma & Ba 2015) as PyTorch computes it: w -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) +
// eps).
class Adam {
 public:
  Adam(const AdamConfig&, const RegularisationConfig&, std::size_t arena_size);

  // Scales all gradients by min(1, clip_norm / (norm + 1e-6)), then takes a step. Returns the norm before the
  // clip. Weight decay by mode: kLoss adds w * decay before the norm, kAdamL2 after the clip, kAdamW shrinks
  // w directly.
  float clip_and_step(Network&, double learning_rate, double clip_norm);

  // For a network that is compiled for another mask: moments in dense order, 0 where nothing is kept, and a
  // new arena for them, of zeros or of what they were.
  struct DenseMoments {
    std::vector<float> first, second;  // [parameter_count]
  };
  void scatter(const Network&, DenseMoments&) const;
  void gather(Network&, const DenseMoments&);
  void resize(Network&);

  std::int64_t steps() const { return steps_; }
  std::span<const float> first_moment() const { return first_; }    // arena order
  std::span<const float> second_moment() const { return second_; }  // arena order

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("adam.steps", steps_, std::int64_t{0}, std::int64_t{1} << 60);
    archive.sized("adam.first", first_);
    archive.sized("adam.second", second_);
  }

 private:
  AdamConfig config_;
  RegularisationConfig regularisation_;
  std::int64_t steps_ = 0;
  AlignedFloats first_, second_;
};

}  // namespace impsweep
