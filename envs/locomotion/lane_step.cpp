#include "envs/locomotion/lane_step.hpp"

#include <limits>

// AVX-512, AVX2, and without vectors.
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SSE4 | HWY_SSSE3)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "envs/locomotion/lane_step.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "envs/locomotion/constraint-inl.hpp"
#include "envs/locomotion/world.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::locomotion::HWY_NAMESPACE {

// The states of as many robots as there are lanes; the last is repeated where there are fewer.
struct Block {
  LaneState* state[kWidth];
  int count;
};

HWY_INLINE Number read(const Block& block, int place) {
  alignas(64) double values[kWidth];
  for (int lane = 0; lane < kWidth; ++lane) values[lane] = block.state[lane]->value[place];
  return load(values);
}
HWY_INLINE void write(const Block& block, int place, Number number) {
  alignas(64) double values[kWidth];
  store(number, values);
  for (int lane = 0; lane < block.count; ++lane) block.state[lane]->value[place] = values[lane];
}
HWY_INLINE void read(const Block& block, int place, Zero&) {
  (void)block;
  (void)place;
}
HWY_INLINE void read(const Block& block, int place, Number& number) {
  number = read(block, place);
}
HWY_INLINE void write(const Block&, int, Zero) {}

template <class Kind>
HWY_INLINE void read_tree(const Model& model, const Block& block, TreeWork<Kind>& tree) {
  LinkWork<Kind>& base = tree.base();
  if constexpr (Kind::kPlanar) {
    base.origin = vector_from<typename Kind::Linear>({0, 0, 0});
    base.turn = {{}, number(0), {}, number(1)};
  } else {
    const int p = LaneState::kBasePosition, t = LaneState::kBaseTurn;
    base.origin = {read(block, p), read(block, p + 1), read(block, p + 2)};
    base.turn = {read(block, t), read(block, t + 1), read(block, t + 2), read(block, t + 3)};
    for (int c = 0; c < 6; ++c) tree.velocity[c] = read(block, LaneState::kBaseVelocity + c);
  }
  for (int joint = 0; joint < model.joints; ++joint) {
    tree.position[joint] = read(block, LaneState::kPosition + joint);
    tree.velocity[kBaseCoordinates<Kind> + joint] = read(block, LaneState::kVelocity + joint);
  }
}

template <class Kind>
HWY_INLINE void write_tree(const Model& model, const Block& block, TreeWork<Kind>& tree) {
  if constexpr (!Kind::kPlanar) {
    const LinkWork<Kind>& base = tree.base();
    const Number parts[7] = {base.origin.x, base.origin.y, base.origin.z, base.turn.x,
                             base.turn.y,   base.turn.z,   base.turn.w};
    for (int i = 0; i < 7; ++i) write(block, LaneState::kBasePosition + i, parts[i]);
    for (int c = 0; c < 6; ++c) write(block, LaneState::kBaseVelocity + c, tree.velocity[c]);
  }
  for (int joint = 0; joint < model.joints; ++joint) {
    write(block, LaneState::kPosition + joint, tree.position[joint]);
    write(block, LaneState::kVelocity + joint, tree.velocity[kBaseCoordinates<Kind> + joint]);
  }
}

HWY_INLINE int place_of(int geom, int point) {
  return LaneState::kPoint + (geom * kMostPoints + point) * kPointNumbers;
}

template <class Kind>
HWY_INLINE void read_contacts(const Model& model, const Block& block, GeomContacts<Kind>* geoms) {
  for (int g = 0; g < static_cast<int>(model.geoms.size()); ++g) {
    geoms[g].count = read(block, LaneState::kPoints + g);
    for (int i = 0; i < kMostPoints; ++i) {
      ContactPoint<Kind>& point = geoms[g].points[i];
      point.on_link = point.on_ground = point.place = vector_from<typename Kind::Linear>({0, 0, 0});
      point.gap = number(0);
      if (!any(number(i) < geoms[g].count)) continue;
      const int p = place_of(g, i);
      read(block, p, point.on_link.x);
      read(block, p + 1, point.on_link.y);
      read(block, p + 2, point.on_link.z);
      read(block, p + 3, point.on_ground.x);
      read(block, p + 4, point.on_ground.y);
      read(block, p + 5, point.gap);
    }
  }
}

template <class Kind>
HWY_INLINE void write_contacts(const Model& model, const Block& block, const GeomContacts<Kind>* geoms) {
  for (int g = 0; g < static_cast<int>(model.geoms.size()); ++g) {
    write(block, LaneState::kPoints + g, geoms[g].count);
    for (int i = 0; i < kMostPoints && any(number(i) < geoms[g].count); ++i) {
      const ContactPoint<Kind>& point = geoms[g].points[i];
      const int p = place_of(g, i);
      write(block, p, point.on_link.x);
      write(block, p + 1, point.on_link.y);
      write(block, p + 2, point.on_link.z);
      write(block, p + 3, point.on_ground.x);
      write(block, p + 4, point.on_ground.y);
      write(block, p + 5, point.gap);
    }
  }
}

// The base turns by its angular velocity, through the exponential map.
HWY_INLINE Space::Turn turned(const Space::Turn& turn, const Space::Linear& omega, double time_step) {
  constexpr double kHalfPi = 3.1415926535897932384626433832795029 * 0.5;
  const Number step = number(time_step);
  Number speed = root(dot(omega, omega));
  speed = select(speed * step > number(0.5 * kHalfPi), number(0.5 * kHalfPi / time_step), speed);
  Number sine, cosine;
  sine_and_cosine(number(0.5) * speed * step, sine, cosine);
  const Number cubed = number(time_step * time_step * time_step * 0.020833333333);
  const Number scale =
      select(speed < number(0.001), number(0.5 * time_step) - cubed * speed * speed, sine / speed);
  const auto axis = omega * scale;
  const auto made = turn * Space::Turn{-axis.x, -axis.y, -axis.z, cosine};
  const Number shrink =
      number(1) / root(made.x * made.x + made.y * made.y + made.z * made.z + made.w * made.w);
  return {made.x * shrink, made.y * shrink, made.z * shrink, made.w * shrink};
}

// Zeros lose their sign, as they do there by having zeros added.
template <class Kind>
HWY_INLINE void integrate(const Model& model, TreeWork<Kind>& tree) {
  const Number step = number(model.solver.time_step);
  for (int c = 0; c < kBaseCoordinates<Kind> + model.joints; ++c)
    tree.velocity[c] = tree.velocity[c] + number(0);
  const Number* v = tree.velocity;
  if constexpr (!Kind::kPlanar) {
    LinkWork<Kind>& base = tree.base();
    base.origin = {base.origin.x + step * v[3], base.origin.y + step * v[4], base.origin.z + step * v[5]};
    base.turn = turned(base.turn, {v[0], v[1], v[2]}, model.solver.time_step);
  }
  for (int joint = 0; joint < model.joints; ++joint)
    tree.position[joint] = tree.position[joint] + step * v[kBaseCoordinates<Kind> + joint];
}

// The torso of a planar robot in full, as the signs of its zeros decide between angles of pi and -pi.
struct Torso {
  Space::Rotation basis;
  Space::Linear origin, velocity;
};

// A link against its parent, in full.
struct JointPose {
  Space::Turn turn;
  Space::Linear offset;
};
HWY_INLINE JointPose joint_pose(const Model::Link& link, const Number* position) {
  JointPose pose;
  pose.turn = {number(0), number(0), number(0), number(1)};
  pose.offset = vector_from<Space::Linear>(link.from_anchor);
  if (link.motion == Model::Motion::kHinge) {
    Number sine, cosine;
    sine_and_cosine(-position[link.joint] * number(0.5), sine, cosine);
    const auto axis = vector_from<Space::Linear>(link.axis) * (sine / number(link.axis_length));
    pose.turn = Space::Turn{axis.x, axis.y, axis.z, cosine} * pose.turn;
  }
  pose.offset = pose.offset + rotated(pose.turn, vector_from<Space::Linear>(link.anchor));
  if (link.motion == Model::Motion::kRail)
    pose.offset = pose.offset + vector_from<Space::Linear>(link.axis_linear) * position[link.joint];
  return pose;
}

// Link poses are those at `position`, where the links stood when they were last placed; velocities are
// current, and so are the joints that pass them on.
template <class Kind>
HWY_INLINE void look_at_torso(const Model& model, const TreeWork<Kind>& tree, const Number* position,
                              bool after_reset, Torso& torso) {
  if constexpr (!Kind::kPlanar) {
    const LinkWork<Kind>& base = tree.links[0];
    torso.basis = matrix_of(inverse(base.turn));
    torso.origin = base.origin;
    torso.velocity = {tree.velocity[3], tree.velocity[4], tree.velocity[5]};
  } else {
    const Number zero = number(after_reset ? -0.0 : 0.0);
    Space::Turn turn = {zero, zero, zero, number(1)};
    Space::Linear origin = vector_from<Space::Linear>({0, 0, 0});
    Space::Linear angular = rotated(turn, vector_from<Space::Linear>({0, 0, 0})), linear = angular;
    for (const int i : model.torso_links) {
      const Model::Link& link = model.links[static_cast<std::size_t>(i)];
      const JointPose before = joint_pose(link, position);
      turn = before.turn * turn;
      origin = origin + rotated(inverse(turn), before.offset);
      const JointPose now = joint_pose(link, tree.position);
      const auto rotation = matrix_of(now.turn);
      angular = rotation * angular;
      linear = -cross(now.offset, angular) + rotation * linear;
      if (link.motion == Model::Motion::kFixed) continue;
      const Number speed = tree.velocity[link.joint];
      angular = angular + vector_from<Space::Linear>(link.axis) * speed;
      linear = linear + vector_from<Space::Linear>(link.axis_linear) * speed;
    }
    torso.basis = matrix_of(inverse(turn));
    torso.origin = origin;
    torso.velocity = torso.basis * linear;
  }
}

// The mean of numpy: up to 128 values are added in eight running sums.
HWY_INLINE Number numpy_sum(const Number* values, int count) {
  Number sum = number(0);
  int i = 0;
  if (count >= 8) {
    Number r[8];
    for (int k = 0; k < 8; ++k) r[k] = values[k];
    for (i = 8; i + 8 <= count; i += 8)
      for (int k = 0; k < 8; ++k) r[k] = r[k] + values[i + k];
    sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  }
  for (; i < count; ++i) sum = sum + values[i];
  return sum;
}

template <class Kind>
HWY_INLINE void write_view(const Model& model, const Block& block, const TreeWork<Kind>& tree,
                           const Number* position, bool after_reset) {
  Torso torso;
  look_at_torso(model, tree, position, after_reset, torso);
  const auto& b = torso.basis;
  const Number parts[15] = {b.xx,
                            b.xy,
                            b.xz,
                            b.yx,
                            b.yy,
                            b.yz,
                            b.zx,
                            b.zy,
                            b.zz,
                            torso.origin.x,
                            torso.origin.y,
                            torso.origin.z,
                            torso.velocity.x,
                            torso.velocity.y,
                            torso.velocity.z};
  for (int i = 0; i < 15; ++i) write(block, LaneState::kTorsoBasis + i, parts[i]);
  const int count = static_cast<int>(model.counted_links.size());
  Number x[kMostLinks + 2], y[kMostLinks + 2];
  for (int p = 0; p < count; ++p) {
    const auto& origin = tree.links[model.counted_links[static_cast<std::size_t>(p)] + 1].origin;
    x[p] = origin.x;
    y[p] = value_of(origin.y);
  }
  write(block, LaneState::kSumX, numpy_sum(x, count));
  write(block, LaneState::kSumY, numpy_sum(y, count));
}

template <class Kind>
struct StepWork {
  TreeWork<Kind> tree;
  ConstraintWork<Kind> constraints;
  GeomContacts<Kind> geoms[kMostGeoms];
};

template <class Kind>
void step_block(const Model& model, const Block& block) {
  StepWork<Kind> work;
  TreeWork<Kind>& tree = work.tree;
  read_tree(model, block, tree);
  read_contacts(model, block, work.geoms);
  Number torque[kMostJoints], seen_position[kMostJoints];
  for (int joint = 0; joint < model.joints; ++joint) torque[joint] = read(block, LaneState::kTorque + joint);
  for (int substep = 0; substep < kSubsteps; ++substep) {
    for (int joint = 0; joint < model.joints; ++joint) seen_position[joint] = tree.position[joint];
    place_links(model, tree);
    for (std::size_t g = 0; g < model.geoms.size(); ++g)
      touch_ground(model.geoms[g], tree.at(model.geoms[g].link), work.geoms[g]);
    turn_directions(model, tree);
    accelerate(model, torque, tree);
    gather_contacts(model, tree, work.geoms, work.constraints);
    gather_limits(model, tree, work.constraints);
    solve(model, tree, work.constraints);
    integrate(model, tree);
  }
  write_tree(model, block, tree);
  write_contacts(model, block, work.geoms);
  write_view(model, block, tree, seen_position, false);
}

template <class Kind>
void look_block(const Model& model, const Block& block) {
  TreeWork<Kind> tree;
  read_tree(model, block, tree);
  place_links(model, tree);
  write_view(model, block, tree, tree.position, true);
}

using BlockFunction = void (*)(const Model&, const Block&);

void in_blocks(const Model& model, std::span<LaneState* const> states, BlockFunction planar,
               BlockFunction in_space) {
  for (std::size_t first = 0; first < states.size(); first += kWidth) {
    Block block;
    block.count = static_cast<int>(std::min<std::size_t>(kWidth, states.size() - first));
    for (int lane = 0; lane < kWidth; ++lane)
      block.state[lane] = states[first + static_cast<std::size_t>(std::min(lane, block.count - 1))];
    (model.planar ? planar : in_space)(model, block);
  }
}

void step(const Model& model, std::span<LaneState* const> states) {
  in_blocks(model, states, step_block<Plane>, step_block<Space>);
}
void look(const Model& model, std::span<LaneState* const> states) {
  in_blocks(model, states, look_block<Plane>, look_block<Space>);
}

const LaneSteps& table() {
  static constexpr LaneSteps kTable = {.name = HWY_TARGET == HWY_AVX3   ? "avx512"
                                               : HWY_TARGET == HWY_AVX2 ? "avx2"
                                                                        : "scalar",
                                       .step = step,
                                       .look = look};
  return kTable;
}

}  // namespace impsweep::locomotion::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace impsweep::locomotion {

const LaneSteps* find_lane_steps(std::string_view name) {
  const std::int64_t supported = hwy::SupportedTargets();
  (void)supported;
#if HWY_TARGETS & HWY_AVX3
  if ((supported & HWY_AVX3) != 0 && (name == "avx512" || name == "auto")) return &N_AVX3::table();
#endif
#if HWY_TARGETS & HWY_AVX2
  if ((supported & HWY_AVX2) != 0 && (name == "avx2" || name == "auto")) return &N_AVX2::table();
#endif
  if (name == "scalar" || name == "auto") return &HWY_NAMESPACE::table();
  return nullptr;
}

}  // namespace impsweep::locomotion
#endif
