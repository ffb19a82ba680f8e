// envs/locomotion/number-inl.hpp - one double of each of several robots, and numbers that the compiler knows.
//
// A Number holds a value per lane; its operations are those of double precision, lane by lane, each rounded
// once. Zero and One stand for components that are 0 or 1 in every robot of a kind at all times, such as the
// sideward ones of a planar robot: what they are multiplied with or added to costs nothing and rounds nothing
// (but that a zero may have the other sign). Unused stands for components that nothing depends on; a program
// in which something does, does not compile. Included once per target by Highway's foreach_target mechanism.
#if defined(IMPSWEEP_NUMBER_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef IMPSWEEP_NUMBER_INL_HPP
#undef IMPSWEEP_NUMBER_INL_HPP
#else
#define IMPSWEEP_NUMBER_INL_HPP
#endif

#include <hwy/highway.h>

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace impsweep::locomotion::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#undef IMPSWEEP_VECTOR
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
#define IMPSWEEP_VECTOR 1
using Tag = hn::CappedTag<double, 8>;
using Register = hn::Vec<Tag>;
using RegisterMask = hn::Mask<Tag>;
inline constexpr int kWidth = HWY_TARGET == HWY_AVX3 ? 8 : 4;
#else
#define IMPSWEEP_VECTOR 0
using Register = double;
using RegisterMask = bool;
inline constexpr int kWidth = 1;
#endif

struct Number {
  Register v;
};
struct Truth {
  RegisterMask m;
};

#if IMPSWEEP_VECTOR
HWY_INLINE Number number(double x) {
  return {hn::Set(Tag(), x)};
}
HWY_INLINE Number load(const double* p) {
  return {hn::LoadU(Tag(), p)};
}
HWY_INLINE void store(Number a, double* p) {
  hn::StoreU(a.v, Tag(), p);
}
HWY_INLINE Number operator+(Number a, Number b) {
  return {hn::Add(a.v, b.v)};
}
HWY_INLINE Number operator-(Number a, Number b) {
  return {hn::Sub(a.v, b.v)};
}
HWY_INLINE Number operator*(Number a, Number b) {
  return {hn::Mul(a.v, b.v)};
}
HWY_INLINE Number operator/(Number a, Number b) {
  return {hn::Div(a.v, b.v)};
}
HWY_INLINE Number operator-(Number a) {
  return {hn::Neg(a.v)};
}
HWY_INLINE Number absolute(Number a) {
  return {hn::Abs(a.v)};
}
HWY_INLINE Number root(Number a) {
  return {hn::Sqrt(a.v)};
}
HWY_INLINE Truth operator<(Number a, Number b) {
  return {hn::Lt(a.v, b.v)};
}
HWY_INLINE Truth operator<=(Number a, Number b) {
  return {hn::Le(a.v, b.v)};
}
HWY_INLINE Truth operator==(Number a, Number b) {
  return {hn::Eq(a.v, b.v)};
}
HWY_INLINE Truth operator&(Truth a, Truth b) {
  return {hn::And(a.m, b.m)};
}
HWY_INLINE Truth operator|(Truth a, Truth b) {
  return {hn::Or(a.m, b.m)};
}
HWY_INLINE Truth operator!(Truth a) {
  return {hn::Not(a.m)};
}
HWY_INLINE Number select(Truth which, Number yes, Number no) {
  return {hn::IfThenElse(which.m, yes.v, no.v)};
}
HWY_INLINE bool any(Truth a) {
  return !hn::AllFalse(Tag(), a.m);
}
#else
HWY_INLINE Number number(double x) {
  return {x};
}
HWY_INLINE Number load(const double* p) {
  return {*p};
}
HWY_INLINE void store(Number a, double* p) {
  *p = a.v;
}
HWY_INLINE Number operator+(Number a, Number b) {
  return {a.v + b.v};
}
HWY_INLINE Number operator-(Number a, Number b) {
  return {a.v - b.v};
}
HWY_INLINE Number operator*(Number a, Number b) {
  return {a.v * b.v};
}
HWY_INLINE Number operator/(Number a, Number b) {
  return {a.v / b.v};
}
HWY_INLINE Number operator-(Number a) {
  return {-a.v};
}
HWY_INLINE Number absolute(Number a) {
  return {std::fabs(a.v)};
}
HWY_INLINE Number root(Number a) {
  return {std::sqrt(a.v)};
}
HWY_INLINE Truth operator<(Number a, Number b) {
  return {a.v < b.v};
}
HWY_INLINE Truth operator<=(Number a, Number b) {
  return {a.v <= b.v};
}
HWY_INLINE Truth operator==(Number a, Number b) {
  return {a.v == b.v};
}
HWY_INLINE Truth operator&(Truth a, Truth b) {
  return {a.m && b.m};
}
HWY_INLINE Truth operator|(Truth a, Truth b) {
  return {a.m || b.m};
}
HWY_INLINE Truth operator!(Truth a) {
  return {!a.m};
}
HWY_INLINE Number select(Truth which, Number yes, Number no) {
  return which.m ? yes : no;
}
HWY_INLINE bool any(Truth a) {
  return a.m;
}
#endif

HWY_INLINE Truth operator>(Number a, Number b) {
  return b < a;
}
HWY_INLINE Truth operator>=(Number a, Number b) {
  return b <= a;
}

// The C library's, lane by lane.
HWY_INLINE void sine_and_cosine(Number angle, Number& sine, Number& cosine) {
  alignas(64) double a[kWidth], s[kWidth], c[kWidth];
  store(angle, a);
  for (int lane = 0; lane < kWidth; ++lane) {
    s[lane] = std::sin(a[lane]);
    c[lane] = std::cos(a[lane]);
  }
  sine = load(s);
  cosine = load(c);
}

struct Zero {};
struct One {};
struct Unused {};

HWY_INLINE Zero operator+(Zero, Zero) {
  return {};
}
HWY_INLINE Number operator+(Zero, Number a) {
  return a;
}
HWY_INLINE Number operator+(Number a, Zero) {
  return a;
}
HWY_INLINE Zero operator-(Zero, Zero) {
  return {};
}
HWY_INLINE Number operator-(Zero, Number a) {
  return -a;
}
HWY_INLINE Number operator-(Number a, Zero) {
  return a;
}
HWY_INLINE Zero operator-(Zero) {
  return {};
}
HWY_INLINE One operator+(Zero, One) {
  return {};
}
HWY_INLINE One operator+(One, Zero) {
  return {};
}
template <class T>
HWY_INLINE Zero operator*(Zero, T) {
  return {};
}
template <class T>
requires(!std::is_same_v<T, Zero>) HWY_INLINE Zero operator*(T, Zero) {
  return {};
}
HWY_INLINE One operator*(One, One) {
  return {};
}
HWY_INLINE Number operator*(One, Number a) {
  return a;
}
HWY_INLINE Number operator*(Number a, One) {
  return a;
}

HWY_INLINE Unused operator*(Unused, Number) {
  return {};
}
HWY_INLINE Unused operator*(Number, Unused) {
  return {};
}
HWY_INLINE Unused operator*(Unused, One) {
  return {};
}
HWY_INLINE Unused operator*(One, Unused) {
  return {};
}
HWY_INLINE Unused operator*(Unused, Unused) {
  return {};
}
template <class T>
HWY_INLINE Unused operator+(Unused, T) {
  return {};
}
template <class T>
requires(!std::is_same_v<T, Unused>) HWY_INLINE Unused operator+(T, Unused) {
  return {};
}
template <class T>
HWY_INLINE Unused operator-(Unused, T) {
  return {};
}
template <class T>
requires(!std::is_same_v<T, Unused>) HWY_INLINE Unused operator-(T, Unused) {
  return {};
}

}  // namespace impsweep::locomotion::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard, toggled per target
