#include "envs/acrobot.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "envs/lane_environment.hpp"

namespace impsweep {
namespace {

using State = std::array<double, 4>;  // theta1, theta2, omega1, omega2, or their derivatives

// The C library's pow(x, 2), which the reference calls: in 8 of 10 000 cases it is a unit in the last place
// away from x * x. The exponent is volatile so that no compiler replaces the call by the product.
double square(double x) {
  static const volatile double two = 2.0;
  return std::pow(x, two);
}

State derivative(const State& y, double torque) {
  const auto [theta1, theta2, omega1, omega2] = y;
  constexpr double m1 = Acrobot::kMass1, m2 = Acrobot::kMass2, l1 = Acrobot::kLength1;
  constexpr double lc1 = Acrobot::kCentre1, lc2 = Acrobot::kCentre2;
  constexpr double i1 = Acrobot::kInertia1, i2 = Acrobot::kInertia2, g = Acrobot::kGravity;
  const double cosine2 = std::cos(theta2), sine2 = std::sin(theta2);

  const double d1 = m1 * (lc1 * lc1) + m2 * (l1 * l1 + lc2 * lc2 + 2 * l1 * lc2 * cosine2) + i1 + i2;
  const double d2 = m2 * (lc2 * lc2 + l1 * lc2 * cosine2) + i2;
  const double phi2 = m2 * lc2 * g * std::cos(theta1 + theta2 - Acrobot::kPi / 2);
  const double phi1 = -m2 * l1 * lc2 * square(omega2) * sine2 - 2 * m2 * l1 * lc2 * omega2 * omega1 * sine2 +
                      (m1 * lc1 + m2 * l1) * g * std::cos(theta1 - Acrobot::kPi / 2) + phi2;
  const double alpha2 = (torque + d2 / d1 * phi1 - m2 * l1 * lc2 * square(omega1) * sine2 - phi2) /
                        (m2 * (lc2 * lc2) + i2 - square(d2) / d1);
  const double alpha1 = -(d2 * alpha2 + phi1) / d1;
  return {omega1, omega2, alpha1, alpha2};
}

State advanced(const State& y, double time, const State& rate) {
  State result;
  for (std::size_t i = 0; i < y.size(); ++i) result[i] = y[i] + time * rate[i];
  return result;
}

double wrapped(double angle) {
  while (angle > Acrobot::kPi) angle -= 2 * Acrobot::kPi;
  while (angle < -Acrobot::kPi) angle += 2 * Acrobot::kPi;
  return angle;
}

}  // namespace

void Acrobot::reset(RandomSource& draws) {
  theta1 = static_cast<float>(parameters.start.draw(draws));
  theta2 = static_cast<float>(parameters.start.draw(draws));
  omega1 = static_cast<float>(parameters.start.draw(draws));
  omega2 = static_cast<float>(parameters.start.draw(draws));
  at_start = true;
}

StepResult Acrobot::step(int action, RandomSource&) {
  constexpr double half = kTimeStep / 2.0, sixth = kTimeStep / 6.0;
  const double torque = action - 1;
  const State y = {theta1, theta2, omega1, omega2};
  const State k1 = derivative(y, torque);
  const State k2 = derivative(advanced(y, half, k1), torque);
  const State k3 = derivative(advanced(y, half, k2), torque);
  const State k4 = derivative(advanced(y, kTimeStep, k3), torque);
  State next;
  for (std::size_t i = 0; i < next.size(); ++i)
    next[i] = y[i] + sixth * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);

  theta1 = wrapped(next[0]);
  theta2 = wrapped(next[1]);
  omega1 = std::clamp(next[2], -kOmega1Limit, kOmega1Limit);
  omega2 = std::clamp(next[3], -kOmega2Limit, kOmega2Limit);
  at_start = false;

  StepResult result;
  result.terminated = -std::cos(theta1) - std::cos(theta2 + theta1) > 1.0;
  result.reward = result.terminated ? 0.0f : -1.0f;
  return result;
}

void Acrobot::observe(float* out, int stride) const {
  const std::size_t row = static_cast<std::size_t>(stride);
  if (at_start) {  // single-precision functions of a single-precision state
    const float angle1 = static_cast<float>(theta1), angle2 = static_cast<float>(theta2);
    out[0] = std::cos(angle1);
    out[row] = std::sin(angle1);
    out[2 * row] = std::cos(angle2);
    out[3 * row] = std::sin(angle2);
  } else {
    out[0] = static_cast<float>(std::cos(theta1));
    out[row] = static_cast<float>(std::sin(theta1));
    out[2 * row] = static_cast<float>(std::cos(theta2));
    out[3 * row] = static_cast<float>(std::sin(theta2));
  }
  out[4 * row] = static_cast<float>(omega1);
  out[5 * row] = static_cast<float>(omega2);
}

void Acrobot::get_state(std::span<double> state) const {
  state[0] = theta1;
  state[1] = theta2;
  state[2] = omega1;
  state[3] = omega2;
}

void Acrobot::set_state(std::span<const double> state) {
  theta1 = state[0];
  theta2 = state[1];
  omega1 = state[2];
  omega2 = state[3];
  at_start = false;
}

TaskInfo acrobot_info() {
  TaskInfo info;
  info.name = info.family = "acrobot";
  info.description = "swing a two-link pendulum up (Gymnasium Acrobot-v1)";
  info.observation_size = Acrobot::kObservation;
  info.actions = Acrobot::kActions;
  info.max_steps = 500;
  info.least_return = -info.max_steps;
  info.most_return = 0;
  info.observation_names = {"cos angle 1", "sin angle 1",        "cos angle 2",
                            "sin angle 2", "angular velocity 1", "angular velocity 2"};
  info.target_steps_per_second = 1.5e6;
  info.seconds_per_step = 310e-9;
  info.first_episode_steps = 500;
  info.usual_episode_steps = 90;
  info.steps_to_learn = 40e3;
  info.trace_tolerance = {.state = 1e-12, .angles = 2, .first_observation_ulps = 1};
  info.options = start_options(info.name, Acrobot::Parameters{}.start);
  info.options.push_back(max_steps_option(info.name, "500"));
  return info;
}

std::unique_ptr<Environment> make_acrobot(TaskInfo info, int lanes, const TaskOptions& options) {
  apply_max_steps("acrobot", options, info);
  return std::make_unique<LaneEnvironment<Acrobot>>(std::move(info), lanes,
                                                    Acrobot::Parameters{start_bounds("acrobot", options)});
}

}  // namespace impsweep
