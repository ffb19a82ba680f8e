#include "agents/learning/distillation_loss.hpp"

#include <algorithm>
#include <cmath>

namespace impsweep {

float gaussian_distillation(const GaussianDistillation& d) {
  const double samples = d.batch;
  std::fill(d.log_std_gradient, d.log_std_gradient + d.actions, 0.0f);
  double total = 0;
  for (int b = 0; b < d.batch; ++b) d.loss_per_sample[b] = 0;
  for (int a = 0; a < d.actions; ++a) {
    const double log_teacher = d.teacher_log_std[a], log_student = d.student_log_std[a];
    const double teacher_variance = std::exp(2 * log_teacher), student_variance = std::exp(2 * log_student);
    double log_std_gradient = 0;
    for (int b = 0; b < d.batch; ++b) {
      const double gap =
          static_cast<double>(d.student_mean[a * d.stride + b]) - d.teacher_mean[a * d.stride + b];
      const double moment = (gap * gap + teacher_variance) / student_variance;
      const double loss = 0.5 * (moment - 1) + log_student - log_teacher;
      d.loss_per_sample[b] += static_cast<float>(loss);
      d.mean_gradient[a * d.stride + b] = static_cast<float>(gap / student_variance / samples);
      log_std_gradient += (1 - moment) / samples;
      total += loss;
    }
    d.log_std_gradient[a] = static_cast<float>(log_std_gradient);
  }
  return static_cast<float>(total / samples);
}

float value_distillation(const ValueDistillation& d) {
  const double entries = static_cast<double>(d.batch) * d.actions, delta = d.delta;
  double total = 0;
  for (int b = 0; b < d.batch; ++b) {
    double sample = 0;
    for (int a = 0; a < d.actions; ++a) {
      const double error =
          static_cast<double>(d.student_value[a * d.stride + b]) - d.teacher_value[a * d.stride + b];
      const double size = std::abs(error);
      sample += size <= delta ? 0.5 * error * error : delta * (size - 0.5 * delta);
      d.value_gradient[a * d.stride + b] = static_cast<float>(std::clamp(error, -delta, delta) / entries);
    }
    d.loss_per_sample[b] = static_cast<float>(sample / d.actions);
    total += sample;
  }
  return static_cast<float>(total / entries);
}

}  // namespace impsweep
