// agents/native/kernels/elementwise.cpp - one result per number: factors, and elementary functions for tests.
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "agents/native/kernels/elementwise.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "agents/native/kernels/kernels-inl.hpp"
#include "agents/native/kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::HWY_NAMESPACE {

void multiply(float* values, const float* factors, std::size_t count) {
  for (std::size_t i = 0; i < count; i += kLanes) store(load(values + i) * load(factors + i), values + i);
}

template <Lanes (*kFunction)(const Lanes&)>
HWY_INLINE void elementwise(const float* x, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; i += kLanes) store(kFunction(load(x + i)), y + i);
}

void exp(const float* x, float* y, std::size_t count) {
  elementwise<exponential>(x, y, count);
}

void log(const float* x, float* y, std::size_t count) {
  elementwise<logarithm>(x, y, count);
}

void tanh(const float* x, float* y, std::size_t count) {
  elementwise<hyperbolic_tangent>(x, y, count);
}

double multiply_add_chains(std::int64_t steps) {
  constexpr int kChains = HWY_TARGET == HWY_AVX2 ? 6 : 12;  // of sixteen lanes: twelve registers
  Lanes sum[kChains];
  for (int c = 0; c < kChains; ++c) sum[c] = set(static_cast<float>(c));
  const Lanes factor = set(0.5f), term = set(1.0f);
  for (std::int64_t step = 0; step < steps; ++step)
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) sum[c] = fma(sum[c], factor, term);
  Lanes all = sum[0];
  for (int c = 1; c < kChains; ++c) all = all + sum[c];
  // So that the sums are not left out: each comes to two.
  const bool is_right = horizontal_sum(all) > 0;
  return is_right ? 2.0 * kLanes * kChains * static_cast<double>(steps) : 0.0;
}

}  // namespace impsweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
