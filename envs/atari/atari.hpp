// envs/atari/atari.hpp - Atari 2600 games by the rules of rlpyt's AtariEnv: what is a step, an episode, an
// image and a reward. The console itself is an Emulator.
//
// Reset: the console is reset, to the same state each time (rlpyt lets some games keep traces of those
// before); one no-op, after which the lives are read; k further no-ops, k uniform on 0..max_start_noops; fire
// and up if fire_on_reset asks for them; one image is pushed on an empty stack.
//
// Step: frame_skip frames with the action. A life is lost if fewer are left than when they were last read,
// but some are; then one no-op follows, its reward is dropped, and the lives are read again. With
// episodic_lives the loss ends the episode as the learner sees it, and the stack is emptied; reset() goes on
// with the same game then. Only the end of a game or the horizon leads to a reset of the console. The horizon
// is tested before the step is counted: what is truncated has horizon + 1 steps.
//
// Image: the brighter of the last two frames in each pixel; after a reset, or a lost life that ended the
// episode, the last frame alone. First and last row are dropped, and the mean of 2 x 2 pixels is rounded,
// half up. Observation: the last four images, the oldest first, in floats from 0 to 1.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "envs/atari/emulator.hpp"
#include "envs/atari/games.hpp"
#include "envs/environment.hpp"

namespace impsweep::atari {

inline constexpr int kImageRows = 104, kImageColumns = 80, kImages = 4;
inline constexpr std::size_t kImageSize = std::size_t{kImageRows} * kImageColumns;

struct Rules {
  bool episodic_lives = true;  // a lost life ends the episode
  bool clip_reward = true;     // to the sign of the sum over a step
  bool fire_on_reset = false;  // fire, then up, where the game has them
  int max_start_noops = 30;
  int frame_skip = 4;
  int horizon = 27000;  // steps; 0: none
};

class AtariEnvironment final : public Environment {
 public:
  // The emulator is made when it is first needed: a task can be looked at where there is none.
  AtariEnvironment(TaskInfo info, const Game& game, int lanes, const Rules& rules, EmulatorFactory emulator);

  const TaskInfo& info() const override { return info_; }
  int lanes() const override { return static_cast<int>(lanes_.size()); }
  void attach(int lane, RandomSource& draws) override { at(lane).draws = &draws; }
  void reset(int lane, int column, ObservationBatch observations) override;
  void step(std::span<const std::int32_t> lanes, ActionBatch actions, ObservationBatch observations,
            std::span<StepResult> results) override;
  std::string external_program() const override {
    return emulator_ == nullptr ? std::string() : emulator_->program();
  }
  void save(StateWriter&) const override;
  void load(StateReader&) override;

 private:
  enum class Phase : std::int32_t { kUnused, kPlaying, kLifeLost, kOver };

  struct Lane {
    RandomSource* draws = nullptr;     // not owned, not saved
    std::vector<std::uint8_t> images;  // [kImages][row][column], a ring
    std::int32_t oldest = 0;           // its place in the ring
    std::int32_t lives = 0;            // when they were last read
    std::int32_t steps = 0;            // since the console was reset
    Phase phase = Phase::kUnused;

    bool in_play() const { return phase == Phase::kPlaying || phase == Phase::kLifeLost; }
    const std::uint8_t* image(int age) const {  // 0 is the oldest
      return images.data() + static_cast<std::size_t>((oldest + age) % kImages) * kImageSize;
    }

    template <class Archive>
    void visit(Archive& archive) {
      archive.sized("images", images);
      archive.ranged("oldest", oldest, 0, kImages - 1);
      archive.ranged("lives", lives, 0, 1 << 20);
      archive.ranged("steps", steps, 0, std::numeric_limits<std::int32_t>::max() - 1);
      archive.ranged("phase", phase, Phase::kUnused, Phase::kOver);
    }
  };

  Lane& at(int lane);
  void start_emulator();
  void start_game(int lane);
  StepResult step_lane(int lane, int action);
  void push(Lane& lane, Emulator::Screen earlier, Emulator::Screen last);
  void observe(std::span<const std::int32_t> lanes, ObservationBatch observations);

  TaskInfo info_;
  const Game& game_;
  Rules rules_;
  EmulatorFactory make_emulator_;
  std::unique_ptr<Emulator> emulator_;  // a console per lane; null until the first game
  std::vector<Lane> lanes_;
};

// "atari-<name>".
TaskInfo game_info(const Game& game);

// For any of the games, with the emulator that is installed. `options` holds a valid value for every option.
std::unique_ptr<Environment> make_game(TaskInfo info, int lanes, const TaskOptions& options);

// Throws TaskUnavailable if the game cannot be played here.
void require_game(const TaskInfo& info);

}  // namespace impsweep::atari
