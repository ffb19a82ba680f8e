#include "envs/minatar/space_invaders.hpp"

#include <algorithm>

namespace impsweep::minatar {
namespace {

enum Channel { kCannon, kAlien, kAlienLeft, kAlienRight, kFriendlyBullet, kEnemyBullet };

constexpr std::size_t kBottom = kSide - 1;
constexpr std::uint16_t kFirstColumn = 1, kLastColumn = 1 << kBottom;

void move_up(SpaceInvaders::Map& map) {
  std::shift_left(map.begin(), map.end(), 1);
  map[kBottom] = 0;
}

void move_down(SpaceInvaders::Map& map) {
  std::shift_right(map.begin(), map.end(), 1);
  map[0] = 0;
}

// The columns in which anything stands.
std::uint16_t columns_of(const SpaceInvaders::Map& map) {
  std::uint16_t columns = 0;
  for (const std::uint16_t row : map) columns |= row;
  return columns;
}

}  // namespace

void SpaceInvaders::reset(RandomSource&) {
  cannon = 5;
  start_wave();
  friendly_bullets.fill(0);
  enemy_bullets.fill(0);
  aliens_go_right = false;
  move_interval = alien_move_timer = kMoveInterval;
  alien_shot_timer = kAlienShotInterval;
  shot_timer = 0;
}

StepResult SpaceInvaders::step(Action action, RandomSource&, bool ramping) {
  StepResult result;
  if (action == kFire && shot_timer == 0) {
    friendly_bullets[kBottom] |= static_cast<std::uint16_t>(1 << cannon);
    shot_timer = kShotInterval;
  }
  if (action == kLeft) cannon = std::max(cannon - 1, 0);
  if (action == kRight) cannon = std::min(cannon + 1, kSide - 1);
  move_up(friendly_bullets);
  move_down(enemy_bullets);
  if (on_cannon(enemy_bullets) || on_cannon(aliens)) result.terminated = true;
  if (alien_move_timer == 0) move_aliens(result);
  if (alien_shot_timer == 0) shoot_back();
  result.reward += static_cast<float>(remove_hits());
  if (shot_timer > 0) --shot_timer;
  --alien_move_timer;
  --alien_shot_timer;
  if (alien_count() == 0) {
    if (move_interval > kShortestMoveInterval && ramping) --move_interval;
    start_wave();
  }
  return result;
}

void SpaceInvaders::start_wave() {
  constexpr std::uint16_t kColumns2To7 = 0b0011111100;
  aliens.fill(0);
  std::fill_n(aliens.begin(), 4, kColumns2To7);
}

int SpaceInvaders::alien_count() const {
  int count = 0;
  for (const std::uint16_t row : aliens) count += std::popcount(row);
  return count;
}

bool SpaceInvaders::on_cannon(const Map& map) const {
  return (map[kBottom] >> cannon & 1) != 0;
}

void SpaceInvaders::move_aliens(StepResult& result) {
  alien_move_timer = std::min(alien_count(), move_interval);
  const std::uint16_t leading_column = aliens_go_right ? kLastColumn : kFirstColumn;
  if ((columns_of(aliens) & leading_column) != 0) {
    aliens_go_right = !aliens_go_right;
    if (aliens[kBottom] != 0) result.terminated = true;
    std::rotate(aliens.begin(), aliens.end() - 1, aliens.end());  // row 9 enters again at row 0
  } else {
    for (std::uint16_t& row : aliens) row = static_cast<std::uint16_t>(aliens_go_right ? row << 1 : row >> 1);
  }
  if (on_cannon(aliens)) result.terminated = true;
}

// The lowest alien of the column nearest to the cannon fires; of two equally near columns, the left one.
void SpaceInvaders::shoot_back() {
  alien_shot_timer = kAlienShotInterval;
  const std::uint16_t columns = columns_of(aliens);
  const auto occupied = [&](int column) { return on_board(column) && (columns >> column & 1) != 0; };
  for (int distance = 0; distance < kSide; ++distance) {
    if (!occupied(cannon - distance) && !occupied(cannon + distance)) continue;
    const int column = occupied(cannon - distance) ? cannon - distance : cannon + distance;
    std::size_t row = kBottom;
    while ((aliens[row] >> column & 1) == 0) --row;
    enemy_bullets[row] |= static_cast<std::uint16_t>(1 << column);
    return;
  }
}

int SpaceInvaders::remove_hits() {
  int hits = 0;
  for (std::size_t row = 0; row < aliens.size(); ++row) {
    const std::uint16_t hit = aliens[row] & friendly_bullets[row];
    hits += std::popcount(hit);
    aliens[row] ^= hit;
    friendly_bullets[row] ^= hit;
  }
  return hits;
}

void SpaceInvaders::draw(GameBoard<SpaceInvaders>& board) const {
  board.mark(kCannon, cannon, kSide - 1);
  for (int y = 0; y < kSide; ++y) {
    const auto row = static_cast<std::size_t>(y);
    board.mark_row(kAlien, y, aliens[row]);
    board.mark_row(aliens_go_right ? kAlienRight : kAlienLeft, y, aliens[row]);
    board.mark_row(kFriendlyBullet, y, friendly_bullets[row]);
    board.mark_row(kEnemyBullet, y, enemy_bullets[row]);
  }
}

}  // namespace impsweep::minatar
