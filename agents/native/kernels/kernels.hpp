// agents/native/kernels/kernels.hpp - the arithmetic of the native backend, one table of functions per
// instruction set.
//
// Every function is defined by sixteen virtual lanes and explicit fused multiply-adds, so that "scalar" (the
// plain twin and the definition), "avx2" and "avx512" give equal bits. A product y = sum_k a[k] x[k] runs
// over k in ascending order in one fused chain that starts at zero, and the bias is added last; hence leaving
// out a term with a[k] = 0 does not change a bit, and dense and sparse forms of a layer agree. A sum over the
// batch goes to lane (sample mod 16) and then through the tree (l,l+8),(l,l+4), (l,l+2),(l,l+1), except in
// dense weight gradients, which are one fused chain over the samples.
//
// Matrices are feature-major [feature][stride] with strides that are multiples of 16; `batch` is rounded up
// to 16 by the kernels, so columns between the batch and the next multiple of 16 must exist and hold finite
// numbers.
//
// Callers that learn or infer take subnormal numbers for zero (subnormals.hpp), on every target alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agents/config/config.hpp"

namespace impsweep {

inline constexpr int kLanes = 16;
constexpr int round_up_to_lanes(int n) {
  return (n + kLanes - 1) / kLanes * kLanes;
}

// How far apart the rows of a matrix had better be: a cache line more than its columns where they are a
// multiple of 512 bytes, because rows would else share a few sets of the first-level cache.
constexpr int spread_stride(int columns) {
  return columns + (columns % (8 * kLanes) == 0 ? kLanes : 0);
}

// What happens to a product before it is stored.
enum class Epilogue {
  kNone,
  kRelu,            // max(y, 0)
  kTanh,            // tanh(y)
  kReluDerivative,  // y where the paired activation is > 0, else 0
  kTanhDerivative,  // y * (1 - activation^2)
};

// c[r][j] = epilogue(bias[r] + column_bias[j] + sum_k a(r, k) * b[k][j]), r < rows, j < columns.
struct GemmArguments {
  int rows = 0, depth = 0, columns = 0;
  const float* a = nullptr;  // a(r, k) = a[r * a_row + k * a_depth]
  std::ptrdiff_t a_row = 0, a_depth = 0;
  const float* b = nullptr;  // [depth][b_stride]
  std::ptrdiff_t b_stride = 0;
  const float* bias = nullptr;         // [rows] or null for zero
  const float* column_bias = nullptr;  // [columns in whole lanes] or null for zero; not together with bias
  float* c = nullptr;                  // [rows][c_stride]
  std::ptrdiff_t c_stride = 0;
  Epilogue epilogue = Epilogue::kNone;
  const float* activation = nullptr;  // [rows][c_stride], for the derivatives
  // Number of columns stored in each row; columns is computed in whole lanes. 0 = all lanes.
  int stored_columns = 0;
};

// A kept set of weights, cut into segments: runs of entries of one row. Segments of a row follow each other
// in the order of its sum, but other rows may come in between: so a block of inputs stays in the cache while
// all rows pass over it. Entry e multiplies b[index[e]] with weight[position[e]] where there are positions;
// else the weights of a segment follow each other, from weight[first[segment]] on.
struct SparseRows {
  int segments = 0;
  const std::uint32_t* begin = nullptr;  // [segments + 1] into the entries
  const std::uint16_t* row = nullptr;    // [segments]
  // [segments] kOpensRow: the sum starts here; kClosesRow: it ends here, so bias and epilogue follow.
  const std::uint8_t* ends = nullptr;
  const std::uint16_t* index = nullptr;     // [kept]
  const std::uint32_t* position = nullptr;  // [kept] or null
  const std::uint32_t* first = nullptr;     // [segments], read where there are no positions
  // Segments of a block are of different rows, so that some can be summed together; those of equal lengths,
  // which end together, had better be neighbours.
  int blocks = 0;
  const std::uint32_t* block_begin = nullptr;  // [blocks + 1] into the segments
  int vectors = 4;  // of sixteen columns: what to sum at a time, so that a block stays in the cache
};
inline constexpr std::uint8_t kOpensRow = 1, kClosesRow = 2;

// c[r][j] = epilogue(bias[r] + sum over entries of weight * b[index][j]).
struct SparseArguments {
  SparseRows pattern;
  const float* weight = nullptr;
  int columns = 0;
  const float* b = nullptr;
  std::ptrdiff_t b_stride = 0;
  const float* bias = nullptr;
  float* c = nullptr;
  std::ptrdiff_t c_stride = 0;
  Epilogue epilogue = Epilogue::kNone;
  const float* activation = nullptr;
};

// Both gradients of a layer in one pass over the gradients of its outputs: rows are inputs, entries outputs.
struct SparseBackwardArguments {
  SparseRows pattern;  // with positions
  const float* weight = nullptr;
  int columns = 0;
  const float* dy = nullptr;
  const float* x = nullptr;
  float* dx = nullptr;
  std::ptrdiff_t stride = 0;  // of all four matrices
  Epilogue derivative = Epilogue::kNone;
  const float* activation = nullptr;  // [rows][stride]
  float* gradient = nullptr;          // at the places of the weights
};

// Sums of selected rows, for the first layer under binary inputs: sum j is over the rows that its list names.
struct ActiveArguments {
  const std::uint32_t* begin = nullptr;  // [count + 1] into list
  const std::uint16_t* list = nullptr;   // rows, ascending within a sum
  int count = 0;                         // sums
  int columns = 0;                       // of every row, in whole lanes
  std::ptrdiff_t source_stride = 0, result_stride = 0;
};

struct AdamArguments {
  float learning_rate_over_correction1 = 0;  // lr / (1 - beta1^t)
  float inverse_sqrt_correction2 = 0;        // 1 / sqrt(1 - beta2^t)
  float beta1 = 0, beta2 = 0, epsilon = 0;
  // Rounded from double: in float, 1 - 0.999 would be wrong in the fifth digit.
  float one_minus_beta1 = 1, one_minus_beta2 = 1;
  float gradient_scale = 1;   // of the norm clip
  float gradient_decay = 0;   // L2 term added to the scaled gradient
  float parameter_decay = 0;  // decoupled decay: this part of the parameter is taken off
};

// Softmax policy and its losses; a column is a sample. Sums are over the first `batch` columns.
struct PpoLossArguments {
  int actions = 0, batch = 0;
  const float* logits = nullptr;  // [actions][stride]
  const float* values = nullptr;  // [stride]
  std::ptrdiff_t stride = 0;
  const std::int32_t* action = nullptr;    // [batch rounded up]
  const float* old_probability = nullptr;  // [batch rounded up] of the action taken
  const float* advantage = nullptr;        // [batch rounded up]
  const float* return_ = nullptr;          // [batch rounded up] value target
  float ratio_clip = 0, value_coefficient = 0, entropy_coefficient = 0;
  float* logit_gradient = nullptr;  // [actions][stride], zero beyond the batch
  float* value_gradient = nullptr;  // [stride], zero beyond the batch
};
struct PpoLossSums {
  float policy = 0, value = 0, entropy = 0;  // means over the batch: -min(..), 0.5 (V-R)^2, entropy
};

// Gaussian policy with a state-independent log_std; l = -sum_d (log_std + z^2 / 2), z = (action - mean) /
// (std + 1e-8). A column is a sample.
struct GaussianPpoLossArguments {
  int dimensions = 0, batch = 0;
  const float* mean = nullptr;    // [dimensions][stride]
  const float* values = nullptr;  // [stride]
  std::ptrdiff_t stride = 0;
  const float* log_std = nullptr;             // [dimensions]
  const float* action = nullptr;              // [dimensions][stride]
  const float* old_log_likelihood = nullptr;  // [batch rounded up]
  const float* advantage = nullptr;           // [batch rounded up]
  const float* return_ = nullptr;             // [batch rounded up] value target
  float ratio_clip = 0, value_coefficient = 0, entropy_coefficient = 0;
  float* mean_gradient = nullptr;     // [dimensions][stride], zero beyond the batch
  float* value_gradient = nullptr;    // [stride], zero beyond the batch
  float* log_std_gradient = nullptr;  // [dimensions]
};

struct CrossEntropyArguments {
  int actions = 0, batch = 0;
  const float* logits = nullptr;               // student, [actions][stride]
  const float* teacher_probability = nullptr;  // [actions][stride]
  std::ptrdiff_t stride = 0;
  float* logit_gradient = nullptr;   // [actions][stride], zero beyond the batch
  float* loss_per_sample = nullptr;  // [batch rounded up]
};

// Huber loss of the temporal differences of the actions taken:
//   target = return + discount * running * next_value[argmax_a next_selector], running = 0 after an end
//   loss = mean over the batch of weight * (0.5 e^2 if |e| <= delta, else delta (|e| - delta / 2))
// with e = q[action] - target. Of equal selectors the first counts.
struct QLossArguments {
  int actions = 0, batch = 0;
  const float* q = nullptr;  // [actions][stride]
  const float* next_selector =
      nullptr;                        // [actions][stride], which action counts: the online network's values
  const float* next_value = nullptr;  // [actions][stride], what it is worth: the target network's
  std::ptrdiff_t stride = 0;
  const std::int32_t* action = nullptr;  // [batch rounded up]
  const float* return_ = nullptr;        // [batch rounded up]
  const float* running = nullptr;        // [batch rounded up], 1 or 0
  const float* weight = nullptr;         // [batch rounded up]
  float discount = 0, delta = 1;
  float* q_gradient = nullptr;    // [actions][stride], zero beyond the batch
  float* td_abs_error = nullptr;  // [batch rounded up], |e| but at most delta
};

struct Kernels {
  std::string_view name;  // "scalar", "avx2", "avx512"
  void (*gemm)(const GemmArguments&);
  void (*sparse)(const SparseArguments&);
  // Gradient of each entry, at the place of its weight: sum over the batch of dy[row][b] * x[index[e]][b]
  void (*sparse_weight_gradient)(const SparseRows&, int batch, const float* dy, std::ptrdiff_t dy_stride,
                                 const float* x, std::ptrdiff_t x_stride, float* gradient);
  // The bits of sparse() and sparse_weight_gradient() one after the other.
  void (*sparse_backward)(const SparseBackwardArguments&);
  // result[j] = epilogue(bias + sum of source[row] over the rows of list j); bias [columns] or null for zero.
  void (*add_rows)(const ActiveArguments&, const float* source, const float* bias, Epilogue, float* result);
  // sum[r] = sum over the batch of dy[r][b]
  void (*row_sums)(int rows, int batch, const float* dy, std::ptrdiff_t stride, float* sum);
  // transposed[c][r] = source[r][c], r < rows, c < columns; rows up to a multiple of 16 are zero-filled in
  // the target.
  void (*transpose)(int rows, int columns, const float* source, std::ptrdiff_t source_stride,
                    float* transposed, std::ptrdiff_t transposed_stride);
  // The same of the rows order[0 .. rows-1].
  void (*transpose_selected)(int rows, const std::int32_t* order, int columns, const float* source,
                             std::ptrdiff_t source_stride, float* transposed,
                             std::ptrdiff_t transposed_stride);
  float (*squared_norm)(const float* values, std::size_t count);  // count: multiple of 16
  void (*multiply)(float* values, const float* factors, std::size_t count);
  // All arrays [count], a multiple of 16.
  void (*adam)(const AdamArguments&, std::size_t count, float* parameters, const float* gradients,
               float* first_moment, float* second_moment);
  void (*softmax)(int actions, int batch, const float* logits, float* probability, std::ptrdiff_t stride);
  PpoLossSums (*ppo_loss)(const PpoLossArguments&);
  PpoLossSums (*gaussian_ppo_loss)(const GaussianPpoLossArguments&);
  // l of each column, [batch rounded up]
  void (*gaussian_log_likelihood)(int dimensions, int batch, const float* mean, const float* action,
                                  std::ptrdiff_t stride, const float* log_std, float* log_likelihood);
  float (*cross_entropy)(const CrossEntropyArguments&);  // returns the mean loss
  float (*q_loss)(const QLossArguments&);                // returns the mean loss
  // For measurements: as many independent chains as the pipeline takes, of `steps` fused multiply-adds each.
  // Returns the number of floating-point operations.
  double (*multiply_add_chains)(std::int64_t steps);
  void (*exp)(const float* x, float* y, std::size_t count);  // elementwise, count: multiple of 16; for tests
  void (*log)(const float* x, float* y, std::size_t count);
  void (*tanh)(const float* x, float* y, std::size_t count);
};

// The table in use: the best the processor has, unless select_kernels() chose another.
const Kernels& kernels();

// "auto", "scalar", "avx2" or "avx512"; false if the name is unknown or the processor lacks it.
bool select_kernels(std::string_view name);

// Looks up a table by name without selecting it; nullptr as above.
const Kernels* find_kernels(std::string_view name);

}  // namespace impsweep
