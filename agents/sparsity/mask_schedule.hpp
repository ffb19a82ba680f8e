// agents/sparsity/mask_schedule.hpp - when masks change, and by how much. Time is counted in gradient steps.
//
// The order of the operations is part of the definition: results are compared bit by bit.
#pragma once

#include <cstdint>
#include <optional>

#include "agents/config/sparse_config.hpp"

namespace impsweep {

// The part of a layer that is pruned at time t: from `initial` at `start` to `target` at `end` by the cubic
// of Zhu & Gupta 2017 (equation 1), constant before and behind.
double cubic_sparsity(std::int64_t t, std::int64_t start, std::int64_t end, double initial, double target);

// The part of a layer's weights that is exchanged at time t: fraction / 2 (1 + cos(pi t / end)), and nothing
// from `end` on (Evci et al. 2020, section 3).
double cosine_fraction(std::int64_t t, double fraction, std::int64_t end);

// Gradual pruning changes the mask at start, start + interval, ... and at end; SET and RigL at the multiples
// of the interval between 0 and end, both excluded.
struct MaskSchedule {
  SparseMethod method = SparseMethod::kNone;
  std::int64_t start = 0, end = 0, interval = 1;

  // The last change at `now` or before it, and after `before`.
  std::optional<std::int64_t> last_change(std::int64_t before, std::int64_t now) const;
  bool changes_at(std::int64_t t) const { return last_change(t - 1, t).has_value(); }
};

}  // namespace impsweep
