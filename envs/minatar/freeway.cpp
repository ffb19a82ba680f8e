#include "envs/minatar/freeway.hpp"

#include <algorithm>

namespace impsweep::minatar {
namespace {

enum Channel { kChicken, kCar, kSpeed1 };

constexpr int kStartRow = kSide - 1;

int wrapped(int x) {
  return (x + kSide) % kSide;
}

}  // namespace

void Freeway::reset(RandomSource& draws) {
  cars.fill({});
  randomize_cars(draws);
  chicken = kStartRow;
  move_timer = kMoveInterval;
  terminate_timer = kCountdown;
}

StepResult Freeway::step(Action action, RandomSource& draws, bool /*ramping*/) {
  StepResult result;
  if (move_timer == 0 && (action == kUp || action == kDown)) {
    chicken = std::clamp(chicken + (action == kUp ? -1 : 1), 0, kSide - 1);
    move_timer = kMoveInterval;
  }
  if (chicken == 0) {
    result.reward += 1;
    randomize_cars(draws);
    chicken = kStartRow;
  }
  for (int i = 0; i < kCars; ++i) {
    Car& car = cars[static_cast<std::size_t>(i)];
    const auto hit = [&] { return car.x == kChickenColumn && chicken == i + 1; };
    if (hit()) chicken = kStartRow;
    if (car.timer > 0) {
      --car.timer;
      continue;
    }
    car.timer = car.magnitude;
    car.x = wrapped(car.x + (car.right ? 1 : -1));
    if (hit()) chicken = kStartRow;
  }
  if (move_timer > 0) --move_timer;
  --terminate_timer;
  result.terminated = terminate_timer < 0;
  return result;
}

void Freeway::randomize_cars(RandomSource& draws) {
  for (Car& car : cars) car.timer = car.magnitude = static_cast<std::int32_t>(draws.below(kSlowest)) + 1;
  for (Car& car : cars) car.right = draws.uniform() > 0.5;
}

void Freeway::draw(GameBoard<Freeway>& board) const {
  board.mark(kChicken, kChickenColumn, chicken);
  for (int i = 0; i < kCars; ++i) {
    const Car& car = cars[static_cast<std::size_t>(i)];
    board.mark(kCar, car.x, i + 1);
    board.mark(kSpeed1 + car.magnitude - 1, wrapped(car.x + (car.right ? -1 : 1)), i + 1);
  }
}

}  // namespace impsweep::minatar
