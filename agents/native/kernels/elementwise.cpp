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

}  // namespace impsweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
