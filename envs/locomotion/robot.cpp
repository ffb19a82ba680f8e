#include "envs/locomotion/robot.hpp"

#include <utility>

namespace impsweep::locomotion {
namespace {

// In single precision and in this order of operations, as the limits of the original are made.
constexpr float radians(float degrees) {
  return degrees * 3.14159265f / 180.0f;
}
static_assert(radians(150) == 2.6179940700531006f && radians(100) == 1.7453292608261108f &&
              radians(45) == 0.7853981852531433f && radians(40) == 0.6981317400932312f &&
              radians(30) == 0.5235987901687622f);

Body torso_of(std::vector<Geom> geoms, Vector origin) {
  Body body;
  body.name = "torso";
  body.origin = origin;
  body.geoms = std::move(geoms);
  return body;
}

// A limb of the HalfCheetah: its hinge stands at the body's origin.
Body cheetah_limb(std::string name, int parent, Vector origin, Geom geom, float lower, float upper,
                  double coefficient, double given_mass = 0) {
  Body body;
  body.hinge = Hinge{name, {}, {0, 1, 0}, lower, upper, coefficient};
  body.name = std::move(name);
  body.parent = parent;
  body.origin = origin;
  body.geoms = {geom};
  body.given_mass = given_mass;
  return body;
}

// A limb of Walker2D or Hopper: all their bodies share the world's coordinates at the zero pose.
Body upright_limb(std::string name, int parent, Vector anchor, Geom geom, float lower, float upper,
                  double coefficient) {
  Body body;
  body.hinge = Hinge{name, anchor, {0, -1, 0}, lower, upper, coefficient};
  body.name = std::move(name);
  body.parent = parent;
  body.geoms = {geom};
  return body;
}

Robot make_halfcheetah() {
  Robot robot;
  robot.task = "halfcheetah";
  robot.original = "HalfCheetahBulletEnv-v0";
  robot.seconds_per_step = 4.2e-6;
  robot.seconds_per_world_step = 50e-6;
  robot.first_episode_steps = 1000;
  robot.target_steps_per_second = 8.7e3;
  robot.description = "a planar two-legged runner (PyBullet Gym and pybullet_envs, HalfCheetah)";
  robot.bodies = {
      torso_of({between({-0.5f, 0, 0}, {0.5f, 0, 0}, 0.046f), centred({0.6f, 0, 0.1f}, 0.87f, 0.15f, 0.046f)},
               {0, 0, 0.7f}),
      cheetah_limb("bthigh", 0, {-0.5f, 0, 0}, centred({0.1f, 0, -0.13f}, -3.8f, 0.145f, 0.046f), -0.52f,
                   1.05f, 120),
      cheetah_limb("bshin", 1, {0.16f, 0, -0.25f}, centred({-0.14f, 0, -0.07f}, -2.03f, 0.15f, 0.046f),
                   -0.785f, 0.785f, 90),
      cheetah_limb("bfoot", 2, {-0.28f, 0, -0.14f}, centred({0.03f, 0, -0.097f}, -0.27f, 0.094f, 0.046f),
                   -0.4f, 0.785f, 60, 10),
      cheetah_limb("fthigh", 0, {0.5f, 0, 0}, centred({-0.07f, 0, -0.12f}, 0.52f, 0.133f, 0.046f), -1.5f,
                   0.8f, 140),
      cheetah_limb("fshin", 4, {-0.14f, 0, -0.24f}, centred({0.065f, 0, -0.09f}, -0.6f, 0.106f, 0.046f),
                   -1.2f, 1.1f, 60),
      cheetah_limb("ffoot", 5, {0.13f, 0, -0.18f}, centred({0.045f, 0, -0.07f}, -0.6f, 0.07f, 0.046f), -3.1f,
                   -0.3f, 30, 10),
  };
  robot.power = 0.90;
  robot.feet = {"ffoot", "fshin", "fthigh", "bfoot", "bshin", "bthigh"};
  robot.untouched = {"fshin", "fthigh", "bshin", "bthigh"};
  robot.steepest_pitch = 1.0;
  robot.ends_when_not_alive = false;
  return robot;
}

constexpr Vector kHip = {0, 0, 1.05f}, kKnee = {0, 0, 0.6f}, kAnkle = {0, 0, 0.1f};

Robot make_upright() {
  Robot robot;
  robot.bodies = {torso_of({between({0, 0, 1.45f}, kHip, 0.05f)}, {})};
  robot.lowest_torso = 0.8;
  robot.steepest_pitch = 1.0;
  return robot;
}

void add_leg(Robot& robot, const std::string& suffix, Geom foot, double coefficient,
             double foot_coefficient) {
  const int thigh = static_cast<int>(robot.bodies.size());
  robot.bodies.push_back(
      upright_limb("thigh" + suffix, 0, kHip, between(kHip, kKnee, 0.05f), -radians(150), 0, coefficient));
  robot.bodies.push_back(upright_limb("leg" + suffix, thigh, kKnee, between(kKnee, kAnkle, 0.04f),
                                      -radians(150), 0, coefficient));
  robot.bodies.push_back(
      upright_limb("foot" + suffix, thigh + 1, kAnkle, foot, -radians(45), radians(45), foot_coefficient));
  robot.feet.push_back("foot" + suffix);
}

Robot make_walker2d() {
  Robot robot = make_upright();
  robot.task = "walker2d";
  robot.original = "Walker2DBulletEnv-v0";
  robot.seconds_per_step = 3.3e-6;
  robot.seconds_per_world_step = 47e-6;
  robot.first_episode_steps = 20;
  robot.target_steps_per_second = 11.6e3;
  robot.description = "a planar two-legged walker (PyBullet Gym and pybullet_envs, Walker2D)";
  const Geom foot = between(kAnkle, {0.2f, 0, 0.1f}, 0.06f);
  add_leg(robot, "", foot, 100, 30);
  add_leg(robot, "_left", foot, 100, 30);
  robot.power = 0.40;
  return robot;
}

Robot make_hopper() {
  Robot robot = make_upright();
  robot.task = "hopper";
  robot.original = "HopperBulletEnv-v0";
  robot.seconds_per_step = 1.75e-6;
  robot.seconds_per_world_step = 26e-6;
  robot.first_episode_steps = 20;
  robot.target_steps_per_second = 21.2e3;
  robot.description = "a planar one-legged hopper (PyBullet Gym and pybullet_envs, Hopper)";
  add_leg(robot, "", between({-0.13f, 0, 0.1f}, {0.26f, 0, 0.1f}, 0.06f), 100, 100);
  robot.power = 0.75;
  return robot;
}

void add_ant_leg(Robot& robot, const std::string& name, const std::string& number, float sx, float sy,
                 Vector ankle_axis, float ankle_lower, float ankle_upper) {
  const Vector end = {0.2f * sx, 0.2f * sy, 0};
  const int leg = static_cast<int>(robot.bodies.size());
  Body upper, middle, foot;
  upper.name = name;
  upper.parent = 0;
  upper.geoms = {between({}, end, 0.08f)};
  middle.name = "aux_" + number;
  middle.parent = leg;
  middle.origin = end;
  middle.geoms = {between({}, end, 0.08f)};
  middle.hinge = Hinge{"hip_" + number, {}, {0, 0, 1}, -radians(40), radians(40), 100};
  foot.name = name + "_foot";
  foot.parent = leg + 1;
  foot.origin = end;
  foot.geoms = {between({}, {0.4f * sx, 0.4f * sy, 0}, 0.08f)};
  foot.hinge = Hinge{"ankle_" + number, {}, ankle_axis, ankle_lower, ankle_upper, 100};
  robot.feet.push_back(foot.name);
  for (Body* body : {&upper, &middle, &foot}) robot.bodies.push_back(std::move(*body));
}

Robot make_ant() {
  Robot robot;
  robot.task = "ant";
  robot.original = "AntBulletEnv-v0";
  robot.seconds_per_step = 12.7e-6;
  robot.seconds_per_world_step = 110e-6;
  robot.first_episode_steps = 800;
  robot.target_steps_per_second = 5.4e3;
  robot.description = "a four-legged walker in space (PyBullet Gym and pybullet_envs, Ant)";
  robot.bodies = {torso_of({sphere(0.25f)}, {0, 0, 0.75f})};
  robot.planar = false;
  add_ant_leg(robot, "front_left", "1", 1, 1, {-1, 1, 0}, radians(30), radians(100));
  add_ant_leg(robot, "front_right", "2", -1, 1, {1, 1, 0}, -radians(100), -radians(30));
  add_ant_leg(robot, "left_back", "3", -1, -1, {-1, 1, 0}, -radians(100), -radians(30));
  add_ant_leg(robot, "right_back", "4", 1, -1, {1, 1, 0}, radians(30), radians(100));
  robot.power = 2.5;
  robot.friction = 1.5f;
  robot.lowest_torso = 0.26;
  return robot;
}

}  // namespace

Geom sphere(float radius) {
  Geom geom{Geom::Shape::kSphere};
  geom.radius = radius;
  return geom;
}

Geom between(Vector from, Vector to, float radius) {
  Geom geom{Geom::Shape::kEndPoints};
  geom.from = from;
  geom.to = to;
  geom.radius = radius;
  return geom;
}

Geom centred(Vector centre, float angle, float half_length, float radius) {
  Geom geom{Geom::Shape::kCentred};
  geom.from = centre;
  geom.angle = angle;
  geom.half_length = half_length;
  geom.radius = radius;
  return geom;
}

const Robot& halfcheetah() {
  static const Robot kRobot = make_halfcheetah();
  return kRobot;
}
const Robot& walker2d() {
  static const Robot kRobot = make_walker2d();
  return kRobot;
}
const Robot& hopper() {
  static const Robot kRobot = make_hopper();
  return kRobot;
}
const Robot& ant() {
  static const Robot kRobot = make_ant();
  return kRobot;
}

}  // namespace impsweep::locomotion
