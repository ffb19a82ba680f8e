#include "envs/locomotion/world.hpp"

#include <BulletCollision/CollisionShapes/btMultiSphereShape.h>
#include <BulletCollision/CollisionShapes/btStaticPlaneShape.h>
#include <BulletDynamics/Featherstone/btMultiBody.h>
#include <BulletDynamics/Featherstone/btMultiBodyConstraintSolver.h>
#include <BulletDynamics/Featherstone/btMultiBodyDynamicsWorld.h>
#include <BulletDynamics/Featherstone/btMultiBodyJointLimitConstraint.h>
#include <BulletDynamics/Featherstone/btMultiBodyJointMotor.h>
#include <BulletDynamics/Featherstone/btMultiBodyLinkCollider.h>
#include <btBulletCollisionCommon.h>

#include <algorithm>
#include <vector>

namespace impsweep::locomotion {
namespace {

constexpr double kDensity = 1000;  // kg/m^3
constexpr double kGravity = 9.8;   // m/s^2
constexpr double kGroundFriction = 0.8, kGroundRestitution = 0.5, kGroundMargin = 0.001;
constexpr double kMasslessFriction = 0.5;
constexpr double kNearGround = 0.05;  // m, well above the gap of 0.02 up to which Bullet keeps contact points
constexpr int kGroundGroup = 2, kRobotGroup = 1;  // of the broadphase; each collides with the other only
constexpr int kPoolSize = 64;  // contact manifolds and algorithms; Bullet's default takes 7 MB
constexpr std::size_t kMostParts = 32;
constexpr int kBase = -1;  // Bullet's index of a multibody's base

btVector3 vector_of(const Vector& v) {
  return {v[0], v[1], v[2]};
}

std::array<double, 3> array_of(const btVector3& v) {
  return {v.x(), v.y(), v.z()};
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

btDefaultCollisionConstructionInfo small_pools() {
  btDefaultCollisionConstructionInfo info;
  info.m_defaultMaxPersistentManifoldPoolSize = kPoolSize;
  info.m_defaultMaxCollisionAlgorithmPoolSize = kPoolSize;
  return info;
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

// Leaves out what cannot change the result: a fifth of the time.
class GroundWorld final : public btMultiBodyDynamicsWorld {
 public:
  using btMultiBodyDynamicsWorld::btMultiBodyDynamicsWorld;

  // The ground is infinite, so that the pairs of the first step are those of every step: the broadphase need
  // not look for them again. A body that was out of reach in the last step and still is has no contact
  // points, and gets none.
  void performDiscreteCollisionDetection() override {
    if (pairs_.empty()) {
      if (contact_order_.empty())
        btMultiBodyDynamicsWorld::performDiscreteCollisionDetection();
      else
        detect_in_contact_order();
      find_pairs();
      return;
    }
    auto& dispatcher = static_cast<btCollisionDispatcher&>(*getDispatcher());
    for (GroundPair& pair : pairs_) {
      const bool out_of_reach = pair.body->getWorldTransform().getOrigin().z() > pair.reach;
      if (!(out_of_reach && pair.was_out_of_reach))
        dispatcher.getNearCallback()(*pair.pair, dispatcher, getDispatchInfo());
      pair.was_out_of_reach = out_of_reach;
    }
  }

  // Contacts are then solved as Bullet does without deterministic pairs: in an order that follows from the
  // one in which their manifolds were made, which is this order of bodies.
  void set_contact_order(std::vector<const btCollisionObject*> order) {
    getDispatchInfo().m_deterministicOverlappingPairs = false;
    contact_order_ = std::move(order);
  }

  // Poses extrapolated for drawing and for continuous collision detection.
  void predictUnconstraintMotion(btScalar) override {}

 protected:
  // Puts bodies to sleep, which ours never do.
  void updateActivationState(btScalar) override {}

 private:
  struct GroundPair {
    btBroadphasePair* pair;
    const btCollisionObject* body;
    double reach;  // m, height of the body's origin from which on nothing of it is near the ground
    bool was_out_of_reach;
  };

  // The one of a pair's two that is not the ground.
  static const btCollisionObject* body_of(const btBroadphasePair& pair) {
    const auto object = [](const btBroadphaseProxy* proxy) {
      return static_cast<const btCollisionObject*>(proxy->m_clientObject);
    };
    const btCollisionObject* first = object(pair.m_pProxy0);
    return first->isStaticObject() ? object(pair.m_pProxy1) : first;
  }

  void detect_in_contact_order() {
    updateAabbs();
    computeOverlappingPairs();
    auto& dispatcher = static_cast<btCollisionDispatcher&>(*getDispatcher());
    btBroadphasePairArray& found = getPairCache()->getOverlappingPairArray();
    for (const btCollisionObject* body : contact_order_)
      for (int i = 0; i < found.size(); ++i)
        if (body_of(found[i]) == body) dispatcher.getNearCallback()(found[i], dispatcher, getDispatchInfo());
  }

  void find_pairs() {
    btBroadphasePairArray& found = getPairCache()->getOverlappingPairArray();
    for (int i = 0; i < found.size(); ++i) {
      const btCollisionObject* body = body_of(found[i]);
      btVector3 centre;
      btScalar radius = 0;
      body->getCollisionShape()->getBoundingSphere(centre, radius);
      pairs_.push_back({&found[i], body, centre.length() + radius + kNearGround, false});
    }
  }

  std::vector<GroundPair> pairs_;
  std::vector<const btCollisionObject*> contact_order_;
};

}  // namespace

// Members are destroyed from the last to the first; the destructor first takes everything out of the world.
struct World::Simulation {
  Simulation(const Robot&, Layout, std::span<const int> contact_order);
  ~Simulation();

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

std::vector<World::Simulation::Link> World::Simulation::links_of(const Robot& robot, Layout layout,
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

btCollisionShape* World::Simulation::make_shape(const Body* body) {
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

void World::Simulation::add_collider(int link, btCollisionShape* shape, double friction, bool collides) {
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

void World::Simulation::add_ground() {
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

void World::Simulation::add_robot(const Robot& model, Layout layout) {
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

void World::Simulation::refresh_link_poses() {
  robot->forwardKinematics(rotations, origins);
  robot->updateCollisionObjectWorldTransforms(rotations, origins);
}

World::Simulation::Simulation(const Robot& model, Layout layout, std::span<const int> contact_order) {
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

World::Simulation::~Simulation() {
  for (const auto& constraint : constraints) world.removeMultiBodyConstraint(constraint.get());
  for (const auto& collider : colliders) world.removeCollisionObject(collider.get());
  world.removeMultiBody(robot.get());
  world.removeMultiBody(&ground);
}

World::World(const Robot& robot, Layout layout, std::span<const int> contact_order)
    : simulation_(std::make_unique<Simulation>(robot, layout, contact_order)) {}
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
  Simulation& s = *simulation_;
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
  Simulation& s = *simulation_;
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
  const Simulation& s = *simulation_;
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
  const Simulation& s = *simulation_;
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
