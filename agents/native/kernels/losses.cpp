// agents/native/kernels/losses.cpp - losses over a batch, with their analytic gradients.
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "agents/native/kernels/losses.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "agents/native/kernels/kernels-inl.hpp"
#include "agents/native/kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::HWY_NAMESPACE {

void softmax(int actions, int batch, const float* logits, float* probability, std::ptrdiff_t stride) {
  for (int c = 0; c < batch; c += kLanes) {
    Lanes top = load(logits + c);
    for (int a = 1; a < actions; ++a) top = larger(top, load(logits + a * stride + c));
    Lanes total = set(0.0f);
    for (int a = 0; a < actions; ++a) {
      const Lanes e = exponential(load(logits + a * stride + c) - top);
      store(e, probability + a * stride + c);
      total = total + e;
    }
    for (int a = 0; a < actions; ++a)
      store(load(probability + a * stride + c) / total, probability + a * stride + c);
  }
}

// 1 in lanes whose sample lies inside the batch.
HWY_INLINE LaneMask inside(int column, int batch) {
  return lane_numbers() < set(static_cast<float>(batch - column));
}

PpoLossSums ppo_loss(const PpoLossArguments& p) {
  const Lanes zero = set(0.0f), one = set(1.0f), tiny = set(1e-8f);
  const float per_sample = 1.0f / static_cast<float>(p.batch);
  const Lanes weight = set(per_sample), entropy_weight = set(p.entropy_coefficient * per_sample);
  const Lanes value_weight = set(p.value_coefficient * per_sample);
  const Lanes low = set(1.0f - p.ratio_clip), high = set(1.0f + p.ratio_clip);
  Lanes policy_sum = zero, value_sum = zero, entropy_sum = zero;
  softmax(p.actions, p.batch, p.logits, p.logit_gradient,
          p.stride);  // the gradient's place holds the probabilities first
  for (int c = 0; c < p.batch; c += kLanes) {
    const LaneMask valid = inside(c, p.batch);
    float taken[kLanes];
    for (int l = 0; l < kLanes; ++l)
      taken[l] = c + l < p.batch ? p.logit_gradient[p.action[c + l] * p.stride + c + l] : 1.0f;
    const Lanes advantage = select(valid, load(p.advantage + c), zero);
    const Lanes old = select(valid, load(p.old_probability + c), one) + tiny;
    const Lanes ratio = (load(taken) + tiny) / old;
    const Lanes free = ratio * advantage;
    const Lanes clipped = smaller(larger(ratio, low), high) * advantage;
    policy_sum = policy_sum + smaller(free, clipped);
    // Where the clipped branch is the smaller one it is constant, so no gradient flows.
    const Lanes policy_gradient = select(clipped < free, zero, (zero - advantage) * weight / old);
    float action_gradient[kLanes];
    store(policy_gradient, action_gradient);

    Lanes entropy = zero, mean_gradient = zero;
    for (int a = 0; a < p.actions; ++a) {
      const Lanes probability = load(p.logit_gradient + a * p.stride + c);
      const Lanes shifted = probability + tiny;
      const Lanes log_probability = logarithm(shifted);
      entropy = entropy - probability * log_probability;
      float chosen[kLanes];
      for (int l = 0; l < kLanes; ++l)
        chosen[l] = c + l < p.batch && p.action[c + l] == a ? action_gradient[l] : 0.0f;
      const Lanes gradient = fma(entropy_weight, log_probability + probability / shifted, load(chosen));
      mean_gradient = fma(probability, gradient, mean_gradient);
    }
    entropy_sum = entropy_sum + select(valid, entropy, zero);
    for (int a = 0; a < p.actions; ++a) {
      const Lanes probability = load(p.logit_gradient + a * p.stride + c);
      const Lanes log_probability = logarithm(probability + tiny);
      float chosen[kLanes];
      for (int l = 0; l < kLanes; ++l)
        chosen[l] = c + l < p.batch && p.action[c + l] == a ? action_gradient[l] : 0.0f;
      const Lanes gradient =
          fma(entropy_weight, log_probability + probability / (probability + tiny), load(chosen));
      const Lanes through_softmax = probability * (gradient - mean_gradient);
      store(select(valid, through_softmax, zero), p.logit_gradient + a * p.stride + c);
    }

    const Lanes error = select(valid, load(p.values + c) - load(p.return_ + c), zero);
    value_sum = fma(error * set(0.5f), error, value_sum);
    store(value_weight * error, p.value_gradient + c);
  }
  return {.policy = -horizontal_sum(policy_sum) * per_sample,
          .value = horizontal_sum(value_sum) * per_sample,
          .entropy = horizontal_sum(entropy_sum) * per_sample};
}

// e^x for one number.
HWY_INLINE Lanes standard_deviation(float log_std) {
  return exponential(set(log_std));
}

// -sum_d (log_std + z^2 / 2) for the columns from `column` on.
HWY_INLINE Lanes log_likelihood_of(int dimensions, const float* mean, const float* action,
                                   std::ptrdiff_t stride, const float* log_std, int column) {
  Lanes sum = set(0.0f);
  for (int d = 0; d < dimensions; ++d) {
    const Lanes divisor = standard_deviation(log_std[d]) + set(1e-8f);
    const Lanes z = (load(action + d * stride + column) - load(mean + d * stride + column)) / divisor;
    sum = sum + fma(z * set(0.5f), z, set(log_std[d]));
  }
  return set(0.0f) - sum;
}

void gaussian_log_likelihood(int dimensions, int batch, const float* mean, const float* action,
                             std::ptrdiff_t stride, const float* log_std, float* log_likelihood) {
  for (int c = 0; c < batch; c += kLanes)
    store(log_likelihood_of(dimensions, mean, action, stride, log_std, c), log_likelihood + c);
}

PpoLossSums gaussian_ppo_loss(const GaussianPpoLossArguments& p) {
  const Lanes zero = set(0.0f), one = set(1.0f), tiny = set(1e-8f);
  const float per_sample = 1.0f / static_cast<float>(p.batch);
  const Lanes weight = set(per_sample), value_weight = set(p.value_coefficient * per_sample);
  const Lanes low = set(1.0f - p.ratio_clip), high = set(1.0f + p.ratio_clip);
  Lanes policy_sum = zero, value_sum = zero;
  // d loss / d l of each sample stands in the place of the value gradient, until the loop over the dimensions
  // below has used it.
  float* likelihood_gradient = p.value_gradient;
  for (int c = 0; c < p.batch; c += kLanes) {
    const LaneMask valid = inside(c, p.batch);
    const Lanes advantage = select(valid, load(p.advantage + c), zero);
    const Lanes change = log_likelihood_of(p.dimensions, p.mean, p.action, p.stride, p.log_std, c) -
                         load(p.old_log_likelihood + c);
    const Lanes ratio = exponential(select(valid, change, zero));
    const Lanes free = ratio * advantage;
    const Lanes clipped = smaller(larger(ratio, low), high) * advantage;
    policy_sum = policy_sum + smaller(free, clipped);
    // Where the clipped branch is the smaller one it is constant, so no gradient flows.
    store(select(clipped < free, zero, (zero - free) * weight), likelihood_gradient + c);
  }
  float entropy = 0;
  for (int d = 0; d < p.dimensions; ++d) {
    const Lanes deviation = standard_deviation(p.log_std[d]);
    const Lanes divisor = deviation + tiny, share = deviation / divisor;
    Lanes log_std_sum = zero;
    for (int c = 0; c < p.batch; c += kLanes) {
      const LaneMask valid = inside(c, p.batch);
      const std::ptrdiff_t place = d * p.stride + c;
      const Lanes z = (load(p.action + place) - load(p.mean + place)) / divisor;
      const Lanes gradient = load(likelihood_gradient + c);
      store(select(valid, gradient * z / divisor, zero), p.mean_gradient + place);
      log_std_sum = log_std_sum + select(valid, gradient * (z * z * share - one), zero);
    }
    p.log_std_gradient[d] = horizontal_sum(log_std_sum) - p.entropy_coefficient;
    entropy += p.log_std[d] + 1.4189385332046727f;  // log sqrt(2 pi e)
  }
  for (int c = 0; c < p.batch; c += kLanes) {
    const Lanes error = select(inside(c, p.batch), load(p.values + c) - load(p.return_ + c), zero);
    value_sum = fma(error * set(0.5f), error, value_sum);
    store(value_weight * error, p.value_gradient + c);
  }
  return {.policy = -horizontal_sum(policy_sum) * per_sample,
          .value = horizontal_sum(value_sum) * per_sample,
          .entropy = entropy};
}

float cross_entropy(const CrossEntropyArguments& x) {
  const Lanes zero = set(0.0f);
  const float per_sample = 1.0f / static_cast<float>(x.batch);
  Lanes loss_sum = zero;
  for (int c = 0; c < x.batch; c += kLanes) {
    const LaneMask valid = inside(c, x.batch);
    Lanes top = load(x.logits + c);
    for (int a = 1; a < x.actions; ++a) top = larger(top, load(x.logits + a * x.stride + c));
    Lanes total = zero;
    for (int a = 0; a < x.actions; ++a) {
      const Lanes e = exponential(load(x.logits + a * x.stride + c) - top);
      store(e, x.logit_gradient + a * x.stride + c);
      total = total + e;
    }
    const Lanes log_total = logarithm(total);
    Lanes loss = zero, teacher_total = zero;
    for (int a = 0; a < x.actions; ++a) {
      const Lanes teacher = load(x.teacher_probability + a * x.stride + c);
      const Lanes log_probability = (load(x.logits + a * x.stride + c) - top) - log_total;
      loss = loss - teacher * log_probability;
      teacher_total = teacher_total + teacher;
    }
    loss = select(valid, loss, zero);
    store(loss, x.loss_per_sample + c);
    loss_sum = loss_sum + loss;
    const Lanes weight = select(valid, set(per_sample), zero);
    for (int a = 0; a < x.actions; ++a) {
      const Lanes probability = load(x.logit_gradient + a * x.stride + c) / total;
      const Lanes teacher = load(x.teacher_probability + a * x.stride + c);
      const Lanes gradient = probability * teacher_total - teacher;
      store(select(valid, gradient * weight, zero), x.logit_gradient + a * x.stride + c);
    }
  }
  return horizontal_sum(loss_sum) * per_sample;
}

float q_loss(const QLossArguments& q) {
  const Lanes zero = set(0.0f), half = set(0.5f);
  const Lanes discount = set(q.discount), delta = set(q.delta);
  const float per_sample = 1.0f / static_cast<float>(q.batch);
  Lanes loss_sum = zero;
  for (int c = 0; c < q.batch; c += kLanes) {
    const LaneMask valid = inside(c, q.batch);
    Lanes best = load(q.next_selector + c), next = load(q.next_value + c);
    for (int a = 1; a < q.actions; ++a) {
      const Lanes candidate = load(q.next_selector + a * q.stride + c);
      const LaneMask better = best < candidate;
      best = select(better, candidate, best);
      next = select(better, load(q.next_value + a * q.stride + c), next);
    }
    float taken[kLanes];
    for (int l = 0; l < kLanes; ++l)
      taken[l] = c + l < q.batch ? q.q[q.action[c + l] * q.stride + c + l] : 0.0f;
    const Lanes target = fma(discount * load(q.running + c), next, load(q.return_ + c));
    const Lanes error = select(valid, load(taken) - target, zero);
    const Lanes magnitude = larger(error, zero - error);
    const Lanes limited = smaller(magnitude, delta);
    store(limited, q.td_abs_error + c);
    // 0.5 m^2 and delta (m - delta / 2) are both l (m - l / 2) with l = min(m, delta).
    const Lanes weight = select(valid, load(q.weight + c), zero);
    loss_sum = fma(weight * limited, magnitude - half * limited, loss_sum);
    const Lanes slope = larger(smaller(error, delta), zero - delta) * weight * set(per_sample);
    float gradient[kLanes];
    store(slope, gradient);
    for (int a = 0; a < q.actions; ++a) {
      float chosen[kLanes];
      for (int l = 0; l < kLanes; ++l)
        chosen[l] = c + l < q.batch && q.action[c + l] == a ? gradient[l] : 0.0f;
      store(load(chosen), q.q_gradient + a * q.stride + c);
    }
  }
  return horizontal_sum(loss_sum) * per_sample;
}

}  // namespace impsweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
