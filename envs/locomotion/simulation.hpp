// envs/locomotion/simulation.hpp - what a World consists of: Bullet's objects. For the files that build and
// step it; everything else sees world.hpp.
#pragma once

#include <BulletDynamics/Featherstone/btMultiBody.h>
#include <BulletDynamics/Featherstone/btMultiBodyConstraintSolver.h>
#include <BulletDynamics/Featherstone/btMultiBodyLinkCollider.h>
#include <btBulletCollisionCommon.h>

#include <memory>
#include <vector>

#include "envs/locomotion/ground_world.hpp"
#include "envs/locomotion/world.hpp"

namespace impsweep::locomotion {

inline constexpr double kGravity = 9.8;  // m/s^2
inline constexpr int kPoolSize = 64;     // contact manifolds and algorithms; Bullet's default takes 7 MB
inline constexpr int kBase = -1;         // Bullet's index of a multibody's base

inline btDefaultCollisionConstructionInfo small_pools() {
  btDefaultCollisionConstructionInfo info;
  info.m_defaultMaxPersistentManifoldPoolSize = kPoolSize;
  info.m_defaultMaxCollisionAlgorithmPoolSize = kPoolSize;
  return info;
}

// Members are destroyed from the last to the first; the destructor first takes everything out of the world.
struct BulletSimulation {
  BulletSimulation(const Robot&, Layout, std::span<const int> contact_order);
  ~BulletSimulation();

  // A link before Bullet's arrays are made; links are numbered in the order of this list.
  struct Link {
    enum class Motion { kFixed, kHinge, kRail } motion;
    int parent;
    btVector3 anchor;  // of the link's frame, from the parent's centre of mass
    btVector3 centre;  // of mass, from the anchor
    btVector3 axis{0, 0, 0};
    const Body* body = nullptr;    // null for a massless one
    const Hinge* hinge = nullptr;  // with limits
  };
  static std::vector<Link> links_of(const Robot&, Layout, std::vector<int>& link_of_body);

  // What counts in the mean position: a body, or a joint.
  struct CountedPoint {
    int link;
    btVector3 place;  // from the link's centre of mass, in the link's axes
  };

  btCollisionShape* make_shape(const Body*);
  void add_ground();
  void add_robot(const Robot&, Layout);
  void add_collider(int link, btCollisionShape*, double friction, bool collides);
  void refresh_link_poses();

  std::vector<std::unique_ptr<btCollisionShape>> shapes;
  btDefaultCollisionConfiguration configuration{small_pools()};
  btCollisionDispatcher dispatcher{&configuration};
  btDbvtBroadphase broadphase;
  btMultiBodyConstraintSolver solver;
  GroundWorld world{&dispatcher, &broadphase, &solver, &configuration};
  btMultiBody ground{0, 0, {0, 0, 0}, true, false};
  std::unique_ptr<btMultiBody> robot;
  std::vector<std::unique_ptr<btMultiBodyLinkCollider>> colliders;
  std::vector<std::unique_ptr<btMultiBodyConstraint>> constraints;

  btTransform base_pose;
  std::vector<int> rail_links, joint_links, foot_links, body_links;  // by rail, driven joint, foot, body
  int torso_link = kBase;
  std::vector<CountedPoint> counted;  // in the order in which the original sums them up
  btAlignedObjectArray<btQuaternion> rotations;
  btAlignedObjectArray<btVector3> origins;
  mutable std::vector<btVector3> angular, linear;  // link velocities, base first
};

}  // namespace impsweep::locomotion
