// envs/locomotion/constraint-inl.hpp - contacts with friction and the limits of joints: their rows, and the
// impulses that solve them, as Bullet's btMultiBodyConstraintSolver finds them. Included once per target.
//
// Robots of different lanes have different rows. Rows are kept by slot: slot s holds the s-th contact point
// of each lane, whatever geom it belongs to; lanes with fewer have zeros there, which push nothing. Rows of
// the ground's side and those against which nothing can move are left out: they add zeros.
#if defined(IMPSWEEP_CONSTRAINT_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef IMPSWEEP_CONSTRAINT_INL_HPP
#undef IMPSWEEP_CONSTRAINT_INL_HPP
#else
#define IMPSWEEP_CONSTRAINT_INL_HPP
#endif

#include "envs/locomotion/contact-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::locomotion::HWY_NAMESPACE {

inline constexpr int kMostContacts = kMostGeoms * kMostPoints;

// How one coordinate of the relative motion meets the robot.
struct Row {
  Number along[kMostCoordinates];     // Jacobian: speed by each coordinate's velocity
  Number response[kMostCoordinates];  // change of velocities under a unit impulse
  Number softness;                    // impulse per change of speed; 0 where nothing can move
  Number aim;                         // impulse that would make the speed what it should be
  Number impulse;
};

template <class Kind>
struct Contact {
  Row normal, across, forward;  // `across` only in space: planar robots cannot move that way
  Number friction;
};

template <class Kind>
struct ConstraintWork {
  Contact<Kind> contacts[kMostContacts];
  Row limits[kMostJoints];
  Number contact_count, limit_count;  // by lane
  int contact_slots, limit_slots;     // the most of any lane
  Number change[kMostCoordinates];    // of velocities, by all impulses
};

HWY_INLINE int largest(Number a) {
  alignas(64) double values[kWidth];
  store(a, values);
  double most = 0;
  for (int lane = 0; lane < kWidth; ++lane) most = values[lane] > most ? values[lane] : most;
  return static_cast<int>(most);
}

HWY_INLINE Number dot(const Number* a, const Number* b, int count) {
  Number sum = number(0);
  for (int c = 0; c < count; ++c) sum = sum + a[c] * b[c];
  return sum;
}

// The response, and what a row with this speed now and this impulse against overlap aims at.
template <class Kind>
HWY_INLINE Number prepare(const Model& model, TreeWork<Kind>& tree, Row& row) {
  const int coordinates = kBaseCoordinates<Kind> + model.joints;
  respond(model, tree, row.along, row.response);
  const Number give = dot(row.along, row.response, coordinates);
  row.softness = select(give > number(DBL_EPSILON), number(1) / give, number(0));
  row.impulse = number(0);
  return dot(tree.velocity, row.along, coordinates);
}

// Jacobians of a point at `place` in the world that moves with `link`.
template <class Kind>
HWY_INLINE void contact_rows(const Model& model, TreeWork<Kind>& tree, int link,
                             const typename Kind::Linear& place, Contact<Kind>& rows) {
  const int coordinates = kBaseCoordinates<Kind> + model.joints;
  for (int c = 0; c < coordinates; ++c) {
    rows.normal.along[c] = number(0);
    rows.forward.along[c] = number(0);
    if constexpr (!Kind::kPlanar) rows.across.along[c] = number(0);
  }
  const auto from_base = place - tree.base().origin;
  if constexpr (!Kind::kPlanar) {
    rows.normal.along[0] = from_base.y;
    rows.normal.along[1] = -from_base.x;
    rows.normal.along[5] = number(1);
    rows.across.along[0] = from_base.z;
    rows.across.along[2] = -from_base.x;
    rows.across.along[4] = number(-1);
    rows.forward.along[1] = from_base.z;
    rows.forward.along[2] = -from_base.y;
    rows.forward.along[3] = number(1);
  }
  int chain[kMostLinks], length = 0;
  for (int l = link; l != kBaseLink; l = model.links[static_cast<std::size_t>(l)].parent) chain[length++] = l;
  typename Kind::Linear arm = tree.base().rotation * from_base;
  while (length > 0) {
    const int l = chain[--length];
    const Model::Link& of = model.links[static_cast<std::size_t>(l)];
    const LinkWork<Kind>& work = tree.at(l);
    arm = turned_to_link<Kind>(of, work, arm) - work.offset;
    if (of.motion == Model::Motion::kFixed) continue;
    const int c = kBaseCoordinates<Kind> + of.joint;
    const typename Kind::Linear motion =
        of.motion == Model::Motion::kHinge
            ? typename Kind::Linear(cross(work.axis.top, arm) + work.axis.bottom)
            : work.axis.bottom;
    rows.normal.along[c] = dot(work.up, motion);
    rows.forward.along[c] = dot(work.along, motion);
    if constexpr (!Kind::kPlanar) rows.across.along[c] = dot(work.across, motion);
  }
}

HWY_INLINE void assign(Truth where, Number& to, Number from) {
  to = select(where, from, to);
}

// Rows of all contact points, lane by lane in the order in which they are solved.
template <class Kind>
HWY_INLINE void gather_contacts(const Model& model, TreeWork<Kind>& tree, const GeomContacts<Kind>* geoms,
                                ConstraintWork<Kind>& work) {
  const int coordinates = kBaseCoordinates<Kind> + model.joints;
  const int count = static_cast<int>(model.geoms.size());
  Number first[kMostGeoms];  // slot of each geom's first point
  work.contact_count = number(0);
  for (int g = 0; g < count; ++g) {
    first[g] = work.contact_count;
    work.contact_count = work.contact_count + geoms[g].count;
  }
  work.contact_slots = largest(work.contact_count);
  if (work.contact_slots == 0) return;
  if (model.tied >= 0) {
    const int a = model.tied, b = a + 1;
    alignas(64) double counts[kMostGeoms][kWidth];
    alignas(64) double exchanged[kWidth];
    for (int g = 0; g < count; ++g) store(geoms[g].count, counts[g]);
    for (int lane = 0; lane < kWidth; ++lane) {
      unsigned set = 0;
      for (int g = 0; g < count; ++g) set |= counts[g][lane] > 0 ? 1u << g : 0u;
      exchanged[lane] = model.exchanged[set] ? 1 : 0;
    }
    const Truth which = load(exchanged) > number(0);
    const Number start = first[a];
    first[a] = select(which, start + geoms[b].count, start);
    first[b] = select(which, start, first[b]);
  }
  for (int s = 0; s < work.contact_slots; ++s) {
    Contact<Kind>& slot = work.contacts[s];
    for (Row* row : {&slot.normal, &slot.forward, &slot.across}) {
      if (Kind::kPlanar && row == &slot.across) continue;
      for (int c = 0; c < coordinates; ++c) row->along[c] = number(0);
      row->aim = number(0);
    }
    slot.friction = number(0);
  }
  Contact<Kind> made;
  for (int g = 0; g < count; ++g) {
    const Model::Geom& geom = model.geoms[static_cast<std::size_t>(g)];
    for (int i = 0; i < kMostPoints; ++i) {
      const Truth used = number(i) < geoms[g].count;
      if (!any(used)) break;
      contact_rows(model, tree, geom.link, geoms[g].points[i].place, made);
      const Number slot_of = first[g] + number(i);
      for (int s = 0; s < work.contact_slots; ++s) {
        const Truth here = used & (slot_of == number(s));
        if (!any(here)) continue;
        Contact<Kind>& slot = work.contacts[s];
        for (int c = 0; c < coordinates; ++c) {
          assign(here, slot.normal.along[c], made.normal.along[c]);
          assign(here, slot.forward.along[c], made.forward.along[c]);
          if constexpr (!Kind::kPlanar) assign(here, slot.across.along[c], made.across.along[c]);
        }
        assign(here, slot.normal.aim, geoms[g].points[i].gap);  // for now
        assign(here, slot.friction, number(geom.friction));
      }
    }
  }
  const SolverSettings& solver = model.solver;
  const Number time_step = number(solver.time_step);
  for (int s = 0; s < work.contact_slots; ++s) {
    Contact<Kind>& slot = work.contacts[s];
    const Number gap = slot.normal.aim + number(solver.slop);
    const Number speed = prepare(model, tree, slot.normal);
    const Truth apart = gap > number(0);
    const Number push = select(apart, number(0), -gap * number(solver.contact_correction) / time_step);
    const Number stop = number(0) - speed;
    const Number wanted = select(apart, stop - gap / time_step, stop);
    slot.normal.aim = push * slot.normal.softness + wanted * slot.normal.softness;
    const Number forward_speed = prepare(model, tree, slot.forward);
    slot.forward.aim = (number(0) - forward_speed) * slot.forward.softness;
    if constexpr (!Kind::kPlanar) {
      const Number across_speed = prepare(model, tree, slot.across);
      slot.across.aim = (number(0) - across_speed) * slot.across.softness;
    }
  }
}

// Rows of the limits that are overstepped, lane by lane in the order in which they are solved.
template <class Kind>
HWY_INLINE void gather_limits(const Model& model, TreeWork<Kind>& tree, ConstraintWork<Kind>& work) {
  const SolverSettings& solver = model.solver;
  const int coordinates = kBaseCoordinates<Kind> + model.joints;
  Number slot_of[kMostJoints], side[kMostJoints], room[kMostJoints];
  work.limit_count = number(0);
  const int count = static_cast<int>(model.limits.size());
  for (int l = 0; l < count; ++l) {
    const Model::Limit& limit = model.limits[static_cast<std::size_t>(l)];
    const Number position = tree.position[limit.joint];
    const Number above = position - number(limit.lower), below = number(limit.upper) - position;
    const Truth at_lower = !(above > number(0)), at_upper = !(below > number(0));
    side[l] = select(at_lower, number(1), select(at_upper, number(-1), number(0)));
    room[l] = select(at_lower, above, below);
    slot_of[l] = work.limit_count;
    work.limit_count = select(at_lower | at_upper, work.limit_count + number(1), work.limit_count);
  }
  work.limit_slots = largest(work.limit_count);
  for (int s = 0; s < work.limit_slots; ++s) {
    Row& row = work.limits[s];
    for (int c = 0; c < coordinates; ++c) row.along[c] = number(0);
    Number overlap = number(0);
    for (int l = 0; l < count; ++l) {
      const Truth here = !(side[l] == number(0)) & (slot_of[l] == number(s));
      assign(here, row.along[kBaseCoordinates<Kind> + model.limits[static_cast<std::size_t>(l)].joint],
             side[l]);
      assign(here, overlap, room[l]);
    }
    const Number speed = prepare(model, tree, row);
    const Number push = -overlap * number(solver.limit_correction) / number(solver.time_step);
    const Number stop = -speed * row.softness;
    row.aim = select(overlap > number(solver.deepest_corrected), push * row.softness + stop, stop);
  }
}

// The greater of two as Bullet has it: what is not a number comes through if it is the second.
HWY_INLINE Number greater(Number a, Number b) {
  return select(a > b, a, b);
}

template <class Kind>
HWY_INLINE Number wanted_change(const ConstraintWork<Kind>& work, const Row& row, int coordinates) {
  return row.aim - dot(row.along, work.change, coordinates) * row.softness;
}

template <class Kind>
HWY_INLINE void apply(ConstraintWork<Kind>& work, const Row& row, Number impulse, int coordinates) {
  for (int c = 0; c < coordinates; ++c) work.change[c] = work.change[c] + row.response[c] * impulse;
}

// Moves a row's impulse within its limits; returns the square of the change of speed.
template <class Kind>
HWY_INLINE Number solve_row(ConstraintWork<Kind>& work, Row& row, Number most, Truth active,
                            int coordinates) {
  const Number sum = row.impulse + wanted_change(work, row, coordinates);
  const Number kept = select(sum < number(0), number(0), select(sum > most, most, sum));
  const Truth within = !(sum < number(0)) & !(sum > most);
  Number change = select(within, wanted_change(work, row, coordinates), kept - row.impulse);
  change = select(active, change, number(0));
  row.impulse = select(active, kept, row.impulse);
  apply(work, row, change, coordinates);
  const Number speed = change / row.softness;
  return speed * speed;
}

// Impulses of friction in two directions, kept within a cone.
HWY_INLINE void cone(Number limit_across, Number limit_forward, Number across, Number forward, Truth outside,
                     Number& most_across, Number& most_forward) {
  alignas(64) double a[kWidth], f[kWidth], out[kWidth], sine[kWidth], cosine[kWidth];
  store(across, a);
  store(forward, f);
  store(select(outside, number(1), number(0)), out);
  for (int lane = 0; lane < kWidth; ++lane) {
    sine[lane] = cosine[lane] = 0;
    if (out[lane] == 0) continue;
    const double angle = std::atan2(a[lane], f[lane]);
    sine[lane] = std::sin(angle);
    cosine[lane] = std::cos(angle);
  }
  most_across = absolute(limit_across * load(sine));
  most_forward = absolute(limit_forward * load(cosine));
}

HWY_INLINE void clip_friction(Truth outside, Number most, Number sum, Row& row, Truth active,
                              Number& change) {
  const Truth below = outside & (sum < -most), above = outside & !(sum < -most) & (sum > most);
  const Number kept = select(below, -most, select(above, most, sum));
  change = select(below | above, kept - row.impulse, change);
  change = select(active, change, number(0));
  row.impulse = select(active, kept, row.impulse);
}

template <class Kind>
HWY_INLINE Number solve_friction(ConstraintWork<Kind>& work, Contact<Kind>& contact, Truth active,
                                 int coordinates) {
  const Number limit = -(contact.friction * contact.normal.impulse);
  Number forward = wanted_change(work, contact.forward, coordinates);
  const Number forward_sum = contact.forward.impulse + forward;
  if constexpr (Kind::kPlanar) {
    const Truth outside = forward_sum * forward_sum >= limit * limit;
    clip_friction(outside, absolute(limit), forward_sum, contact.forward, active, forward);
    apply(work, contact.forward, forward, coordinates);
    // The other direction, in which nothing can move, divides 0 by 0.
    return number(std::numeric_limits<double>::quiet_NaN());
  } else {
    Number across = wanted_change(work, contact.across, coordinates);
    const Number across_sum = contact.across.impulse + across;
    const Truth outside = across_sum * across_sum + forward_sum * forward_sum >= limit * limit;
    Number most_across = number(0), most_forward = number(0);
    if (any(outside & active))
      cone(limit, limit, across_sum, forward_sum, outside & active, most_across, most_forward);
    clip_friction(outside, most_across, across_sum, contact.across, active, across);
    clip_friction(outside, most_forward, forward_sum, contact.forward, active, forward);
    apply(work, contact.across, across, coordinates);
    apply(work, contact.forward, forward, coordinates);
    const Number speed = across / contact.across.softness + forward / contact.forward.softness;
    return speed * speed;
  }
}

// Finds all impulses and adds what they do to the velocities.
template <class Kind>
HWY_INLINE void solve(const Model& model, TreeWork<Kind>& tree, ConstraintWork<Kind>& work) {
  const SolverSettings& solver = model.solver;
  const int coordinates = kBaseCoordinates<Kind> + model.joints;
  for (int c = 0; c < coordinates; ++c) work.change[c] = number(0);
  Truth active = number(0) == number(0);
  for (int iteration = 0; iteration < solver.iterations && any(active); ++iteration) {
    Number residual = number(0);
    for (int j = 0; j < work.limit_slots; ++j) {
      const int s = (iteration & 1) != 0 ? j : work.limit_slots - 1 - j;
      const Truth used = number(s) < work.limit_count;
      const Number squared =
          solve_row(work, work.limits[s], number(solver.most_limit_impulse), active & used, coordinates);
      residual = select(used, greater(residual, squared), residual);
    }
    for (int s = 0; s < work.contact_slots; ++s) {
      const Truth used = number(s) < work.contact_count;
      const Number squared = solve_row(work, work.contacts[s].normal, number(solver.most_contact_impulse),
                                       active & used, coordinates);
      residual = select(used, greater(residual, squared), residual);
    }
    for (int s = 0; s < work.contact_slots; ++s) {
      const Truth used = number(s) < work.contact_count;
      const Number squared = solve_friction(work, work.contacts[s], active & used, coordinates);
      residual = select(used, greater(residual, squared), residual);
    }
    active = active & !(residual <= number(solver.residual));
  }
  for (int c = 0; c < coordinates; ++c)
    tree.velocity[c] = limited(tree.velocity[c] + work.change[c], solver.most_velocity);
}

}  // namespace impsweep::locomotion::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard, toggled per target
