// envs/minatar/freeway.hpp - Freeway: a chicken crosses eight lanes of traffic as often as it can.
#pragma once

#include "envs/minatar/minatar.hpp"

namespace impsweep::minatar {

struct Freeway {
  static constexpr const char* kName = "freeway";
  static constexpr const char* kDescription = "cross eight lanes of traffic, 2501 steps (MinAtar)";
  static constexpr std::array kChannels = {"chicken", "car",    "speed1", "speed2",
                                           "speed3",  "speed4", "speed5"};
  static constexpr std::array kMinimalActions = {kNoOp, kUp, kDown};
  static constexpr int kCars = 8;                   // car i drives in row i + 1
  static constexpr int kMaxActive = 1 + 2 * kCars;  // chicken; every car with its trail
  static constexpr double kUsualActive = 17;
  static constexpr int kFirstEpisode = 2501, kUsualEpisode = 2501;
  static constexpr int kChickenColumn = 4;
  static constexpr int kSlowest = 5;       // magnitudes 1 to 5; a car moves every magnitude + 1 steps
  static constexpr int kMoveInterval = 3;  // steps between moves of the chicken
  static constexpr int kCountdown = 2500;  // the episode ends when it has fallen below 0

  struct Car {
    std::int32_t x = 0, timer = 0, magnitude = 1;
    bool right = false;

    template <class Archive>
    void visit(Archive& archive) {
      archive.ranged("x", x, 0, kSide - 1);
      archive.ranged("timer", timer, 0, kSlowest);
      archive.ranged("magnitude", magnitude, 1, kSlowest);
      archive("right", right);
    }
  };

  void reset(RandomSource&);  // as at a crossing
  // At a crossing eight I(5), the magnitudes, then eight U, the directions. Difficulty does not ramp.
  StepResult step(Action, RandomSource&, bool ramping);
  void draw(GameBoard<Freeway>&) const;

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("chicken", chicken, 0, kSide - 1);
    archive.ranged("move_timer", move_timer, 0, kMoveInterval);
    archive.ranged("terminate_timer", terminate_timer, -1, kCountdown);
    archive("cars", cars);
  }

  std::int32_t chicken = 0;  // row
  std::int32_t move_timer = 0, terminate_timer = 0;
  std::array<Car, kCars> cars;

 private:
  void randomize_cars(RandomSource&);  // positions are kept
};

}  // namespace impsweep::minatar
