// envs/locomotion/algebra-inl.hpp - vectors, rotations and spatial algebra over Numbers, and which of their
// components exist in planar robots and in those that move in space.
//
// Every operation adds and multiplies in the order of Bullet's (btVector3, btMatrix3x3, btQuaternion,
// btSpatialAlgebra), which makes results equal to the bit. Included once per target.
#if defined(IMPSWEEP_ALGEBRA_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef IMPSWEEP_ALGEBRA_INL_HPP
#undef IMPSWEEP_ALGEBRA_INL_HPP
#else
#define IMPSWEEP_ALGEBRA_INL_HPP
#endif

#include "envs/locomotion/number-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::locomotion::HWY_NAMESPACE {

template <class X, class Y, class Z>
struct Vector3 {
  X x;
  Y y;
  Z z;
};
template <class X, class Y, class Z>
Vector3(X, Y, Z) -> Vector3<X, Y, Z>;

template <class X, class Y, class Z, class W>
struct Quaternion {
  X x;
  Y y;
  Z z;
  W w;
};
template <class X, class Y, class Z, class W>
Quaternion(X, Y, Z, W) -> Quaternion<X, Y, Z, W>;

// By rows.
template <class A, class B, class C, class D, class E, class F, class G, class H, class I>
struct Matrix {
  A xx;
  B xy;
  C xz;
  D yx;
  E yy;
  F yz;
  G zx;
  H zy;
  I zz;
};
template <class A, class B, class C, class D, class E, class F, class G, class H, class I>
Matrix(A, B, C, D, E, F, G, H, I) -> Matrix<A, B, C, D, E, F, G, H, I>;

#define IMPSWEEP_VECTOR_OF(T) Vector3<T##0, T##1, T##2>
#define IMPSWEEP_MATRIX_OF(T) Matrix<T##0, T##1, T##2, T##3, T##4, T##5, T##6, T##7, T##8>
#define IMPSWEEP_THREE(T) class T##0, class T##1, class T##2
#define IMPSWEEP_NINE(T) \
  IMPSWEEP_THREE(T), class T##3, class T##4, class T##5, class T##6, class T##7, class T##8

template <IMPSWEEP_THREE(A), IMPSWEEP_THREE(B)>
HWY_INLINE auto operator+(const IMPSWEEP_VECTOR_OF(A) & a, const IMPSWEEP_VECTOR_OF(B) & b) {
  return Vector3{a.x + b.x, a.y + b.y, a.z + b.z};
}
template <IMPSWEEP_THREE(A), IMPSWEEP_THREE(B)>
HWY_INLINE auto operator-(const IMPSWEEP_VECTOR_OF(A) & a, const IMPSWEEP_VECTOR_OF(B) & b) {
  return Vector3{a.x - b.x, a.y - b.y, a.z - b.z};
}
template <IMPSWEEP_THREE(A)>
HWY_INLINE auto operator-(const IMPSWEEP_VECTOR_OF(A) & a) {
  return Vector3{-a.x, -a.y, -a.z};
}
template <IMPSWEEP_THREE(A)>
HWY_INLINE auto operator*(const IMPSWEEP_VECTOR_OF(A) & a, Number s) {
  return Vector3{a.x * s, a.y * s, a.z * s};
}
template <IMPSWEEP_THREE(A), IMPSWEEP_THREE(B)>
HWY_INLINE auto by_component(const IMPSWEEP_VECTOR_OF(A) & a, const IMPSWEEP_VECTOR_OF(B) & b) {
  return Vector3{a.x * b.x, a.y * b.y, a.z * b.z};
}
template <IMPSWEEP_THREE(A), IMPSWEEP_THREE(B)>
HWY_INLINE auto dot(const IMPSWEEP_VECTOR_OF(A) & a, const IMPSWEEP_VECTOR_OF(B) & b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <IMPSWEEP_THREE(A), IMPSWEEP_THREE(B)>
HWY_INLINE auto cross(const IMPSWEEP_VECTOR_OF(A) & a, const IMPSWEEP_VECTOR_OF(B) & b) {
  return Vector3{a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

template <IMPSWEEP_NINE(A)>
HWY_INLINE auto transposed(const IMPSWEEP_MATRIX_OF(A) & a) {
  return Matrix{a.xx, a.yx, a.zx, a.xy, a.yy, a.zy, a.xz, a.yz, a.zz};
}
template <IMPSWEEP_NINE(A), IMPSWEEP_NINE(B)>
HWY_INLINE auto operator+(const IMPSWEEP_MATRIX_OF(A) & a, const IMPSWEEP_MATRIX_OF(B) & b) {
  return Matrix{a.xx + b.xx, a.xy + b.xy, a.xz + b.xz, a.yx + b.yx, a.yy + b.yy,
                a.yz + b.yz, a.zx + b.zx, a.zy + b.zy, a.zz + b.zz};
}
template <IMPSWEEP_NINE(A), IMPSWEEP_NINE(B)>
HWY_INLINE auto operator-(const IMPSWEEP_MATRIX_OF(A) & a, const IMPSWEEP_MATRIX_OF(B) & b) {
  return Matrix{a.xx - b.xx, a.xy - b.xy, a.xz - b.xz, a.yx - b.yx, a.yy - b.yy,
                a.yz - b.yz, a.zx - b.zx, a.zy - b.zy, a.zz - b.zz};
}
template <IMPSWEEP_NINE(A)>
HWY_INLINE auto operator*(const IMPSWEEP_MATRIX_OF(A) & a, Number s) {
  return Matrix{a.xx * s, a.xy * s, a.xz * s, a.yx * s, a.yy * s, a.yz * s, a.zx * s, a.zy * s, a.zz * s};
}
template <IMPSWEEP_NINE(A), IMPSWEEP_THREE(B)>
HWY_INLINE auto operator*(const IMPSWEEP_MATRIX_OF(A) & a, const IMPSWEEP_VECTOR_OF(B) & b) {
  return Vector3{a.xx * b.x + a.xy * b.y + a.xz * b.z, a.yx * b.x + a.yy * b.y + a.yz * b.z,
                 a.zx * b.x + a.zy * b.y + a.zz * b.z};
}
template <IMPSWEEP_NINE(A), IMPSWEEP_NINE(B)>
HWY_INLINE auto operator*(const IMPSWEEP_MATRIX_OF(A) & a, const IMPSWEEP_MATRIX_OF(B) & b) {
  return Matrix{a.xx * b.xx + a.xy * b.yx + a.xz * b.zx, a.xx * b.xy + a.xy * b.yy + a.xz * b.zy,
                a.xx * b.xz + a.xy * b.yz + a.xz * b.zz, a.yx * b.xx + a.yy * b.yx + a.yz * b.zx,
                a.yx * b.xy + a.yy * b.yy + a.yz * b.zy, a.yx * b.xz + a.yy * b.yz + a.yz * b.zz,
                a.zx * b.xx + a.zy * b.yx + a.zz * b.zx, a.zx * b.xy + a.zy * b.yy + a.zz * b.zy,
                a.zx * b.xz + a.zy * b.yz + a.zz * b.zz};
}
template <IMPSWEEP_THREE(A), IMPSWEEP_THREE(B)>
HWY_INLINE auto outer(const IMPSWEEP_VECTOR_OF(A) & a, const IMPSWEEP_VECTOR_OF(B) & b) {
  return Matrix{a.x * b.x, a.x * b.y, a.x * b.z, a.y * b.x, a.y * b.y,
                a.y * b.z, a.z * b.x, a.z * b.y, a.z * b.z};
}
// cross_matrix(a) * b is a x b.
template <IMPSWEEP_THREE(A)>
HWY_INLINE auto cross_matrix(const IMPSWEEP_VECTOR_OF(A) & a) {
  return Matrix{Zero(), -a.z, a.y, a.z, Zero(), -a.x, -a.y, a.x, Zero()};
}

template <class A, class B, class C, class D, class E, class F, class G, class H>
HWY_INLINE auto operator*(const Quaternion<A, B, C, D>& a, const Quaternion<E, F, G, H>& b) {
  return Quaternion{
      a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y, a.w * b.y + a.y * b.w + a.z * b.x - a.x * b.z,
      a.w * b.z + a.z * b.w + a.x * b.y - a.y * b.x, a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z};
}
template <class A, class B, class C, class D>
HWY_INLINE auto inverse(const Quaternion<A, B, C, D>& q) {
  return Quaternion{-q.x, -q.y, -q.z, q.w};
}
template <class A, class B, class C, class D, class X, class Y, class Z>
HWY_INLINE auto rotated(const Quaternion<A, B, C, D>& q, const Vector3<X, Y, Z>& v) {
  const auto half = Quaternion{q.w * v.x + q.y * v.z - q.z * v.y, q.w * v.y + q.z * v.x - q.x * v.z,
                               q.w * v.z + q.x * v.y - q.y * v.x, -q.x * v.x - q.y * v.y - q.z * v.z};
  const auto whole = half * inverse(q);
  return Vector3{whole.x, whole.y, whole.z};
}

HWY_INLINE One one_minus(Zero) {
  return {};
}
HWY_INLINE Number one_minus(Number a) {
  return number(1) - a;
}
template <class A, class B, class C, class D>
HWY_INLINE auto matrix_of(const Quaternion<A, B, C, D>& q) {
  const Number scale = number(2) / (q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w);
  const auto xs = q.x * scale;
  const auto ys = q.y * scale;
  const auto zs = q.z * scale;
  const auto wx = q.w * xs;
  const auto wy = q.w * ys;
  const auto wz = q.w * zs;
  const auto xx = q.x * xs;
  const auto xy = q.x * ys;
  const auto xz = q.x * zs;
  const auto yy = q.y * ys;
  const auto yz = q.y * zs;
  const auto zz = q.z * zs;
  return Matrix{one_minus(yy + zz), xy - wz, xz + wy, xy + wz, one_minus(xx + zz), yz - wx, xz - wy, yz + wx,
                one_minus(xx + yy)};
}

// ---- kinds of robots

struct Space {
  static constexpr bool kPlanar = false;
  using Linear = Vector3<Number, Number, Number>;
  using Angular = Linear;
  using Turn = Quaternion<Number, Number, Number, Number>;
  using Rotation = Matrix<Number, Number, Number, Number, Number, Number, Number, Number, Number>;
  using Coupling = Rotation;  // of an inertia: the blocks top left, top right and bottom left
  using Mass = Rotation;
  using Moment = Rotation;
};

// Moves in the plane of x and z and turns about y.
struct Plane {
  static constexpr bool kPlanar = true;
  using Linear = Vector3<Number, Zero, Number>;
  using Angular = Vector3<Zero, Number, Zero>;
  using Turn = Quaternion<Zero, Number, Zero, Number>;
  using Rotation = Matrix<Number, Zero, Number, Zero, One, Zero, Number, Zero, Number>;
  using Coupling = Matrix<Zero, Number, Zero, Unused, Zero, Unused, Zero, Number, Zero>;
  using Mass = Matrix<Number, Zero, Number, Zero, Unused, Zero, Number, Zero, Number>;
  using Moment = Matrix<Unused, Zero, Unused, Zero, Number, Zero, Unused, Zero, Unused>;
};

// Takes a vector or matrix apart into the components that exist.
HWY_INLINE void take(Number& component, double value) {
  component = number(value);
}
HWY_INLINE void take(Zero&, double) {}
HWY_INLINE void take(One&, double) {}
HWY_INLINE void take(Unused&, double) {}

template <class Made>
HWY_INLINE Made vector_from(const double (&v)[3]) {
  Made made;
  take(made.x, v[0]);
  take(made.y, v[1]);
  take(made.z, v[2]);
  return made;
}
template <class Made>
HWY_INLINE Made matrix_from(const double (&m)[9]) {
  Made made;
  take(made.xx, m[0]);
  take(made.xy, m[1]);
  take(made.xz, m[2]);
  take(made.yx, m[3]);
  take(made.yy, m[4]);
  take(made.yz, m[5]);
  take(made.zx, m[6]);
  take(made.zy, m[7]);
  take(made.zz, m[8]);
  return made;
}

HWY_INLINE Number value_of(Number a) {
  return a;
}
HWY_INLINE Number value_of(Zero) {
  return number(0);
}

// ---- spatial vectors: motions (angular over linear) and forces (linear over angular)

template <class Kind>
struct Motion {
  typename Kind::Angular top;
  typename Kind::Linear bottom;
};
template <class Kind>
struct Force {
  typename Kind::Linear top;
  typename Kind::Angular bottom;
};
template <class Kind>
struct Inertia {
  typename Kind::Coupling top_left;
  typename Kind::Mass top_right;
  typename Kind::Moment bottom_left;
};

template <class Kind>
HWY_INLINE Motion<Kind> operator+(const Motion<Kind>& a, const Motion<Kind>& b) {
  return {a.top + b.top, a.bottom + b.bottom};
}
template <class Kind>
HWY_INLINE Motion<Kind> operator*(const Motion<Kind>& a, Number s) {
  return {a.top * s, a.bottom * s};
}
template <class Kind>
HWY_INLINE Force<Kind> operator+(const Force<Kind>& a, const Force<Kind>& b) {
  return {a.top + b.top, a.bottom + b.bottom};
}
template <class Kind>
HWY_INLINE Force<Kind> operator*(const Force<Kind>& a, Number s) {
  return {a.top * s, a.bottom * s};
}
template <class Kind>
HWY_INLINE Number dot(const Motion<Kind>& a, const Force<Kind>& b) {
  return dot(a.bottom, b.top) + dot(a.top, b.bottom);
}
template <class Kind>
HWY_INLINE Force<Kind> operator*(const Inertia<Kind>& a, const Motion<Kind>& b) {
  return {a.top_left * b.top + a.top_right * b.bottom,
          a.bottom_left * b.top + transposed(a.top_left) * b.bottom};
}

// From the parent's frame to a link's, whose origin is `offset` away in the link's axes.
template <class Kind>
HWY_INLINE Motion<Kind> to_link(const typename Kind::Rotation& rotation, const typename Kind::Linear& offset,
                                const Motion<Kind>& a) {
  const typename Kind::Angular top = rotation * a.top;
  return {top, -cross(offset, top) + rotation * a.bottom};
}
template <class Kind>
HWY_INLINE Force<Kind> to_parent(const typename Kind::Rotation& rotation, const typename Kind::Linear& offset,
                                 const Force<Kind>& a) {
  const auto back = transposed(rotation);
  return {back * a.top, back * (a.bottom + cross(offset, a.top))};
}
template <class Kind>
HWY_INLINE Inertia<Kind> to_parent(const typename Kind::Rotation& rotation,
                                   const typename Kind::Linear& offset, const Inertia<Kind>& a) {
  const auto back = transposed(rotation);
  const auto arm = cross_matrix(offset);
  const auto moved = a.top_left - a.top_right * arm;
  return {back * moved * rotation, back * a.top_right * rotation,
          back * (arm * moved + a.bottom_left - transposed(a.top_left) * arm) * rotation};
}
// The same for a link whose axes are its parent's.
template <class Kind>
HWY_INLINE Motion<Kind> to_link(const typename Kind::Linear& offset, const Motion<Kind>& a) {
  return {a.top, -cross(offset, a.top) + a.bottom};
}
template <class Kind>
HWY_INLINE Force<Kind> to_parent(const typename Kind::Linear& offset, const Force<Kind>& a) {
  return {a.top, a.bottom + cross(offset, a.top)};
}
template <class Kind>
HWY_INLINE Inertia<Kind> to_parent(const typename Kind::Linear& offset, const Inertia<Kind>& a) {
  const auto arm = cross_matrix(offset);
  const auto moved = a.top_left - a.top_right * arm;
  return {moved, a.top_right, arm * moved + a.bottom_left - transposed(a.top_left) * arm};
}
template <class Kind>
HWY_INLINE Inertia<Kind> operator+(const Inertia<Kind>& a, const Inertia<Kind>& b) {
  return {a.top_left + b.top_left, a.top_right + b.top_right, a.bottom_left + b.bottom_left};
}
template <class Kind>
HWY_INLINE Inertia<Kind> minus_outer(const Inertia<Kind>& a, const Force<Kind>& b, const Force<Kind>& c) {
  return {a.top_left - outer(b.top, c.bottom), a.top_right - outer(b.top, c.top),
          a.bottom_left - outer(b.bottom, c.bottom)};
}

}  // namespace impsweep::locomotion::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard, toggled per target
