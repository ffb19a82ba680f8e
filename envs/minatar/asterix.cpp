#include "envs/minatar/asterix.hpp"

#include <algorithm>

namespace impsweep::minatar {
namespace {

enum Channel { kPlayer, kEnemy, kTrail, kGold };

}  // namespace

void Asterix::reset(RandomSource&) {
  x = y = 5;
  slots.fill({});
  spawn_speed = spawn_timer = kSpawnSpeed;
  move_speed = move_timer = kMoveSpeed;
  ramp_timer = kRampInterval;
  ramp_index = 0;
}

StepResult Asterix::step(Action action, RandomSource& draws, bool ramping) {
  StepResult result;
  if (spawn_timer == 0) {
    spawn(draws);
    spawn_timer = spawn_speed;
  }
  move_player(action);
  for (std::size_t slot = 0; slot < slots.size(); ++slot) touch(slot, result);
  if (move_timer == 0) {
    move_timer = move_speed;
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      Entity& entity = slots[slot];
      if (!entity.present) continue;
      entity.x += entity.right ? 1 : -1;
      if (on_board(entity.x))
        touch(slot, result);
      else
        entity.present = false;
    }
  }
  --spawn_timer;
  --move_timer;
  if (ramping) ramp();
  return result;
}

void Asterix::spawn(RandomSource& draws) {
  const bool right = draws.uniform() < 0.5;
  const bool gold = draws.uniform() < 1.0 / 3;
  const auto empty = std::ranges::count(slots, false, &Entity::present);
  if (empty == 0) return;
  std::int64_t skip = draws.below(empty);
  for (Entity& entity : slots) {
    if (entity.present || skip-- > 0) continue;
    entity = {.present = true, .right = right, .gold = gold, .x = right ? 0 : kSide - 1};
    return;
  }
}

void Asterix::move_player(Action action) {
  if (action == kLeft) x = std::max(x - 1, 0);
  if (action == kRight) x = std::min(x + 1, kSide - 1);
  if (action == kUp) y = std::max(y - 1, 1);
  if (action == kDown) y = std::min(y + 1, kRows);
}

// Gold on the player's cell is collected; an enemy there ends the game and stays.
void Asterix::touch(std::size_t slot, StepResult& result) {
  Entity& entity = slots[slot];
  if (!entity.present || entity.x != x || static_cast<int>(slot) + 1 != y) return;
  if (entity.gold) {
    entity.present = false;
    result.reward += 1;
  } else {
    result.terminated = true;
  }
}

void Asterix::ramp() {
  if (spawn_speed <= 1 && move_speed <= 1) return;
  if (ramp_timer >= 0) {
    --ramp_timer;
    return;
  }
  if (move_speed > 1 && ramp_index % 2 == 1) --move_speed;
  if (spawn_speed > 1) --spawn_speed;
  ++ramp_index;
  ramp_timer = kRampInterval;
}

void Asterix::draw(GameBoard<Asterix>& board) const {
  board.mark(kPlayer, x, y);
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    const Entity& entity = slots[slot];
    if (!entity.present) continue;
    const int row = static_cast<int>(slot) + 1;
    board.mark(entity.gold ? kGold : kEnemy, entity.x, row);
    board.mark_if_on_board(kTrail, entity.x + (entity.right ? -1 : 1), row);
  }
}

}  // namespace impsweep::minatar
