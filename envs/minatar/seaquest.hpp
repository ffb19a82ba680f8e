// envs/minatar/seaquest.hpp - Seaquest: a submarine shoots fish and enemy submarines, picks up divers and
// must surface with at least one of them before its oxygen is used up.
#pragma once

#include "envs/minatar/minatar.hpp"

namespace impsweep::minatar {

struct Seaquest {
  static constexpr const char* kName = "seaquest";
  static constexpr const char* kDescription = "shoot fish and submarines, rescue divers (MinAtar)";
  static constexpr std::array kChannels = {"sub_front",    "sub_back",   "friendly_bullet", "trail",
                                           "enemy_bullet", "enemy_fish", "enemy_sub",       "oxygen_gauge",
                                           "diver_gauge",  "diver"};
  static constexpr std::array kMinimalActions = {kNoOp, kLeft, kUp, kRight, kDown, kFire};

  static constexpr int kFullOxygen = 200, kFullHold = 6;  // steps; divers
  static constexpr int kSpawnSpeed = 20, kMoveSpeed = 5;  // steps, at the start
  static constexpr int kFastestMoveSpeed = 2;
  static constexpr int kDiverSpawnInterval = 30, kDiverMoveInterval = 5;  // steps
  static constexpr int kShotInterval = 5, kEnemyShotInterval = 10;        // steps

  // Objects at once. An enemy or a diver crosses the board in at most ten moves of six steps; at most one
  // enemy appears per step and one diver in 30. A submarine shoots at most five times, every 11 steps, so
  // that at most five shoot in one step; a bullet flies for ten. The player shoots every five steps.
  static constexpr int kMostEnemies = 60, kMostDivers = 2, kMostEnemyBullets = 50, kMostBullets = 2;
  // Front and back; bullets; trails of enemies and divers; those themselves; the gauges.
  static constexpr int kMaxActive =
      2 + kMostBullets + kMostEnemyBullets + 2 * (kMostEnemies + kMostDivers) + kSide + kFullHold;
  static constexpr double kUsualActive = 13.2;
  static constexpr int kFirstEpisode = 30, kUsualEpisode = 250;

  // Anything that moves along its row. Divers do not shoot, bullets have no timer.
  struct Swimmer {
    std::int32_t x = 0, y = 0;
    bool right = false;
    std::int32_t timer = 0, shot_timer = 0;

    void move() { x += right ? 1 : -1; }

    template <class Archive>
    void visit(Archive& archive) {
      archive.ranged("x", x, 0, kSide - 1);
      archive.ranged("y", y, 0, kSide - 1);
      archive("right", right);
      archive.ranged("timer", timer, 0, kMoveSpeed);
      archive.ranged("shot_timer", shot_timer, 0, kEnemyShotInterval);
    }
  };

  void reset(RandomSource&);  // no draws
  // An enemy takes U (direction), U (kind), I(8) (row), also if it finds its row taken; a diver U
  // (direction), I(8) (row). The enemy comes first.
  StepResult step(Action, RandomSource&, bool ramping);
  void draw(GameBoard<Seaquest>&) const;

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("x", x, 0, kSide - 1);
    archive.ranged("y", y, 0, kSide - 2);
    archive("right", right);
    archive.require("right", [&] { return right ? x > 0 : x < kSide - 1; });  // its back is on the board too
    archive.ranged("shot_timer", shot_timer, 0, kShotInterval);
    archive.ranged("oxygen", oxygen, -1, kFullOxygen);
    archive.ranged("diver_count", diver_count, -1, kFullHold);
    archive("surfaced", surfaced);
    archive("friendly_bullets", friendly_bullets);
    archive("enemy_bullets", enemy_bullets);
    archive("fish", fish);
    archive("subs", subs);
    archive("divers", divers);
    archive.ranged("spawn_speed", spawn_speed, 1, kSpawnSpeed);
    archive.ranged("spawn_timer", spawn_timer, 0, kSpawnSpeed);
    archive.ranged("diver_spawn_timer", diver_spawn_timer, 0, kDiverSpawnInterval);
    archive.ranged("move_speed", move_speed, kFastestMoveSpeed, kMoveSpeed);
    archive.ranged("ramp_index", ramp_index, 0, 1000);
  }

  std::int32_t x = 0, y = 0;  // the front; only it collides
  bool right = false;
  std::int32_t shot_timer = 0, oxygen = 0;
  std::int32_t diver_count = 0;  // falls below 0 after a full hold was delivered, as in the reference
  bool surfaced = false;
  FixedList<Swimmer, kMostBullets> friendly_bullets;
  FixedList<Swimmer, kMostEnemyBullets> enemy_bullets;
  FixedList<Swimmer, kMostEnemies> fish, subs;  // together at most kMostEnemies
  FixedList<Swimmer, kMostDivers> divers;
  std::int32_t spawn_speed = 0, spawn_timer = 0, diver_spawn_timer = 0, move_speed = 0, ramp_index = 0;

 private:
  void spawn_enemy(RandomSource&);
  void spawn_diver(RandomSource&);
  void act(Action);
  // Each goes from the newest to the oldest of its list.
  void move_friendly_bullets(StepResult&);
  void move_divers();
  void move_subs(StepResult&);
  void move_enemy_bullets(StepResult&);
  void move_fish(StepResult&);
  // Whether the enemy leaves its list: it left the board, or met a bullet, which is then removed.
  bool move_enemy(Swimmer& enemy, StepResult&);
  bool pick_up(const Swimmer& diver);
  bool on_sub(const Swimmer& other) const { return other.x == x && other.y == y; }
  void surface(StepResult&, bool ramping);
};

}  // namespace impsweep::minatar
