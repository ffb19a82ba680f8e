// agents/native/kernels/optimizer.cpp - the norm of a gradient, and the step that it gives.
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "agents/native/kernels/optimizer.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "agents/native/kernels/kernels-inl.hpp"
#include "agents/native/kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::HWY_NAMESPACE {

float squared_norm(const float* values, std::size_t count) {
  // Four chains hide the latency of the fused multiply-add; they are joined in order.
  Lanes sum[4] = {set(0.0f), set(0.0f), set(0.0f), set(0.0f)};
  std::size_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      const Lanes x = load(values + i + static_cast<std::size_t>(v) * kLanes);
      sum[v] = fma(x, x, sum[v]);
    }
  }
  for (; i < count; i += kLanes) {
    const Lanes x = load(values + i);
    sum[0] = fma(x, x, sum[0]);
  }
  return horizontal_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

void adam(const AdamArguments& a, std::size_t count, float* parameters, const float* gradients,
          float* first_moment, float* second_moment) {
  const Lanes scale = set(a.gradient_scale), decay = set(a.gradient_decay), shrink = set(-a.parameter_decay);
  const Lanes beta1 = set(a.beta1), rest1 = set(a.one_minus_beta1), beta2 = set(a.beta2),
              rest2 = set(a.one_minus_beta2);
  const Lanes rate = set(-a.learning_rate_over_correction1), correction2 = set(a.inverse_sqrt_correction2);
  const Lanes epsilon = set(a.epsilon);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const Lanes w = load(parameters + i);
    const Lanes g = fma(decay, w, load(gradients + i) * scale);
    const Lanes first = fma(beta1, load(first_moment + i), rest1 * g);
    const Lanes second = fma(beta2, load(second_moment + i), rest2 * (g * g));
    store(first, first_moment + i);
    store(second, second_moment + i);
    const Lanes divisor = fma(square_root(second), correction2, epsilon);
    store(fma(rate, first / divisor, fma(shrink, w, w)), parameters + i);
  }
}

}  // namespace impsweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
