// envs/locomotion/articulated-inl.hpp - kinematics and forward dynamics of a tree of links: Featherstone's
// articulated bodies as Bullet computes them (btMultiBody). Included once per target.
#if defined(IMPSWEEP_ARTICULATED_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef IMPSWEEP_ARTICULATED_INL_HPP
#undef IMPSWEEP_ARTICULATED_INL_HPP
#else
#define IMPSWEEP_ARTICULATED_INL_HPP
#endif

#include <cfloat>

#include "envs/locomotion/algebra-inl.hpp"
#include "envs/locomotion/model.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::locomotion::HWY_NAMESPACE {

inline constexpr int kMostCoordinates = 6 + 8;  // of velocity: a base in space with the Ant's joints

template <class Kind>
inline constexpr int kBaseCoordinates = Kind::kPlanar ? 0 : 6;

// One link of several robots. The base has the place before the first link.
template <class Kind>
struct LinkWork {
  typename Kind::Rotation rotation;  // from the parent's frame; not set where the link cannot turn
  typename Kind::Linear offset;      // from the parent's origin, in the link's axes
  typename Kind::Turn turn;          // from the world's frame
  typename Kind::Linear origin;
  typename Kind::Rotation basis;  // the link's axes, as columns
  typename Kind::Linear up, across,
      along;  // (0, 0, 1), (0, -1, 0) and (1, 0, 0) of the world in the link's axes

  Motion<Kind> axis, velocity, drift;  // `drift`: acceleration by velocities alone
  Force<Kind> bias;                    // minus what acts on the articulated body at rest
  Inertia<Kind> inertia;
  Force<Kind> reaction;  // of the inertia to its joint's axis
  Number inverse_mass;   // felt by the joint
  Number push;           // torque left for the joint
  Motion<Kind> acceleration;
};

// The inverse of the base's inertia in space, by blocks.
struct InverseInertia {
  Space::Rotation upper_left, upper_right, lower_left, lower_right;
};

template <class Kind>
struct TreeWork {
  LinkWork<Kind> links[kMostLinks + 1];  // base first
  Number velocity[kMostCoordinates];     // the base's (angular, linear, in world axes), then joints
  Number position[kMostJoints];
  InverseInertia inverse_inertia;  // of a base in space

  LinkWork<Kind>& base() { return links[0]; }
  LinkWork<Kind>& at(int link) { return links[link + 1]; }
};

HWY_INLINE auto inverse(const Space::Rotation& m) {
  const auto co = Vector3{m.yy * m.zz - m.yz * m.zy, m.yz * m.zx - m.yx * m.zz, m.yx * m.zy - m.yy * m.zx};
  const Number s = number(1) / dot(Vector3{m.xx, m.xy, m.xz}, co);
  return Space::Rotation{co.x * s, (m.xz * m.zy - m.xy * m.zz) * s, (m.xy * m.yz - m.xz * m.yy) * s,
                         co.y * s, (m.xx * m.zz - m.xz * m.zx) * s, (m.xz * m.yx - m.xx * m.yz) * s,
                         co.z * s, (m.xy * m.zx - m.xx * m.zy) * s, (m.xx * m.yy - m.xy * m.yx) * s};
}

// Length, or 0 where it is next to nothing.
template <class Vector>
HWY_INLINE Number safe_length(const Vector& a) {
  const Number squared = dot(a, a);
  return select(squared > number(DBL_EPSILON), root(squared), number(0));
}

// Places every link from the positions of base and joints.
template <class Kind>
HWY_INLINE void place_links(const Model& model, TreeWork<Kind>& tree) {
  LinkWork<Kind>& base = tree.base();
  base.basis = matrix_of(inverse(base.turn));
  base.rotation = matrix_of(base.turn);
  const int count = static_cast<int>(model.links.size());
  for (int i = 0; i < count; ++i) {
    const Model::Link& link = model.links[static_cast<std::size_t>(i)];
    LinkWork<Kind>& work = tree.at(i);
    const LinkWork<Kind>& parent = tree.at(link.parent);
    work.axis = {vector_from<typename Kind::Angular>(link.axis),
                 vector_from<typename Kind::Linear>(link.axis_linear)};
    if (link.motion == Model::Motion::kHinge) {
      Number sine, cosine;
      sine_and_cosine(-tree.position[link.joint] * number(0.5), sine, cosine);
      const auto axis = work.axis.top * (sine / number(link.axis_length));
      const typename Kind::Turn turn = {axis.x, axis.y, axis.z, cosine};
      work.offset = vector_from<typename Kind::Linear>(link.from_anchor) +
                    rotated(turn, vector_from<typename Kind::Linear>(link.anchor));
      work.rotation = matrix_of(turn);
      work.turn = turn * parent.turn;
      work.basis = matrix_of(inverse(work.turn));
    } else {
      work.offset = vector_from<typename Kind::Linear>(link.rest);
      if (link.motion == Model::Motion::kRail)
        work.offset = work.offset + work.axis.bottom * tree.position[link.joint];
      work.turn = parent.turn;
      work.basis = parent.basis;
    }
    work.origin = parent.origin + rotated(inverse(work.turn), work.offset);
  }
}

// What acts on a body of its own accord: weight, damping and the turning of its axes.
template <class Kind>
HWY_INLINE Force<Kind> own_bias(const SolverSettings& solver, const LinkWork<Kind>& work, double mass,
                                const double (&inertia)[3]) {
  const Number damping = number(solver.damping);
  const auto moments = vector_from<Vector3<Number, Number, Number>>(inertia);
  const auto& angular = work.velocity.top;
  const auto& linear = work.velocity.bottom;
  const auto spin = by_component(moments, angular);
  const auto weight = work.up * number(-solver.gravity * mass);
  const auto drag = linear * number(mass) * (damping + damping * safe_length(linear));
  const auto turning_drag = spin * (damping + damping * safe_length(angular));
  return {-weight + drag + cross(angular, linear) * number(mass), turning_drag + cross(angular, spin)};
}

template <class Kind>
HWY_INLINE Inertia<Kind> own_inertia(double mass, const double (&inertia)[3]) {
  return {matrix_from<typename Kind::Coupling>({0, 0, 0, 0, 0, 0, 0, 0, 0}),
          matrix_from<typename Kind::Mass>({mass, 0, 0, 0, mass, 0, 0, 0, mass}),
          matrix_from<typename Kind::Moment>({inertia[0], 0, 0, 0, inertia[1], 0, 0, 0, inertia[2]})};
}

template <class Kind>
HWY_INLINE Force<Kind> no_force() {
  return {vector_from<typename Kind::Linear>({0, 0, 0}), vector_from<typename Kind::Angular>({0, 0, 0})};
}
template <class Kind>
HWY_INLINE Motion<Kind> no_motion() {
  return {vector_from<typename Kind::Angular>({0, 0, 0}), vector_from<typename Kind::Linear>({0, 0, 0})};
}

// From a link's frame to its parent's and back; a link that does not turn saves the rotation, which would
// change nothing.
template <class Kind, class What>
HWY_INLINE What moved_to_parent(const Model::Link& link, const LinkWork<Kind>& work, const What& what) {
  if (link.motion == Model::Motion::kHinge) return to_parent<Kind>(work.rotation, work.offset, what);
  return to_parent<Kind>(work.offset, what);
}
template <class Kind>
HWY_INLINE Motion<Kind> moved_to_link(const Model::Link& link, const LinkWork<Kind>& work,
                                      const Motion<Kind>& motion) {
  if (link.motion == Model::Motion::kHinge) return to_link<Kind>(work.rotation, work.offset, motion);
  return to_link<Kind>(work.offset, motion);
}
template <class Kind>
HWY_INLINE typename Kind::Linear turned_to_link(const Model::Link& link, const LinkWork<Kind>& work,
                                                const typename Kind::Linear& direction) {
  if (link.motion == Model::Motion::kHinge) return work.rotation * direction;
  return direction;
}

// Directions of the world in the axes of every link, which contacts need.
template <class Kind>
HWY_INLINE void turn_directions(const Model& model, TreeWork<Kind>& tree) {
  LinkWork<Kind>& base = tree.base();
  base.up = base.rotation * vector_from<typename Kind::Linear>({0, 0, 1});
  base.along = base.rotation * vector_from<typename Kind::Linear>({1, 0, 0});
  if constexpr (!Kind::kPlanar) base.across = base.rotation * vector_from<typename Kind::Linear>({0, -1, 0});
  const int count = static_cast<int>(model.links.size());
  for (int i = 0; i < count; ++i) {
    const Model::Link& link = model.links[static_cast<std::size_t>(i)];
    LinkWork<Kind>& work = tree.at(i);
    const LinkWork<Kind>& parent = tree.at(link.parent);
    work.up = turned_to_link(link, work, parent.up);
    work.along = turned_to_link(link, work, parent.along);
    if constexpr (!Kind::kPlanar) work.across = turned_to_link(link, work, parent.across);
  }
}

// Forces on, and inertia of, every link alone.
template <class Kind>
HWY_INLINE void start_from_velocities(const Model& model, TreeWork<Kind>& tree) {
  LinkWork<Kind>& base = tree.base();
  if constexpr (Kind::kPlanar) {
    base.velocity = no_motion<Kind>();
  } else {
    const Number* v = tree.velocity;
    base.velocity = {base.rotation * Space::Linear{v[0], v[1], v[2]},
                     base.rotation * Space::Linear{v[3], v[4], v[5]}};
    base.bias = own_bias<Kind>(model.solver, base, model.base_mass, model.base_inertia);
    base.inertia = own_inertia<Kind>(model.base_mass, model.base_inertia);
  }
  const int count = static_cast<int>(model.links.size());
  for (int i = 0; i < count; ++i) {
    const Model::Link& link = model.links[static_cast<std::size_t>(i)];
    LinkWork<Kind>& work = tree.at(i);
    work.velocity = moved_to_link(link, work, tree.at(link.parent).velocity);
    if (link.motion != Model::Motion::kFixed) {
      const Motion<Kind> own = work.axis * tree.velocity[kBaseCoordinates<Kind> + link.joint];
      work.velocity = work.velocity + own;
      work.drift = no_motion<Kind>();
      if constexpr (!Kind::kPlanar) work.drift.top = cross(work.velocity.top, own.top);
      work.drift.bottom = cross(work.velocity.bottom, own.top) + cross(work.velocity.top, own.bottom);
    }
    if (link.mass > 0) {
      work.bias = own_bias<Kind>(model.solver, work, link.mass, link.inertia);
      work.inertia = own_inertia<Kind>(link.mass, link.inertia);
    } else {
      work.bias = no_force<Kind>();
      work.inertia = own_inertia<Kind>(0, {0, 0, 0});
    }
  }
}

HWY_INLINE void invert(const Inertia<Space>& inertia, InverseInertia& result) {
  const auto lower_right = transposed(inertia.top_left);
  const auto inverse_mass = inverse(inertia.top_right) * number(-1);
  const auto product = lower_right * inverse_mass;
  result.upper_right = inverse(product * inertia.top_left + inertia.bottom_left);
  result.upper_left = result.upper_right * lower_right * inverse_mass;
  result.lower_right = transposed(result.upper_left);
  auto rest = inertia.top_left * result.upper_left;
  rest.xx = rest.xx - number(1);
  rest.yy = rest.yy - number(1);
  rest.zz = rest.zz - number(1);
  result.lower_left = inverse_mass * rest;
}

HWY_INLINE Motion<Space> response_of_base(const InverseInertia& inverse, const Force<Space>& bias) {
  const Motion<Space> result = {inverse.upper_left * bias.top + inverse.upper_right * bias.bottom,
                                inverse.lower_left * bias.top + inverse.lower_right * bias.bottom};
  return {-result.top, -result.bottom};
}

HWY_INLINE Number limited(Number a, double most) {
  return select(a < number(-most), number(-most), select(number(most) < a, number(most), a));
}

// Turns torques into accelerations and adds them to the velocities. Leaves behind what responses() needs.
template <class Kind>
HWY_INLINE void accelerate(const Model& model, const Number* torque, TreeWork<Kind>& tree) {
  start_from_velocities(model, tree);
  for (int i = static_cast<int>(model.links.size()) - 1; i >= 0; --i) {
    const Model::Link& link = model.links[static_cast<std::size_t>(i)];
    LinkWork<Kind>& work = tree.at(i);
    const bool onto_ground = Kind::kPlanar && link.parent == kBaseLink;  // where nothing is felt
    LinkWork<Kind>& parent = tree.at(link.parent);
    if (link.motion == Model::Motion::kFixed) {
      if (onto_ground) continue;
      parent.inertia = parent.inertia + moved_to_parent(link, work, work.inertia);
      parent.bias = parent.bias + moved_to_parent(link, work, work.bias);
      continue;
    }
    work.reaction = work.inertia * work.axis;
    work.push = torque[link.joint] - dot(work.axis, work.bias) - dot(work.drift, work.reaction);
    const Number mass = dot(work.axis, work.reaction);
    work.inverse_mass = select(mass >= number(DBL_EPSILON), number(1) / mass, number(0));
    if (onto_ground) continue;
    const Inertia<Kind> left = minus_outer(work.inertia, work.reaction, work.reaction * work.inverse_mass);
    parent.inertia = parent.inertia + moved_to_parent(link, work, left);
    const Force<Kind> passed =
        work.bias + work.inertia * work.drift + work.reaction * (work.inverse_mass * work.push);
    parent.bias = parent.bias + moved_to_parent(link, work, passed);
  }
  LinkWork<Kind>& base = tree.base();
  const Number time_step = number(model.solver.time_step);
  if constexpr (Kind::kPlanar) {
    base.acceleration = no_motion<Kind>();
  } else {
    invert(base.inertia, tree.inverse_inertia);
    base.acceleration = response_of_base(tree.inverse_inertia, base.bias);
  }
  Number change[kMostJoints];
  for (int i = 0; i < static_cast<int>(model.links.size()); ++i) {
    const Model::Link& link = model.links[static_cast<std::size_t>(i)];
    LinkWork<Kind>& work = tree.at(i);
    work.acceleration = moved_to_link(link, work, tree.at(link.parent).acceleration);
    if (link.motion == Model::Motion::kFixed) continue;
    change[link.joint] = work.inverse_mass * (work.push - dot(work.acceleration, work.reaction));
    work.acceleration = work.acceleration + work.drift + work.axis * change[link.joint];
  }
  if constexpr (!Kind::kPlanar) {
    const auto back = transposed(base.rotation);
    const auto angular = back * base.acceleration.top;
    const auto linear = back * (base.acceleration.bottom + cross(base.velocity.top, base.velocity.bottom));
    const Number parts[6] = {angular.x, angular.y, angular.z, linear.x, linear.y, linear.z};
    for (int c = 0; c < 6; ++c)
      tree.velocity[c] = limited(tree.velocity[c] + parts[c] * time_step, model.solver.most_velocity);
  }
  for (int joint = 0; joint < model.joints; ++joint) {
    Number& velocity = tree.velocity[kBaseCoordinates<Kind> + joint];
    velocity = limited(velocity + change[joint] * time_step, model.solver.most_velocity);
  }
}

// How velocities change under a unit impulse along `row` (by coordinates).
template <class Kind>
HWY_INLINE void respond(const Model& model, TreeWork<Kind>& tree, const Number* row, Number* response) {
  struct Scratch {
    Force<Kind> bias;
    Motion<Kind> acceleration;
    Number push;
  };
  Scratch scratch[kMostLinks + 1];
  const int count = static_cast<int>(model.links.size());
  for (int i = 0; i <= count; ++i) scratch[i].bias = no_force<Kind>();
  const LinkWork<Kind>& base = tree.base();
  if constexpr (!Kind::kPlanar)
    scratch[0].bias = {base.rotation * Space::Linear{-row[3], -row[4], -row[5]},
                       base.rotation * Space::Linear{-row[0], -row[1], -row[2]}};
  for (int i = count - 1; i >= 0; --i) {
    const Model::Link& link = model.links[static_cast<std::size_t>(i)];
    const LinkWork<Kind>& work = tree.at(i);
    Scratch& own = scratch[i + 1];
    Scratch& parent = scratch[link.parent + 1];
    if (link.motion == Model::Motion::kFixed) {
      parent.bias = parent.bias + moved_to_parent(link, work, own.bias);
      continue;
    }
    own.push = row[kBaseCoordinates<Kind> + link.joint] - dot(work.axis, own.bias);
    const Force<Kind> passed = own.bias + work.reaction * (work.inverse_mass * own.push);
    parent.bias = parent.bias + moved_to_parent(link, work, passed);
  }
  if constexpr (Kind::kPlanar) {
    scratch[0].acceleration = no_motion<Kind>();
  } else {
    scratch[0].acceleration = response_of_base(tree.inverse_inertia, scratch[0].bias);
    const auto back = transposed(base.rotation);
    const auto angular = back * scratch[0].acceleration.top;
    const auto linear = back * scratch[0].acceleration.bottom;
    const Number parts[6] = {angular.x, angular.y, angular.z, linear.x, linear.y, linear.z};
    for (int c = 0; c < 6; ++c) response[c] = parts[c];
  }
  for (int i = 0; i < count; ++i) {
    const Model::Link& link = model.links[static_cast<std::size_t>(i)];
    const LinkWork<Kind>& work = tree.at(i);
    Scratch& own = scratch[i + 1];
    own.acceleration = moved_to_link(link, work, scratch[link.parent + 1].acceleration);
    if (link.motion == Model::Motion::kFixed) continue;
    const Number change = work.inverse_mass * (own.push - dot(own.acceleration, work.reaction));
    own.acceleration = own.acceleration + work.axis * change;
    response[kBaseCoordinates<Kind> + link.joint] = change;
  }
}

}  // namespace impsweep::locomotion::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard, toggled per target
