#include "envs/locomotion/locomotion.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "envs/common_options.hpp"
#include "envs/lane_environment.hpp"

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

float clipped(float value) {
  return std::isnan(value) ? value : std::clamp(value, -Runner::kClip, Runner::kClip);
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

Runner::Runner(const Parameters& parameters)
    : parameters_(parameters), world_(*parameters.robot, parameters.layout, parameters.contact_order) {
  const Robot& robot = *parameters.robot;
  const auto joints = static_cast<std::size_t>(world_.joints());
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

void Runner::reset(RandomSource& draws) {
  // Multiply, then add, as numpy's uniform distribution does.
  for (double& position : initial_position_)
    position = -kResetRange + (kResetRange - -kResetRange) * draws.uniform();
  ++resets_;
  actions_.clear();
  begin_episode();
}

void Runner::begin_episode() {
  world_.reset(initial_position_);
  std::ranges::fill(feet_, 0.0f);
  initial_height_ = world_.pose(true).position[2];
  potential_ = read_state();
}

void Runner::play_again() {
  if (resets_ == 0) return;
  const std::vector<float> actions = std::exchange(actions_, {});
  actions_.reserve(std::max(actions.size(), actions_.capacity()));
  begin_episode();
  const auto joints = static_cast<std::size_t>(world_.joints());
  for (std::size_t first = 0; first + joints <= actions.size(); first += joints)
    step(std::span(actions).subspan(first, joints));
}

bool Runner::actions_are_possible() const {
  const auto joints = static_cast<std::size_t>(world_.joints());
  const auto longest = static_cast<std::size_t>(parameters_.max_steps) * joints;
  return actions_.size() % joints == 0 && (longest == 0 || actions_.size() <= longest);
}

double Runner::read_state() {
  const Robot& robot = *parameters_.robot;
  const bool ground_is_a_part = !(parameters_.fresh_instance && resets_ == 1 && actions_.empty());
  const Pose pose = world_.pose(ground_is_a_part);
  const EulerAngles angles = euler_angles(pose.orientation);
  pitch_ = angles.pitch;
  const double to_x = kTargetX - pose.mean_x, to_y = kTargetY - pose.mean_y;
  const double bearing = std::atan2(to_y, to_x) - angles.yaw;
  const double cosine = std::cos(-angles.yaw), sine = std::sin(-angles.yaw);
  const auto& v = pose.velocity;
  float* out = observation_.data();
  const auto put = [&](double value) { *out++ = clipped(static_cast<float>(value)); };
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
    const auto position = static_cast<float>(2 * (world_.joint_position(joint) - middle) / (upper - lower));
    const auto speed = static_cast<float>(kJointVelocityScale * world_.joint_velocity(joint));
    if (std::abs(position) > kAtLimit) ++joints_at_limit_;
    speed_[static_cast<std::size_t>(joint)] = speed;
    put(position);
    put(speed);
    ++joint;
  }
  for (const float foot : feet_) put(foot);
  return -std::sqrt(to_y * to_y + to_x * to_x) / kControlPeriod;
}

double Runner::alive() const {
  const Robot& robot = *parameters_.robot;
  const double height = observation_[0] + initial_height_;
  const bool touches =
      std::ranges::any_of(untouched_, [&](int foot) { return feet_[static_cast<std::size_t>(foot)] != 0; });
  return height > robot.lowest_torso && std::abs(pitch_) < robot.steepest_pitch && !touches ? 1 : -1;
}

StepResult Runner::step(std::span<const float> action) {
  const Robot& robot = *parameters_.robot;
  std::size_t joint = 0;
  for (const Body& body : robot.bodies) {
    if (!body.hinge) continue;
    torque_[joint] = robot.power * body.hinge->coefficient * clamped(action[joint]);
    ++joint;
  }
  actions_.insert(actions_.end(), action.begin(), action.end());
  world_.step(torque_);
  const double before = potential_;
  potential_ = read_state();
  const double alive_bonus = alive();
  const double progress = potential_ - before;
  world_.read_feet(feet_);

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

void Runner::observe(float* out, int stride) const {
  for (std::size_t f = 0; f < observation_.size(); ++f)
    out[f * static_cast<std::size_t>(stride)] = observation_[f];
}

void Runner::get_state(std::span<double> state) const {
  std::size_t i = 0;
  for (int rail = 0; rail < world_.rails(); ++rail) state[i++] = world_.rail_position(rail);
  for (int joint = 0; joint < world_.joints(); ++joint) state[i++] = world_.joint_position(joint);
  for (int rail = 0; rail < world_.rails(); ++rail) state[i++] = world_.rail_velocity(rail);
  for (int joint = 0; joint < world_.joints(); ++joint) state[i++] = world_.joint_velocity(joint);
}

}  // namespace impsweep::locomotion

namespace impsweep {
namespace {

using locomotion::Robot;

constexpr const char* kPackage = "locomotion.package";
constexpr const char* kContactOrder = "locomotion.contact_order";
constexpr const char* kBulletGym = "pybullet_gym";
constexpr const char* kBulletEnvs = "pybullet_envs";

// "HopperBulletEnv-v0" of pybullet_envs is "HopperPyBulletEnv-v0" of PyBullet Gym.
std::string original_of_gym(const Robot& robot) {
  std::string name = robot.original;
  return name.insert(name.find("BulletEnv"), "Py");
}

// Every body once, by its place in the list of bodies.
std::vector<int> contact_order_of(const std::string& text, const Robot& robot) {
  std::vector<int> order;
  std::vector<bool> seen(robot.bodies.size(), false);
  const auto refuse = [&] {
    throw std::invalid_argument(
        std::string("option '") + kContactOrder + "' = \"" + text + "\" must name each of the bodies 0 to " +
        std::to_string(robot.bodies.size() - 1) + " of " + robot.task + " once, with commas between them");
  };
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::size_t body = 0;
    const auto [rest, error] = std::from_chars(text.data() + begin, text.data() + end, body);
    if (error != std::errc() || rest != text.data() + end || body >= seen.size() || seen[body]) refuse();
    seen[body] = true;
    order.push_back(static_cast<int>(body));
    begin = end + 1;
  }
  if (!order.empty() && order.size() != seen.size()) refuse();
  return order;
}

const Robot& robot_of(const std::string& task) {
  using Maker = const Robot& (*)();
  for (const Maker maker : {locomotion::halfcheetah, locomotion::walker2d, locomotion::hopper})
    if (maker().task == task) return maker();
  return locomotion::ant();
}

TaskInfo info_of(const Robot& robot) {
  TaskInfo info;
  info.name = robot.task;
  info.family = "locomotion";
  info.description = robot.description;
  info.seconds_per_step = robot.seconds_per_step;
  info.numerics["bullet"] = locomotion::bullet_version();
  info.is_external = locomotion::bullet_version().empty();  // there is no simulator in this build
  info.first_episode_steps = robot.first_episode_steps;
  info.steps_to_learn = 300e3;
  info.target_steps_per_second = robot.target_steps_per_second;
  info.recorded_as = {{robot.original, {{kPackage, std::string(kBulletEnvs)}}},
                      {original_of_gym(robot), {{kPackage, std::string(kBulletGym)}}}};
  info.trace_tolerance = {
      .state = 1e-6, .first_state = 1e-6, .observation = 1e-6, .reward = 1e-6, .whole_state = false};
  info.continuous = true;
  info.max_steps = 1000;
  info.observation_names = {
      "height",          "sin bearing", "cos bearing", "forward velocity", "sideward velocity",
      "upward velocity", "roll",        "pitch"};
  for (const locomotion::Body& body : robot.bodies) {
    if (!body.hinge) continue;
    ++info.actions;
    info.observation_names.push_back(body.hinge->name + " position");
    info.observation_names.push_back(body.hinge->name + " velocity");
  }
  for (const std::string& foot : robot.feet) info.observation_names.push_back(foot + " contact");
  info.observation_size = static_cast<int>(info.observation_names.size());
  info.options.push_back(max_steps_option(info.name, "1000"));
  Option fresh;
  fresh.key = info.name + ".fresh_instance";
  fresh.fallback = false;
  fresh.help =
      "the first reset leaves the ground out of the mean position, as in a new instance of the original";
  info.options.push_back(fresh);
  Option fast;
  fast.key = "locomotion.fast";
  fast.fallback = false;
  fast.help =
      "joints are no bodies of their own: fewer links to simulate; differs from the original by rounding, "
      "which "
      "contacts amplify";
  info.options.push_back(fast);
  Option package;
  package.key = kPackage;
  package.fallback = std::string(kBulletEnvs);
  package.choices = {kBulletGym, kBulletEnvs};
  package.help =
      "whose robots: the paper cites PyBullet Gym, where HalfCheetah's episode ends when it falls; in "
      "pybullet_envs it lies there for the rest";
  info.options.push_back(package);
  info.job_options[kPackage] = std::string(kBulletGym);
  Option order;
  order.key = kContactOrder;
  order.fallback = std::string();
  order.help =
      "bodies, each once, in the order in which their contacts are made: \"0,3,1,2\"; empty: Bullet's";
  info.replay_options.push_back(order);
  return info;
}

template <class Task>
std::unique_ptr<Environment> make(TaskInfo info, int lanes,
                                  const locomotion::Runner::Parameters& parameters) {
  return std::make_unique<LaneEnvironment<Task>>(std::move(info), lanes, parameters);
}

}  // namespace

TaskInfo halfcheetah_info() {
  return info_of(locomotion::halfcheetah());
}
TaskInfo walker2d_info() {
  return info_of(locomotion::walker2d());
}
TaskInfo hopper_info() {
  return info_of(locomotion::hopper());
}
TaskInfo ant_info() {
  return info_of(locomotion::ant());
}

void require_locomotion(const TaskInfo& info) {
  if (info.is_external) locomotion::World{robot_of(info.name)};
}

std::unique_ptr<Environment> make_locomotion(TaskInfo info, int lanes, const TaskOptions& options) {
  apply_max_steps(info.name, options, info);
  const Robot& robot = robot_of(info.name);
  const bool is_gym = std::get<std::string>(options.at(kPackage)) == kBulletGym;
  const locomotion::Runner::Parameters parameters = {
      .robot = &robot,
      .fresh_instance = std::get<bool>(options.at(info.name + ".fresh_instance")),
      .layout = std::get<bool>(options.at("locomotion.fast")) ? locomotion::Layout::kCompact
                                                              : locomotion::Layout::kExact,
      .max_steps = info.max_steps,
      .ends_when_not_alive = robot.ends_when_not_alive || is_gym,
      .contact_order = contact_order_of(std::get<std::string>(options.at(kContactOrder)), robot)};
  if (info.name == "halfcheetah") return make<locomotion::Task<6, 6, 3>>(std::move(info), lanes, parameters);
  if (info.name == "walker2d") return make<locomotion::Task<6, 2, 3>>(std::move(info), lanes, parameters);
  if (info.name == "hopper") return make<locomotion::Task<3, 1, 3>>(std::move(info), lanes, parameters);
  return make<locomotion::Task<8, 4, 0>>(std::move(info), lanes, parameters);
}

}  // namespace impsweep
