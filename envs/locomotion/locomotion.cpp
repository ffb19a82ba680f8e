#include "envs/locomotion/locomotion.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string>

#include "envs/common_options.hpp"
#include "envs/lane_environment.hpp"
#include "envs/locomotion/robots_in_lanes.hpp"

namespace impsweep {
namespace {

using locomotion::Robot;

constexpr const char* kPackage = "locomotion.package";
constexpr const char* kContactOrder = "locomotion.contact_order";
constexpr const char* kSolver = "locomotion.solver";
constexpr const char* kFast = "locomotion.fast";
constexpr const char* kLanes = "lanes";
constexpr const char* kBullet = "bullet";
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
  const double world = robot.seconds_per_world_step / robot.seconds_per_step;
  info.slower_steps = {{{{kSolver, std::string(kBullet)}}, world}, {{{kFast, true}}, world}};
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
  fast.key = kFast;
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
  Option solver;
  solver.key = kSolver;
  solver.fallback = std::string(kLanes);
  solver.choices = {kLanes, kBullet};
  solver.help =
      "by which code robots move, to the same bits: many in the lanes of vector registers, or each in a "
      "world "
      "of Bullet's own, as those of locomotion.fast always do";
  info.options.push_back(solver);
  Option order;
  order.key = kContactOrder;
  order.fallback = std::string();
  order.help =
      "bodies, each once, in the order in which their contacts are made: \"0,3,1,2\"; empty: Bullet's";
  info.replay_options.push_back(order);
  return info;
}

template <class Task>
std::unique_ptr<Environment> make(TaskInfo info, int lanes, const typename Task::Parameters& parameters) {
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
  const bool is_fast = std::get<bool>(options.at(kFast));
  const locomotion::RunnerParameters runner = {
      .robot = &robot,
      .fresh_instance = std::get<bool>(options.at(info.name + ".fresh_instance")),
      .max_steps = info.max_steps,
      .ends_when_not_alive = robot.ends_when_not_alive || is_gym};
  const std::vector<int> order = contact_order_of(std::get<std::string>(options.at(kContactOrder)), robot);
  if (!is_fast && std::get<std::string>(options.at(kSolver)) == kLanes)
    return locomotion::make_robots_in_lanes(std::move(info), lanes, runner,
                                            locomotion::World::model(robot, order));
  const locomotion::Layout layout = is_fast ? locomotion::Layout::kCompact : locomotion::Layout::kExact;
  if (info.name == "halfcheetah")
    return make<locomotion::Task<6, 6, 3>>(std::move(info), lanes, {runner, layout, order});
  if (info.name == "walker2d")
    return make<locomotion::Task<6, 2, 3>>(std::move(info), lanes, {runner, layout, order});
  if (info.name == "hopper")
    return make<locomotion::Task<3, 1, 3>>(std::move(info), lanes, {runner, layout, order});
  return make<locomotion::Task<8, 4, 0>>(std::move(info), lanes, {runner, layout, order});
}

}  // namespace impsweep
