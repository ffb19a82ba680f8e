// envs/locomotion/world.hpp - one robot on the ground, simulated by Bullet's Featherstone multibody in double
// precision. Bullet itself stays behind this header.
//
// The exact layout of the multibody moves as that of the original's importer, rounding included: every joint
// is a massless link at its anchor, every body a link fixed to it. Where both have the same frame (all of the
// HalfCheetah) they are joined, which rounds nothing. The compact layout joins them everywhere, in three
// quarters of the time: the same dynamics but for rounding, which contacts amplify. Each link has a collider,
// and each joint a motor without force, because these decide the order in which constraints are solved.
// Contacts exist between robot and ground only.
//
// A world is used by one thread at a time; different worlds are independent. About 0.2 MB each.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include "envs/locomotion/model.hpp"
#include "envs/locomotion/robot.hpp"

namespace impsweep::locomotion {

inline constexpr double kControlPeriod = 0.0165;  // s, of one action
inline constexpr int kSubsteps = 4;

// What the original reads from its simulation. Link poses are those at the start of the last substep, as
// Bullet leaves them; joints and the pose of a floating torso are current.
struct Pose {
  std::array<double, 3> position;     // m, torso centre of mass
  std::array<double, 4> orientation;  // x, y, z, w
  std::array<double, 3> velocity;     // m/s, in world axes
  double mean_x, mean_y;              // m, mean over all parts
};

struct BulletSimulation;  // simulation.hpp

enum class Layout { kExact, kCompact };

class World {
 public:
  // `contact_order`: the bodies, each once, in the order in which their contacts with the ground are made,
  // for recordings of originals whose order is left to chance. Empty: Bullet's deterministic order.
  explicit World(const Robot&, Layout = Layout::kExact, std::span<const int> contact_order = {});
  World(World&&) noexcept;
  World& operator=(World&&) noexcept;
  ~World();

  // The robot in its exact layout as plain numbers.
  static Model model(const Robot&, std::span<const int> contact_order = {});

  int joints() const;  // driven ones; the order is that of the bodies
  int rails() const;   // joints of a planar robot's root, 3 or 0

  // Zero pose and zero velocity, but for the positions of the driven joints. Nothing else of the past is
  // left.
  void reset(std::span<const double> joint_positions);

  // One control period under constant torques, N m.
  void step(std::span<const double> torques);

  double joint_position(int joint) const;
  double joint_velocity(int joint) const;
  double rail_position(int rail) const;  // two rails, then the root hinge
  double rail_velocity(int rail) const;
  Pose pose(bool ground_is_a_part) const;  // the ground stands at 0, 0 in the mean

  // 1 for each of robot.feet with a contact point after the last step.
  void read_feet(std::span<float> touching) const;

 private:
  std::unique_ptr<BulletSimulation> simulation_;
};

std::string bullet_version();  // "3.24, double precision"

}  // namespace impsweep::locomotion
