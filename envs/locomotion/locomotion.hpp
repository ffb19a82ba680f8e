// envs/locomotion/locomotion.hpp - HalfCheetah, Walker2D, Hopper, Ant of PyBullet Gym and pybullet_envs, to
// the bit where recorded episodes exist.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "envs/environment.hpp"
#include "envs/locomotion/runner.hpp"

namespace impsweep::locomotion {

// One of the four in a World of its own, with its sizes known to the compiler.
template <int kJoints, int kFeet, int kRails>
struct Task {
  static constexpr int kObservation = 8 + 2 * kJoints + kFeet;
  static constexpr int kActions = kJoints;
  static constexpr int kState = 2 * (kRails + kJoints);
  using Action = std::array<float, kJoints>;
  struct Parameters {
    RunnerParameters runner;
    Layout layout = Layout::kExact;
    std::vector<int> contact_order = {};  // of a recording (world.hpp)
  };

  explicit Task(const Parameters& p) : runner(p.runner, World(*p.runner.robot, p.layout, p.contact_order)) {}
  void reset(RandomSource& draws) { runner.reset(draws); }
  StepResult step(const Action& action, RandomSource&) { return runner.step(action); }
  void observe(float* out, int stride) const { runner.observe(out, stride); }
  void get_state(std::span<double> state) const { runner.get_state(state); }

  template <class Archive>
  void visit(Archive& archive) {
    runner.visit(archive);
    if constexpr (std::is_same_v<Archive, StateReader>) {
      const std::vector<float> actions = runner.begin_again();
      for (std::size_t first = 0; first < actions.size(); first += kJoints)
        runner.step(std::span(actions).subspan(first, kJoints));
    }
  }

  Runner<World> runner;
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
