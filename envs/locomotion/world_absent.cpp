// What stands in the place of world.cpp in a build without Bullet: robots that say what is missing.
#include <array>

#include "envs/environment.hpp"
#include "envs/locomotion/world.hpp"

namespace impsweep::locomotion {

struct BulletSimulation {};

World::World(const Robot& robot, Layout, std::span<const int>) {
  throw TaskUnavailable("task '" + robot.task +
                        "' needs Bullet in double precision, and this program was built without; install it "
                        "(Debian: libbullet-dev), configure with -DIMPSWEEP_LOCOMOTION=ON and build again");
}
World::World(World&&) noexcept = default;
World& World::operator=(World&&) noexcept = default;
World::~World() = default;

Model World::model(const Robot& robot, std::span<const int> order) {
  World(robot, Layout::kExact, order);
  return {};
}

// There is no world to ask.
int World::joints() const {
  return 0;
}
int World::rails() const {
  return 0;
}
void World::reset(std::span<const double>) {}
void World::step(std::span<const double>) {}
double World::joint_position(int) const {
  return 0;
}
double World::joint_velocity(int) const {
  return 0;
}
double World::rail_position(int) const {
  return 0;
}
double World::rail_velocity(int) const {
  return 0;
}
Pose World::pose(bool) const {
  return {};
}
void World::read_feet(std::span<float>) const {}

std::string bullet_version() {
  return "";
}

}  // namespace impsweep::locomotion
