#include "envs/cartpole.hpp"

#include <cmath>

#include "envs/lane_environment.hpp"

namespace impsweep {

void CartPole::reset(RandomSource& draws) {
  x = parameters.start.draw(draws);
  x_dot = parameters.start.draw(draws);
  theta = parameters.start.draw(draws);
  theta_dot = parameters.start.draw(draws);
}

StepResult CartPole::step(int action, RandomSource&) {
  const double force = action == 1 ? kForce : -kForce;
  const double cosine = std::cos(theta), sine = std::sin(theta);
  const double push = (force + (kPoleMoment * (theta_dot * theta_dot)) * sine) / kTotalMass;
  const double angular_acceleration =
      (kGravity * sine - cosine * push) /
      (kHalfPole * (4.0 / 3.0 - (kPoleMass * (cosine * cosine)) / kTotalMass));
  const double acceleration = push - ((kPoleMoment * angular_acceleration) * cosine) / kTotalMass;

  x += kTimeStep * x_dot;  // positions advance with the old velocities
  x_dot += kTimeStep * acceleration;
  theta += kTimeStep * theta_dot;
  theta_dot += kTimeStep * angular_acceleration;

  StepResult result;
  result.reward = 1;
  result.terminated =
      x < -kPositionLimit || x > kPositionLimit || theta < -kAngleLimit || theta > kAngleLimit;
  return result;
}

void CartPole::observe(float* out, int stride) const {
  const std::size_t row = static_cast<std::size_t>(stride);
  out[0] = static_cast<float>(x);
  out[row] = static_cast<float>(x_dot);
  out[2 * row] = static_cast<float>(theta);
  out[3 * row] = static_cast<float>(theta_dot);
}

void CartPole::get_state(std::span<double> state) const {
  state[0] = x;
  state[1] = x_dot;
  state[2] = theta;
  state[3] = theta_dot;
}

void CartPole::set_state(std::span<const double> state) {
  x = state[0];
  x_dot = state[1];
  theta = state[2];
  theta_dot = state[3];
}

TaskInfo cartpole_info() {
  TaskInfo info;
  info.name = info.family = "cartpole";
  info.description = "balance a pole on a cart (Gymnasium CartPole)";
  info.observation_size = CartPole::kObservation;
  info.actions = CartPole::kActions;
  info.max_steps = 500;
  info.least_return = 0;
  info.most_return = info.max_steps;
  info.observation_names = {"cart position", "cart velocity", "pole angle", "pole angular velocity"};
  info.target_steps_per_second = 20e6;
  info.seconds_per_step = 25e-9;
  info.first_episode_steps = 22;
  info.steps_to_learn = 10e3;
  info.trace_tolerance = {.state = 1e-12};
  info.options = start_options(info.name, CartPole::Parameters{}.start);
  Option version;
  version.key = "cartpole.version";
  version.fallback = std::string("v1");
  version.choices = {"v0", "v1"};
  version.help = "step limit: v1 has 500 steps, v0 has 200";
  info.options.push_back(version);
  info.options.push_back(max_steps_option(info.name, "that of the version"));
  return info;
}

std::unique_ptr<Environment> make_cartpole(TaskInfo info, int lanes, const TaskOptions& options) {
  if (std::get<std::string>(options.at("cartpole.version")) == "v0") info.max_steps = 200;
  apply_max_steps("cartpole", options, info);
  return std::make_unique<LaneEnvironment<CartPole>>(std::move(info), lanes,
                                                     CartPole::Parameters{start_bounds("cartpole", options)});
}

}  // namespace impsweep
