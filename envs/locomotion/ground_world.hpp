// envs/locomotion/ground_world.hpp - Bullet's world, without what cannot change a robot on the ground.
#pragma once

#include <BulletDynamics/Featherstone/btMultiBodyDynamicsWorld.h>
#include <btBulletCollisionCommon.h>

#include <vector>

namespace impsweep::locomotion {

// Leaves out a fifth of the time.
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
  // m, well above the gap of 0.02 up to which Bullet keeps contact points.
  static constexpr double kNearGround = 0.05;

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

}  // namespace impsweep::locomotion
