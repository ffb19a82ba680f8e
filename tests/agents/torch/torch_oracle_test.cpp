// The oracles themselves against their definitions in plain loops, and against central differences.
#include "agents/torch/torch_oracle.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "envs/random.hpp"
#include "tests/agents/torch/torch_fixture.hpp"

using namespace impsweep;

namespace {

constexpr int kBatch = 7;
constexpr std::size_t kColumns = kBatch;

std::vector<float> random_values(Stream& stream, std::size_t size, double low = -1, double high = 1) {
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(low + (high - low) * stream.uniform());
  return values;
}

// Softmax over the features of every sample.
std::vector<double> softmax(const std::vector<float>& logits) {
  std::vector<double> p(logits.begin(), logits.end());
  for (std::size_t b = 0; b < kColumns; ++b) {
    double sum = 0;
    for (std::size_t i = b; i < p.size(); i += kColumns) sum += p[i] = std::exp(p[i]);
    for (std::size_t i = b; i < p.size(); i += kColumns) p[i] /= sum;
  }
  return p;
}

// Every derivative against central differences of `loss`, which reads `variables`. The step is a power of
// two, so that the sums are exact in single precision.
void check_derivatives(const std::vector<double>& derivatives, std::vector<float>& variables,
                       const std::function<double()>& loss) {
  REQUIRE(derivatives.size() == variables.size());
  for (std::size_t i = 0; i < variables.size(); ++i) {
    CAPTURE(i);
    const float value = variables[i];
    constexpr float kStep = 0x1p-12f;
    variables[i] = value + kStep;
    const float above_at = variables[i];
    const double above = loss();
    variables[i] = value - kStep;
    const double below = loss(), width = double{above_at} - variables[i];
    variables[i] = value;
    CHECK(std::abs(derivatives[i] - (above - below) / width) < 1e-6);
  }
}

double ppo_loss(const std::vector<double>& ratio, double entropy, const PpoTargets& targets) {
  double policy = 0, value = 0;
  for (std::size_t b = 0; b < kColumns; ++b) {
    const double a = targets.advantage[b];
    policy +=
        std::min(ratio[b] * a, std::clamp(ratio[b], 1 - targets.ratio_clip, 1 + targets.ratio_clip) * a);
    value += 0.5 * std::pow(double{targets.values[b]} - targets.returns[b], 2);
  }
  return (-policy + targets.value_coefficient * value) / kBatch - targets.entropy_coefficient * entropy;
}

}  // namespace

TEST_CASE("oracle: discrete PPO" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("discrete ppo");
  constexpr int kActions = 3;
  auto logits = random_values(stream, kActions * kColumns, -2, 2);
  auto values = random_values(stream, kColumns);
  const auto advantage = random_values(stream, kColumns), returns = random_values(stream, kColumns);
  std::vector<float> old_probability;
  for (const double p : softmax(random_values(stream, kActions * kColumns)))
    old_probability.push_back(static_cast<float>(p));
  std::vector<std::int32_t> action;
  for (int b = 0; b < kBatch; ++b) action.push_back(static_cast<std::int32_t>(stream.below(kActions)));

  const DiscretePpoCase example = {kBatch,          kActions, logits,
                                   old_probability, action,   {values, advantage, returns, 0.2, 0.5, 0.01}};
  const auto loss = [&] {
    const auto p = softmax(logits);
    std::vector<double> ratio;
    double entropy = 0;
    for (std::size_t b = 0; b < kColumns; ++b) {
      const std::size_t i = static_cast<std::size_t>(action[b]) * kColumns + b;
      ratio.push_back((p[i] + 1e-8) / (old_probability[i] + 1e-8));
    }
    for (const double q : p) entropy -= q * std::log(q + 1e-8) / kBatch;
    return ppo_loss(ratio, entropy, example.targets);
  };
  const OracleLoss result = torch_oracle().discrete_ppo(example);
  CHECK(std::abs(result.loss - loss()) < 1e-12);
  CHECK(std::count(result.d_outputs.begin(), result.d_outputs.end(), 0.0) == 0);  // the entropy reaches all
  check_derivatives(result.d_outputs, logits, loss);
  check_derivatives(result.d_values, values, loss);
}

TEST_CASE("oracle: Gaussian PPO" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("gaussian ppo");
  constexpr int kDimensions = 2;
  auto mean = random_values(stream, kDimensions * kColumns), log_std = random_values(stream, kDimensions);
  auto values = random_values(stream, kColumns);
  const auto action = random_values(stream, kDimensions * kColumns),
             old_mean = random_values(stream, kDimensions * kColumns);
  const auto old_log_std = random_values(stream, kDimensions);
  const auto advantage = random_values(stream, kColumns), returns = random_values(stream, kColumns);
  const GaussianPpoCase example = {
      kBatch,   kDimensions, mean,        action,
      old_mean, log_std,     old_log_std, {values, advantage, returns, 0.3, 0.5, 0.01}};
  const auto log_density = [&](const std::vector<float>& m, const std::vector<float>& s, std::size_t b) {
    double sum = 0;
    for (std::size_t d = 0; d < kDimensions; ++d) {
      const double z =
          (double{action[d * kColumns + b]} - m[d * kColumns + b]) / (std::exp(double{s[d]}) + 1e-8);
      sum -= s[d] + 0.5 * z * z + 0.5 * std::log(2 * std::numbers::pi);
    }
    return sum;
  };
  const auto loss = [&] {
    std::vector<double> ratio;
    for (std::size_t b = 0; b < kColumns; ++b)
      ratio.push_back(std::exp(log_density(mean, log_std, b) - log_density(old_mean, old_log_std, b)));
    double entropy = 0;
    for (const float s : log_std) entropy += s + 0.5 * std::log(2 * std::numbers::pi * std::numbers::e);
    return ppo_loss(ratio, entropy, example.targets);
  };
  const OracleLoss result = torch_oracle().gaussian_ppo(example);
  CHECK(std::abs(result.loss - loss()) < 1e-12);
  check_derivatives(result.d_outputs, mean, loss);
  check_derivatives(result.d_values, values, loss);
  check_derivatives(result.d_log_std, log_std, loss);
}

TEST_CASE("oracle: distillation losses" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("distillation");
  constexpr int kOutputs = 4;
  auto student = random_values(stream, kOutputs * kColumns, -3, 3);
  SUBCASE("cross-entropy") {
    std::vector<float> teacher;
    for (const double p : softmax(random_values(stream, kOutputs * kColumns)))
      teacher.push_back(static_cast<float>(p));
    const auto loss = [&] {
      const auto p = softmax(student);
      double sum = 0;
      for (std::size_t i = 0; i < p.size(); ++i) sum -= teacher[i] * std::log(p[i]);
      return sum / kBatch;
    };
    const OracleLoss result = torch_oracle().cross_entropy({kBatch, kOutputs, teacher, student});
    CHECK(std::abs(result.loss - loss()) < 1e-12);
    check_derivatives(result.d_outputs, student, loss);
  }
  SUBCASE("Gaussian divergence") {
    const auto teacher = random_values(stream, kOutputs * kColumns),
               teacher_log_std = random_values(stream, kOutputs);
    auto log_std = random_values(stream, kOutputs, 0.5, 1);
    const auto loss = [&] {
      double sum = 0;
      for (std::size_t i = 0; i < student.size(); ++i) {
        const double s = log_std[i / kColumns], t = teacher_log_std[i / kColumns],
                     e = double{teacher[i]} - student[i];
        sum += (e * e + std::exp(2 * t) - std::exp(2 * s)) / (2 * std::exp(2 * s)) + s - t;
      }
      return sum / kBatch;
    };
    const OracleLoss result =
        torch_oracle().gaussian_kl({kBatch, kOutputs, teacher, student, teacher_log_std, log_std});
    CHECK(std::abs(result.loss - loss()) < 1e-12);
    check_derivatives(result.d_outputs, student, loss);
    check_derivatives(result.d_log_std, log_std, loss);
  }
  SUBCASE("Huber") {
    const auto target = random_values(stream, kOutputs * kColumns);
    const double delta = 0.75;
    const auto loss = [&] {
      double sum = 0;
      for (std::size_t i = 0; i < student.size(); ++i) {
        const double e = std::abs(double{student[i]} - target[i]);
        sum += e <= delta ? 0.5 * e * e : delta * (e - delta / 2);
      }
      return sum / (kBatch * kOutputs);
    };
    const OracleLoss result = torch_oracle().huber({kBatch, kOutputs, target, student, delta});
    CHECK(std::abs(result.loss - loss()) < 1e-12);
    check_derivatives(result.d_outputs, student, loss);
  }
}

TEST_CASE("oracle: Adam follows the published update rule" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  Stream stream("adam");
  for (const bool decoupled : {false, true}) {
    CAPTURE(decoupled);
    const auto start = random_values(stream, 11);
    const auto adam = torch_oracle().make_adam(start, {0.01, 0.9, 0.99, 1e-5, 0.1, decoupled});
    std::vector<double> p(start.begin(), start.end()), m(11), v(11);
    double rate = 0.01;
    for (int step = 1; step <= 5; ++step) {
      const auto gradients = random_values(stream, 11);
      adam->step(gradients);
      for (std::size_t i = 0; i < p.size(); ++i) {
        const double g = gradients[i] + (decoupled ? 0 : 0.1 * p[i]);
        if (decoupled) p[i] -= rate * 0.1 * p[i];
        m[i] = 0.9 * m[i] + 0.1 * g;
        v[i] = 0.99 * v[i] + 0.01 * g * g;
        p[i] -=
            rate * m[i] / (1 - std::pow(0.9, step)) / (std::sqrt(v[i] / (1 - std::pow(0.99, step))) + 1e-5);
        CHECK(std::abs(adam->parameters()[i] - p[i]) < 1e-6);
      }
      rate *= 0.5;
      adam->set_learning_rate(rate);
    }
  }
}

TEST_CASE("oracle: the gradient norm is clipped over all tensors" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  std::vector<float> gradients = {3, 0, 4, 12};
  const std::vector<std::size_t> sizes = {2, 1, 1};
  CHECK(torch_oracle().clip_gradient_norm(gradients, sizes, 100) == doctest::Approx(13));
  CHECK(gradients == std::vector<float>{3, 0, 4, 12});
  CHECK(torch_oracle().clip_gradient_norm(gradients, sizes, 1) == doctest::Approx(13));
  CHECK(gradients[3] == doctest::Approx(12 / (13 + 1e-6)));
  CHECK(gradients[0] == doctest::Approx(3 / (13 + 1e-6)));
}
