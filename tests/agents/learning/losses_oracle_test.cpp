// Our losses with their analytic gradients, the norm clip and Adam, against LibTorch's automatic derivatives
// in double precision and its own optimisers. Errors are relative to the largest exact value of the array;
// the numbers in comments are what was reached.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "agents/learning/adam.hpp"
#include "agents/learning/distillation_loss.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/native_network.hpp"
#include "agents/torch/torch_oracle.hpp"
#include "envs/random.hpp"
#include "tests/agents/random_arrays.hpp"
#include "tests/agents/torch/torch_fixture.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

constexpr int kBatches[] = {1, 3, 15, 16, 17, 64, 100, 257};
constexpr int kActionCounts[] = {1, 2, 3, 5, 18};
constexpr double kSharpness[] = {0.1, 3.0, 40.0};  // largest logit: nearly uniform to nearly deterministic

// Largest deviation of [rows][stride] from [rows][batch], relative to the largest expected value, or to
// `scale` if that is larger.
double relative_error(const AlignedFloats& found, const std::vector<double>& expected, int rows, int batch,
                      double scale = 1e-30) {
  REQUIRE(expected.size() == static_cast<std::size_t>(rows * batch));
  double error = 0, largest = scale;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (int r = 0; r < rows; ++r)
    for (int b = 0; b < batch; ++b) {
      const double gap = std::abs(found[r * round_up_to_lanes(batch) + b] - expected[r * batch + b]);
      error = std::isfinite(gap) ? std::max(error, gap) : 1e9;
    }
  return error / largest;
}

std::vector<double> softmax(const std::vector<float>& logits, int actions, int batch) {
  std::vector<double> p(logits.begin(), logits.end());
  for (int b = 0; b < batch; ++b) {
    double top = p[b], sum = 0;
    for (int a = 0; a < actions; ++a) top = std::max(top, p[a * batch + b]);
    for (int a = 0; a < actions; ++a) sum += p[a * batch + b] = std::exp(p[a * batch + b] - top);
    for (int a = 0; a < actions; ++a) p[a * batch + b] /= sum;
  }
  return p;
}

std::vector<float> singles(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

// A minibatch with probability ratios from 0.3 to 2 on both sides of the clip range, advantages of both signs
// and actions that the policy may hold for impossible.
struct PpoMinibatch {
  static constexpr double kClip = 0.2;
  int actions, batch;
  std::vector<float> logits, values, advantage, returns;
  std::vector<float> old_probability;  // [actions][batch]
  std::vector<std::int32_t> action;
  int outside_clip = 0;

  PpoMinibatch(Stream& stream, int actions, int batch, double sharpness)
      : actions(actions),
        batch(batch),
        logits(random_values(stream, actions * batch, sharpness)),
        values(random_values(stream, batch, 5)),
        advantage(random_values(stream, batch, 2)),
        returns(random_values(stream, batch, 5)),
        old_probability(static_cast<std::size_t>(actions * batch), 0.5f) {
    const std::vector<double> p = softmax(logits, actions, batch);
    for (int b = 0; b < batch; ++b) {
      const auto a = static_cast<std::int32_t>(stream.below(actions));
      action.push_back(a);
      // The gradient jumps where the clip sets in; single and double precision may see it on different sides.
      for (double ratio = 1 - kClip;
           std::abs(ratio - (1 - kClip)) < 1e-3 || std::abs(ratio - (1 + kClip)) < 1e-3;) {
        const double wanted = 0.3 + 1.7 * stream.uniform();
        const auto old = static_cast<float>(std::clamp(p[a * batch + b] / wanted, 1e-9, 1.0));
        old_probability[a * batch + b] = old;
        ratio = (p[a * batch + b] + 1e-8) / (double{old} + 1e-8);
        outside_clip += std::abs(ratio - 1) > kClip;
      }
    }
  }
};

}  // namespace

TEST_CASE("oracle: the PPO loss kernel, on every instruction set" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("ppo loss against the oracle");
  double worst_gradient = 0, worst_loss = 0;
  int clipped = 0;
  for (const int batch : kBatches)
    for (const int actions : kActionCounts)
      for (const double sharpness : kSharpness) {
        CAPTURE(batch);
        CAPTURE(actions);
        CAPTURE(sharpness);
        const PpoMinibatch m(stream, actions, batch, sharpness);
        clipped += m.outside_clip;
        const double value_coefficient = 0.5, entropy_coefficient = 0.01;
        const OracleLoss expected =
            torch_oracle().discrete_ppo({batch,
                                         actions,
                                         m.logits,
                                         m.old_probability,
                                         m.action,
                                         {m.values, m.advantage, m.returns, PpoMinibatch::kClip,
                                          value_coefficient, entropy_coefficient}});
        const int stride = round_up_to_lanes(batch);
        std::vector<float> taken;
        for (int b = 0; b < batch; ++b) taken.push_back(m.old_probability[m.action[b] * batch + b]);
        std::vector<std::int32_t> action = m.action;
        action.resize(static_cast<std::size_t>(stride), 0);
        const AlignedFloats logits = widened(m.logits, actions, batch), values = widened(m.values, 1, batch),
                            old = widened(taken, 1, batch), advantage = widened(m.advantage, 1, batch),
                            returns = widened(m.returns, 1, batch);
        for (const Kernels* k : usable_kernels()) {
          CAPTURE(k->name);
          AlignedFloats logit_gradient(logits.size()), value_gradient(values.size());
          const PpoLossSums sums =
              k->ppo_loss({.actions = actions,
                           .batch = batch,
                           .logits = logits.data(),
                           .values = values.data(),
                           .stride = stride,
                           .action = action.data(),
                           .old_probability = old.data(),
                           .advantage = advantage.data(),
                           .return_ = returns.data(),
                           .ratio_clip = PpoMinibatch::kClip,
                           .value_coefficient = static_cast<float>(value_coefficient),
                           .entropy_coefficient = static_cast<float>(entropy_coefficient),
                           .logit_gradient = logit_gradient.data(),
                           .value_gradient = value_gradient.data()});
          // With one action the policy cannot change: its gradient is 0 up to rounding.
          const double gradient_error = relative_error(logit_gradient, expected.d_outputs, actions, batch,
                                                       actions == 1 ? 1.0 / batch : 1e-30);
          const double value_error = relative_error(value_gradient, expected.d_values, 1, batch);
          const double terms =
              std::abs(sums.policy) + value_coefficient * sums.value + entropy_coefficient * sums.entropy;
          const double loss = sums.policy + value_coefficient * sums.value -
                              entropy_coefficient * static_cast<double>(sums.entropy);
          worst_gradient = std::max({worst_gradient, gradient_error, value_error});
          worst_loss = std::max(worst_loss, std::abs(loss - expected.loss) / (terms + 1e-6));
          CHECK(std::abs(sums.entropy - expected.entropy) < 2e-6);
        }
      }
  CHECK(clipped > 1000);
  CHECK(worst_gradient < 1e-5);  // 8e-6, where a nearly certain policy meets a batch of one; else 1e-6
  CHECK(worst_loss < 1e-6);      // 1.5e-7
}

TEST_CASE("oracle: the Gaussian PPO loss kernel, on every instruction set" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("Gaussian ppo loss against the oracle");
  constexpr double kClip = 0.2, kValueCoefficient = 0.5, kEntropyCoefficient = 0.01;
  double worst_gradient = 0, worst_log_std = 0, worst_loss = 0;
  int clipped = 0;
  for (const int batch : kBatches)
    for (const int dimensions : {1, 3, 8})
      for (const double width : {0.1, 1.0}) {  // how far log_std and actions spread
        CAPTURE(batch);
        CAPTURE(dimensions);
        const std::vector<float> mean = random_values(stream, dimensions * batch, 1),
                                 log_std = random_values(stream, dimensions, width),
                                 values = random_values(stream, batch, 5),
                                 advantage = random_values(stream, batch, 2),
                                 returns = random_values(stream, batch, 5);
        std::vector<float> old_mean = mean, old_log_std = log_std, action = mean;
        for (float& value : old_log_std) value += static_cast<float>(0.05 * (2 * stream.uniform() - 1));
        // The gradient jumps where the clip sets in; single and double precision may see it on different
        // sides.
        for (int b = 0; b < batch; ++b)
          for (double ratio = 1 - kClip;
               std::abs(ratio - (1 - kClip)) < 1e-3 || std::abs(ratio - (1 + kClip)) < 1e-3;) {
            double change = 0;
            for (int d = 0; d < dimensions; ++d) {
              const int place = d * batch + b;
              const double deviation = std::exp(double{log_std[d]}),
                           old_deviation = std::exp(double{old_log_std[d]});
              action[place] = static_cast<float>(mean[place] + 1.5 * deviation * (2 * stream.uniform() - 1));
              old_mean[place] =
                  static_cast<float>(mean[place] + 0.3 * deviation * (2 * stream.uniform() - 1));
              const double z = (double{action[place]} - mean[place]) / (deviation + 1e-8),
                           old_z = (double{action[place]} - old_mean[place]) / (old_deviation + 1e-8);
              change += (old_log_std[d] + 0.5 * old_z * old_z) - (log_std[d] + 0.5 * z * z);
            }
            ratio = std::exp(change);
            if (b == 0) clipped += std::abs(ratio - 1) > kClip;
          }
        const OracleLoss expected = torch_oracle().gaussian_ppo(
            {batch,
             dimensions,
             mean,
             action,
             old_mean,
             log_std,
             old_log_std,
             {values, advantage, returns, kClip, kValueCoefficient, kEntropyCoefficient}});
        const int stride = round_up_to_lanes(batch);
        const AlignedFloats wide_mean = widened(mean, dimensions, batch),
                            wide_action = widened(action, dimensions, batch),
                            wide_old_mean = widened(old_mean, dimensions, batch),
                            wide_values = widened(values, 1, batch),
                            wide_advantage = widened(advantage, 1, batch),
                            wide_returns = widened(returns, 1, batch);
        for (const Kernels* k : usable_kernels()) {
          CAPTURE(k->name);
          AlignedFloats old_log_likelihood(static_cast<std::size_t>(stride)), mean_gradient(wide_mean.size()),
              value_gradient(static_cast<std::size_t>(stride)),
              log_std_gradient(static_cast<std::size_t>(round_up_to_lanes(dimensions)));
          k->gaussian_log_likelihood(dimensions, batch, wide_old_mean.data(), wide_action.data(), stride,
                                     old_log_std.data(), old_log_likelihood.data());
          const PpoLossSums sums =
              k->gaussian_ppo_loss({.dimensions = dimensions,
                                    .batch = batch,
                                    .mean = wide_mean.data(),
                                    .values = wide_values.data(),
                                    .stride = stride,
                                    .log_std = log_std.data(),
                                    .action = wide_action.data(),
                                    .old_log_likelihood = old_log_likelihood.data(),
                                    .advantage = wide_advantage.data(),
                                    .return_ = wide_returns.data(),
                                    .ratio_clip = kClip,
                                    .value_coefficient = static_cast<float>(kValueCoefficient),
                                    .entropy_coefficient = static_cast<float>(kEntropyCoefficient),
                                    .mean_gradient = mean_gradient.data(),
                                    .value_gradient = value_gradient.data(),
                                    .log_std_gradient = log_std_gradient.data()});
          worst_gradient =
              std::max({worst_gradient, relative_error(mean_gradient, expected.d_outputs, dimensions, batch),
                        relative_error(value_gradient, expected.d_values, 1, batch)});
          // A sum over the batch that may cancel: relative to its terms.
          worst_log_std = std::max(worst_log_std,
                                   relative_error(log_std_gradient, expected.d_log_std, 1, dimensions, 0.1));
          const double loss = sums.policy + kValueCoefficient * sums.value -
                              kEntropyCoefficient * static_cast<double>(sums.entropy);
          const double terms = std::abs(sums.policy) + kValueCoefficient * sums.value +
                               kEntropyCoefficient * std::abs(sums.entropy);
          worst_loss = std::max(worst_loss, std::abs(loss - expected.loss) / (terms + 1e-6));
          CHECK(std::abs(sums.entropy - expected.entropy) < 5e-6);
          for (int d = 0; d < dimensions; ++d)
            for (int b = batch; b < stride; ++b) CHECK(mean_gradient[d * stride + b] == 0.0f);
        }
      }
  CHECK(clipped > 5);
  CHECK(worst_gradient < 3e-6);  // 7e-7
  CHECK(worst_log_std < 3e-6);   // 1e-6
  CHECK(worst_loss < 1e-6);      // 1.4e-7
}

TEST_CASE("oracle: the cross-entropy kernel, on every instruction set" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("cross-entropy against the oracle");
  double worst_gradient = 0, worst_loss = 0;
  for (const int batch : kBatches)
    for (const int actions : kActionCounts)
      for (const double sharpness : kSharpness) {
        const std::vector<float> student = random_values(stream, actions * batch, sharpness);
        const std::vector<float> teacher =
            singles(softmax(random_values(stream, actions * batch, 10), actions, batch));
        const OracleLoss expected = torch_oracle().cross_entropy({batch, actions, teacher, student});
        const AlignedFloats logits = widened(student, actions, batch),
                            probability = widened(teacher, actions, batch);
        for (const Kernels* k : usable_kernels()) {
          AlignedFloats gradient(logits.size()), per_sample(logits.size());
          const float loss = k->cross_entropy({.actions = actions,
                                               .batch = batch,
                                               .logits = logits.data(),
                                               .teacher_probability = probability.data(),
                                               .stride = round_up_to_lanes(batch),
                                               .logit_gradient = gradient.data(),
                                               .loss_per_sample = per_sample.data()});
          double sum = 0;
          for (int b = 0; b < batch; ++b) sum += per_sample[b];
          worst_loss = std::max({worst_loss, std::abs(loss - expected.loss) / (1e-3 + expected.loss),
                                 std::abs(sum / batch - expected.loss) / (1e-3 + expected.loss)});
          // Gradients are differences of probabilities, which cancel where the student is already right.
          worst_gradient = std::max(
              worst_gradient, relative_error(gradient, expected.d_outputs, actions, batch, 0.1 / batch));
        }
      }
  CHECK(worst_gradient < 2e-6);  // 6e-7
  CHECK(worst_loss < 1e-6);      // 2e-7
}

TEST_CASE("oracle: distillation of Gaussian policies and of values" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("distillation against the oracle");
  double worst = 0;
  for (const int batch : kBatches)
    for (const int outputs : kActionCounts) {
      CAPTURE(batch);
      CAPTURE(outputs);
      const int stride = round_up_to_lanes(batch);
      const std::vector<float> teacher = random_values(stream, outputs * batch, 3),
                               student = random_values(stream, outputs * batch, 3);
      const AlignedFloats teacher_wide = widened(teacher, outputs, batch),
                          student_wide = widened(student, outputs, batch);
      AlignedFloats gradient(student_wide.size()), per_sample(static_cast<std::size_t>(stride));

      const std::vector<float> teacher_log_std = random_values(stream, outputs, 1.5),
                               student_log_std = random_values(stream, outputs, 1.5);
      AlignedFloats log_std_gradient(static_cast<std::size_t>(round_up_to_lanes(outputs)));
      const OracleLoss gaussian =
          torch_oracle().gaussian_kl({batch, outputs, teacher, student, teacher_log_std, student_log_std});
      const float gaussian_loss = gaussian_distillation({.actions = outputs,
                                                         .batch = batch,
                                                         .stride = stride,
                                                         .teacher_mean = teacher_wide.data(),
                                                         .teacher_log_std = teacher_log_std.data(),
                                                         .student_mean = student_wide.data(),
                                                         .student_log_std = student_log_std.data(),
                                                         .mean_gradient = gradient.data(),
                                                         .log_std_gradient = log_std_gradient.data(),
                                                         .loss_per_sample = per_sample.data()});
      worst = std::max({worst, relative_error(gradient, gaussian.d_outputs, outputs, batch),
                        relative_error(log_std_gradient, gaussian.d_log_std, 1, outputs),
                        std::abs(gaussian_loss - gaussian.loss) / gaussian.loss});

      const double delta = 1.25;
      const OracleLoss huber = torch_oracle().huber({batch, outputs, teacher, student, delta});
      const float huber_loss = value_distillation({.actions = outputs,
                                                   .batch = batch,
                                                   .stride = stride,
                                                   .delta = static_cast<float>(delta),
                                                   .teacher_value = teacher_wide.data(),
                                                   .student_value = student_wide.data(),
                                                   .value_gradient = gradient.data(),
                                                   .loss_per_sample = per_sample.data()});
      worst = std::max({worst, relative_error(gradient, huber.d_outputs, outputs, batch),
                        std::abs(huber_loss - huber.loss) / huber.loss});
    }
  CHECK(worst < 1e-6);  // 6e-8
}

TEST_CASE("oracle: norm clip and Adam over 50 steps, on every instruction set and in every decay mode" *
          doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  const ModelSpec model = {{{"actor", {5, 13, 3}, Activation::kRelu, false}}, 3};
  const std::size_t count = parameter_count(model);
  std::vector<std::size_t> tensor_sizes;
  for (const Tensor& tensor : tensors_of(model)) tensor_sizes.push_back(tensor.size);
  const std::string selected(kernels().name);
  double worst = 0, worst_norm = 0;
  for (const Kernels* k : usable_kernels())
    for (const L2Mode mode : {L2Mode::kAdamL2, L2Mode::kAdamW, L2Mode::kLoss})
      for (const double decay : {0.0, 0.02}) {
        CAPTURE(k->name);
        CAPTURE(static_cast<int>(mode));
        CAPTURE(decay);
        REQUIRE(select_kernels(k->name));
        Stream stream("adam against the oracle");
        const std::vector<float> start = random_values(stream, count, 1);
        NativeNetwork network(model, {}, {.max_batch = 16});
        network.gather(start, network.parameters());
        Adam adam({}, {.weight_decay = decay, .l2_mode = mode}, network.parameters().size());
        const auto expected = torch_oracle().make_adam(
            start, {.weight_decay = mode == L2Mode::kLoss ? 0 : decay, .decoupled = mode == L2Mode::kAdamW});
        std::vector<float> found(count);
        for (int step = 0; step < 50; ++step) {
          const double rate = 1e-3 * (50 - step) / 50, limit = 1;
          // Norms from far below the limit to far above it.
          std::vector<float> gradients = random_values(stream, count, std::pow(10.0, step % 6 - 3));
          network.gather(gradients, network.gradients());
          if (mode == L2Mode::kLoss)
            for (std::size_t i = 0; i < count; ++i)
              gradients[i] += static_cast<float>(decay) * expected->parameters()[i];
          const double norm = torch_oracle().clip_gradient_norm(gradients, tensor_sizes, limit);
          expected->set_learning_rate(rate);
          expected->step(gradients);
          worst_norm = std::max(worst_norm, std::abs(adam.clip_and_step(network, rate, limit) / norm - 1));
        }
        network.scatter(network.parameters(), found);
        const std::vector<float> wanted = expected->parameters();
        for (std::size_t i = 0; i < count; ++i)
          worst = std::max(worst, std::abs(double{found[i]} - wanted[i]));
      }
  CHECK(worst < 1e-6);       // 3e-7, absolute; weights are up to 1
  CHECK(worst_norm < 1e-6);  // 2e-7
  select_kernels(selected);
}
