#include "envs/minatar/seaquest.hpp"

#include <algorithm>

namespace impsweep::minatar {
namespace {

enum Channel {
  kSubFront,
  kSubBack,
  kFriendlyBullet,
  kTrail,
  kEnemyBullet,
  kEnemyFish,
  kEnemySub,
  kOxygenGauge,
  kDiverGauge,
  kDiver
};

constexpr int kSeaRows = 8;  // rows 1 to 8; 0 is the surface, 9 holds the gauges
constexpr int kGaugeRow = kSide - 1;

// Removes the oldest element that stands where `place` is; false if there is none.
template <int kCapacity>
bool remove_oldest_at(FixedList<Seaquest::Swimmer, kCapacity>& list, const Seaquest::Swimmer& place) {
  for (int i = 0; i < list.size(); ++i) {
    if (list[i].x != place.x || list[i].y != place.y) continue;
    list.erase(i);
    return true;
  }
  return false;
}

int start_column(bool right) {
  return right ? 0 : kSide - 1;
}

}  // namespace

void Seaquest::reset(RandomSource&) {
  x = 5;
  y = 0;
  right = false;
  shot_timer = 0;
  oxygen = kFullOxygen;
  diver_count = 0;
  surfaced = true;
  friendly_bullets.clear();
  enemy_bullets.clear();
  fish.clear();
  subs.clear();
  divers.clear();
  spawn_speed = spawn_timer = kSpawnSpeed;
  diver_spawn_timer = kDiverSpawnInterval;
  move_speed = kMoveSpeed;
  ramp_index = 0;
}

StepResult Seaquest::step(Action action, RandomSource& draws, bool ramping) {
  StepResult result;
  if (spawn_timer == 0) {
    spawn_enemy(draws);
    spawn_timer = spawn_speed;
  }
  if (diver_spawn_timer == 0) {
    spawn_diver(draws);
    diver_spawn_timer = kDiverSpawnInterval;
  }
  act(action);
  move_friendly_bullets(result);
  move_divers();
  move_subs(result);
  move_enemy_bullets(result);
  move_fish(result);
  for (std::int32_t* timer : {&spawn_timer, &diver_spawn_timer, &shot_timer})
    if (*timer > 0) --*timer;
  if (oxygen <= 0) result.terminated = true;
  if (y > 0) {
    --oxygen;
    surfaced = false;
  } else if (!surfaced) {
    if (diver_count == 0)
      result.terminated = true;
    else
      surface(result, ramping);
  }
  return result;
}

void Seaquest::spawn_enemy(RandomSource& draws) {
  Swimmer enemy;
  enemy.right = draws.uniform() < 0.5;
  const bool is_sub = draws.uniform() < 1.0 / 3;
  enemy.y = static_cast<std::int32_t>(draws.below(kSeaRows)) + 1;
  enemy.x = start_column(enemy.right);
  enemy.timer = move_speed;
  enemy.shot_timer = kEnemyShotInterval;
  const auto comes_towards = [&](const Swimmer& other) {
    return other.y == enemy.y && other.right != enemy.right;
  };
  if (std::ranges::any_of(fish, comes_towards) || std::ranges::any_of(subs, comes_towards)) return;
  assert(fish.size() + subs.size() < kMostEnemies);
  (is_sub ? subs : fish).push_back(enemy);
}

void Seaquest::spawn_diver(RandomSource& draws) {
  Swimmer diver;
  diver.right = draws.uniform() < 0.5;
  diver.y = static_cast<std::int32_t>(draws.below(kSeaRows)) + 1;
  diver.x = start_column(diver.right);
  diver.timer = kDiverMoveInterval;
  divers.push_back(diver);
}

void Seaquest::act(Action action) {
  switch (action) {
    case kFire:
      if (shot_timer > 0) return;
      friendly_bullets.push_back({.x = x, .y = y, .right = right});
      shot_timer = kShotInterval;
      return;
    case kLeft:
      x = std::max(x - 1, 0);
      right = false;
      return;
    case kRight:
      x = std::min(x + 1, kSide - 1);
      right = true;
      return;
    case kUp:
      y = std::max(y - 1, 0);
      return;
    case kDown:
      y = std::min(y + 1, kSeaRows);
      return;
    case kNoOp:
      return;
  }
}

void Seaquest::move_friendly_bullets(StepResult& result) {
  for (int i = friendly_bullets.size() - 1; i >= 0; --i) {
    Swimmer& bullet = friendly_bullets[i];
    bullet.move();
    if (!on_board(bullet.x)) {
      friendly_bullets.erase(i);
    } else if (remove_oldest_at(fish, bullet) || remove_oldest_at(subs, bullet)) {
      friendly_bullets.erase(i);
      result.reward += 1;
    }
  }
}

void Seaquest::move_divers() {
  for (int i = divers.size() - 1; i >= 0; --i) {
    Swimmer& diver = divers[i];
    bool gone = pick_up(diver);
    if (!gone && diver.timer == 0) {
      diver.timer = kDiverMoveInterval;
      diver.move();
      gone = !on_board(diver.x) || pick_up(diver);
    } else if (!gone) {
      --diver.timer;
    }
    if (gone) divers.erase(i);
  }
}

bool Seaquest::pick_up(const Swimmer& diver) {
  if (!on_sub(diver) || diver_count >= kFullHold) return false;
  ++diver_count;
  return true;
}

bool Seaquest::move_enemy(Swimmer& enemy, StepResult& result) {
  if (on_sub(enemy)) result.terminated = true;
  if (enemy.timer > 0) {
    --enemy.timer;
    return false;
  }
  enemy.timer = move_speed;
  enemy.move();
  if (!on_board(enemy.x)) return true;
  if (on_sub(enemy)) {
    result.terminated = true;
    return false;
  }
  if (!remove_oldest_at(friendly_bullets, enemy)) return false;
  result.reward += 1;
  return true;
}

void Seaquest::move_subs(StepResult& result) {
  for (int i = subs.size() - 1; i >= 0; --i) {
    Swimmer& sub = subs[i];
    const bool gone = move_enemy(sub, result);
    if (sub.shot_timer == 0) {  // also one that is just gone
      sub.shot_timer = kEnemyShotInterval;
      enemy_bullets.push_back({.x = sub.x, .y = sub.y, .right = sub.right});
    } else {
      --sub.shot_timer;
    }
    if (gone) subs.erase(i);
  }
}

void Seaquest::move_enemy_bullets(StepResult& result) {
  for (int i = enemy_bullets.size() - 1; i >= 0; --i) {
    Swimmer& bullet = enemy_bullets[i];
    if (on_sub(bullet)) result.terminated = true;
    bullet.move();
    if (!on_board(bullet.x))
      enemy_bullets.erase(i);
    else if (on_sub(bullet))
      result.terminated = true;
  }
}

void Seaquest::move_fish(StepResult& result) {
  for (int i = fish.size() - 1; i >= 0; --i)
    if (move_enemy(fish[i], result)) fish.erase(i);
}

// A full hold pays for the oxygen that is left. One more diver is taken off in any case, also from an empty
// hold, as in the reference: after a full delivery seven pick-ups fill it again.
void Seaquest::surface(StepResult& result, bool ramping) {
  surfaced = true;
  if (diver_count == kFullHold) {
    const std::int32_t gauge = oxygen * kSide / kFullOxygen;
    result.reward += static_cast<float>(gauge);
    diver_count = 0;
  }
  oxygen = kFullOxygen;
  --diver_count;
  if (!ramping || (spawn_speed <= 1 && move_speed <= kFastestMoveSpeed)) return;
  if (move_speed > kFastestMoveSpeed && ramp_index % 2 == 1) --move_speed;
  if (spawn_speed > 1) --spawn_speed;
  ++ramp_index;
}

void Seaquest::draw(GameBoard<Seaquest>& board) const {
  const auto behind = [](const auto& object) { return object.x + (object.right ? -1 : 1); };
  board.mark(kSubFront, x, y);
  board.mark(kSubBack, behind(*this), y);
  for (int column = 0; column < std::max(0, oxygen) * kSide / kFullOxygen; ++column)
    board.mark(kOxygenGauge, column, kGaugeRow);
  for (int column = kGaugeRow - diver_count; column < kGaugeRow; ++column)
    board.mark(kDiverGauge, column, kGaugeRow);
  for (const Swimmer& bullet : friendly_bullets) board.mark(kFriendlyBullet, bullet.x, bullet.y);
  for (const Swimmer& bullet : enemy_bullets) board.mark(kEnemyBullet, bullet.x, bullet.y);
  const auto draw_with_trail = [&](const auto& swimmers, Channel channel) {
    for (const Swimmer& swimmer : swimmers) {
      board.mark(channel, swimmer.x, swimmer.y);
      board.mark_if_on_board(kTrail, behind(swimmer), swimmer.y);
    }
  };
  draw_with_trail(fish, kEnemyFish);
  draw_with_trail(subs, kEnemySub);
  draw_with_trail(divers, kDiver);
}

}  // namespace impsweep::minatar
