#include "agents/native/kernels/kernels.hpp"

// Compiled once for each target below; "scalar" is whatever baseline the compiler's flags allow, without
// vectors.
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SSE4 | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "agents/native/kernels/kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "agents/native/kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::HWY_NAMESPACE {

// A register tile holds kTileRows x kTileLanes accumulators: 24 of 32 registers with AVX-512, 12 of 16 with
// AVX2.
inline constexpr int kTileRows = 6;
inline constexpr int kTileLanes = HWY_TARGET == HWY_AVX3 ? 4 : 1;

HWY_INLINE Lanes activate(Epilogue epilogue, const Lanes& y) {
  if (epilogue == Epilogue::kRelu) return larger(y, set(0.0f));
  if (epilogue == Epilogue::kTanh) return hyperbolic_tangent(y);
  return y;
}

HWY_INLINE Lanes apply(Epilogue epilogue, const Lanes& y, const float* activation) {
  if (epilogue == Epilogue::kReluDerivative) return select(set(0.0f) < load(activation), y, set(0.0f));
  if (epilogue == Epilogue::kTanhDerivative) {
    const Lanes a = load(activation);
    return y * fma(set(0.0f) - a, a, set(1.0f));
  }
  return activate(epilogue, y);
}

// A block of the product: `depth` terms from `first` on, of which b is given by its own rows. `opens` starts
// the sums at zero, else they continue from c; `closes` adds the bias and applies the epilogue.
struct GemmBlock {
  const float* b = nullptr;
  std::ptrdiff_t b_stride = 0;
  int first = 0, depth = 0;
  bool opens = true, closes = true;
};

template <int kRows, int kVectors>
HWY_INLINE void gemm_tile(const GemmArguments& g, const GemmBlock& block, int row, int column) {
  Lanes sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = block.opens ? set(0.0f) : load(g.c + (row + r) * g.c_stride + column + v * kLanes);
  const float* a = g.a + row * g.a_row + block.first * g.a_depth;
  const float* b = block.b;
  for (int k = 0; k < block.depth; ++k, a += g.a_depth, b += block.b_stride) {
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
      Lanes y = sum[r][v];
      if (block.closes) {
        const Lanes bias = g.column_bias != nullptr ? load(g.column_bias + column + v * kLanes)
                                                    : set(g.bias != nullptr ? g.bias[row + r] : 0.0f);
        y = apply(g.epilogue, y + bias, g.activation != nullptr ? g.activation + place : nullptr);
      }
      const int left = g.stored_columns - column - v * kLanes;
      if (g.stored_columns == 0 || left >= kLanes)
        store(y, g.c + place);
      else if (left > 0)
        store_first(y, g.c + place, left);
    }
  }
}

template <int kVectors>
HWY_NOINLINE void gemm_rows(const GemmArguments& g, const GemmBlock& block, int column) {
  int row = 0;
  for (; row + kTileRows <= g.rows; row += kTileRows) gemm_tile<kTileRows, kVectors>(g, block, row, column);
  switch (g.rows - row) {
    case 5:
      gemm_tile<5, kVectors>(g, block, row, column);
      break;
    case 4:
      gemm_tile<4, kVectors>(g, block, row, column);
      break;
    case 3:
      gemm_tile<3, kVectors>(g, block, row, column);
      break;
    case 2:
      gemm_tile<2, kVectors>(g, block, row, column);
      break;
    case 1:
      gemm_tile<1, kVectors>(g, block, row, column);
      break;
    default:
      break;
  }
}

// A long product is cut into blocks of terms whose part of b, copied together, stays in the first-level cache
// while all rows pass over it. Sums wait in c between blocks, unrounded, so that cutting changes no bit.
inline constexpr int kBlockDepth = 128;

template <int kVectors>
void gemm_columns(const GemmArguments& g, int column) {
  constexpr int kWidth = kVectors * kLanes;
  // Cutting needs whole lanes to wait in, and pays where rows pass over the block more than once.
  const bool cut = g.depth > 2 * kBlockDepth && g.rows > 2 * kTileRows && g.stored_columns == 0;
  if (!cut) {
    gemm_rows<kVectors>(g, {.b = g.b + column, .b_stride = g.b_stride, .first = 0, .depth = g.depth}, column);
    return;
  }
  alignas(64) float panel[kBlockDepth * kWidth];
  for (int first = 0; first < g.depth; first += kBlockDepth) {
    const int depth = std::min(kBlockDepth, g.depth - first);
    const float* source = g.b + first * g.b_stride + column;
    for (int k = 0; k < depth; ++k)
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v)
        store(load(source + k * g.b_stride + v * kLanes), panel + k * kWidth + v * kLanes);
    gemm_rows<kVectors>(g,
                        {.b = panel,
                         .b_stride = kWidth,
                         .first = first,
                         .depth = depth,
                         .opens = first == 0,
                         .closes = first + depth == g.depth},
                        column);
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
  for (int i = 0; i < p.segments; ++i) {
    const std::ptrdiff_t row = p.row[i];
    const std::uint8_t ends = p.ends[i];
    float* c = s.c + row * s.c_stride + column;
    Lanes sum[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[v] = (ends & kOpensRow) != 0 ? set(0.0f) : load(c + v * kLanes);
    const std::uint32_t end = p.begin[i + 1];
    for (std::uint32_t e = p.begin[i]; e < end; ++e) {
      const Register weight = set1(s.weight[p.position != nullptr ? p.position[e] : e]);
      const float* x = b + p.index[e] * s.b_stride;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[v] = fma(weight, load(x + v * kLanes), sum[v]);
    }
    if ((ends & kClosesRow) != 0) {
      const Lanes bias = set(s.bias != nullptr ? s.bias[row] : 0.0f);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v)
        sum[v] =
            apply(s.epilogue, sum[v] + bias,
                  s.activation != nullptr ? s.activation + row * s.c_stride + column + v * kLanes : nullptr);
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) store(sum[v], c + v * kLanes);
  }
}

void sparse(const SparseArguments& s) {
  const int columns = round_up_to_lanes(s.columns);
  int column = 0;
  // Wide passes read fewer indices; narrow ones let a block of the other side fit the first-level cache.
  if constexpr (kTileLanes == 4)
    if (!s.pattern.cut)
      for (; column + 8 * kLanes <= columns; column += 8 * kLanes) sparse_columns<8>(s, column);
  for (; column + 4 * kLanes <= columns; column += 4 * kLanes) sparse_columns<4>(s, column);
  for (; column + 2 * kLanes <= columns; column += 2 * kLanes) sparse_columns<2>(s, column);
  for (; column < columns; column += kLanes) sparse_columns<1>(s, column);
}

// Gradients of `kCount` entries of one row: eight sums fill the pipeline and are added up together.
template <int kCount>
HWY_INLINE void entry_gradients(const std::uint16_t* index, int columns, const float* d, const float* x,
                                std::ptrdiff_t x_stride, float* total) {
  Lanes sum[8];
  const float* input[kCount];
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) sum[j] = set(0.0f);
#pragma GCC unroll 8
  for (int j = 0; j < kCount; ++j) input[j] = x + index[j] * x_stride;
  for (int c = 0; c < columns; c += kLanes) {
    const Lanes dy = load(d + c);
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) sum[j] = fma(dy, load(input[j] + c), sum[j]);
  }
  horizontal_sums8(sum, total);
}

HWY_INLINE void entry_gradients(int count, const std::uint16_t* index, int columns, const float* d,
                                const float* x, std::ptrdiff_t x_stride, float* total) {
  switch (count) {
    case 1:
      return entry_gradients<1>(index, columns, d, x, x_stride, total);
    case 2:
      return entry_gradients<2>(index, columns, d, x, x_stride, total);
    case 3:
      return entry_gradients<3>(index, columns, d, x, x_stride, total);
    case 4:
      return entry_gradients<4>(index, columns, d, x, x_stride, total);
    case 5:
      return entry_gradients<5>(index, columns, d, x, x_stride, total);
    case 6:
      return entry_gradients<6>(index, columns, d, x, x_stride, total);
    case 7:
      return entry_gradients<7>(index, columns, d, x, x_stride, total);
    default:
      return entry_gradients<8>(index, columns, d, x, x_stride, total);
  }
}

void sparse_weight_gradient(const SparseRows& p, int batch, const float* dy, std::ptrdiff_t dy_stride,
                            const float* x, std::ptrdiff_t x_stride, float* gradient) {
  const int columns = round_up_to_lanes(batch);
  for (int i = 0; i < p.segments; ++i) {
    const float* d = dy + p.row[i] * dy_stride;
    const std::uint32_t end = p.begin[i + 1];
    for (std::uint32_t e = p.begin[i]; e < end; e += 8) {
      const int count = static_cast<int>(std::min<std::uint32_t>(8, end - e));
      float total[8];
      entry_gradients(count, p.index + e, columns, d, x, x_stride, total);
      if (p.position == nullptr)
        std::memcpy(gradient + e, total, static_cast<std::size_t>(count) * sizeof(float));
      else
        for (int j = 0; j < count; ++j) gradient[p.position[e + static_cast<std::uint32_t>(j)]] = total[j];
    }
  }
}

template <int kVectors>
HWY_NOINLINE void add_rows_columns(const ActiveArguments& a, const float* source, const float* bias,
                                   Epilogue epilogue, float* result, int column) {
  source += column;
  result += column;
  for (int j = 0; j < a.count; ++j) {
    Lanes sum[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[v] = set(0.0f);
    const std::uint32_t end = a.begin[j + 1];
    for (std::uint32_t e = a.begin[j]; e < end; ++e) {
      const float* row = source + std::ptrdiff_t{a.list[e]} * a.columns;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[v] = sum[v] + load(row + v * kLanes);
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Lanes total = bias != nullptr ? sum[v] + load(bias + column + v * kLanes) : sum[v];
      store(activate(epilogue, total), result + std::ptrdiff_t{j} * a.columns + v * kLanes);
    }
  }
}

// By blocks of columns: the rows of a block stay in the cache while all lists pass.
void add_rows(const ActiveArguments& a, const float* source, const float* bias, Epilogue epilogue,
              float* result) {
  int column = 0;
  if constexpr (kTileLanes == 4)
    for (; column + 8 * kLanes <= a.columns; column += 8 * kLanes)
      add_rows_columns<8>(a, source, bias, epilogue, result, column);
  for (; column + 4 * kLanes <= a.columns; column += 4 * kLanes)
    add_rows_columns<4>(a, source, bias, epilogue, result, column);
  for (; column < a.columns; column += kLanes) add_rows_columns<1>(a, source, bias, epilogue, result, column);
}

void row_sums(int rows, int batch, const float* dy, std::ptrdiff_t stride, float* result) {
  const int columns = round_up_to_lanes(batch);
  for (int r = 0; r < rows; ++r) {
    Lanes sum = set(0.0f);
    for (int c = 0; c < columns; c += kLanes) sum = sum + load(dy + r * stride + c);
    result[r] = horizontal_sum(sum);
  }
}

// By squares of sixteen, so that whole cache lines are written, however long the rows of the target; and by
// blocks of columns, so that the same few rows of the target are written one piece after the other.
template <class RowAt>
HWY_INLINE void transpose_rows(int rows, int columns, RowAt row_at, float* transposed,
                               std::ptrdiff_t transposed_stride) {
  constexpr int kBlockColumns = 4 * kLanes;
  alignas(64) float square[16 * 16];
  for (int block = 0; block < columns; block += kBlockColumns) {
    const int block_end = std::min(block + kBlockColumns, columns);
    for (int r = 0; r < rows; r += kLanes) {
      const int height = std::min(kLanes, rows - r);
      for (int c = block; c < block_end; c += kLanes) {
        const int width = std::min(kLanes, columns - c);
        const float* from[16];
        for (int i = 0; i < height; ++i) from[i] = row_at(r + i) + c;
        if (height == kLanes && width == kLanes) {
#pragma GCC unroll 4
          for (int i = 0; i < kLanes; i += 4) transpose_4x16(from + i, square + i, kLanes);
        } else {
          std::memset(square, 0, sizeof square);
          for (int i = 0; i < height; ++i)
            for (int j = 0; j < width; ++j) square[j * kLanes + i] = from[i][j];
        }
        float* target = transposed + c * transposed_stride + r;
        for (int j = 0; j < width; ++j) store(load(square + j * kLanes), target + j * transposed_stride);
      }
    }
  }
}

void transpose(int rows, int columns, const float* source, std::ptrdiff_t source_stride, float* transposed,
               std::ptrdiff_t transposed_stride) {
  transpose_rows(
      rows, columns, [=](int r) { return source + r * source_stride; }, transposed, transposed_stride);
}

void transpose_selected(int rows, const std::int32_t* order, int columns, const float* source,
                        std::ptrdiff_t source_stride, float* transposed, std::ptrdiff_t transposed_stride) {
  transpose_rows(
      rows, columns, [=](int r) { return source + order[r] * source_stride; }, transposed, transposed_stride);
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
      .add_rows = add_rows,
      .row_sums = row_sums,
      .transpose = transpose,
      .transpose_selected = transpose_selected,
      .squared_norm = squared_norm,
      .multiply = multiply,
      .adam = adam,
      .softmax = softmax,
      .ppo_loss = ppo_loss,
      .gaussian_ppo_loss = gaussian_ppo_loss,
      .gaussian_log_likelihood = gaussian_log_likelihood,
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
