// engine/store/past_costs.hpp - what the finished trainings of any store say of what trainings cost here.
#pragma once

#include <cstddef>

#include "engine/plan/cost_model.hpp"
#include "io/store.hpp"

namespace impsweep {

struct PastCosts {
  std::size_t learned = 0;    // trainings that the model learned from
  std::size_t elsewhere = 0;  // of those that were looked at, by another kind of processor
};

// Teaches the model with trainings that this kind of processor computed with the kernels in use: of every
// class a few, since more add nothing. Results of versions that did not record the processor count if their
// host has this one's name.
PastCosts learn_from(const Store&, CostModel&);

}  // namespace impsweep
