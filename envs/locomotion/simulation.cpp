#include "envs/locomotion/simulation.hpp"

#include <BulletCollision/CollisionShapes/btMultiSphereShape.h>
#include <BulletCollision/CollisionShapes/btStaticPlaneShape.h>
#include <BulletDynamics/Featherstone/btMultiBodyJointLimitConstraint.h>
#include <BulletDynamics/Featherstone/btMultiBodyJointMotor.h>

#include <algorithm>

namespace impsweep::locomotion {
namespace {

constexpr double kDensity = 1000;  // kg/m^3
constexpr double kGroundFriction = 0.8, kGroundRestitution = 0.5, kGroundMargin = 0.001;
constexpr double kMasslessFriction = 0.5;
constexpr int kGroundGroup = 2, kRobotGroup = 1;  // of the broadphase; each collides with the other only

btVector3 vector_of(const Vector& v) {
  return {v[0], v[1], v[2]};
}

// Where a body's last geom is given by end points, its midpoint; else the body's origin.
btVector3 centre_of_mass(const Body& body) {
  const Geom& last = body.geoms.back();
  if (last.shape != Geom::Shape::kEndPoints) return {0, 0, 0};
  return 0.5 * (vector_of(last.from) + vector_of(last.to));
}

// Terms are added one by one: the order decides the last bit.
double mass_of(const Body& body) {
  if (body.given_mass > 0) return body.given_mass;
  double volume = 0;
  for (const Geom& geom : body.geoms) {
    const double r = geom.radius;
    volume += 4. / 3. * SIMD_PI * r * r * r;
    if (geom.shape == Geom::Shape::kEndPoints)
      volume += SIMD_PI * r * r * (vector_of(geom.from) - vector_of(geom.to)).length();
    if (geom.shape == Geom::Shape::kCentred) volume += SIMD_PI * r * r * (2.0 * geom.half_length);
  }
  return kDensity * volume;
}

std::unique_ptr<btCollisionShape> shape_of(const Geom& geom) {
  switch (geom.shape) {
    case Geom::Shape::kSphere:
      return std::make_unique<btSphereShape>(geom.radius);
    case Geom::Shape::kCentred:
      return std::make_unique<btCapsuleShapeZ>(geom.radius, 2.0 * geom.half_length);
    case Geom::Shape::kEndPoints:
      break;
  }
  const btVector3 ends[2] = {vector_of(geom.from), vector_of(geom.to)};
  const btScalar radii[2] = {geom.radius, geom.radius};
  return std::make_unique<btMultiSphereShape>(ends, radii, 2);
}

btTransform frame_of(const Geom& geom) {
  if (geom.shape != Geom::Shape::kCentred) return btTransform::getIdentity();
  return btTransform(btQuaternion(btVector3(0, 1, 0), geom.angle), vector_of(geom.from));
}

}  // namespace

std::vector<BulletSimulation::Link> BulletSimulation::links_of(const Robot& robot, Layout layout,
                                                               std::vector<int>& link_of_body) {
  std::vector<Link> links;
  const btVector3 zero(0, 0, 0);
  std::vector<btVector3> centres;
  for (const Body& body : robot.bodies) {
    const btVector3 centre = centre_of_mass(body);
    centres.push_back(centre);
    if (body.parent < 0 && !robot.planar) {
      link_of_body.push_back(kBase);
      continue;
    }
    int parent = kBase;
    btVector3 place = vector_of(body.origin);
    if (body.parent >= 0) {
      parent = link_of_body[static_cast<std::size_t>(body.parent)];
      place = place - centres[static_cast<std::size_t>(body.parent)];
    }
    const auto add = [&](Link link) {
      link.parent = parent;
      links.push_back(link);
      parent = static_cast<int>(links.size()) - 1;
    };
    // The body's joint is at `joint`, from the parent's centre of mass, and at `anchor`, from its own origin.
    // A body whose centre of mass lies in its joint can be joined with it without any rounding.
    const auto add_jointed = [&](const btVector3& joint, const btVector3& axis, const btVector3& anchor,
                                 const Hinge* hinge) {
      if (layout == Layout::kCompact || (anchor.isZero() && centre.isZero())) {
        add({Link::Motion::kHinge, parent, joint, centre - anchor, axis, &body, hinge});
      } else {
        add({Link::Motion::kHinge, parent, joint, zero, axis, nullptr, hinge});
        add({Link::Motion::kFixed, parent, -anchor, centre, zero, &body});
      }
    };
    if (body.parent < 0) {
      const btVector3 anchor = vector_of(robot.rail_anchor);
      add({Link::Motion::kRail, parent, place + anchor, zero, {1, 0, 0}});
      add({Link::Motion::kRail, parent, zero, zero, {0, 0, 1}});
      add_jointed(zero, {0, 1, 0}, anchor, nullptr);
    } else if (body.hinge) {
      const btVector3 anchor = vector_of(body.hinge->anchor);
      add_jointed(place + anchor, vector_of(body.hinge->axis), anchor, &*body.hinge);
    } else {
      add({Link::Motion::kFixed, parent, place, centre, zero, &body});
    }
    link_of_body.push_back(parent);
  }
  return links;
}

btCollisionShape* BulletSimulation::make_shape(const Body* body) {
  auto compound = std::make_unique<btCompoundShape>();
  if (body != nullptr) {
    const btTransform to_centre(btQuaternion::getIdentity(), -centre_of_mass(*body));
    for (const Geom& geom : body->geoms) {
      shapes.push_back(shape_of(geom));
      const btTransform frame = to_centre * frame_of(geom);
      if (body->geoms.size() == 1 && frame == btTransform::getIdentity()) return shapes.back().get();
      compound->addChildShape(frame, shapes.back().get());
    }
  }
  shapes.push_back(std::move(compound));
  return shapes.back().get();
}

void BulletSimulation::add_collider(int link, btCollisionShape* shape, double friction, bool collides) {
  auto collider = std::make_unique<btMultiBodyLinkCollider>(robot.get(), link);
  collider->setCollisionShape(shape);
  collider->setFriction(friction);
  if (link == kBase && robot->hasFixedBase())
    collider->setCollisionFlags(btCollisionObject::CF_STATIC_OBJECT);
  world.addCollisionObject(collider.get(), collides ? kRobotGroup : 0, collides ? kGroundGroup : 0);
  if (link == kBase)
    robot->setBaseCollider(collider.get());
  else
    robot->getLink(link).m_collider = collider.get();
  colliders.push_back(std::move(collider));
}

void BulletSimulation::add_ground() {
  shapes.push_back(std::make_unique<btStaticPlaneShape>(btVector3(0, 0, 1), 0));
  shapes.back()->setMargin(kGroundMargin);
  ground.finalizeMultiDof();
  auto collider = std::make_unique<btMultiBodyLinkCollider>(&ground, kBase);
  collider->setCollisionShape(shapes.back().get());
  collider->setFriction(kGroundFriction);
  collider->setRestitution(kGroundRestitution);
  collider->setCollisionFlags(btCollisionObject::CF_STATIC_OBJECT);
  world.addCollisionObject(collider.get(), kGroundGroup, kRobotGroup);
  ground.setBaseCollider(collider.get());
  colliders.push_back(std::move(collider));
  world.addMultiBody(&ground);
}

void BulletSimulation::add_robot(const Robot& model, Layout layout) {
  std::vector<int> link_of_body;
  const std::vector<Link> links = links_of(model, layout, link_of_body);
  const Body& torso = model.bodies.front();
  const int count = static_cast<int>(links.size());

  btCollisionShape* base_shape = make_shape(model.planar ? nullptr : &torso);
  const double base_mass = model.planar ? 0 : mass_of(torso);
  btVector3 base_inertia(0, 0, 0);
  if (!model.planar) base_shape->calculateLocalInertia(base_mass, base_inertia);
  robot = std::make_unique<btMultiBody>(count, base_mass, base_inertia, model.planar, false);
  base_pose.setIdentity();
  if (!model.planar) base_pose.setOrigin(vector_of(torso.origin));
  robot->setBaseWorldTransform(base_pose);
  add_collider(kBase, base_shape, model.planar ? kMasslessFriction : model.friction, !model.planar);

  const btQuaternion aligned = btQuaternion::getIdentity();
  for (int i = 0; i < count; ++i) {
    const Link& link = links[static_cast<std::size_t>(i)];
    btCollisionShape* shape = make_shape(link.body);
    const double mass = link.body != nullptr ? mass_of(*link.body) : 0;
    btVector3 inertia(0, 0, 0);
    if (mass > 0) shape->calculateLocalInertia(mass, inertia);
    switch (link.motion) {
      case Link::Motion::kFixed:
        robot->setupFixed(i, mass, inertia, link.parent, aligned, link.anchor, link.centre);
        break;
      case Link::Motion::kHinge:
        robot->setupRevolute(i, mass, inertia, link.parent, aligned, link.axis, link.anchor, link.centre,
                             true);
        break;
      case Link::Motion::kRail:
        robot->setupPrismatic(i, mass, inertia, link.parent, aligned, link.axis, link.anchor, link.centre,
                              true);
        break;
    }
    add_collider(i, shape, link.body != nullptr ? model.friction : kMasslessFriction, link.body != nullptr);
    if (link.hinge != nullptr) {
      constraints.push_back(std::make_unique<btMultiBodyJointLimitConstraint>(
          robot.get(), i, link.hinge->lower, link.hinge->upper));
      world.addMultiBodyConstraint(constraints.back().get());
      joint_links.push_back(i);
    } else if (link.motion != Link::Motion::kFixed) {
      rail_links.push_back(i);
    }
  }
  robot->setHasSelfCollision(true);
  robot->finalizeMultiDof();
  refresh_link_poses();
  world.addMultiBody(robot.get());
  for (int i = 0; i < count; ++i) {
    if (links[static_cast<std::size_t>(i)].motion == Link::Motion::kFixed) continue;
    constraints.push_back(std::make_unique<btMultiBodyJointMotor>(robot.get(), i, 0, 0.0, 0.0));
    world.addMultiBodyConstraint(constraints.back().get());
    constraints.back()->finalizeMultiDof();
  }

  torso_link = link_of_body.front();
  body_links = link_of_body;
  for (int i = 0; i < count; ++i) {
    const Link& link = links[static_cast<std::size_t>(i)];
    if (link.motion != Link::Motion::kFixed) counted.push_back({i, -link.centre});
    if (link.body != nullptr && link.body != &torso) counted.push_back({i, {0, 0, 0}});
  }
  // The torso is entered in the list together with the first link, wherever it stands itself.
  counted.insert(counted.begin() + 1, {torso_link, {0, 0, 0}});
  for (const std::string& foot : model.feet) {
    const auto body = std::ranges::find(model.bodies, foot, &Body::name);
    foot_links.push_back(link_of_body[static_cast<std::size_t>(body - model.bodies.begin())]);
  }
  angular.resize(static_cast<std::size_t>(count) + 1);
  linear.resize(static_cast<std::size_t>(count) + 1);
}

void BulletSimulation::refresh_link_poses() {
  robot->forwardKinematics(rotations, origins);
  robot->updateCollisionObjectWorldTransforms(rotations, origins);
}

BulletSimulation::BulletSimulation(const Robot& model, Layout layout, std::span<const int> contact_order) {
  gDbvtMargin = 0;
  broadphase.setVelocityPrediction(0);
  world.setForceUpdateAllAabbs(false);
  world.setGravity({0, 0, -kGravity});
  world.getDispatchInfo().m_deterministicOverlappingPairs = true;
  btContactSolverInfo& solving = world.getSolverInfo();
  solving.m_numIterations = 5;
  solving.m_erp2 = 0.9;
  solving.m_frictionERP = 0.2;
  solving.m_linearSlop = 0.00001;
  solving.m_leastSquaresResidualThreshold = 1e-7;
  solving.m_warmstartingFactor = 0.1;
  solving.m_minimumSolverBatchSize = 0;
  add_ground();
  add_robot(model, layout);
  std::vector<const btCollisionObject*> order;
  for (const int body : contact_order) {
    const int link = body_links[static_cast<std::size_t>(body)];
    order.push_back(link == kBase ? robot->getBaseCollider() : robot->getLink(link).m_collider);
  }
  if (!order.empty()) world.set_contact_order(std::move(order));
}

BulletSimulation::~BulletSimulation() {
  for (const auto& constraint : constraints) world.removeMultiBodyConstraint(constraint.get());
  for (const auto& collider : colliders) world.removeCollisionObject(collider.get());
  world.removeMultiBody(robot.get());
  world.removeMultiBody(&ground);
}

}  // namespace impsweep::locomotion
