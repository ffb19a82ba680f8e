// Recorded losses of behavioural cloning and their gradients.
#include <vector>

#include "agents/learning/distillation_loss.hpp"
#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "engine/replay/recorded_values.hpp"
#include "engine/replay/replay_oracle.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr double kLossAbsolute = 1e-6, kLossRelative = 1e-6, kGradientAbsolute = 1e-8,
                 kGradientRelative = 5e-6;

// Recorded [N,A] <-> feature-major [A][stride].
struct Case {
  const Hdf5File& file;
  const std::string& group;
  int batch, outputs, stride;

  std::vector<float> recorded(const char* name, std::size_t size) const {
    return read_sized<float>(file, group + "/" + name, size);
  }
  std::vector<float> matrix(const char* name) const {
    return recorded(name, static_cast<std::size_t>(batch) * outputs);
  }
  AlignedFloats feature_major(const char* name) const {
    const std::vector<float> values = matrix(name);
    AlignedFloats turned(static_cast<std::size_t>(outputs) * stride, 0.0f);
    for (int b = 0; b < batch; ++b)
      for (int a = 0; a < outputs; ++a)
        turned[a * stride + b] = values[static_cast<std::size_t>(b) * outputs + a];
    return turned;
  }
  std::vector<float> sample_major(const AlignedFloats& values) const {
    std::vector<float> turned(static_cast<std::size_t>(batch) * outputs);
    for (int b = 0; b < batch; ++b)
      for (int a = 0; a < outputs; ++a)
        turned[static_cast<std::size_t>(b) * outputs + a] = values[a * stride + b];
    return turned;
  }
};

}  // namespace

void replay_distillation_case(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  const int batch = static_cast<int>(file.attribute_int(group, "batch_size"));
  const int outputs = static_cast<int>(file.attribute_int(group, "num_outputs"));
  if (batch < 1 || outputs < 1)
    throw InputError("{}: {}: batch_size and num_outputs must be positive", file.name(), group);
  const Case c{file, group, batch, outputs, round_up_to_lanes(batch)};
  const std::string type = file.attribute_string(group, "loss_type");
  AlignedFloats gradient(static_cast<std::size_t>(outputs) * c.stride),
      per_sample(static_cast<std::size_t>(c.stride));
  float loss = 0;
  if (type == "categorical") {
    const AlignedFloats teacher = c.feature_major("teacher_probability"),
                        student = c.feature_major("student_logit");
    loss = kernels().cross_entropy({.actions = outputs,
                                    .batch = batch,
                                    .logits = student.data(),
                                    .teacher_probability = teacher.data(),
                                    .stride = c.stride,
                                    .logit_gradient = gradient.data(),
                                    .loss_per_sample = per_sample.data()});
    comparison.compare("categorical/gradient", c.sample_major(gradient), c.matrix("gradient_student_logit"),
                       kGradientAbsolute, kGradientRelative);
  } else if (type == "gaussian") {
    const AlignedFloats teacher = c.feature_major("teacher_mean"), student = c.feature_major("student_mean");
    const auto size = static_cast<std::size_t>(outputs);
    const std::vector<float> teacher_log_std = c.recorded("teacher_log_std", size),
                             student_log_std = c.recorded("student_log_std", size);
    std::vector<float> log_std_gradient(size);
    loss = gaussian_distillation({.actions = outputs,
                                  .batch = batch,
                                  .stride = c.stride,
                                  .teacher_mean = teacher.data(),
                                  .teacher_log_std = teacher_log_std.data(),
                                  .student_mean = student.data(),
                                  .student_log_std = student_log_std.data(),
                                  .mean_gradient = gradient.data(),
                                  .log_std_gradient = log_std_gradient.data(),
                                  .loss_per_sample = per_sample.data()});
    comparison.compare("gaussian/mean_gradient", c.sample_major(gradient), c.matrix("gradient_student_mean"),
                       kGradientAbsolute, kGradientRelative);
    comparison.compare("gaussian/log_std_gradient", log_std_gradient,
                       c.recorded("gradient_student_log_std", size), kGradientAbsolute, kGradientRelative);
  } else if (type == "huber") {
    const AlignedFloats teacher = c.feature_major("teacher_q"), student = c.feature_major("student_q");
    loss = value_distillation({.actions = outputs,
                               .batch = batch,
                               .stride = c.stride,
                               .delta = static_cast<float>(file.attribute_double(group, "delta")),
                               .teacher_value = teacher.data(),
                               .student_value = student.data(),
                               .value_gradient = gradient.data(),
                               .loss_per_sample = per_sample.data()});
    comparison.compare("huber/gradient", c.sample_major(gradient), c.matrix("gradient_student_q"),
                       kGradientAbsolute, kGradientRelative);
  } else {
    throw InputError("{}: {}: loss_type '{}' is none of categorical, gaussian, huber", file.name(), group,
                     type);
  }
  const std::vector<float> recorded_loss = c.recorded("loss", 1);
  comparison.compare(type + "/loss", std::span<const float>(&loss, 1), recorded_loss, kLossAbsolute,
                     kLossRelative);
  comparison.compare(
      type + "/loss_per_sample", std::span<const float>(per_sample.data(), static_cast<std::size_t>(batch)),
      c.recorded("loss_per_sample", static_cast<std::size_t>(batch)), kLossAbsolute, kLossRelative);
}

}  // namespace impsweep
