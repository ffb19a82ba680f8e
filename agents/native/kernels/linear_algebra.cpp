// agents/native/kernels/linear_algebra.cpp - products of dense and of pruned matrices, sums and transposes.
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "agents/native/kernels/linear_algebra.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "agents/native/kernels/kernels-inl.hpp"
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

// What a tile does with its sums. The usual ways are known to the compiler: at a depth of 64 deciding anew
// for every vector would take a tenth of the time.
enum class Finish {
  kContinue,        // stores them as they are
  kPlain,           // no bias, no epilogue
  kBiasRelu,        // row biases, then max(y, 0)
  kReluDerivative,  // no bias
  kAny,             // asks
};

Finish finish_of(const GemmArguments& g, const GemmBlock& block) {
  if (g.stored_columns != 0 || g.column_bias != nullptr) return Finish::kAny;
  if (!block.closes) return Finish::kContinue;
  if (g.bias == nullptr && g.epilogue == Epilogue::kNone) return Finish::kPlain;
  if (g.bias == nullptr && g.epilogue == Epilogue::kReluDerivative) return Finish::kReluDerivative;
  if (g.bias != nullptr && g.epilogue == Epilogue::kRelu) return Finish::kBiasRelu;
  return Finish::kAny;
}

template <int kRows, int kVectors>
HWY_INLINE void store_tile_and_ask(const GemmArguments& g, const GemmBlock& block, int row, int column,
                                   const Lanes (&sum)[kRows][kVectors]) {
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

template <int kRows, int kVectors, Finish kFinish>
HWY_INLINE void store_tile(const GemmArguments& g, int row, int column, const Lanes (&sum)[kRows][kVectors]) {
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const std::ptrdiff_t offset = (row + r) * g.c_stride + column;
    const Lanes bias = set(kFinish == Finish::kBiasRelu ? g.bias[row + r] : 0.0f);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const std::ptrdiff_t place = offset + v * kLanes;
      Lanes y = sum[r][v];
      if constexpr (kFinish != Finish::kContinue) y = y + bias;
      if constexpr (kFinish == Finish::kBiasRelu) y = apply(Epilogue::kRelu, y, nullptr);
      if constexpr (kFinish == Finish::kReluDerivative)
        y = apply(Epilogue::kReluDerivative, y, g.activation + place);
      store(y, g.c + place);
    }
  }
}

template <int kRows, int kVectors, Finish kFinish>
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
  if constexpr (kFinish == Finish::kAny)
    store_tile_and_ask(g, block, row, column, sum);
  else
    store_tile<kRows, kVectors, kFinish>(g, row, column, sum);
}

template <int kVectors, Finish kFinish>
HWY_NOINLINE void gemm_rows(const GemmArguments& g, const GemmBlock& block, int column) {
  int row = 0;
  for (; row + kTileRows <= g.rows; row += kTileRows)
    gemm_tile<kTileRows, kVectors, kFinish>(g, block, row, column);
  switch (g.rows - row) {
    case 5:
      gemm_tile<5, kVectors, kFinish>(g, block, row, column);
      break;
    case 4:
      gemm_tile<4, kVectors, kFinish>(g, block, row, column);
      break;
    case 3:
      gemm_tile<3, kVectors, kFinish>(g, block, row, column);
      break;
    case 2:
      gemm_tile<2, kVectors, kFinish>(g, block, row, column);
      break;
    case 1:
      gemm_tile<1, kVectors, kFinish>(g, block, row, column);
      break;
    default:
      break;
  }
}

template <int kVectors>
void gemm_block(const GemmArguments& g, const GemmBlock& block, int column) {
  if constexpr (kVectors == 4) {
    switch (finish_of(g, block)) {
      case Finish::kContinue:
        return gemm_rows<kVectors, Finish::kContinue>(g, block, column);
      case Finish::kPlain:
        return gemm_rows<kVectors, Finish::kPlain>(g, block, column);
      case Finish::kBiasRelu:
        return gemm_rows<kVectors, Finish::kBiasRelu>(g, block, column);
      case Finish::kReluDerivative:
        return gemm_rows<kVectors, Finish::kReluDerivative>(g, block, column);
      case Finish::kAny:
        break;
    }
  }
  gemm_rows<kVectors, Finish::kAny>(g, block, column);
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
    gemm_block<kVectors>(g, {.b = g.b + column, .b_stride = g.b_stride, .first = 0, .depth = g.depth},
                         column);
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
    gemm_block<kVectors>(g,
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

// Segments of `kRows` different rows together, which gives the pipeline more sums to work on and fewer ends
// to guess; then what is left of the longer ones.
template <int kRows, int kVectors, bool kPositions>
HWY_INLINE void sparse_segments(const SparseArguments& s, std::uint32_t segment, int column) {
  const SparseRows& p = s.pattern;
  const float* b = s.b + column;
  Lanes sum[kRows][kVectors];
  const std::uint16_t* index[kRows];
  const std::uint32_t* position[kRows];
  const float* weight[kRows];
  std::uint32_t length[kRows], common = ~std::uint32_t{0};
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const std::uint32_t i = segment + static_cast<std::uint32_t>(r), begin = p.begin[i];
    length[r] = p.begin[i + 1] - begin;
    common = std::min(common, length[r]);
    index[r] = p.index + begin;
    if constexpr (kPositions)
      position[r] = p.position + begin;
    else
      weight[r] = s.weight + p.first[i];
    const float* c = s.c + p.row[i] * s.c_stride + column;
    const bool opens = (p.ends[i] & kOpensRow) != 0;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[r][v] = opens ? set(0.0f) : load(c + v * kLanes);
  }
  const auto add = [&](int r, std::uint32_t k) HWY_ATTR {
    const Register w = set1(kPositions ? s.weight[position[r][k]] : weight[r][k]);
    const float* x = b + index[r][k] * s.b_stride;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sum[r][v] = fma(w, load(x + v * kLanes), sum[r][v]);
  };
  for (std::uint32_t k = 0; k < common; ++k)
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) add(r, k);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
    for (std::uint32_t k = common; k < length[r]; ++k) add(r, k);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const std::uint32_t i = segment + static_cast<std::uint32_t>(r);
    const std::ptrdiff_t row = p.row[i], place = row * s.c_stride + column;
    if ((p.ends[i] & kClosesRow) != 0) {
      const Lanes bias = set(s.bias != nullptr ? s.bias[row] : 0.0f);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v)
        sum[r][v] = apply(s.epilogue, sum[r][v] + bias,
                          s.activation != nullptr ? s.activation + place + v * kLanes : nullptr);
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) store(sum[r][v], s.c + place + v * kLanes);
  }
}

// Sums at a time: sixteen registers with AVX-512, eight with AVX2.
inline constexpr int kSparseSums = HWY_TARGET == HWY_AVX3 ? 16 : 4;
inline constexpr int kMostRows = 4;

template <int kVectors, bool kPositions>
HWY_NOINLINE void sparse_columns(const SparseArguments& s, int column) {
  constexpr int kRows = std::clamp(kSparseSums / kVectors, 1, kMostRows);
  const SparseRows& p = s.pattern;
  for (int block = 0; block < p.blocks; ++block) {
    std::uint32_t segment = p.block_begin[block];
    const std::uint32_t end = p.block_begin[block + 1];
    for (; segment + kRows <= end; segment += kRows)
      sparse_segments<kRows, kVectors, kPositions>(s, segment, column);
    for (; segment < end; ++segment) sparse_segments<1, kVectors, kPositions>(s, segment, column);
  }
}

template <bool kPositions>
void sparse_product(const SparseArguments& s) {
  const int columns = round_up_to_lanes(s.columns);
  int column = 0;
  if constexpr (kTileLanes == 4)
    if (s.pattern.vectors >= 8)
      for (; column + 8 * kLanes <= columns; column += 8 * kLanes) sparse_columns<8, kPositions>(s, column);
  if (s.pattern.vectors >= 4)
    for (; column + 4 * kLanes <= columns; column += 4 * kLanes) sparse_columns<4, kPositions>(s, column);
  for (; column + 2 * kLanes <= columns; column += 2 * kLanes) sparse_columns<2, kPositions>(s, column);
  for (; column < columns; column += kLanes) sparse_columns<1, kPositions>(s, column);
}

void sparse(const SparseArguments& s) {
  if (s.pattern.position != nullptr)
    sparse_product<true>(s);
  else
    sparse_product<false>(s);
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
    const std::uint32_t begin = p.begin[i], end = p.begin[i + 1];
    for (std::uint32_t e = begin; e < end; e += 8) {
      const int count = static_cast<int>(std::min<std::uint32_t>(8, end - e));
      float total[8];
      entry_gradients(count, p.index + e, columns, d, x, x_stride, total);
      if (p.position == nullptr)
        std::memcpy(gradient + p.first[i] + (e - begin), total,
                    static_cast<std::size_t>(count) * sizeof(float));
      else
        for (int j = 0; j < count; ++j) gradient[p.position[e + static_cast<std::uint32_t>(j)]] = total[j];
    }
  }
}

// ---- both gradients in one pass

#if HWY_TARGET == HWY_AVX3
// Lane sums that wait until sixteen of them can be added up together: a ring of two times sixteen.
class GradientQueue {
 public:
  explicit GradientQueue(float* gradient) : gradient_(gradient) {}
  template <int kCount>
  HWY_INLINE void push(const Lanes* sum, const std::uint32_t* place) {
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) {
      const unsigned slot = (count_ + static_cast<unsigned>(j)) % (2 * kLanes);
      store(sum[j], sums_ + slot * kLanes);
      place_[slot] = place[j];
    }
    const unsigned before = count_;
    count_ += kCount;
    if (((before ^ count_) & kLanes) != 0) add_up(before & kLanes, kLanes);
  }
  void finish() {
    add_up(count_ & kLanes, count_ % kLanes);
  }

 private:
  HWY_NOINLINE void add_up(unsigned first, unsigned count) {
    float total[kLanes];
    horizontal_sums16(sums_ + first * kLanes, total);
    for (unsigned i = 0; i < count; ++i) gradient_[place_[first + i]] = total[i];
  }

  alignas(64) float sums_[2 * kLanes * kLanes] = {};
  std::uint32_t place_[2 * kLanes] = {};
  unsigned count_ = 0;
  float* gradient_;
};

// Each row of dy is loaded once, for the chain of dx over the outputs and for the lane sums of its weight.
template <int kVectors, int kCount>
HWY_INLINE void backward_entries(const SparseBackwardArguments& a, std::uint32_t e, const float* x, Lanes* dx,
                                 GradientQueue& queue) {
  const SparseRows& p = a.pattern;
  const float* dy[kCount];
  Register weight[kCount];
  Lanes sum[kCount];
#pragma GCC unroll 8
  for (int j = 0; j < kCount; ++j) {
    const std::uint32_t entry = e + static_cast<std::uint32_t>(j);
    dy[j] = a.dy + p.index[entry] * a.stride;
    weight[j] = set1(a.weight[p.position[entry]]);
    sum[j] = set(0.0f);
  }
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) {
    const Lanes input = load(x + v * kLanes);
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) {
      const Lanes d = load(dy[j] + v * kLanes);
      sum[j] = fma(input, d, sum[j]);
      dx[v] = fma(weight[j], d, dx[v]);
    }
  }
  queue.push<kCount>(sum, p.position + e);
}

template <int kVectors>
HWY_NOINLINE void backward_rows(const SparseBackwardArguments& a) {
  // What is left of 32 registers holds sums and weights of this many entries.
  constexpr int kEntries = kVectors > 12 ? 5 : kVectors > 5 ? 6 : 8;
  const SparseRows& p = a.pattern;
  GradientQueue queue(a.gradient);
  for (int i = 0; i < p.segments; ++i) {
    const std::ptrdiff_t place = p.row[i] * a.stride;
    const float* x = a.x + place;
    float* target = a.dx + place;
    const bool opens = (p.ends[i] & kOpensRow) != 0;
    Lanes dx[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) dx[v] = opens ? set(0.0f) : load(target + v * kLanes);
    std::uint32_t e = p.begin[i];
    const std::uint32_t end = p.begin[i + 1];
    for (; e + kEntries <= end; e += kEntries) backward_entries<kVectors, kEntries>(a, e, x, dx, queue);
    if (end - e >= 4) {
      backward_entries<kVectors, 4>(a, e, x, dx, queue);
      e += 4;
    }
    if (end - e >= 2) {
      backward_entries<kVectors, 2>(a, e, x, dx, queue);
      e += 2;
    }
    if (end - e >= 1) backward_entries<kVectors, 1>(a, e, x, dx, queue);
    const bool closes = (p.ends[i] & kClosesRow) != 0;
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v)
      store(closes ? apply(a.derivative, dx[v] + set(0.0f),
                           a.activation != nullptr ? a.activation + place + v * kLanes : nullptr)
                   : dx[v],
            target + v * kLanes);
  }
  queue.finish();
}

// For the sizes of minibatches that trainings have: a row of dx stays in registers.
bool backward_in_one_pass(const SparseBackwardArguments& a) {
  switch (round_up_to_lanes(a.columns) / kLanes) {
    case 1:
      return backward_rows<1>(a), true;
    case 2:
      return backward_rows<2>(a), true;
    case 4:
      return backward_rows<4>(a), true;
    case 5:
      return backward_rows<5>(a), true;
    case 8:
      return backward_rows<8>(a), true;
    case 16:
      return backward_rows<16>(a), true;
    default:
      return false;
  }
}
#endif

void sparse_backward(const SparseBackwardArguments& a) {
#if HWY_TARGET == HWY_AVX3
  if (backward_in_one_pass(a)) return;
#endif
  sparse_weight_gradient(a.pattern, a.columns, a.x, a.stride, a.dy, a.stride, a.gradient);
  sparse({.pattern = a.pattern,
          .weight = a.weight,
          .columns = a.columns,
          .b = a.dy,
          .b_stride = a.stride,
          .c = a.dx,
          .c_stride = a.stride,
          .epilogue = a.derivative,
          .activation = a.activation});
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
      const float* row = source + a.list[e] * a.source_stride;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[v] = sum[v] + load(row + v * kLanes);
    }
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Lanes total = bias != nullptr ? sum[v] + load(bias + column + v * kLanes) : sum[v];
      store(activate(epilogue, total), result + j * a.result_stride + v * kLanes);
    }
  }
}

// By blocks of columns: the rows of a block stay in the cache while all lists pass.
void add_rows(const ActiveArguments& a, const float* source, const float* bias, Epilogue epilogue,
              float* result) {
  int column = 0;
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
        float* target = transposed + c * transposed_stride + r;
#if HWY_TARGET == HWY_AVX3
        if (height == kLanes && width == kLanes) {
          transpose_16x16(from, target, transposed_stride);
          continue;
        }
#else
        if (height == kLanes && width == kLanes) {
#pragma GCC unroll 4
          for (int i = 0; i < kLanes; i += 4) transpose_4x16(from + i, square + i, kLanes);
        } else
#endif
        {
          std::memset(square, 0, sizeof square);
          for (int i = 0; i < height; ++i)
            for (int j = 0; j < width; ++j) square[j * kLanes + i] = from[i][j];
        }
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

}  // namespace impsweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
