// envs/locomotion/robot.hpp - the four robots as data: bodies, geoms, joints.
//
// Numbers are those of the model files of pybullet_envs, in the single precision in which they are read
// there. What the files say beyond this (joint damping and stiffness, armature, gears, densities) has no
// effect in the original and is left out.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace impsweep::locomotion {

using Vector = std::array<float, 3>;  // m; x forward, y left, z up

// A sphere, a capsule between two end points, or a capsule by its centre and a rotation about +y.
// Coordinates are those of the body.
struct Geom {
  enum class Shape { kSphere, kEndPoints, kCentred };
  Shape shape;
  Vector from{}, to{};  // kEndPoints; `from` is the centre otherwise
  float radius = 0;     // m
  float angle = 0;      // rad, of a capsule that lies along z at 0
  float half_length = 0;
};
Geom sphere(float radius);
Geom between(Vector from, Vector to, float radius);
Geom centred(Vector centre, float angle, float half_length, float radius);

// A driven hinge between a body and its parent. Axes are used as they are: those of the Ant's ankles have
// length sqrt(2), which the dynamics feel.
struct Hinge {
  std::string name;
  Vector anchor{};  // in body coordinates
  Vector axis{};
  float lower = 0, upper = 0;  // rad
  double coefficient = 0;      // torque at action 1 is power * coefficient, N m
};

struct Body {
  std::string name;
  int parent = -1;  // index in the list; -1 is the torso's place
  Vector origin{};  // in the parent's coordinates
  std::vector<Geom> geoms;
  std::optional<Hinge> hinge;  // fixed to the parent if absent; of the torso, see Robot::planar
  double given_mass = 0;       // kg; 0: 1000 kg/m^3 times the volume of the geoms
};

struct Robot {
  std::string task, original;  // "hopper", "HopperBulletEnv-v0"
  std::string description;
  int first_episode_steps = 0;  // of an untrained agent, about
  // As measured on one core, of one of ten robots in lanes and of one in a world of its own, and the aim of
  // the benchmarks for the latter: four to seven times pybullet_envs itself, which makes 2007, 2060, 2918 and
  // 1654 steps a second of HalfCheetah, Walker2D, Hopper and Ant.
  double seconds_per_step = 0, seconds_per_world_step = 0, target_steps_per_second = 0;
  std::vector<Body> bodies;  // depth first; the torso comes first
  // Planar: the torso hangs from the world by two rails (x, z) and a hinge about +y. Else it floats.
  bool planar = true;
  Vector rail_anchor{};  // in torso coordinates
  double power = 0;
  float friction = 0.8f;               // lateral, of the geoms
  std::vector<std::string> feet;       // bodies whose contact is observed, in this order
  std::vector<std::string> untouched;  // of these, those that must not touch the ground to be alive
  double lowest_torso = -1e30;         // m; alive above it
  double steepest_pitch = 1e30;        // rad; alive below it
  bool ends_when_not_alive = true;
};

const Robot& halfcheetah();
const Robot& walker2d();
const Robot& hopper();
const Robot& ant();

}  // namespace impsweep::locomotion
