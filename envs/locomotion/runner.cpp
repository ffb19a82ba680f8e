#include "envs/locomotion/runner.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace impsweep::locomotion {
namespace {

constexpr double kTargetX = 1000, kTargetY = 0;  // m
constexpr double kVelocityScale = 0.3, kJointVelocityScale = 0.1;
constexpr double kElectricityCost = -2.0, kStallCost = -0.1, kLimitCost = -0.1;
constexpr float kAtLimit = 0.99f;
constexpr int kLeadingFeatures = 8;

struct EulerAngles {
  double roll, pitch, yaw;
};

// As Bullet's robotics interface computes them, with its guard at the poles.
EulerAngles euler_angles(const std::array<double, 4>& q) {
  const auto [x, y, z, w] = q;
  const double sine = -2 * (x * z - w * y);
  constexpr double kHalfPi = 1.57079632679489661923;
  if (sine <= -0.99999) return {0, -kHalfPi, 2 * std::atan2(x, -y)};
  if (sine >= 0.99999) return {0, kHalfPi, 2 * std::atan2(-x, y)};
  const double xx = x * x, yy = y * y, zz = z * z, ww = w * w;
  return {std::atan2(2 * (y * z + w * x), ww - xx - yy + zz), std::asin(sine),
          std::atan2(2 * (x * y + w * z), ww + xx - yy - zz)};
}

double clamped(double value) {
  return std::isnan(value) ? value : std::clamp(value, -1.0, 1.0);
}

float clipped(float value, float most) {
  return std::isnan(value) ? value : std::clamp(value, -most, most);
}

// numpy's mean in single precision: eight running sums from eight values on (world.cpp has its double twin).
float numpy_mean(std::span<const float> values) {
  float sum = 0;
  if (values.size() < 8) {
    for (const float value : values) sum += value;
  } else {
    const float* r = values.data();
    sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (const float value : values.subspan(8)) sum += value;
  }
  return sum / static_cast<float>(values.size());
}

}  // namespace

template <class Simulation>
Runner<Simulation>::Runner(const RunnerParameters& parameters, Simulation simulation)
    : parameters_(parameters), simulation_(std::move(simulation)) {
  const Robot& robot = *parameters.robot;
  const auto joints = static_cast<std::size_t>(simulation_.joints());
  initial_position_.resize(joints);
  torque_.resize(joints);
  speed_.resize(joints);
  squares_.resize(joints);
  feet_.resize(robot.feet.size());
  observation_.resize(kLeadingFeatures + 2 * joints + feet_.size());
  actions_.reserve(static_cast<std::size_t>(parameters.max_steps) * joints);
  for (std::size_t foot = 0; foot < robot.feet.size(); ++foot)
    if (std::ranges::count(robot.untouched, robot.feet[foot]) > 0)
      untouched_.push_back(static_cast<int>(foot));
}

template <class Simulation>
void Runner<Simulation>::reset(RandomSource& draws) {
  // Multiply, then add, as numpy's uniform distribution does.
  for (double& position : initial_position_)
    position = -kResetRange + (kResetRange - -kResetRange) * draws.uniform();
  ++resets_;
  actions_.clear();
  begin_episode();
}

template <class Simulation>
void Runner<Simulation>::begin_episode() {
  simulation_.reset(initial_position_);
  std::ranges::fill(feet_, 0.0f);
  initial_height_ = simulation_.pose(true).position[2];
  potential_ = read_state();
}

template <class Simulation>
std::vector<float> Runner<Simulation>::begin_again() {
  if (resets_ == 0) return {};
  std::vector<float> actions = std::exchange(actions_, {});
  actions_.reserve(std::max(actions.size(), actions_.capacity()));
  begin_episode();
  return actions;
}

template <class Simulation>
bool Runner<Simulation>::actions_are_possible() const {
  const auto joints = static_cast<std::size_t>(simulation_.joints());
  const auto longest = static_cast<std::size_t>(parameters_.max_steps) * joints;
  return actions_.size() % joints == 0 && (longest == 0 || actions_.size() <= longest);
}

template <class Simulation>
double Runner<Simulation>::read_state() {
  const Robot& robot = *parameters_.robot;
  const bool ground_is_a_part = !(parameters_.fresh_instance && resets_ == 1 && actions_.empty());
  const Pose pose = simulation_.pose(ground_is_a_part);
  const EulerAngles angles = euler_angles(pose.orientation);
  pitch_ = angles.pitch;
  const double to_x = kTargetX - pose.mean_x, to_y = kTargetY - pose.mean_y;
  const double bearing = std::atan2(to_y, to_x) - angles.yaw;
  const double cosine = std::cos(-angles.yaw), sine = std::sin(-angles.yaw);
  const auto& v = pose.velocity;
  float* out = observation_.data();
  const auto put = [&](double value) { *out++ = clipped(static_cast<float>(value), kClip); };
  put(pose.position[2] - initial_height_);
  put(std::sin(bearing));
  put(std::cos(bearing));
  put(kVelocityScale * (cosine * v[0] - sine * v[1]));
  put(kVelocityScale * (sine * v[0] + cosine * v[1]));
  put(kVelocityScale * v[2]);
  put(angles.roll);
  put(angles.pitch);
  joints_at_limit_ = 0;
  int joint = 0;
  for (const Body& body : robot.bodies) {
    if (!body.hinge) continue;
    const double lower = body.hinge->lower, upper = body.hinge->upper;
    const double middle = 0.5 * (lower + upper);
    const auto position =
        static_cast<float>(2 * (simulation_.joint_position(joint) - middle) / (upper - lower));
    const auto speed = static_cast<float>(kJointVelocityScale * simulation_.joint_velocity(joint));
    if (std::abs(position) > kAtLimit) ++joints_at_limit_;
    speed_[static_cast<std::size_t>(joint)] = speed;
    put(position);
    put(speed);
    ++joint;
  }
  for (const float foot : feet_) put(foot);
  return -std::sqrt(to_y * to_y + to_x * to_x) / kControlPeriod;
}

template <class Simulation>
double Runner<Simulation>::alive() const {
  const Robot& robot = *parameters_.robot;
  const double height = observation_[0] + initial_height_;
  const bool touches =
      std::ranges::any_of(untouched_, [&](int foot) { return feet_[static_cast<std::size_t>(foot)] != 0; });
  return height > robot.lowest_torso && std::abs(pitch_) < robot.steepest_pitch && !touches ? 1 : -1;
}

template <class Simulation>
StepResult Runner<Simulation>::step(std::span<const float> action) {
  begin_step(action);
  simulation_.step(torque_);
  return end_step(action);
}

template <class Simulation>
void Runner<Simulation>::begin_step(std::span<const float> action) {
  const Robot& robot = *parameters_.robot;
  std::size_t joint = 0;
  for (const Body& body : robot.bodies) {
    if (!body.hinge) continue;
    torque_[joint] = robot.power * body.hinge->coefficient * clamped(action[joint]);
    ++joint;
  }
  actions_.insert(actions_.end(), action.begin(), action.end());
}

template <class Simulation>
StepResult Runner<Simulation>::end_step(std::span<const float> action) {
  const double before = potential_;
  potential_ = read_state();
  const double alive_bonus = alive();
  const double progress = potential_ - before;
  simulation_.read_feet(feet_);

  for (std::size_t j = 0; j < action.size(); ++j) squares_[j] = std::abs(action[j] * speed_[j]);
  double electricity = kElectricityCost * numpy_mean(squares_);
  for (std::size_t j = 0; j < action.size(); ++j) squares_[j] = action[j] * action[j];
  electricity += kStallCost * numpy_mean(squares_);

  StepResult result;
  result.reward = static_cast<float>(alive_bonus + progress + electricity + kLimitCost * joints_at_limit_);
  const bool finite = std::ranges::all_of(observation_, [](float feature) { return std::isfinite(feature); });
  result.terminated = (alive_bonus < 0 && parameters_.ends_when_not_alive) || !finite;
  return result;
}

template <class Simulation>
void Runner<Simulation>::observe(float* out, int stride) const {
  for (std::size_t f = 0; f < observation_.size(); ++f)
    out[f * static_cast<std::size_t>(stride)] = observation_[f];
}

template <class Simulation>
void Runner<Simulation>::get_state(std::span<double> state) const {
  std::size_t i = 0;
  for (int rail = 0; rail < simulation_.rails(); ++rail) state[i++] = simulation_.rail_position(rail);
  for (int joint = 0; joint < simulation_.joints(); ++joint) state[i++] = simulation_.joint_position(joint);
  for (int rail = 0; rail < simulation_.rails(); ++rail) state[i++] = simulation_.rail_velocity(rail);
  for (int joint = 0; joint < simulation_.joints(); ++joint) state[i++] = simulation_.joint_velocity(joint);
}

template class Runner<World>;
template class Runner<LaneRobot>;

}  // namespace impsweep::locomotion
