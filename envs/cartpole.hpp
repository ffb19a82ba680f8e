// envs/cartpole.hpp - Cart-Pole as in Gymnasium's CartPole-v1 and -v0 (they differ in the step limit).
//
// A pole hinged to a cart is kept upright by pushing the cart to the left or to the right. The state is kept
// in double precision and follows the reference to the last bit: the parentheses in step() are its order of
// evaluation, and this file must be compiled without contraction of a * b + c.
#pragma once

#include <memory>
#include <span>

#include "envs/common_options.hpp"
#include "envs/environment.hpp"

namespace impsweep {

struct CartPole {
  static constexpr int kObservation = 4;  // x, x_dot, theta, theta_dot, rounded to float
  static constexpr int kActions = 2;      // 0 pushes to the left, 1 to the right
  static constexpr int kState = 4;
  using Action = int;

  static constexpr double kImpossible = 1e12;  // beyond it, no saved state is believed

  static constexpr double kGravity = 9.8;                                  // m/s^2
  static constexpr double kCartMass = 1.0;                                 // kg
  static constexpr double kPoleMass = 0.1;                                 // kg
  static constexpr double kTotalMass = kPoleMass + kCartMass;              // kg
  static constexpr double kHalfPole = 0.5;                                 // m, half the length of the pole
  static constexpr double kPoleMoment = kPoleMass * kHalfPole;             // kg m
  static constexpr double kForce = 10.0;                                   // N
  static constexpr double kTimeStep = 0.02;                                // s, explicit Euler
  static constexpr double kPositionLimit = 2.4;                            // m
  static constexpr double kAngleLimit = 12 * 2 * 3.141592653589793 / 360;  // rad, 12 degrees

  struct Parameters {
    StartBounds start{-0.05, 0.05};  // of all four components at reset
  };

  explicit CartPole(const Parameters& chosen) : parameters(chosen) {}

  void reset(RandomSource&);                   // four draws U: x, x_dot, theta, theta_dot
  StepResult step(int action, RandomSource&);  // no draws
  void observe(float* out, int stride) const;
  void get_state(std::span<double> state) const;
  void set_state(std::span<const double> state);

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("x", x, -kImpossible, kImpossible);
    archive.ranged("x_dot", x_dot, -kImpossible, kImpossible);
    archive.ranged("theta", theta, -kImpossible, kImpossible);
    archive.ranged("theta_dot", theta_dot, -kImpossible, kImpossible);
  }

  Parameters parameters;
  double x = 0, x_dot = 0;          // m, m/s
  double theta = 0, theta_dot = 0;  // rad from upright, rad/s
};

TaskInfo cartpole_info();

// `options` holds a valid value for every declared option.
std::unique_ptr<Environment> make_cartpole(TaskInfo info, int lanes, const TaskOptions& options);

}  // namespace impsweep
