// envs/minatar/space_invaders.hpp - Space Invaders: a cannon shoots at waves of descending aliens.
#pragma once

#include "envs/minatar/minatar.hpp"

namespace impsweep::minatar {

struct SpaceInvaders {
  static constexpr const char* kName = "space_invaders";
  static constexpr const char* kDescription = "shoot waves of descending aliens (MinAtar)";
  static constexpr std::array kChannels = {"cannon",      "alien",           "alien_left",
                                           "alien_right", "friendly_bullet", "enemy_bullet"};
  static constexpr std::array kMinimalActions = {kNoOp, kLeft, kRight, kFire};
  static constexpr int kWave = 24;  // aliens, in rows 0 to 3 and columns 2 to 7
  static constexpr int kMoveInterval = 12, kShortestMoveInterval = 6;  // steps; one less for each wave
  static constexpr int kAlienShotInterval = 10, kShotInterval = 5;     // steps
  // Cannon; every alien in two channels; a bullet flies for nine (ten) steps, so that two of the player's and
  // one of the aliens' are seen at once.
  static constexpr int kMaxActive = 1 + 2 * kWave + 2 + 1;
  static constexpr double kUsualActive = 46;
  static constexpr int kFirstEpisode = 51, kUsualEpisode = 400;

  using Map = std::array<std::uint16_t, kSide>;  // bit x of element y: row y, column x

  void reset(RandomSource&);                             // no draws
  StepResult step(Action, RandomSource&, bool ramping);  // no draws
  void draw(GameBoard<SpaceInvaders>&) const;

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("cannon", cannon, 0, kSide - 1);
    archive.ranged("aliens", aliens, 0, int{kFullRow});
    archive.ranged("friendly_bullets", friendly_bullets, 0, int{kFullRow});
    archive.ranged("enemy_bullets", enemy_bullets, 0, int{kFullRow});
    archive("aliens_go_right", aliens_go_right);
    archive.ranged("move_interval", move_interval, kShortestMoveInterval, kMoveInterval);
    archive.ranged("alien_move_timer", alien_move_timer, 0, kMoveInterval);
    archive.ranged("alien_shot_timer", alien_shot_timer, 0, kAlienShotInterval);
    archive.ranged("shot_timer", shot_timer, 0, kShotInterval);
  }

  std::int32_t cannon = 0;  // column, in row 9
  Map aliens{}, friendly_bullets{}, enemy_bullets{};
  bool aliens_go_right = false;
  std::int32_t move_interval = 0;  // of a wave with at least as many aliens; fewer move faster
  std::int32_t alien_move_timer = 0, alien_shot_timer = 0, shot_timer = 0;

 private:
  void start_wave();
  int alien_count() const;
  bool on_cannon(const Map&) const;
  void move_aliens(StepResult&);
  void shoot_back();
  int remove_hits();  // returns the number of aliens hit
};

}  // namespace impsweep::minatar
