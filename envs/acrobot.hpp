// envs/acrobot.hpp - Acrobot as in Gymnasium's Acrobot-v1 (the dynamics of the book by Sutton and Barto).
//
// Two links hang from a pivot; a torque at the joint between them is to swing the tip above one link length.
// The state is kept in double precision and follows the reference to the last bit: the parentheses in the
// source are its order of evaluation, and it must be compiled without contraction of a * b + c.
#pragma once

#include <memory>
#include <span>

#include "envs/common_options.hpp"
#include "envs/environment.hpp"

namespace impsweep {

struct Acrobot {
  static constexpr int kObservation = 6;  // cos theta1, sin theta1, cos theta2, sin theta2, omega1, omega2
  static constexpr int kActions = 3;      // torque -1, 0, +1 N m
  static constexpr int kState = 4;
  using Action = int;

  static constexpr double kImpossible = 1e4;  // beyond it, no saved state is believed: angles are unwound
  static constexpr double kPi = 3.141592653589793;
  static constexpr double kMass1 = 1.0, kMass2 = 1.0;        // kg
  static constexpr double kLength1 = 1.0;                    // m
  static constexpr double kCentre1 = 0.5, kCentre2 = 0.5;    // m, from the joint to the centre of mass
  static constexpr double kInertia1 = 1.0, kInertia2 = 1.0;  // kg m^2
  static constexpr double kGravity = 9.8;                    // m/s^2
  static constexpr double kTimeStep = 0.2;                   // s, one Runge-Kutta step of fourth order
  static constexpr double kOmega1Limit = 4 * kPi;            // rad/s
  static constexpr double kOmega2Limit = 9 * kPi;            // rad/s

  struct Parameters {
    StartBounds start{-0.1, 0.1};  // of all four components at reset
  };

  explicit Acrobot(const Parameters& chosen) : parameters(chosen) {}

  void reset(RandomSource&);                   // four draws U: theta1, theta2, omega1, omega2
  StepResult step(int action, RandomSource&);  // no draws
  void observe(float* out, int stride) const;
  void get_state(std::span<double> state) const;
  void set_state(std::span<const double> state);

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("theta1", theta1, -kImpossible, kImpossible);
    archive.ranged("theta2", theta2, -kImpossible, kImpossible);
    archive.ranged("omega1", omega1, -kImpossible, kImpossible);
    archive.ranged("omega2", omega2, -kImpossible, kImpossible);
    archive("at_start", at_start);
  }

  Parameters parameters;
  double theta1 = 0, theta2 = 0;  // rad: link 1 from hanging straight down, link 2 relative to link 1
  double omega1 = 0, omega2 = 0;  // rad/s
  bool at_start = false;          // until the first step the reference computes in single precision
};

TaskInfo acrobot_info();

// `options` holds a valid value for every declared option.
std::unique_ptr<Environment> make_acrobot(TaskInfo info, int lanes, const TaskOptions& options);

}  // namespace impsweep
