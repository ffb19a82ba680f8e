// envs/locomotion/lane_robot.hpp - one of many robots that are stepped together in lanes (lane_step.hpp),
// with the readings of a World: to the bit those of a World of the exact layout.
#pragma once

#include <memory>
#include <span>

#include "envs/locomotion/lane_step.hpp"
#include "envs/locomotion/world.hpp"

namespace impsweep::locomotion {

class LaneRobot {
 public:
  // The model is that of all robots that are stepped together.
  explicit LaneRobot(std::shared_ptr<const Model>);

  int joints() const { return static_cast<int>(model_->driven_joints.size()); }
  int rails() const { return static_cast<int>(model_->rail_joints.size()); }

  void reset(std::span<const double> joint_positions);

  // Torques of the next step, N m. The step itself is LaneSteps::step() of the states of several robots.
  void push(std::span<const double> torques);
  LaneState& state() { return state_; }
  // push() and a step of this one alone.
  void step(std::span<const double> torques);

  double joint_position(int joint) const;
  double joint_velocity(int joint) const;
  double rail_position(int rail) const;
  double rail_velocity(int rail) const;
  Pose pose(bool ground_is_a_part) const;
  void read_feet(std::span<float> touching) const;

 private:
  std::shared_ptr<const Model> model_;
  LaneState state_;
};

// The instruction set in use: the widest that this processor has, until a test selects another. False if the
// processor cannot run it.
const LaneSteps& lane_steps();
bool select_lane_steps(std::string_view name);

}  // namespace impsweep::locomotion
