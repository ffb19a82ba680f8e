// agents/native/kernels/kernels-inl.hpp - the kernels of one instruction set, as kernels.hpp describes them:
// defined in linear_algebra.cpp, losses.cpp, optimizer.cpp and elementwise.cpp, gathered in kernels.cpp.
// Included once per target by Highway's foreach_target mechanism.
#if defined(IMPSWEEP_KERNELS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef IMPSWEEP_KERNELS_INL_HPP
#undef IMPSWEEP_KERNELS_INL_HPP
#else
#define IMPSWEEP_KERNELS_INL_HPP
#endif

#include <hwy/highway.h>

#include "agents/native/kernels/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::HWY_NAMESPACE {

// ---- linear_algebra.cpp
void gemm(const GemmArguments&);
void sparse(const SparseArguments&);
void sparse_weight_gradient(const SparseRows&, int batch, const float* dy, std::ptrdiff_t dy_stride,
                            const float* x, std::ptrdiff_t x_stride, float* gradient);
void sparse_backward(const SparseBackwardArguments&);
void add_rows(const ActiveArguments&, const float* source, const float* bias, Epilogue, float* result);
void row_sums(int rows, int batch, const float* dy, std::ptrdiff_t stride, float* sum);
void transpose(int rows, int columns, const float* source, std::ptrdiff_t source_stride, float* transposed,
               std::ptrdiff_t transposed_stride);
void transpose_selected(int rows, const std::int32_t* order, int columns, const float* source,
                        std::ptrdiff_t source_stride, float* transposed, std::ptrdiff_t transposed_stride);

// ---- losses.cpp
void softmax(int actions, int batch, const float* logits, float* probability, std::ptrdiff_t stride);
PpoLossSums ppo_loss(const PpoLossArguments&);
PpoLossSums gaussian_ppo_loss(const GaussianPpoLossArguments&);
void gaussian_log_likelihood(int dimensions, int batch, const float* mean, const float* action,
                             std::ptrdiff_t stride, const float* log_std, float* log_likelihood);
float cross_entropy(const CrossEntropyArguments&);
float q_loss(const QLossArguments&);

// ---- optimizer.cpp
float squared_norm(const float* values, std::size_t count);
void adam(const AdamArguments&, std::size_t count, float* parameters, const float* gradients,
          float* first_moment, float* second_moment);

// ---- elementwise.cpp
void multiply(float* values, const float* factors, std::size_t count);
double multiply_add_chains(std::int64_t steps);
void exp(const float* x, float* y, std::size_t count);
void log(const float* x, float* y, std::size_t count);
void tanh(const float* x, float* y, std::size_t count);

}  // namespace impsweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard, toggled per target
