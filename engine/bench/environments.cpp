// Environments: steps per second of one core, stepping and observing as in a rollout.
#include <fmt/format.h>

#include "agents/native/aligned.hpp"
#include "engine/bench/bench.hpp"
#include "envs/environment.hpp"
#include "envs/locomotion/lane_robot.hpp"
#include "envs/locomotion/locomotion.hpp"
#include "io/process.hpp"

namespace impsweep {
namespace {

using locomotion::Robot, locomotion::World;

constexpr int kStepsPerCall = 64, kWarmUp = 1000;

// A robot's step costs a thousand times that of another task.
int lanes_for(const TaskInfo& info) {
  return info.continuous ? 16 : 64;
}

// A stream that remembers the numbers since the last call of forget().
class RememberedDraws final : public RandomSource {
 public:
  explicit RememberedDraws(const std::string& name) : stream_(name) {}
  double uniform() override { return uniforms_.emplace_back(stream_.uniform()); }
  std::int64_t below(std::int64_t n) override { return stream_.below(n); }
  void forget() { uniforms_.clear(); }
  std::span<const double> uniforms() const { return uniforms_; }

 private:
  Stream stream_;
  std::vector<double> uniforms_;
};

// Lanes under random actions; those whose episode ends start again. Binary tasks give the list of active
// features, the others a dense batch, which is what learning takes from them.
class RandomPlay {
 public:
  explicit RandomPlay(const std::string& task, const TaskOptions& options = {})
      : RandomPlay(task, lanes_for(*find_task(task)), options) {}
  RandomPlay(const std::string& task, int lanes, const TaskOptions& options)
      : environment_(make_environment(task, lanes, options)),
        lanes_(static_cast<std::size_t>(environment_->lanes())),
        results_(lanes_.size()) {
    const TaskInfo& info = environment_->info();
    const std::size_t count = lanes_.size();
    observation_.resize(info.binary ? 0 : static_cast<std::size_t>(info.observation_size) * count);
    features_.resize(static_cast<std::size_t>(std::max(info.max_active, 1)));
    // Actions are drawn beforehand; what is measured is the task. A torque that is never released would drive
    // a joint into its stop, where it costs a constraint in every step.
    Stream stream("bench/actions");
    actions_.resize(count * kStepsPerCall);
    torques_.resize(actions_.size() * static_cast<std::size_t>(info.actions));
    for (std::int32_t& action : actions_) action = static_cast<std::int32_t>(stream.below(info.actions));
    for (float& torque : torques_) torque = static_cast<float>(2 * stream.uniform() - 1);
    draws_.reserve(count);
    for (std::size_t lane = 0; lane < count; ++lane) {
      draws_.emplace_back(fmt::format("bench/{}/{}", task, lane));
      lanes_[lane] = static_cast<std::int32_t>(lane);
      environment_->attach(lanes_[lane], draws_[lane]);
      reset(lanes_[lane]);
    }
    // Lanes start again one after the other, so that what is measured holds episodes of all ages.
    const int apart = kWarmUp / this->lanes();
    for (int warm_up = 0; warm_up < apart * this->lanes(); ++warm_up) {
      step(warm_up);
      reset_ended();
      if (warm_up % apart == 0) reset(warm_up / apart);
    }
  }

  int lanes() const { return static_cast<int>(lanes_.size()); }
  const Environment& environment() const { return *environment_; }
  const RememberedDraws& draws(int lane) const { return draws_[static_cast<std::size_t>(lane)]; }
  // Action `joint` of a lane in the given step.
  double torque(int step, int lane, int joint) const {
    const int actions = environment_->info().actions;
    return torques_[static_cast<std::size_t>((step % kStepsPerCall * actions + joint) * lanes() + lane)];
  }
  bool ended(int lane) const {
    const StepResult& result = results_[static_cast<std::size_t>(lane)];
    return result.terminated || result.truncated;
  }

  void step(int step) {
    const std::ptrdiff_t first = step % kStepsPerCall * lanes();
    environment_->step(lanes_,
                       {.discrete = actions_.data() + first,
                        .continuous = torques_.data() + first * environment_->info().actions,
                        .stride = lanes()},
                       batch(), results_);
    if (!environment_->info().binary) return;
    for (const std::int32_t lane : lanes_) active_ += environment_->active_features(lane, features_.data());
  }
  void reset(int lane) {
    draws_[static_cast<std::size_t>(lane)].forget();
    environment_->reset(lane, lane, batch());
  }
  void reset_ended() {
    for (const std::int32_t lane : lanes_)
      if (ended(lane)) reset(lane);
  }
  void run() {
    for (int i = 0; i < kStepsPerCall; ++i) {
      step(i);
      reset_ended();
    }
  }

 private:
  ObservationBatch batch() { return {observation_.empty() ? nullptr : observation_.data(), lanes()}; }

  std::unique_ptr<Environment> environment_;
  std::vector<std::int32_t> lanes_, actions_;  // actions: [kStepsPerCall][lanes]
  AlignedFloats torques_;                      // [kStepsPerCall][actions][lanes]
  std::vector<RememberedDraws> draws_;
  std::vector<StepResult> results_;
  AlignedFloats observation_;
  std::vector<std::uint16_t> features_;
  std::int64_t active_ = 0;
};

BenchRow row_of(const std::string& task, const RandomPlay& play, double seconds) {
  BenchRow row{.name = "env/" + task, .value = play.lanes() * kStepsPerCall / seconds, .unit = "steps/s"};
  if (const double target = find_task(task)->target_steps_per_second; target > 0) row.target = target;
  return row;
}

std::vector<BenchRow> measure_task(const std::string& task) {
  RandomPlay play(task);
  return {row_of(task, play, measure({[&] { play.run(); }}).front())};
}

const TaskOptions kWorlds = {{"locomotion.solver", std::string("bullet")}};

// What part of its time a robot's task spends besides physics: bare worlds make the same episodes next to it.
BenchRow measure_parts(const Robot& robot) {
  constexpr int kSteps = 1000;
  RandomPlay play(robot.task, kWorlds);
  std::vector<World> worlds;
  std::vector<double> coefficients;
  for (const locomotion::Body& body : robot.bodies)
    if (body.hinge) coefficients.push_back(robot.power * body.hinge->coefficient);
  std::vector<double> positions(coefficients.size()), torques(coefficients.size());
  worlds.reserve(static_cast<std::size_t>(play.lanes()));
  for (int lane = 0; lane < play.lanes(); ++lane) worlds.emplace_back(robot);
  const auto reset = [&](int lane) {
    play.reset(lane);
    for (std::size_t j = 0; j < positions.size(); ++j)
      positions[j] = -locomotion::kResetRange + 2 * locomotion::kResetRange * play.draws(lane).uniforms()[j];
    worlds[static_cast<std::size_t>(lane)].reset(positions);
  };
  for (int lane = 0; lane < play.lanes(); ++lane) reset(lane);
  double task_seconds = 0, physics_seconds = 0;
  for (int step = 0; step < kSteps; ++step) {
    const double start = thread_cpu_seconds();
    play.step(step);
    const double middle = thread_cpu_seconds();
    for (int lane = 0; lane < play.lanes(); ++lane) {
      for (std::size_t j = 0; j < torques.size(); ++j)
        torques[j] = coefficients[j] * play.torque(step, lane, static_cast<int>(j));
      worlds[static_cast<std::size_t>(lane)].step(torques);
    }
    task_seconds += middle - start;
    physics_seconds += thread_cpu_seconds() - middle;
    for (int lane = 0; lane < play.lanes(); ++lane)
      if (play.ended(lane)) reset(lane);
  }
  std::vector<double> state(static_cast<std::size_t>(play.environment().state_size()));
  for (int lane = 0; lane < play.lanes(); ++lane) {
    const World& world = worlds[static_cast<std::size_t>(lane)];
    play.environment().get_state(lane, state);
    for (int joint = 0; joint < world.joints(); ++joint)
      if (state[static_cast<std::size_t>(world.rails() + joint)] != world.joint_position(joint))
        throw std::runtime_error("env/" + robot.task + ": the task and its world alone have parted");
  }
  return {.name = "env/" + robot.task + "/besides-physics",
          .value = std::max(100 * (1 - physics_seconds / task_seconds), 0.0),
          .unit = "% of a step",
          .target = 5};
}

// Many robots in lanes, on one instruction set, against each in a world of its own.
BenchRow measure_lanes(const Robot& robot, int count, std::string_view instructions, double target) {
  RandomPlay lanes(robot.task, count, {}), worlds(robot.task, count, kWorlds);
  const std::string_view usual = locomotion::lane_steps().name;
  locomotion::select_lane_steps(instructions);
  const auto seconds = measure({[&] { lanes.run(); }, [&] { worlds.run(); }});
  locomotion::select_lane_steps(usual);
  BenchRow row = row_of(robot.task, lanes, seconds[0]);
  row.name += fmt::format("/lanes-{}", count);
  row.kernel = instructions;
  row.reference_name = "one world each";
  row.reference = count * kStepsPerCall / seconds[1];
  row.ratio = seconds[1] / seconds[0];
  row.target = target;
  return row;
}

std::vector<BenchRow> measure_robot(const Robot& robot) {
  RandomPlay usual(robot.task), exact(robot.task, kWorlds), compact(robot.task, {{"locomotion.fast", true}});
  const auto seconds = measure({[&] { usual.run(); }, [&] { exact.run(); }, [&] { compact.run(); }});
  BenchRow fast = row_of(robot.task, compact, seconds[2]);
  fast.name += "/fast";
  fast.target = std::nullopt;
  // All joints of the HalfCheetah are joined with their bodies in both layouts.
  if (robot.task == "halfcheetah")
    fast.note = "the layouts are the same";
  else
    fast.target = 1.3;
  fast.reference_name = "exact layout";
  fast.reference = exact.lanes() * kStepsPerCall / seconds[1];
  fast.ratio = seconds[1] / seconds[2];
  std::vector<BenchRow> rows = {row_of(robot.task, usual, seconds[0])};
  struct Targets {
    const char* instructions;
    double ten, many;
  };
  for (const Targets& targets : {Targets{"avx512", 2.5, 4}, Targets{"avx2", 1.6, 2.2}}) {
    if (locomotion::find_lane_steps(targets.instructions) == nullptr) continue;
    rows.push_back(measure_lanes(robot, 10, targets.instructions, targets.ten));
    rows.push_back(measure_lanes(robot, 64, targets.instructions, targets.many));
  }
  rows.push_back(fast);
  rows.push_back(measure_parts(robot));
  return rows;
}

}  // namespace

std::vector<BenchCase> environment_cases() {
  std::vector<BenchCase> cases;
  for (const std::string& task : environment_names())
    if (!find_task(task)->continuous) cases.push_back({"env/" + task, [task] { return measure_task(task); }});
  for (const auto robot :
       {locomotion::halfcheetah, locomotion::walker2d, locomotion::hopper, locomotion::ant})
    cases.push_back({"env/" + robot().task, [robot] { return measure_robot(robot()); }});
  return cases;
}

}  // namespace impsweep
