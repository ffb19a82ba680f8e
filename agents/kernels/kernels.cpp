#include "agents/kernels/kernels.hpp"

// Compiled once for each target below; "scalar" is whatever baseline the compiler's flags allow, without
// vectors.
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SSE4 | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "agents/kernels/kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "agents/kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::HWY_NAMESPACE {

// A register tile holds kTileRows x kTileLanes accumulators: 24 of 32 registers with AVX-512, 12 of 16 with
// AVX2.
inline constexpr int kTileRows = 6;
inline constexpr int kTileLanes = HWY_TARGET == HWY_AVX3 ? 4 : 1;

HWY_INLINE Lanes apply(Epilogue epilogue, const Lanes& y, const float* activation) {
  switch (epilogue) {
    case Epilogue::kNone:
      return y;
    case Epilogue::kRelu:
      return larger(y, set(0.0f));
    case Epilogue::kTanh:
      return hyperbolic_tangent(y);
    case Epilogue::kReluDerivative:
      return select(set(0.0f) < load(activation), y, set(0.0f));
    case Epilogue::kTanhDerivative: {
      const Lanes a = load(activation);
      return y * fma(set(0.0f) - a, a, set(1.0f));
    }
  }
  return y;
}

template <int kRows, int kVectors>
HWY_INLINE void gemm_tile(const GemmArguments& g, int row, int column) {
  Lanes sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[r][v] = set(0.0f);
  const float* a = g.a + row * g.a_row;
  const float* b = g.b + column;
  for (int k = 0; k < g.depth; ++k, a += g.a_depth, b += g.b_stride) {
    Lanes x[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) x[v] = load(b + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Register weight = set1(a[r * g.a_row]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] = fma(weight, x[v], sum[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    const std::ptrdiff_t offset = (row + r) * g.c_stride + column;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const std::ptrdiff_t place = offset + v * kLanes;
      const Lanes total = sum[r][v] + set(g.bias != nullptr ? g.bias[row + r] : 0.0f);
      const Lanes y = apply(g.epilogue, total, g.activation != nullptr ? g.activation + place : nullptr);
      const int left = g.stored_columns - column - v * kLanes;
      if (g.stored_columns == 0 || left >= kLanes)
        store(y, g.c + place);
      else if (left > 0)
        store_first(y, g.c + place, left);
    }
  }
}

template <int kVectors>
HWY_NOINLINE void gemm_columns(const GemmArguments& g, int column) {
  int row = 0;
  for (; row + kTileRows <= g.rows; row += kTileRows) gemm_tile<kTileRows, kVectors>(g, row, column);
  switch (g.rows - row) {
    case 5:
      gemm_tile<5, kVectors>(g, row, column);
      break;
    case 4:
      gemm_tile<4, kVectors>(g, row, column);
      break;
    case 3:
      gemm_tile<3, kVectors>(g, row, column);
      break;
    case 2:
      gemm_tile<2, kVectors>(g, row, column);
      break;
    case 1:
      gemm_tile<1, kVectors>(g, row, column);
      break;
    default:
      break;
  }
}

void gemm(const GemmArguments& g) {
  const int columns = round_up_to_lanes(g.columns);
  int column = 0;
  if constexpr (kTileLanes == 4) {
    for (; column + 4 * kLanes <= columns; column += 4 * kLanes) gemm_columns<4>(g, column);
    for (; column + 2 * kLanes <= columns; column += 2 * kLanes) gemm_columns<2>(g, column);
  }
  for (; column < columns; column += kLanes) gemm_columns<1>(g, column);
}

template <int kVectors>
HWY_NOINLINE void sparse_columns(const SparseArguments& s, int column) {
  const SparseRows& p = s.pattern;
  const float* b = s.b + column;
  for (int r = 0; r < p.rows; ++r) {
    Lanes sum[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[v] = set(0.0f);
    for (std::uint32_t e = p.row_begin[r]; e < p.row_begin[r + 1]; ++e) {
      const Register weight = set1(s.weight[p.position != nullptr ? p.position[e] : e]);
      const float* x = b + p.index[e] * s.b_stride;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[v] = fma(weight, load(x + v * kLanes), sum[v]);
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const std::ptrdiff_t place = r * s.c_stride + column + v * kLanes;
      const Lanes total = sum[v] + set(s.bias != nullptr ? s.bias[r] : 0.0f);
      store(apply(s.epilogue, total, s.activation != nullptr ? s.activation + place : nullptr), s.c + place);
    }
  }
}

void sparse(const SparseArguments& s) {
  const int columns = round_up_to_lanes(s.columns);
  int column = 0;
  for (; column + 4 * kLanes <= columns; column += 4 * kLanes) sparse_columns<4>(s, column);
  for (; column + 2 * kLanes <= columns; column += 2 * kLanes) sparse_columns<2>(s, column);
  for (; column < columns; column += kLanes) sparse_columns<1>(s, column);
}

void sparse_weight_gradient(const SparseRows& p, int batch, const float* dy, std::ptrdiff_t dy_stride,
                            const float* x, std::ptrdiff_t x_stride, float* gradient) {
  const int columns = round_up_to_lanes(batch);
  for (int r = 0; r < p.rows; ++r) {
    const float* d = dy + r * dy_stride;
    for (std::uint32_t e = p.row_begin[r]; e < p.row_begin[r + 1]; ++e) {
      const float* input = x + p.index[e] * x_stride;
      Lanes sum = set(0.0f);
      for (int c = 0; c < columns; c += kLanes) sum = fma(load(d + c), load(input + c), sum);
      gradient[p.position != nullptr ? p.position[e] : e] = horizontal_sum(sum);
    }
  }
}

void row_sums(int rows, int batch, const float* dy, std::ptrdiff_t stride, float* result) {
  const int columns = round_up_to_lanes(batch);
  for (int r = 0; r < rows; ++r) {
    Lanes sum = set(0.0f);
    for (int c = 0; c < columns; c += kLanes) sum = sum + load(dy + r * stride + c);
    result[r] = horizontal_sum(sum);
  }
}

void transpose(int rows, int columns, const float* source, std::ptrdiff_t source_stride, float* transposed,
               std::ptrdiff_t transposed_stride) {
  const int padded = round_up_to_lanes(rows);
  for (int c = 0; c < columns; ++c) {
    float* target = transposed + c * transposed_stride;
    for (int r = 0; r < rows; ++r) target[r] = source[r * source_stride + c];
    for (int r = rows; r < padded; ++r) target[r] = 0.0f;
  }
}

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

void multiply(float* values, const float* factors, std::size_t count) {
  for (std::size_t i = 0; i < count; i += kLanes) store(load(values + i) * load(factors + i), values + i);
}

void adam(const AdamArguments& a, std::size_t count, float* parameters, const float* gradients,
          float* first_moment, float* second_moment, float* carry) {
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
    const Lanes step = fma(rate, first / divisor, fma(shrink, w, load(carry + i)));
    // w + step = sum + carry exactly (Knuth's two-sum): what the rounding of the sum cuts off is added next
    // time.
    const Lanes sum = w + step;
    const Lanes taken = sum - w;
    store((w - (sum - taken)) + (step - taken), carry + i);
    store(sum, parameters + i);
  }
}

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

template <Lanes (*kFunction)(const Lanes&)>
void elementwise(const float* x, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; i += kLanes) store(kFunction(load(x + i)), y + i);
}
Lanes exponential_of(const Lanes& x) {
  return exponential(x);
}
Lanes logarithm_of(const Lanes& x) {
  return logarithm(x);
}
Lanes hyperbolic_tangent_of(const Lanes& x) {
  return hyperbolic_tangent(x);
}

const Kernels& table() {
  static constexpr Kernels kTable = {
      .name = HWY_TARGET == HWY_AVX3   ? "avx512"
              : HWY_TARGET == HWY_AVX2 ? "avx2"
                                       : "scalar",
      .gemm = gemm,
      .sparse = sparse,
      .sparse_weight_gradient = sparse_weight_gradient,
      .row_sums = row_sums,
      .transpose = transpose,
      .squared_norm = squared_norm,
      .multiply = multiply,
      .adam = adam,
      .softmax = softmax,
      .ppo_loss = ppo_loss,
      .cross_entropy = cross_entropy,
      .q_loss = q_loss,
      .exp = elementwise<exponential_of>,
      .log = elementwise<logarithm_of>,
      .tanh = elementwise<hyperbolic_tangent_of>,
  };
  return kTable;
}

}  // namespace impsweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace impsweep {

const Kernels* find_kernels(std::string_view name) {
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

namespace {
const Kernels*& selected() {
  static const Kernels* choice = find_kernels("auto");
  return choice;
}
}  // namespace

const Kernels& kernels() {
  return *selected();
}

bool select_kernels(std::string_view name) {
  const Kernels* found = find_kernels(name);
  if (found != nullptr) selected() = found;
  return found != nullptr;
}

}  // namespace impsweep
#endif
