// envs/lane_environment.hpp - turns a task written as a small struct into an Environment: one virtual call
// steps all columns, each lane counts its steps, and the step limit sets `truncated`.
//
//   struct Task {
//     static constexpr int kObservation, kActions;   // kActions: at most, options may leave fewer
//     using Action = int;                            // or std::array<float, kActions> for continuous actions
//     struct Parameters { ... };                     // values of the options, equal in all lanes
//     explicit Task(const Parameters&);
//     void reset(RandomSource&);
//     StepResult step(Action, RandomSource&);        // leaves `truncated` alone
//     void observe(float* out, int stride) const;    // feature f to out[f * stride]
//     template <class A> void visit(A& archive);     // the state, without the parameters
//     // Optional, for tasks whose observations have a binary code:
//     int active_features(std::uint16_t*) const;
//     // Optional, where the code is not the observation itself; writes one observation:
//     void expand(std::span<const std::uint16_t> active, float* out, int stride) const;
//     // Optional, for comparison with recordings:
//     static constexpr int kState;
//     void get_state(std::span<double>) const;
//     void set_state(std::span<const double>);       // only where this is the whole state
//   };
//
// Nothing is allocated after construction.
#pragma once

#include <algorithm>
#include <cassert>
#include <concepts>
#include <limits>
#include <utility>

#include "envs/environment.hpp"

namespace impsweep {

template <class Task>
class LaneEnvironment final : public Environment {
 public:
  // info.max_steps is the limit that is applied; 0 means none.
  LaneEnvironment(TaskInfo info, int lanes, const typename Task::Parameters& parameters)
      : info_(std::move(info)) {
    assert(info_.observation_size == Task::kObservation && info_.actions <= Task::kActions);
    lanes_.reserve(static_cast<std::size_t>(lanes));
    for (int lane = 0; lane < lanes; ++lane) lanes_.push_back(Lane{Task(parameters), nullptr, 0});
  }

  const TaskInfo& info() const override { return info_; }
  int lanes() const override { return static_cast<int>(lanes_.size()); }
  void attach(int lane, RandomSource& draws) override { at(lane).draws = &draws; }

  void reset(int lane, int column, ObservationBatch observations) override {
    Lane& chosen = at(lane);
    assert(chosen.draws != nullptr && column < observations.stride);
    chosen.task.reset(*chosen.draws);
    chosen.steps = 0;
    if (observations.data != nullptr) chosen.task.observe(observations.data + column, observations.stride);
  }

  void step(std::span<const std::int32_t> lanes, ActionBatch actions, ObservationBatch observations,
            std::span<StepResult> results) override {
    assert(results.size() >= lanes.size());
    for (std::size_t column = 0; column < lanes.size(); ++column) {
      Lane& lane = at(lanes[column]);
      StepResult result = lane.task.step(action_of(actions, column), *lane.draws);
      ++lane.steps;
      result.truncated = info_.max_steps > 0 && lane.steps >= info_.max_steps;
      results[column] = result;
      if (observations.data != nullptr) lane.task.observe(observations.data + column, observations.stride);
    }
  }

  int active_features(int lane, std::uint16_t* features) const override {
    if constexpr (kHasCode) return lanes_[static_cast<std::size_t>(lane)].task.active_features(features);
    return 0;
  }

  void expand(int columns, const std::uint32_t* begin, const std::uint16_t* feature,
              ObservationBatch observations) const override {
    if constexpr (kHasCode) {
      for (int c = 0; c < columns; ++c)
        expand_column({feature + begin[c], feature + begin[c + 1]}, observations.data + c,
                      observations.stride);
    }
  }

  int state_size() const override {
    if constexpr (kHasState) return Task::kState;
    return 0;
  }
  void get_state(int lane, std::span<double> state) const override {
    if constexpr (kHasState) lanes_[static_cast<std::size_t>(lane)].task.get_state(state);
  }
  // The count of steps goes on.
  void set_state(int lane, std::span<const double> state) override {
    if constexpr (requires(Task & task) { task.set_state(state); }) at(lane).task.set_state(state);
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
  }

 private:
  static constexpr bool kHasState = requires { Task::kState; };
  static constexpr bool kHasCode = requires(const Task& task, std::uint16_t* features) {
    task.active_features(features);
  };
  static constexpr bool kHasExpand =
      requires(const Task& task, std::span<const std::uint16_t> active, float* out) {
    task.expand(active, out, 1);
  };

  struct Lane {
    Task task;
    RandomSource* draws;  // not owned, not saved
    std::int32_t steps;

    template <class Archive>
    void visit(Archive& archive) {
      archive("task", task);
      archive.ranged("steps", steps, 0, std::numeric_limits<std::int32_t>::max() - 1);
    }
  };

  Lane& at(int lane) {
    assert(lane >= 0 && lane < lanes());
    return lanes_[static_cast<std::size_t>(lane)];
  }

  // One observation from its code, feature f to out[f * stride].
  void expand_column(std::span<const std::uint16_t> active, float* out, int stride) const {
    if constexpr (kHasExpand) {
      lanes_.front().task.expand(active, out, stride);
    } else {
      for (std::ptrdiff_t f = 0; f < Task::kObservation; ++f) out[f * stride] = 0;
      for (const std::uint16_t f : active) out[std::ptrdiff_t{f} * stride] = 1;
    }
  }

  static typename Task::Action action_of(const ActionBatch& actions, std::size_t column) {
    if constexpr (std::integral<typename Task::Action>) {
      const std::int32_t action = actions.discrete[column];
      assert(action >= 0 && action < Task::kActions);
      return action;
    } else {
      typename Task::Action action;
      for (std::size_t d = 0; d < action.size(); ++d)
        action[d] = actions.continuous[d * static_cast<std::size_t>(actions.stride) + column];
      return action;
    }
  }

  TaskInfo info_;
  std::vector<Lane> lanes_;
};

}  // namespace impsweep
