#include "envs/locomotion/robots_in_lanes.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <utility>

namespace impsweep::locomotion {
namespace {

constexpr std::size_t kAtOnce = 64;  // robots whose states are listed on the stack

class RobotsInLanes final : public Environment {
 public:
  RobotsInLanes(TaskInfo info, int lanes, const RunnerParameters& parameters, Model made)
      : info_(std::move(info)), model_(std::make_shared<const Model>(std::move(made))) {
    lanes_.reserve(static_cast<std::size_t>(lanes));
    for (int lane = 0; lane < lanes; ++lane)
      lanes_.push_back({Runner<LaneRobot>(parameters, LaneRobot(model_)), nullptr, 0});
  }

  const TaskInfo& info() const override { return info_; }
  int lanes() const override { return static_cast<int>(lanes_.size()); }
  void attach(int lane, RandomSource& draws) override { at(lane).draws = &draws; }

  void reset(int lane, int column, ObservationBatch observations) override {
    Lane& chosen = at(lane);
    assert(chosen.draws != nullptr && column < observations.stride);
    chosen.runner.reset(*chosen.draws);
    chosen.steps = 0;
    if (observations.data != nullptr) chosen.runner.observe(observations.data + column, observations.stride);
  }

  void step(std::span<const std::int32_t> lanes, ActionBatch actions, ObservationBatch observations,
            std::span<StepResult> results) override {
    assert(results.size() >= lanes.size());
    for (std::size_t first = 0; first < lanes.size(); first += kAtOnce) {
      const int column = static_cast<int>(first);
      step_some(lanes.subspan(first, std::min(kAtOnce, lanes.size() - first)), actions.from(column),
                observations.from(column), results.subspan(first));
    }
  }

  int state_size() const override { return 2 * (rails() + info_.actions); }
  void get_state(int lane, std::span<double> state) const override {
    lanes_[static_cast<std::size_t>(lane)].runner.get_state(state);
  }

  void save(StateWriter& writer) const override {
    writer("lanes", lanes_.size());
    for (const Lane& lane : lanes_) writer("lane", lane);
  }
  void load(StateReader& reader) override {
    std::size_t count = 0;
    reader("lanes", count);
    if (count != lanes_.size()) throw ArchiveError("saved environment has another number of lanes");
    for (Lane& lane : lanes_) reader("lane", lane);
    play_again();
  }

 private:
  using Action = std::array<float, kMostJoints>;

  struct Lane {
    Runner<LaneRobot> runner;
    RandomSource* draws;  // not owned, not saved
    std::int32_t steps;

    template <class Archive>
    void visit(Archive& archive) {
      archive("task", runner);
      archive.ranged("steps", steps, 0, std::numeric_limits<std::int32_t>::max() - 1);
    }
  };

  Lane& at(int lane) {
    assert(lane >= 0 && lane < lanes());
    return lanes_[static_cast<std::size_t>(lane)];
  }
  int rails() const { return static_cast<int>(model_->rail_joints.size()); }

  void step_some(std::span<const std::int32_t> lanes, ActionBatch actions, ObservationBatch observations,
                 std::span<StepResult> results) {
    std::array<LaneState*, kAtOnce> states;
    std::array<Action, kAtOnce> chosen;
    const auto size = static_cast<std::size_t>(info_.actions);
    for (std::size_t column = 0; column < lanes.size(); ++column) {
      for (std::size_t joint = 0; joint < size; ++joint)
        chosen[column][joint] = actions.continuous[joint * static_cast<std::size_t>(actions.stride) + column];
      states[column] = begin(at(lanes[column]), std::span(chosen[column]).first(size));
    }
    lane_steps().step(*model_, std::span(states).first(lanes.size()));
    for (std::size_t column = 0; column < lanes.size(); ++column) {
      Lane& lane = at(lanes[column]);
      StepResult result = lane.runner.end_step(std::span(chosen[column]).first(size));
      ++lane.steps;
      result.truncated = info_.max_steps > 0 && lane.steps >= info_.max_steps;
      results[column] = result;
      if (observations.data != nullptr) lane.runner.observe(observations.data + column, observations.stride);
    }
  }

  static LaneState* begin(Lane& lane, std::span<const float> action) {
    lane.runner.begin_step(action);
    lane.runner.simulation().push(lane.runner.torque());
    return &lane.runner.simulation().state();
  }

  // The loaded episodes, side by side.
  void play_again() {
    const auto size = static_cast<std::size_t>(info_.actions);
    std::vector<std::vector<float>> actions;
    std::size_t longest = 0;
    for (Lane& lane : lanes_)
      longest = std::max(longest, actions.emplace_back(lane.runner.begin_again()).size());
    std::vector<LaneState*> states;
    for (std::size_t first = 0; first < longest; first += size) {
      states.clear();
      const auto each = [&](const auto& act) {
        for (std::size_t lane = 0; lane < lanes_.size(); ++lane)
          if (first < actions[lane].size()) act(lanes_[lane], std::span(actions[lane]).subspan(first, size));
      };
      each([&](Lane& lane, std::span<const float> action) { states.push_back(begin(lane, action)); });
      lane_steps().step(*model_, states);
      each([](Lane& lane, std::span<const float> action) { lane.runner.end_step(action); });
    }
  }

  TaskInfo info_;
  std::shared_ptr<const Model> model_;
  std::vector<Lane> lanes_;
};

}  // namespace

std::unique_ptr<Environment> make_robots_in_lanes(TaskInfo info, int lanes,
                                                  const RunnerParameters& parameters, Model model) {
  return std::make_unique<RobotsInLanes>(std::move(info), lanes, parameters, std::move(model));
}

}  // namespace impsweep::locomotion
