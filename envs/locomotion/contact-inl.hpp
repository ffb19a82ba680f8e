// envs/locomotion/contact-inl.hpp - where geoms touch the plane z = 0, and the points of contact that are
// kept from step to step: what Bullet's btConvexPlaneCollisionAlgorithm and btPersistentManifold do for
// spheres and capsules. Included once per target.
#if defined(IMPSWEEP_CONTACT_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef IMPSWEEP_CONTACT_INL_HPP
#undef IMPSWEEP_CONTACT_INL_HPP
#else
#define IMPSWEEP_CONTACT_INL_HPP
#endif

#include "envs/locomotion/articulated-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::locomotion::HWY_NAMESPACE {

template <class Kind>
struct ContactPoint {
  typename Kind::Linear on_link;    // in the link's frame
  typename Kind::Linear on_ground;  // z is 0
  Number gap;                       // m, negative where they overlap
  typename Kind::Linear place;      // of on_link in the world; of this step only
};

template <class Kind>
struct GeomContacts {
  Number count;  // of points, 0 to kMostPoints
  ContactPoint<Kind> points[kMostPoints];
};

template <class Kind>
HWY_INLINE typename Kind::Linear select(Truth which, const typename Kind::Linear& yes,
                                        const typename Kind::Linear& no) {
  typename Kind::Linear result;
  result.x = select(which, yes.x, no.x);
  if constexpr (!Kind::kPlanar) result.y = select(which, yes.y, no.y);
  result.z = select(which, yes.z, no.z);
  return result;
}
template <class Kind>
HWY_INLINE void assign(Truth where, ContactPoint<Kind>& to, const ContactPoint<Kind>& from) {
  to.on_link = select<Kind>(where, from.on_link, to.on_link);
  to.on_ground = select<Kind>(where, from.on_ground, to.on_ground);
  to.gap = select(where, from.gap, to.gap);
  to.place = select<Kind>(where, from.place, to.place);
}

// Points move with the link; those that have left the ground or slid away are dropped, and the last takes
// their place.
template <class Kind>
HWY_INLINE void refresh(const LinkWork<Kind>& link, double keeps, GeomContacts<Kind>& contacts) {
  for (int i = 0; i < kMostPoints; ++i) {
    if (!any(number(i) < contacts.count)) break;
    ContactPoint<Kind>& point = contacts.points[i];
    point.place = link.basis * point.on_link + link.origin;
    point.gap = point.place.z;
  }
  for (int i = kMostPoints - 1; i >= 0; --i) {
    const Truth used = number(i) < contacts.count;
    if (!any(used)) continue;
    ContactPoint<Kind>& point = contacts.points[i];
    const auto slip = point.on_ground - point.place;
    Number shift = slip.x * slip.x;
    if constexpr (!Kind::kPlanar) shift = shift + slip.y * slip.y;
    const Truth stays = (point.gap <= number(keeps)) & !(shift > number(keeps * keeps));
    const Truth dropped = used & !stays;
    if (!any(dropped)) continue;
    for (int last = i + 1; last < kMostPoints; ++last)
      assign(dropped & (contacts.count == number(last + 1)), point, contacts.points[last]);
    contacts.count = select(dropped, contacts.count - number(1), contacts.count);
  }
}

// The lowest point of a geom, given downwards in the geom's own axes.
template <class Kind>
HWY_INLINE typename Kind::Linear lowest_point(const Model::Geom& geom, const typename Kind::Linear& down) {
  const Number squared = dot(down, down);
  const auto skin = down * (number(1) / root(squared)) * number(geom.margin);
  if (geom.shape == Model::Geom::Shape::kSphere) return skin;
  const auto direction = down * (number(1) / root(squared));
  if (geom.shape == Model::Geom::Shape::kCapsule) {
    const auto upper = vector_from<typename Kind::Linear>({0, 0, geom.half_length});
    const auto lower = vector_from<typename Kind::Linear>({0, 0, -geom.half_length});
    return select<Kind>(dot(direction, lower) > dot(direction, upper), lower, upper) + skin;
  }
  typename Kind::Linear ends[2];
  for (int e = 0; e < 2; ++e)
    ends[e] = vector_from<typename Kind::Linear>(geom.end[e]) + direction * number(geom.radius) -
              direction * number(geom.margin);
  return select<Kind>(dot(ends[1], direction) > dot(ends[0], direction), ends[1], ends[0]) + skin;
}

// Which point gives way to a fifth: the deepest stays, and as large an area as can be.
template <class Kind>
HWY_INLINE Number point_to_replace(const GeomContacts<Kind>& contacts, const ContactPoint<Kind>& added) {
  const ContactPoint<Kind>* p = contacts.points;
  Number deepest = number(-1), depth = added.gap;
  for (int i = 0; i < kMostPoints; ++i) {
    const Truth deeper = p[i].gap < depth;
    deepest = select(deeper, number(i), deepest);
    depth = select(deeper, p[i].gap, depth);
  }
  static constexpr int kArms[kMostPoints][3] = {{1, 3, 2}, {0, 3, 2}, {0, 3, 1}, {0, 2, 1}};
  Number chosen = number(0), largest = number(-1);
  for (int i = 0; i < kMostPoints; ++i) {
    const auto& [from, far, near] = kArms[i];
    const auto normal = cross(added.on_link - p[from].on_link, p[far].on_link - p[near].on_link);
    const Number area = select(deepest == number(i), number(0), value_of(dot(normal, normal)));
    const Truth larger = area > largest;
    chosen = select(larger, number(i), chosen);
    largest = select(larger, area, largest);
  }
  return chosen;
}

template <class Kind>
HWY_INLINE void touch_ground(const Model::Geom& geom, const LinkWork<Kind>& link,
                             GeomContacts<Kind>& contacts) {
  if (geom.refreshed_before && any(contacts.count > number(0))) refresh<Kind>(link, geom.keeps, contacts);
  using Linear = typename Kind::Linear;
  const typename Kind::Rotation basis =
      geom.turned ? link.basis * matrix_from<typename Kind::Rotation>(geom.rotation) : link.basis;
  const Linear origin = link.basis * vector_from<Linear>(geom.place) + link.origin;
  const Linear down = -Linear{basis.zx, basis.zy, basis.zz};
  const Linear place = basis * lowest_point<Kind>(geom, down) + origin;
  const Number gap = place.z;
  const Truth touches = gap < number(geom.keeps);
  if (any(touches)) {
    ContactPoint<Kind> added;
    added.on_link = transposed(link.basis) * (place - link.origin);
    added.on_ground = place;
    added.on_ground.z = number(0);
    added.gap = gap;
    added.place = place;
    Number nearest = number(geom.keeps * geom.keeps), at = contacts.count;
    for (int i = 0; i < kMostPoints; ++i) {
      const auto apart = contacts.points[i].on_link - added.on_link;
      const Number squared = dot(apart, apart);
      const Truth nearer = (number(i) < contacts.count) & (squared < nearest);
      nearest = select(nearer, squared, nearest);
      at = select(nearer, number(i), at);
    }
    const Truth full = touches & (at == number(kMostPoints));
    if (any(full)) at = select(full, point_to_replace<Kind>(contacts, added), at);
    for (int i = 0; i < kMostPoints; ++i)
      assign<Kind>(touches & (at == number(i)), contacts.points[i], added);
    contacts.count = select(touches & (at == contacts.count), contacts.count + number(1), contacts.count);
  }
  if (any(contacts.count > number(0))) refresh<Kind>(link, geom.keeps, contacts);
}

}  // namespace impsweep::locomotion::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard, toggled per target
