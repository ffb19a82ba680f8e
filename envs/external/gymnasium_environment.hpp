// envs/external/gymnasium_environment.hpp - an environment of Gymnasium as a task: lanes in worker processes,
// every episode with a seed of its own, which is drawn from the lane's stream.
//
// A checkpoint of a lane is the seed and the actions of its episode; loading plays them again, and refuses
// what does not come to the same observation. Numbers that are not finite are refused before a learner sees
// them.
#pragma once

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "envs/environment.hpp"
#include "envs/external/definition.hpp"
#include "envs/external/gymnasium_worker.hpp"

namespace impsweep::external {

// Seeds are drawn below this: some environments hand them on to generators of 32 bits with a sign.
inline constexpr std::int64_t kSeeds = std::int64_t{1} << 31;

class GymnasiumEnvironment final : public Environment {
 public:
  // Python is started when it is first needed: a task can be looked at where there is none.
  GymnasiumEnvironment(TaskInfo info, Definition definition, int lanes);
  ~GymnasiumEnvironment() override;

  const TaskInfo& info() const override { return info_; }
  int lanes() const override { return static_cast<int>(lanes_.size()); }
  void attach(int lane, RandomSource& draws) override { at(lane).draws = &draws; }
  void reset(int lane, int column, ObservationBatch observations) override;
  void step(std::span<const std::int32_t> lanes, ActionBatch actions, ObservationBatch observations,
            std::span<StepResult> results) override;
  bool share_among_processes(int processes) override;
  void expect_resets_after_ends() override { expects_resets_ = true; }
  std::string external_program() const override;
  void save(StateWriter&) const override;
  void load(StateReader&) override;

  // For recordings: a reset with this seed (or kNoSeed), and what the last reset or step of a lane gave: the
  // observation as the environment has it, the reward in full, and the state of the generator.
  void reset_with(int lane, std::int64_t seed, int column, ObservationBatch observations);
  std::span<const std::byte> raw_row(int lane);
  double raw_reward(int lane);
  std::string generator(int lane);
  const Spaces& spaces() const { return spaces_; }

  // Starts Python. Throws TaskUnavailable if the environment cannot be played here.
  void start();

 private:
  enum class Phase : std::int32_t { kUnused, kPlaying, kOver };

  struct Lane {
    RandomSource* draws = nullptr;  // not owned, not saved
    std::int64_t seed = 0;          // of the episode
    std::int64_t episodes = 0;      // begun so far, for messages
    std::int32_t steps = 0;
    Phase phase = Phase::kUnused;
    std::uint64_t last_row = 0;         // hash of the last observation
    std::vector<std::int32_t> actions;  // of the episode, discrete ones
    std::vector<float> numbers;         // [step][actions] of the episode, as the environment was given them
    const std::byte* row = nullptr;     // the last observation, in the worker's memory; not saved
    std::size_t place = 0;              // column of its worker that the last request used; not saved
    std::int64_t next_seed = kNoReset;  // with which the step that ended the episode began another; not saved

    template <class Archive>
    void visit(Archive& archive) {
      archive.ranged("seed", seed, kNoSeed, kSeeds - 1);
      archive.ranged("episodes", episodes, std::int64_t{0}, std::numeric_limits<std::int64_t>::max() - 1);
      archive.ranged("steps", steps, 0, std::numeric_limits<std::int32_t>::max() - 1);
      archive.ranged("phase", phase, Phase::kUnused, Phase::kOver);
      archive("last_row", last_row);
      archive("actions", actions);
      archive("numbers", numbers);
    }
  };

  Lane& at(int lane);
  std::size_t worker_of(int lane) const { return static_cast<std::size_t>(lane) % workers_.size(); }
  std::size_t lane_there(int lane) const { return static_cast<std::size_t>(lane) / workers_.size(); }
  void give_actions(GymnasiumWorker&, std::size_t place, Lane&, const ActionBatch&, std::size_t column);
  void begin_episode(Lane&, std::int64_t seed);
  std::int64_t seed_of_next_episode(const Lane&) const;
  void take_row(const std::byte* row, int lane, int column, ObservationBatch observations);
  template <class Number>
  void write_numbers(const std::byte* row, int lane, int column, ObservationBatch observations);
  void finish(std::size_t worker);
  void replay(int lane);
  [[noreturn]] void throw_fault(int lane, const std::string& what) const;

  TaskInfo info_;
  Definition definition_;
  Spaces spaces_;
  std::vector<float> low_, high_;  // bounds of continuous actions
  bool scales_ = false, expects_resets_ = false;
  std::size_t processes_ = 1;
  std::vector<std::unique_ptr<GymnasiumWorker>> workers_;  // lane l is lane l / count of worker l % count
  std::vector<std::size_t> used_;                          // [worker]: columns of the request under way
  std::vector<Lane> lanes_;
};

}  // namespace impsweep::external
