// agents/learning/schedule.hpp - coefficients that change in the course of a training.
//
// The order of the operations is part of the definition: results are compared bit by bit.
#pragma once

#include <cstdint>

namespace impsweep {

// At i of the line from (first, initial) to (last, final); constant before and behind.
double line_at(std::int64_t i, double initial, std::int64_t first, double final, std::int64_t last);

// initial * (n - i) / n in iteration i of n, or constant (rlpyt algos/pg/ppo.py: linear_lr_schedule).
struct LinearDecay {
  double initial = 0;
  bool falls = false;
  std::int64_t iterations = 1;  // n

  double at(std::int64_t iteration) const;
};

}  // namespace impsweep
