// Reads a robot's plain numbers (model.hpp) from the Bullet objects that were made for it.
#include <BulletCollision/CollisionDispatch/btCompoundCollisionAlgorithm.h>
#include <BulletCollision/CollisionShapes/btMultiSphereShape.h>
#include <BulletDynamics/Featherstone/btMultiBodyJointLimitConstraint.h>

#include <algorithm>

#include "envs/locomotion/simulation.hpp"

namespace impsweep::locomotion {
namespace {

void copy(const btVector3& from, Model::Triple& to) {
  for (int i = 0; i < 3; ++i) to[i] = from[i];
}

Model::Motion motion_of(const btMultibodyLink& link) {
  if (link.m_jointType == btMultibodyLink::eRevolute) return Model::Motion::kHinge;
  return link.m_jointType == btMultibodyLink::ePrismatic ? Model::Motion::kRail : Model::Motion::kFixed;
}

Model::Link link_of(const btMultibodyLink& from) {
  Model::Link link{};
  link.motion = motion_of(from);
  link.parent = from.m_parent;
  link.joint = from.m_dofCount > 0 ? from.m_dofOffset : -1;
  link.mass = from.m_mass;
  copy(from.m_inertiaLocal, link.inertia);
  copy(from.m_axes[0].m_topVec, link.axis);
  link.axis_length = from.m_axes[0].m_topVec.length();
  copy(from.m_axes[0].m_bottomVec, link.axis_linear);
  copy(from.m_dVector, link.from_anchor);
  copy(from.m_eVector, link.anchor);
  copy(from.m_dVector + from.m_eVector, link.rest);
  return link;
}

void read_shape(const btCollisionShape& shape, Model::Geom& geom) {
  if (shape.getShapeType() == SPHERE_SHAPE_PROXYTYPE) {
    geom.shape = Model::Geom::Shape::kSphere;
    geom.margin = shape.getMargin();
  } else if (shape.getShapeType() == CAPSULE_SHAPE_PROXYTYPE) {
    geom.shape = Model::Geom::Shape::kCapsule;
    geom.margin = shape.getMargin();
    geom.half_length = static_cast<const btCapsuleShape&>(shape).getHalfHeight();
  } else {
    const auto& spheres = static_cast<const btMultiSphereShape&>(shape);
    geom.shape = Model::Geom::Shape::kTwoSpheres;
    geom.margin = shape.getMargin();
    geom.radius = spheres.getSphereRadius(0);
    for (int end = 0; end < 2; ++end) copy(spheres.getSpherePosition(end), geom.end[end]);
  }
}

// A contact manifold of the robot with the ground: its place among all manifolds, its body and its geom.
struct Contact {
  int made;
  int body_order;
  Model::Geom geom;
};

Contact contact_of(const btPersistentManifold& manifold, const btCollisionShape& shape,
                   const btTransform& frame, bool is_part) {
  const auto& collider = *btMultiBodyLinkCollider::upcast(manifold.getBody0());
  Contact contact{};
  contact.made = manifold.m_index1a;
  contact.body_order = collider.getBroadphaseHandle()->m_uniqueId;
  Model::Geom& geom = contact.geom;
  geom.link = collider.m_link;
  geom.refreshed_before = is_part;
  geom.turned = frame.getBasis() != btMatrix3x3::getIdentity();
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column)
      geom.rotation[3 * row + column] = frame.getBasis()[row][column];
  copy(frame.getOrigin(), geom.place);
  geom.keeps = manifold.getContactBreakingThreshold();
  geom.friction = btManifoldResult::calculateCombinedFriction(manifold.getBody0(), manifold.getBody1());
  read_shape(shape, geom);
  return contact;
}

struct ByBody {
  bool operator()(const Contact& a, const Contact& b) const { return a.body_order < b.body_order; }
};
struct AllEqual {
  template <class T>
  bool operator()(const T&, const T&) const {
    return false;
  }
};

}  // namespace

Model World::model(const Robot& robot, std::span<const int> contact_order) {
  BulletSimulation s(robot, Layout::kExact, contact_order);
  const btMultiBody& body = *s.robot;
  const btContactSolverInfo& solving = s.world.getSolverInfo();
  Model model{};
  model.planar = robot.planar;
  model.base_mass = body.getBaseMass();
  copy(body.getBaseInertia(), model.base_inertia);
  copy(s.base_pose.getOrigin(), model.base_position);
  model.joints = body.getNumDofs();
  for (int i = 0; i < body.getNumLinks(); ++i) model.links.push_back(link_of(body.getLink(i)));

  // The first detection of collisions makes all contact manifolds.
  s.world.performDiscreteCollisionDetection();
  btAlignedObjectArray<Contact> contacts;
  const btBroadphasePairArray& pairs = s.world.getPairCache()->getOverlappingPairArray();
  for (int p = 0; p < pairs.size(); ++p) {
    btManifoldArray manifolds;
    pairs[p].m_algorithm->getAllContactManifolds(manifolds);
    const btCollisionShape& shape = *manifolds[0]->getBody0()->getCollisionShape();
    if (!shape.isCompound()) {
      contacts.push_back(contact_of(*manifolds[0], shape, btTransform::getIdentity(), false));
      continue;
    }
    auto& parts = static_cast<btCompoundCollisionAlgorithm&>(*pairs[p].m_algorithm);
    const auto& compound = static_cast<const btCompoundShape&>(shape);
    for (int part = 0; part < compound.getNumChildShapes(); ++part) {
      manifolds.clear();
      parts.getChildAlgorithm(part)->getAllContactManifolds(manifolds);
      contacts.push_back(
          contact_of(*manifolds[0], *compound.getChildShape(part), compound.getChildTransform(part), true));
    }
  }
  contacts.quickSort([](const Contact& a, const Contact& b) { return a.made < b.made; });

  // Bullet sorts what has contact points anew in every step, by a method that does not keep equals in order.
  const int geoms = contacts.size();
  const auto solved = [&](unsigned set) {
    btAlignedObjectArray<Contact> order;
    for (int g = 0; g < geoms; ++g)
      if ((set >> g & 1u) != 0) order.push_back(contacts[g]);
    if (contact_order.empty())
      order.quickSort(ByBody());
    else
      order.quickSort(AllEqual());
    return order;
  };
  const btAlignedObjectArray<Contact> whole = solved((1u << geoms) - 1);
  std::vector<int> place(static_cast<std::size_t>(geoms));  // in the solved order, of each in the made order
  for (int g = 0; g < geoms; ++g) {
    model.geoms.push_back(whole[g].geom);
    place[static_cast<std::size_t>(whole[g].made - contacts[0].made)] = g;
    if (contact_order.empty() && g > 0 && whole[g].body_order == whole[g - 1].body_order) model.tied = g - 1;
  }
  if (model.tied >= 0) {
    model.exchanged.resize(std::size_t{1} << geoms);
    for (unsigned set = 0; set < 1u << geoms; ++set) {
      const btAlignedObjectArray<Contact> order = solved(set);
      unsigned solved_set = 0;
      int second_found = -1;
      bool exchanged = false;
      for (int g = 0; g < order.size(); ++g) {
        const int at = place[static_cast<std::size_t>(order[g].made - contacts[0].made)];
        solved_set |= 1u << at;
        if (at == model.tied + 1) second_found = g;
        if (at == model.tied && second_found >= 0) exchanged = true;
      }
      model.exchanged[solved_set] = exchanged;
    }
  }

  btAlignedObjectArray<int> order;
  for (int c = 0; c < s.world.getNumMultiBodyConstraints(); ++c) order.push_back(c);
  if (order.size() > 0) order.quickSort(AllEqual());
  std::vector<const Hinge*> hinges;
  for (const Body& part : robot.bodies)
    if (part.hinge) hinges.push_back(&*part.hinge);
  for (int c = 0; c < order.size(); ++c) {
    const auto limit = static_cast<std::size_t>(order[c]);  // limits come before motors
    if (limit >= hinges.size()) continue;
    const int link = s.joint_links[limit];
    model.limits.push_back({body.getLink(link).m_dofOffset, hinges[limit]->lower, hinges[limit]->upper});
  }

  for (const int link : s.rail_links) model.rail_joints.push_back(body.getLink(link).m_dofOffset);
  for (const int link : s.joint_links) model.driven_joints.push_back(body.getLink(link).m_dofOffset);
  for (int link = s.torso_link; link != kBase; link = body.getParent(link)) model.torso_links.push_back(link);
  std::ranges::reverse(model.torso_links);
  for (const auto& counted : s.counted) model.counted_links.push_back(counted.link);
  model.foot_links = s.foot_links;

  model.solver = {.time_step = kControlPeriod / kSubsteps,
                  .iterations = solving.m_numIterations,
                  .residual = solving.m_leastSquaresResidualThreshold,
                  .contact_correction = solving.m_erp2,
                  .limit_correction = solving.m_erp,
                  .deepest_corrected = solving.m_splitImpulsePenetrationThreshold,
                  .slop = solving.m_linearSlop,
                  .gravity = kGravity,
                  .damping = body.getLinearDamping(),
                  .most_velocity = body.getMaxCoordinateVelocity(),
                  .most_limit_impulse = s.constraints.front()->getMaxAppliedImpulse(),
                  .most_contact_impulse = 1e10f};
  return model;
}

}  // namespace impsweep::locomotion
