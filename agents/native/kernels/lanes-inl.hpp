// agents/native/kernels/lanes-inl.hpp - sixteen virtual float lanes on whatever the target has: one AVX-512
// register, two AVX2 registers, or a plain array with std::fma. Included once per target by Highway's
// foreach_target mechanism.
#if defined(IMPSWEEP_LANES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef IMPSWEEP_LANES_INL_HPP
#undef IMPSWEEP_LANES_INL_HPP
#else
#define IMPSWEEP_LANES_INL_HPP
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace impsweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#undef IMPSWEEP_VECTOR
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
#define IMPSWEEP_VECTOR 1
using Tag = hn::CappedTag<float, 16>;
using IntTag = hn::RebindToSigned<Tag>;
using Register = hn::Vec<Tag>;
using RegisterMask = hn::Mask<Tag>;
inline constexpr int kRegisterLanes = HWY_TARGET == HWY_AVX3 ? 16 : 8;
inline constexpr int kRegisters = 16 / kRegisterLanes;
#else
#define IMPSWEEP_VECTOR 0
using Register = float;
using RegisterMask = bool;
inline constexpr int kRegisterLanes = 1;
inline constexpr int kRegisters = 16;
#endif

struct Lanes {
  Register part[kRegisters];
};
struct LaneMask {
  RegisterMask part[kRegisters];
};

#undef IMPSWEEP_EACH
#define IMPSWEEP_EACH _Pragma("GCC unroll 16") for (int i = 0; i < kRegisters; ++i)

#if IMPSWEEP_VECTOR
HWY_INLINE Register load1(const float* p) {
  return hn::LoadU(Tag(), p);
}
HWY_INLINE void store1(Register v, float* p) {
  hn::StoreU(v, Tag(), p);
}
HWY_INLINE Register set1(float x) {
  return hn::Set(Tag(), x);
}
HWY_INLINE Register fma1(Register a, Register b, Register c) {
  return hn::MulAdd(a, b, c);
}
HWY_INLINE Register add1(Register a, Register b) {
  return hn::Add(a, b);
}
HWY_INLINE Register sub1(Register a, Register b) {
  return hn::Sub(a, b);
}
HWY_INLINE Register mul1(Register a, Register b) {
  return hn::Mul(a, b);
}
HWY_INLINE Register div1(Register a, Register b) {
  return hn::Div(a, b);
}
HWY_INLINE Register sqrt1(Register a) {
  return hn::Sqrt(a);
}
HWY_INLINE Register round1(Register a) {
  return hn::Round(a);
}
HWY_INLINE RegisterMask less1(Register a, Register b) {
  return hn::Lt(a, b);
}
HWY_INLINE RegisterMask and1(RegisterMask a, RegisterMask b) {
  return hn::And(a, b);
}
HWY_INLINE Register select1(RegisterMask m, Register a, Register b) {
  return hn::IfThenElse(m, a, b);
}
// x * 2^n for integral n in [-126, 127]
HWY_INLINE Register scale1(Register x, Register n) {
  const auto bits = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(IntTag(), n), hn::Set(IntTag(), 127)));
  return hn::Mul(x, hn::BitCast(Tag(), bits));
}
// x = fraction * 2^exponent with fraction in [sqrt(1/2), sqrt(2)), for positive normal x
HWY_INLINE void split1(Register x, Register& fraction, Register& exponent) {
  const IntTag di;
  const auto shifted = hn::Sub(hn::BitCast(di, x), hn::Set(di, 0x3f3504f3));
  const auto e = hn::ShiftRight<23>(shifted);
  exponent = hn::ConvertTo(Tag(), e);
  fraction = hn::BitCast(Tag(), hn::Sub(hn::BitCast(di, x), hn::ShiftLeft<23>(e)));
}
#else
HWY_INLINE Register load1(const float* p) {
  return *p;
}
HWY_INLINE void store1(Register v, float* p) {
  *p = v;
}
HWY_INLINE Register set1(float x) {
  return x;
}
HWY_INLINE Register fma1(Register a, Register b, Register c) {
  return std::fma(a, b, c);
}
HWY_INLINE Register add1(Register a, Register b) {
  return a + b;
}
HWY_INLINE Register sub1(Register a, Register b) {
  return a - b;
}
HWY_INLINE Register mul1(Register a, Register b) {
  return a * b;
}
HWY_INLINE Register div1(Register a, Register b) {
  return a / b;
}
HWY_INLINE Register sqrt1(Register a) {
  return std::sqrt(a);
}
HWY_INLINE Register round1(Register a) {
  return std::nearbyint(a);
}
HWY_INLINE RegisterMask less1(Register a, Register b) {
  return a < b;
}
HWY_INLINE RegisterMask and1(RegisterMask a, RegisterMask b) {
  return a && b;
}
HWY_INLINE Register select1(RegisterMask m, Register a, Register b) {
  return m ? a : b;
}
HWY_INLINE Register scale1(Register x, Register n) {
  if (std::isnan(n)) return n;
  const std::int32_t bits = (static_cast<std::int32_t>(n) + 127) * (1 << 23);
  float factor;
  std::memcpy(&factor, &bits, sizeof factor);
  return x * factor;
}
HWY_INLINE void split1(Register x, Register& fraction, Register& exponent) {
  std::int32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const std::int32_t e = (bits - 0x3f3504f3) >> 23;
  exponent = static_cast<float>(e);
  bits -= e * (1 << 23);
  std::memcpy(&fraction, &bits, sizeof fraction);
}
#endif

HWY_INLINE Lanes load(const float* p) {
  Lanes r;
  IMPSWEEP_EACH r.part[i] = load1(p + i * kRegisterLanes);
  return r;
}
HWY_INLINE void store(const Lanes& v, float* p) {
  IMPSWEEP_EACH store1(v.part[i], p + i * kRegisterLanes);
}
HWY_INLINE void store_first(const Lanes& v, float* p, int count) {
  float all[16];
  store(v, all);
  std::memcpy(p, all, static_cast<std::size_t>(count) * sizeof(float));
}
HWY_INLINE Lanes set(float x) {
  Lanes r;
  IMPSWEEP_EACH r.part[i] = set1(x);
  return r;
}
HWY_INLINE Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {  // a * b + c, rounded once
  Lanes r;
  IMPSWEEP_EACH r.part[i] = fma1(a.part[i], b.part[i], c.part[i]);
  return r;
}
HWY_INLINE Lanes fma(Register a, const Lanes& b, const Lanes& c) {
  Lanes r;
  IMPSWEEP_EACH r.part[i] = fma1(a, b.part[i], c.part[i]);
  return r;
}
HWY_INLINE Lanes operator+(const Lanes& a, const Lanes& b) {
  Lanes r;
  IMPSWEEP_EACH r.part[i] = add1(a.part[i], b.part[i]);
  return r;
}
HWY_INLINE Lanes operator-(const Lanes& a, const Lanes& b) {
  Lanes r;
  IMPSWEEP_EACH r.part[i] = sub1(a.part[i], b.part[i]);
  return r;
}
HWY_INLINE Lanes operator*(const Lanes& a, const Lanes& b) {
  Lanes r;
  IMPSWEEP_EACH r.part[i] = mul1(a.part[i], b.part[i]);
  return r;
}
HWY_INLINE Lanes operator/(const Lanes& a, const Lanes& b) {
  Lanes r;
  IMPSWEEP_EACH r.part[i] = div1(a.part[i], b.part[i]);
  return r;
}
HWY_INLINE Lanes square_root(const Lanes& a) {
  Lanes r;
  IMPSWEEP_EACH r.part[i] = sqrt1(a.part[i]);
  return r;
}
HWY_INLINE LaneMask operator<(const Lanes& a, const Lanes& b) {
  LaneMask r;
  IMPSWEEP_EACH r.part[i] = less1(a.part[i], b.part[i]);
  return r;
}
HWY_INLINE LaneMask operator&(const LaneMask& a, const LaneMask& b) {
  LaneMask r;
  IMPSWEEP_EACH r.part[i] = and1(a.part[i], b.part[i]);
  return r;
}
HWY_INLINE Lanes select(const LaneMask& m, const Lanes& a, const Lanes& b) {  // m ? a : b
  Lanes r;
  IMPSWEEP_EACH r.part[i] = select1(m.part[i], a.part[i], b.part[i]);
  return r;
}
// a < b ? b : a; keeps a if either is NaN, on every target alike
HWY_INLINE Lanes larger(const Lanes& a, const Lanes& b) {
  return select(a < b, b, a);
}
HWY_INLINE Lanes smaller(const Lanes& a, const Lanes& b) {
  return select(b < a, b, a);
}

// Lanes 0, 1, ..., 15 as floats.
HWY_INLINE Lanes lane_numbers() {
  static constexpr float kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return load(kNumbers);
}

// The tree (l, l+8), (l, l+4), (l, l+2), (l, l+1).
HWY_INLINE float horizontal_sum(const Lanes& v) {
  float x[16];
  store(v, x);
  for (int half = 8; half >= 1; half /= 2)
    for (int l = 0; l < half; ++l) x[l] += x[l + half];
  return x[0];
}

// The same for eight vectors at once: total[e] = horizontal_sum(v[e]).
HWY_INLINE void horizontal_sums8(const Lanes* v, float* total) {
#if IMPSWEEP_VECTOR
  using Half = hn::CappedTag<float, 8>;
  const Half half;
  const hn::RepartitionToWide<Half> wide;
  using HalfRegister = hn::Vec<Half>;
  // Order of the arguments such that the last step leaves the sums in order.
  static constexpr int kOrder[8] = {0, 2, 1, 3, 4, 6, 5, 7};
  HalfRegister eight[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    const Lanes& x = v[kOrder[i]];
#if HWY_TARGET == HWY_AVX3
    eight[i] = hn::Add(hn::LowerHalf(half, x.part[0]), hn::UpperHalf(half, x.part[0]));
#else
    eight[i] = hn::Add(x.part[0], x.part[1]);
#endif
  }
  HalfRegister four[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    four[i] = hn::Add(hn::ConcatLowerLower(half, eight[2 * i + 1], eight[2 * i]),
                      hn::ConcatUpperUpper(half, eight[2 * i + 1], eight[2 * i]));
  HalfRegister two[2];
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const auto a = hn::BitCast(wide, four[2 * i]), b = hn::BitCast(wide, four[2 * i + 1]);
    two[i] = hn::Add(hn::BitCast(half, hn::InterleaveLower(wide, a, b)),
                     hn::BitCast(half, hn::InterleaveUpper(wide, a, b)));
  }
  hn::StoreU(hn::Add(hn::ConcatEven(half, two[1], two[0]), hn::ConcatOdd(half, two[1], two[0])), half, total);
#else
  for (int i = 0; i < 8; ++i) total[i] = horizontal_sum(v[i]);
#endif
}

#if HWY_TARGET == HWY_AVX3
// The same for sixteen vectors in memory: each step adds halves of what is left of two of them, which thereby
// come to share a register.
HWY_INLINE void horizontal_sums16(const float* v, float* total) {
  __m512 eight[8], four[4], two[2];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    const __m512 a = _mm512_loadu_ps(v + i * 16), b = _mm512_loadu_ps(v + (i + 8) * 16);
    eight[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    four[i] = _mm512_add_ps(_mm512_shuffle_f32x4(eight[i], eight[i + 4], 0x88),
                            _mm512_shuffle_f32x4(eight[i], eight[i + 4], 0xdd));
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i)
    two[i] = _mm512_add_ps(_mm512_shuffle_ps(four[i], four[i + 2], 0x44),
                           _mm512_shuffle_ps(four[i], four[i + 2], 0xee));
  const __m512 sum =
      _mm512_add_ps(_mm512_shuffle_ps(two[0], two[1], 0x88), _mm512_shuffle_ps(two[0], two[1], 0xdd));
  // Where the sum of each vector is by now.
  alignas(64) static constexpr int kOrder[16] = {0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15};
  _mm512_storeu_ps(total, _mm512_permutexvar_ps(_mm512_load_si512(kOrder), sum));
}
#endif

#if HWY_TARGET == HWY_AVX3
// target[c][r] = source[r][c] for sixteen rows and columns: four columns at a time, of which each 128-bit
// block holds four rows.
HWY_INLINE void transpose_16x16(const float* const* source, float* target, std::ptrdiff_t target_stride) {
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) {
    __m512 row[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      row[i] = _mm512_castps128_ps512(_mm_loadu_ps(source[i] + 4 * q));
      row[i] = _mm512_insertf32x4(row[i], _mm_loadu_ps(source[i + 4] + 4 * q), 1);
      row[i] = _mm512_insertf32x4(row[i], _mm_loadu_ps(source[i + 8] + 4 * q), 2);
      row[i] = _mm512_insertf32x4(row[i], _mm_loadu_ps(source[i + 12] + 4 * q), 3);
    }
    const __m512d ab = _mm512_castps_pd(_mm512_unpacklo_ps(row[0], row[1])),
                  ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(row[0], row[1])),
                  cd = _mm512_castps_pd(_mm512_unpacklo_ps(row[2], row[3])),
                  cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(row[2], row[3]));
    float* const column = target + 4 * q * target_stride;
    _mm512_storeu_ps(column, _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)));
    _mm512_storeu_ps(column + target_stride, _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd)));
    _mm512_storeu_ps(column + 2 * target_stride, _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high)));
    _mm512_storeu_ps(column + 3 * target_stride, _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high)));
  }
}
#else
// target[c][r] = source[r][c] for four rows and sixteen columns.
HWY_INLINE void transpose_4x16(const float* const* source, float* target, std::ptrdiff_t target_stride) {
#if IMPSWEEP_VECTOR
  const Tag tag;
  const hn::RepartitionToWide<Tag> wide;
  alignas(64) float block[4][16];
#pragma GCC unroll 2
  for (int i = 0; i < kRegisters; ++i) {
    const int first = i * kRegisterLanes;
    const Register a = load1(source[0] + first), b = load1(source[1] + first), c = load1(source[2] + first),
                   d = load1(source[3] + first);
    const auto ab = hn::BitCast(wide, hn::InterleaveLower(tag, a, b));
    const auto cd = hn::BitCast(wide, hn::InterleaveLower(tag, c, d));
    const auto ab_high = hn::BitCast(wide, hn::InterleaveUpper(tag, a, b));
    const auto cd_high = hn::BitCast(wide, hn::InterleaveUpper(tag, c, d));
    store1(hn::BitCast(tag, hn::InterleaveLower(wide, ab, cd)), block[0] + i * kRegisterLanes);
    store1(hn::BitCast(tag, hn::InterleaveUpper(wide, ab, cd)), block[1] + i * kRegisterLanes);
    store1(hn::BitCast(tag, hn::InterleaveLower(wide, ab_high, cd_high)), block[2] + i * kRegisterLanes);
    store1(hn::BitCast(tag, hn::InterleaveUpper(wide, ab_high, cd_high)), block[3] + i * kRegisterLanes);
  }
  // Block c % 4 holds column c at 4 * (c / 4).
#pragma GCC unroll 16
  for (int c = 0; c < 16; ++c) std::memcpy(target + c * target_stride, block[c % 4] + c / 4 * 4, 16);
#else
  for (int c = 0; c < 16; ++c)
    for (int r = 0; r < 4; ++r) target[c * target_stride + r] = source[r][c];
#endif
}
#endif

// e^x to about 1 ulp on [-87, 88]; smaller arguments give 0-like tiny values, larger ones are capped.
// Cody-Waite reduction by ln 2 and a polynomial of degree 6 (minimax coefficients as in Cephes' expf).
HWY_INLINE Lanes exponential(const Lanes& x) {
  const Lanes capped = smaller(larger(x, set(-87.0f)), set(88.0f));
  Lanes n;
  const Lanes scaled = capped * set(1.44269504088896341f);
  IMPSWEEP_EACH n.part[i] = round1(scaled.part[i]);
  Lanes r = fma(n, set(-0.693359375f), capped);
  r = fma(n, set(2.12194440e-4f), r);
  Lanes p = set(1.9875691500e-4f);
  p = fma(p, r, set(1.3981999507e-3f));
  p = fma(p, r, set(8.3334519073e-3f));
  p = fma(p, r, set(4.1665795894e-2f));
  p = fma(p, r, set(1.6666665459e-1f));
  p = fma(p, r, set(5.0000001201e-1f));
  const Lanes sum = fma(p, r * r, r) + set(1.0f);
  Lanes y;
  IMPSWEEP_EACH y.part[i] = scale1(sum.part[i], n.part[i]);
  return y;
}

// ln x to about 1 ulp for positive normal x (polynomial of degree 8, coefficients as in Cephes' logf).
HWY_INLINE Lanes logarithm(const Lanes& x) {
  Lanes fraction, exponent;
  IMPSWEEP_EACH split1(x.part[i], fraction.part[i], exponent.part[i]);
  const Lanes f = fraction - set(1.0f);
  Lanes p = set(7.0376836292e-2f);
  p = fma(p, f, set(-1.1514610310e-1f));
  p = fma(p, f, set(1.1676998740e-1f));
  p = fma(p, f, set(-1.2420140846e-1f));
  p = fma(p, f, set(1.4249322787e-1f));
  p = fma(p, f, set(-1.6668057665e-1f));
  p = fma(p, f, set(2.0000714765e-1f));
  p = fma(p, f, set(-2.4999993993e-1f));
  p = fma(p, f, set(3.3333331174e-1f));
  const Lanes square = f * f;
  Lanes y = p * f * square;
  y = fma(exponent, set(-2.12194440e-4f), y);
  y = fma(square, set(-0.5f), y);
  return fma(exponent, set(0.693359375f), f + y);
}

// tanh x: odd polynomial for |x| < 0.625 (coefficients as in Cephes' tanhf), 1 - 2 / (e^2|x| + 1) beyond.
HWY_INLINE Lanes hyperbolic_tangent(const Lanes& x) {
  const Lanes zero = set(0.0f);
  const LaneMask negative = x < zero;
  const Lanes magnitude = select(negative, zero - x, x);
  const Lanes square = x * x;
  Lanes p = set(-5.70498872745e-3f);
  p = fma(p, square, set(2.06390887954e-2f));
  p = fma(p, square, set(-5.37397155531e-2f));
  p = fma(p, square, set(1.33314422036e-1f));
  p = fma(p, square, set(-3.33332819422e-1f));
  const Lanes small = fma(p * square, x, x);
  const Lanes one = set(1.0f);
  const Lanes grown = exponential(magnitude + magnitude);
  const Lanes large = one - set(2.0f) / (grown + one);
  return select(magnitude < set(0.625f), small, select(negative, zero - large, large));
}

}  // namespace impsweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
