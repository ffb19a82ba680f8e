// envs/locomotion/lane_state.hpp - all that a robot on the ground is between two steps, as one plain array.
#pragma once

#include "envs/locomotion/model.hpp"

namespace impsweep::locomotion {

// Numbers of a contact point: its place on the link (x, y, z in the link's frame), on the ground (x, y), and
// the gap between the two when it was last looked at.
inline constexpr int kPointNumbers = 6;

struct LaneState {
  // Places in `value`. Positions and orientation of the base, and its velocities (angular before linear, in
  // world axes), are used by robots that move in space only.
  static constexpr int kBasePosition = 0, kBaseTurn = 3, kBaseVelocity = 7;
  static constexpr int kPosition = 13;  // of the moving joints, m or rad
  static constexpr int kVelocity = kPosition + kMostJoints;
  static constexpr int kPoints = kVelocity + kMostJoints;  // number of contact points of each geom
  static constexpr int kPoint = kPoints + kMostGeoms;      // [geom][point][kPointNumbers]
  // What an observation is made of; read, and written anew by every step.
  static constexpr int kTorsoBasis = kPoint + kMostGeoms * kMostPoints * kPointNumbers;  // by rows
  static constexpr int kTorsoPosition = kTorsoBasis + 9;
  static constexpr int kTorsoVelocity = kTorsoPosition + 3;  // in world axes
  static constexpr int kSumX = kTorsoVelocity + 3;           // over the counted links
  static constexpr int kSumY = kSumX + 1;
  // Input of a step: N m, of the moving joints.
  static constexpr int kTorque = kSumY + 1;
  static constexpr int kSize = kTorque + kMostJoints;

  double value[kSize] = {};
};

}  // namespace impsweep::locomotion
