// agents/learning/dropout.hpp - hidden activations that are left out of a pass at random (Srivastava et al.
// 2014), as PyTorch does it: each is 0 with probability p, and the others are divided by 1 - p.
#pragma once

#include <vector>

#include "agents/native/aligned.hpp"
#include "agents/network/network.hpp"
#include "envs/random.hpp"

namespace impsweep {

class Dropout {
 public:
  // Probabilities are rounded to multiples of 2^-16. With p = 0 nothing is drawn and nothing is set.
  Dropout(const ModelSpec&, double p, int max_batch, Stream);

  // Draws factors for all parts of the network anew; they hold until clear() or the next set().
  void set(Network&);
  void clear(Network&);

  template <class Archive>
  void visit(Archive& archive) {
    archive("stream", stream_);
  }

 private:
  std::uint32_t threshold_ = 0;  // of 16 random bits: below it an activation is dropped
  float scale_ = 1;
  int stride_ = 0;
  std::vector<int> units_;  // hidden units of each part
  Stream stream_;
  AlignedFloats factors_;  // [hidden units of all parts][stride_]
};

}  // namespace impsweep
