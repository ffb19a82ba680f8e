#include "envs/locomotion/world.hpp"

#include <algorithm>
#include <vector>

#include "envs/locomotion/simulation.hpp"

namespace impsweep::locomotion {
namespace {

constexpr std::size_t kMostParts = 32;

std::array<double, 3> array_of(const btVector3& v) {
  return {v.x(), v.y(), v.z()};
}

// numpy's sum of up to 128 values: eight running sums, joined pairwise, and the rest one by one.
double numpy_sum(std::span<const double> values) {
  if (values.size() < 8) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
  }
  std::array<double, 8> r;
  std::copy_n(values.begin(), 8, r.begin());
  std::size_t i = 8;
  for (; i + 8 <= values.size(); i += 8)
    for (std::size_t k = 0; k < 8; ++k) r[k] += values[i + k];
  double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < values.size(); ++i) sum += values[i];
  return sum;
}

}  // namespace

World::World(const Robot& robot, Layout layout, std::span<const int> contact_order)
    : simulation_(std::make_unique<BulletSimulation>(robot, layout, contact_order)) {}
World::World(World&&) noexcept = default;
World& World::operator=(World&&) noexcept = default;
World::~World() = default;

int World::joints() const {
  return static_cast<int>(simulation_->joint_links.size());
}
int World::rails() const {
  return static_cast<int>(simulation_->rail_links.size());
}

void World::reset(std::span<const double> joint_positions) {
  BulletSimulation& s = *simulation_;
  btMultiBody& robot = *s.robot;
  robot.clearVelocities();
  robot.setBaseWorldTransform(s.base_pose);
  for (const int link : s.rail_links) robot.setJointPos(link, 0);
  for (std::size_t j = 0; j < s.joint_links.size(); ++j)
    robot.setJointPos(s.joint_links[j], joint_positions[j]);
  s.refresh_link_poses();
  // Contact points of the last episode would be kept where they happen to fit again.
  for (int i = 0; i < s.dispatcher.getNumManifolds(); ++i)
    s.dispatcher.getManifoldByIndexInternal(i)->clearManifold();
}

void World::step(std::span<const double> torques) {
  BulletSimulation& s = *simulation_;
  for (std::size_t j = 0; j < s.joint_links.size(); ++j)
    s.robot->addJointTorque(s.joint_links[j], torques[j]);
  s.world.stepSimulation(kControlPeriod, kSubsteps, kControlPeriod / kSubsteps);
}

double World::joint_position(int joint) const {
  return simulation_->robot->getJointPos(simulation_->joint_links[static_cast<std::size_t>(joint)]);
}
double World::joint_velocity(int joint) const {
  return simulation_->robot->getJointVel(simulation_->joint_links[static_cast<std::size_t>(joint)]);
}
double World::rail_position(int rail) const {
  return simulation_->robot->getJointPos(simulation_->rail_links[static_cast<std::size_t>(rail)]);
}
double World::rail_velocity(int rail) const {
  return simulation_->robot->getJointVel(simulation_->rail_links[static_cast<std::size_t>(rail)]);
}

Pose World::pose(bool ground_is_a_part) const {
  const BulletSimulation& s = *simulation_;
  const btMultiBody& robot = *s.robot;
  Pose pose;
  btTransform torso;
  if (s.torso_link == kBase) {
    torso.setOrigin(robot.getBasePos());
    torso.setRotation(robot.getWorldToBaseRot().inverse());
    pose.velocity = array_of(robot.getBaseVel());
  } else {
    torso = robot.getLink(s.torso_link).m_cachedWorldTransform;
    robot.compTreeLinkVelocities(s.angular.data(), s.linear.data());
    pose.velocity = array_of(torso.getBasis() * s.linear[static_cast<std::size_t>(s.torso_link) + 1]);
  }
  pose.position = array_of(torso.getOrigin());
  const btQuaternion q = torso.getRotation();
  pose.orientation = {q.x(), q.y(), q.z(), q.w()};
  std::array<double, kMostParts> x{}, y{};
  for (std::size_t p = 0; p < s.counted.size(); ++p) {
    const auto& [link, place] = s.counted[p];
    const btTransform& frame = link == kBase ? torso : robot.getLink(link).m_cachedWorldTransform;
    x[p] = frame.getBasis()[0].dot(place) + frame.getOrigin().x();
    y[p] = frame.getBasis()[1].dot(place) + frame.getOrigin().y();
  }
  const std::size_t parts = s.counted.size() + (ground_is_a_part ? 1 : 0);
  pose.mean_x = numpy_sum({x.data(), parts}) / static_cast<double>(parts);
  pose.mean_y = numpy_sum({y.data(), parts}) / static_cast<double>(parts);
  return pose;
}

void World::read_feet(std::span<float> touching) const {
  const BulletSimulation& s = *simulation_;
  std::ranges::fill(touching, 0.0f);
  auto& dispatcher = const_cast<btCollisionDispatcher&>(s.dispatcher);  // it has no const access to manifolds
  for (int i = 0; i < dispatcher.getNumManifolds(); ++i) {
    const btPersistentManifold& manifold = *dispatcher.getManifoldByIndexInternal(i);
    if (manifold.getNumContacts() == 0) continue;
    for (const btCollisionObject* object : {manifold.getBody0(), manifold.getBody1()}) {
      const auto* collider = btMultiBodyLinkCollider::upcast(object);
      if (collider == nullptr || collider->m_multiBody != s.robot.get()) continue;
      const auto foot = std::ranges::find(s.foot_links, collider->m_link);
      if (foot != s.foot_links.end()) touching[static_cast<std::size_t>(foot - s.foot_links.begin())] = 1.0f;
    }
  }
}

std::string bullet_version() {
  return std::to_string(btGetVersion() / 100) + "." + std::to_string(btGetVersion() % 100) +
         ", double precision";
}

}  // namespace impsweep::locomotion
