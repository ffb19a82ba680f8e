// envs/minatar/asterix.hpp - Asterix: collect gold and avoid enemies, which cross the board in eight rows.
#pragma once

#include "envs/minatar/minatar.hpp"

namespace impsweep::minatar {

struct Asterix {
  static constexpr const char* kName = "asterix";
  static constexpr const char* kDescription = "collect gold, avoid enemies (MinAtar)";
  static constexpr std::array kChannels = {"player", "enemy", "trail", "gold"};
  static constexpr std::array kMinimalActions = {kNoOp, kLeft, kUp, kRight, kDown};
  static constexpr int kRows = 8;                   // slot i lives in row i + 1
  static constexpr int kMaxActive = 1 + 2 * kRows;  // player; every entity with its trail
  static constexpr double kUsualActive = 6.3;
  static constexpr int kFirstEpisode = 70, kUsualEpisode = 300;
  static constexpr int kSpawnSpeed = 10, kMoveSpeed = 5, kRampInterval = 100;  // steps, at the start

  struct Entity {
    bool present = false, right = false, gold = false;
    std::int32_t x = 0;

    template <class Archive>
    void visit(Archive& archive) {
      archive("present", present);
      archive("right", right);
      archive("gold", gold);
      archive.ranged("x", x, -1, kSide);  // who has left the board stands beside it
      archive.require("x", [&] { return !present || on_board(x); });
    }
  };

  void reset(RandomSource&);  // no draws
  // At a spawn: U (direction), U (gold), and I(empty slots) unless all are taken.
  StepResult step(Action, RandomSource&, bool ramping);
  void draw(GameBoard<Asterix>&) const;

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("x", x, 0, kSide - 1);
    archive.ranged("y", y, 1, kRows);
    archive("slots", slots);
    archive.ranged("spawn_speed", spawn_speed, 1, kSpawnSpeed);
    archive.ranged("spawn_timer", spawn_timer, 0, kSpawnSpeed);
    archive.ranged("move_speed", move_speed, 1, kMoveSpeed);
    archive.ranged("move_timer", move_timer, 0, kMoveSpeed);
    archive.ranged("ramp_timer", ramp_timer, -1, kRampInterval);
    archive.ranged("ramp_index", ramp_index, 0, 1000);
  }

  std::int32_t x = 0, y = 0;
  std::array<Entity, kRows> slots;
  std::int32_t spawn_speed = 0, spawn_timer = 0;
  std::int32_t move_speed = 0, move_timer = 0;
  std::int32_t ramp_timer = 0, ramp_index = 0;

 private:
  void spawn(RandomSource&);
  void move_player(Action);
  void touch(std::size_t slot, StepResult&);
  void ramp();
};

}  // namespace impsweep::minatar
