// envs/locomotion/lane_step.hpp - many robots in the lanes of vector registers: each of Bullet's operations
// once for up to eight of them, in Bullet's order and precision, so that every one moves as its World does,
// to the bit.
#pragma once

#include <span>
#include <string_view>

#include "envs/locomotion/lane_state.hpp"

namespace impsweep::locomotion {

// Written for one instruction set: "avx512", "avx2" or "scalar". All give the same bits. States are those of
// different robots of one model; nothing is allocated, and different threads may step different states.
struct LaneSteps {
  std::string_view name;
  // One control period under the torques in the states.
  void (*step)(const Model&, std::span<LaneState* const>);
  // Writes what an observation is made of, after a reset.
  void (*look)(const Model&, std::span<LaneState* const>);
};

// nullptr if the processor cannot run them. "auto": the widest that it can.
const LaneSteps* find_lane_steps(std::string_view name);

}  // namespace impsweep::locomotion
