// envs/locomotion/runner.hpp - the task of a robot: to run along +x.
//
//   reward = alive (+1 or -1) + progress (m/s towards a far target) - cost of torque - 0.1 for each joint at
//            its limit
//
// The flags of the feet in an observation are those found after the action before the last one, as in the
// original.
#pragma once

#include <span>
#include <vector>

#include "envs/environment.hpp"
#include "envs/locomotion/lane_robot.hpp"
#include "envs/locomotion/world.hpp"

namespace impsweep::locomotion {

struct RunnerParameters {
  const Robot* robot;
  // The original counts the ground as a part of the robot from its first reset on, except in the potential
  // of that reset. True repeats this for the first reset; false counts it always, so that an episode does
  // not depend on what its lane did before.
  bool fresh_instance = false;
  int max_steps = 1000;  // actions of an episode that are stored without allocation
  bool ends_when_not_alive = true;
};

inline constexpr double kResetRange = 0.1;  // rad, of the joint positions at reset

// What is common to the four; sizes are the robot's. The simulation is a World, or a LaneRobot, whose steps
// are made for several at once between begin_step() and end_step().
template <class Simulation>
class Runner {
 public:
  static constexpr float kClip = 5;  // of every feature

  Runner(const RunnerParameters&, Simulation);

  void reset(RandomSource&);  // a draw U for each joint
  StepResult step(std::span<const float> action);
  void begin_step(std::span<const float> action);  // fills torque()
  StepResult end_step(std::span<const float> action);
  void observe(float* out, int stride) const;

  std::span<const double> torque() const { return torque_; }  // N m
  Simulation& simulation() { return simulation_; }

  void get_state(std::span<double>) const;  // positions of rails and joints, then velocities

  // The state is saved as what led to it: the draws of the last reset and the actions since. After loading,
  // the episode begins again, and what begin_again() returns is to be played: every simulation repeats it to
  // the bit, so that one takes up what another has left.
  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("resets", resets_, std::int64_t{0}, std::int64_t{1} << 60);
    archive.sized_ranged("initial_position", initial_position_, -kResetRange, kResetRange);
    archive("actions", actions_);
    archive.require("actions", [&] { return actions_are_possible(); });
  }
  std::vector<float> begin_again();  // [steps][joints]; empty before the first reset

 private:
  void begin_episode();
  bool actions_are_possible() const;  // those of whole steps, and of no more than an episode has
  double read_state();                // fills the observation; returns the potential
  double alive() const;

  RunnerParameters parameters_;
  Simulation simulation_;
  std::int64_t resets_ = 0;
  std::vector<double> initial_position_;  // [joints]
  std::vector<float> actions_;            // [steps since the reset][joints]

  double initial_height_ = 0, potential_ = 0, pitch_ = 0;
  std::vector<double> torque_;          // [joints]
  std::vector<float> feet_;             // [feet]
  std::vector<float> observation_;      // [features]
  std::vector<float> speed_, squares_;  // [joints], scaled and unclipped; scratch
  int joints_at_limit_ = 0;
  std::vector<int> untouched_;  // indices into feet_
};

extern template class Runner<World>;
extern template class Runner<LaneRobot>;

}  // namespace impsweep::locomotion
