// envs/locomotion/locomotion.hpp - HalfCheetah, Walker2D, Hopper, Ant of PyBullet Gym and pybullet_envs, to
// the bit where recorded episodes exist: a robot is to run along +x.
//
//   reward = alive (+1 or -1) + progress (m/s towards a far target) - cost of torque - 0.1 for each joint at
//            its limit
//
// The flags of the feet in an observation are those found after the action before the last one, as there.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "envs/environment.hpp"
#include "envs/locomotion/world.hpp"

namespace impsweep::locomotion {

// What is common to the four; sizes are the robot's.
class Runner {
 public:
  struct Parameters {
    const Robot* robot;
    // The original counts the ground as a part of the robot from its first reset on, except in the potential
    // of that reset. True repeats this for the first reset; false counts it always, so that an episode does
    // not depend on what its lane did before.
    bool fresh_instance = false;
    Layout layout = Layout::kExact;
    int max_steps = 1000;  // actions of an episode that are stored without allocation
    bool ends_when_not_alive = true;
    std::vector<int> contact_order = {};  // of a recording (world.hpp)
  };

  static constexpr double kResetRange = 0.1;  // rad, of the joint positions at reset
  static constexpr float kClip = 5;           // of every feature

  explicit Runner(const Parameters&);

  void reset(RandomSource&);  // a draw U for each joint
  StepResult step(std::span<const float> action);
  void observe(float* out, int stride) const;

  void get_state(std::span<double>) const;  // positions of rails and joints, then velocities

  // The state is saved as what led to it: the draws of the last reset and the actions since. Loading plays
  // them again, which Bullet repeats to the bit; its own state is spread over many private members.
  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("resets", resets_, std::int64_t{0}, std::int64_t{1} << 60);
    archive.sized_ranged("initial_position", initial_position_, -kResetRange, kResetRange);
    archive("actions", actions_);
    archive.require("actions", [&] { return actions_are_possible(); });
    if constexpr (std::is_same_v<Archive, StateReader>) play_again();
  }

 private:
  void begin_episode();
  void play_again();
  bool actions_are_possible() const;  // those of whole steps, and of no more than an episode has
  double read_state();                // fills the observation; returns the potential
  double alive() const;

  Parameters parameters_;
  World world_;
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

// One of the four, with its sizes known to the compiler.
template <int kJoints, int kFeet, int kRails>
struct Task {
  static constexpr int kObservation = 8 + 2 * kJoints + kFeet;
  static constexpr int kActions = kJoints;
  static constexpr int kState = 2 * (kRails + kJoints);
  using Action = std::array<float, kJoints>;
  using Parameters = Runner::Parameters;

  explicit Task(const Parameters& parameters) : runner(parameters) {}
  void reset(RandomSource& draws) { runner.reset(draws); }
  StepResult step(const Action& action, RandomSource&) { return runner.step(action); }
  void observe(float* out, int stride) const { runner.observe(out, stride); }
  void get_state(std::span<double> state) const { runner.get_state(state); }

  template <class Archive>
  void visit(Archive& archive) {
    runner.visit(archive);
  }

  Runner runner;
};

}  // namespace impsweep::locomotion

namespace impsweep {

TaskInfo halfcheetah_info();
TaskInfo walker2d_info();
TaskInfo hopper_info();
TaskInfo ant_info();

// For any of the four. Throws TaskUnavailable in a build without Bullet.
void require_locomotion(const TaskInfo&);
std::unique_ptr<Environment> make_locomotion(TaskInfo info, int lanes, const TaskOptions& options);

}  // namespace impsweep
