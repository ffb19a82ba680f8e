// envs/minatar/breakout.hpp - Breakout: a paddle keeps a ball in play that removes the bricks of a wall.
#pragma once

#include "envs/minatar/minatar.hpp"

namespace impsweep::minatar {

struct Breakout {
  static constexpr const char* kName = "breakout";
  static constexpr const char* kDescription = "keep a ball in play and break bricks (MinAtar)";
  static constexpr std::array kChannels = {"paddle", "ball", "trail", "brick"};
  static constexpr std::array kMinimalActions = {kNoOp, kLeft, kRight};
  static constexpr int kWallTop = 1, kWallRows = 3;
  static constexpr int kMaxActive = 3 + kWallRows * kSide;  // paddle, ball, trail; a full wall
  static constexpr double kUsualActive = 32;
  static constexpr int kFirstEpisode = 11, kUsualEpisode = 250;

  // Diagonals, clockwise.
  enum Direction : std::uint8_t { kUpLeft, kUpRight, kDownRight, kDownLeft };

  void reset(RandomSource&);  // I(2): the side on which the ball starts
  // No draws. Difficulty does not ramp.
  StepResult step(Action, RandomSource&, bool ramping);
  void draw(GameBoard<Breakout>&) const;

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("paddle", paddle, 0, kSide - 1);
    archive.ranged("ball_x", ball_x, 0, kSide - 1);
    archive.ranged("ball_y", ball_y, 0, kSide - 1);
    archive.ranged("last_x", last_x, 0, kSide - 1);
    archive.ranged("last_y", last_y, 0, kSide - 1);
    archive.ranged("direction", direction, kUpLeft, kDownLeft);
    archive.ranged("wall", wall, 0, int{kFullRow});
    archive("strike", strike);
  }

  std::int32_t paddle = 0;  // column
  std::int32_t ball_x = 0, ball_y = 0;
  std::int32_t last_x = 0, last_y = 0;  // where the ball was one step before
  Direction direction = kDownRight;
  std::array<std::uint16_t, kWallRows> wall{};  // bit x of element i: a brick at row kWallTop + i, column x
  bool strike = false;                          // the last step touched a brick: this one removes none

 private:
  void build_wall();
  std::uint16_t* wall_row(int y);  // nullptr outside the wall
  void reflect_horizontally();
  void reflect_vertically();
};

}  // namespace impsweep::minatar
