// Environments: steps per second of one core, stepping and observing as in a rollout.
#include <fmt/format.h>

#include "agents/aligned.hpp"
#include "engine/bench/bench.hpp"
#include "envs/environment.hpp"

namespace impsweep {
namespace {

constexpr int kLanes = 64, kStepsPerCall = 64;

// Targets on one core, in steps per second; no target for tasks that are not listed.
double target_of(const std::string& task) {
  if (task == "cartpole") return 20e6;
  if (task == "acrobot") return 1.5e6;
  if (task.starts_with("minatar-")) return 3e6;
  if (task == "mazegrid") return 5e6;
  // Four to seven times pybullet_envs itself, which makes 2007, 2060, 2918 and 1654 steps/s.
  if (task == "halfcheetah") return 8.7e3;
  if (task == "walker2d") return 11.6e3;
  if (task == "hopper") return 21.2e3;
  if (task == "ant") return 5.4e3;
  return 0;
}

// Random actions in 64 lanes; lanes whose episode ends start again. Binary tasks give the list of active
// features, the others a dense batch, which is what learning takes from them.
BenchRow measure_task(const std::string& task) {
  const auto environment = make_environment(task, kLanes);
  const TaskInfo& info = environment->info();
  std::vector<Stream> streams;
  std::vector<std::int32_t> lanes(kLanes);
  for (int lane = 0; lane < kLanes; ++lane) {
    streams.emplace_back(fmt::format("bench/{}/{}", task, lane));
    lanes[lane] = lane;
  }
  AlignedFloats observation(info.binary ? 0 : static_cast<std::size_t>(info.observation_size) * kLanes);
  const ObservationBatch batch{info.binary ? nullptr : observation.data(), kLanes};
  std::vector<std::uint16_t> features(static_cast<std::size_t>(std::max(info.max_active, 1)));
  for (int lane = 0; lane < kLanes; ++lane) {
    environment->attach(lane, streams[lane]);
    environment->reset(lane, lane, batch);
  }
  // Actions are drawn beforehand; what is measured is the task.
  Stream action_stream("bench/actions");
  std::vector<std::int32_t> actions(kLanes * kStepsPerCall);
  AlignedFloats torques(static_cast<std::size_t>(info.actions) * kLanes);
  for (std::int32_t& action : actions) action = static_cast<std::int32_t>(action_stream.below(info.actions));
  for (float& torque : torques) torque = static_cast<float>(2 * action_stream.uniform() - 1);
  std::vector<StepResult> results(kLanes);
  std::int64_t active = 0;
  const double seconds =
      measure({[&] {
        for (int step = 0; step < kStepsPerCall; ++step) {
          environment->step(
              lanes,
              {.discrete = actions.data() + step * kLanes, .continuous = torques.data(), .stride = kLanes},
              batch, results);
          for (int lane = 0; lane < kLanes; ++lane) {
            if (results[lane].terminated || results[lane].truncated) environment->reset(lane, lane, batch);
            if (info.binary) active += environment->active_features(lane, features.data());
          }
        }
      }}).front();
  BenchRow row{.name = "env/" + task, .value = kLanes * kStepsPerCall / seconds, .unit = "steps/s"};
  if (const double target = target_of(task); target > 0) row.target = target;
  return row;
}

}  // namespace

std::vector<BenchCase> environment_cases() {
  std::vector<BenchCase> cases;
  for (const std::string& task : environment_names())
    cases.push_back({"env/" + task, [task] { return std::vector<BenchRow>{measure_task(task)}; }});
  return cases;
}

}  // namespace impsweep
