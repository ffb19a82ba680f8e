#include "envs/minatar/breakout.hpp"

#include <algorithm>

namespace impsweep::minatar {
namespace {

enum Channel { kPaddle, kBall, kTrail, kBrick };

constexpr int kPaddleRow = kSide - 1;

}  // namespace

void Breakout::reset(RandomSource& draws) {
  const bool from_left = draws.below(2) == 0;
  ball_x = last_x = from_left ? 0 : kSide - 1;
  ball_y = last_y = 3;  // inside the lowest row of the wall
  direction = from_left ? kDownRight : kDownLeft;
  paddle = 4;
  build_wall();
  strike = false;
}

StepResult Breakout::step(Action action, RandomSource&, bool /*ramping*/) {
  StepResult result;
  if (action == kLeft) paddle = std::max(paddle - 1, 0);
  if (action == kRight) paddle = std::min(paddle + 1, kSide - 1);

  last_x = ball_x;
  last_y = ball_y;
  int new_x = ball_x + (direction == kUpRight || direction == kDownRight ? 1 : -1);
  int new_y = ball_y + (direction == kDownRight || direction == kDownLeft ? 1 : -1);
  if (!on_board(new_x)) {
    new_x = std::clamp(new_x, 0, kSide - 1);
    reflect_horizontally();
  }

  bool touching = false;
  std::uint16_t* const row = wall_row(new_y);
  const auto brick = static_cast<std::uint16_t>(1 << new_x);
  if (new_y < 0) {
    new_y = 0;
    reflect_vertically();
  } else if (row != nullptr && (*row & brick) != 0) {
    touching = true;
    if (!strike) {
      result.reward += 1;
      strike = true;
      *row ^= brick;
      new_y = last_y;
      reflect_vertically();
    }
  } else if (new_y == kPaddleRow) {
    if (std::ranges::count(wall, 0) == kWallRows) build_wall();
    if (ball_x == paddle) {
      reflect_vertically();
      new_y = last_y;
    } else if (new_x == paddle) {
      reflect_horizontally();
      reflect_vertically();
      new_y = last_y;
    } else {
      result.terminated = true;
    }
  }
  if (!touching) strike = false;
  ball_x = new_x;
  ball_y = new_y;
  return result;
}

void Breakout::build_wall() {
  wall.fill(kFullRow);
}

std::uint16_t* Breakout::wall_row(int y) {
  const bool inside = y >= kWallTop && y < kWallTop + kWallRows;
  return inside ? &wall[static_cast<std::size_t>(y - kWallTop)] : nullptr;
}

void Breakout::reflect_horizontally() {
  static constexpr Direction kMirrored[] = {kUpRight, kUpLeft, kDownLeft, kDownRight};
  direction = kMirrored[direction];
}

void Breakout::reflect_vertically() {
  static constexpr Direction kMirrored[] = {kDownLeft, kDownRight, kUpRight, kUpLeft};
  direction = kMirrored[direction];
}

void Breakout::draw(GameBoard<Breakout>& board) const {
  board.mark(kPaddle, paddle, kPaddleRow);
  board.mark(kBall, ball_x, ball_y);
  board.mark(kTrail, last_x, last_y);
  for (int i = 0; i < kWallRows; ++i) board.mark_row(kBrick, kWallTop + i, wall[static_cast<std::size_t>(i)]);
}

}  // namespace impsweep::minatar
