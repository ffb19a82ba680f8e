// agents/learning/distillation_loss.hpp - what a student minimises, with the gradients with respect to its
// outputs. Matrices are feature-major [A][stride] over N samples. (The categorical loss is a kernel:
// Kernels::cross_entropy.)
#pragma once

#include <cstddef>

namespace impsweep {

// Divergence of Gaussian policies, KL(teacher || student), summed over the A action dimensions, mean over N:
//   sum_a ((m_T - m_S)^2 + s_T^2 - s_S^2) / (2 s_S^2) + log s_S - log s_T
struct GaussianDistillation {
  int actions = 0, batch = 0;
  std::ptrdiff_t stride = 0;
  const float* teacher_mean = nullptr;     // [A][stride]
  const float* teacher_log_std = nullptr;  // [A]
  const float* student_mean = nullptr;     // [A][stride]
  const float* student_log_std = nullptr;  // [A]
  float* mean_gradient = nullptr;          // [A][stride]
  float* log_std_gradient = nullptr;       // [A]
  float* loss_per_sample = nullptr;        // [N]
};
float gaussian_distillation(const GaussianDistillation&);  // returns the mean loss

// Huber loss of value vectors, mean over N and A: 0.5 e^2 where |e| <= delta, else delta (|e| - delta / 2).
struct ValueDistillation {
  int actions = 0, batch = 0;
  std::ptrdiff_t stride = 0;
  float delta = 1;
  const float* teacher_value = nullptr;  // [A][stride]
  const float* student_value = nullptr;  // [A][stride]
  float* value_gradient = nullptr;       // [A][stride]
  float* loss_per_sample = nullptr;      // [N], mean over A
};
float value_distillation(const ValueDistillation&);  // returns the mean loss

}  // namespace impsweep
