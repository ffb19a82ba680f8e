// envs/atari/emulator.hpp - the interface of consoles that play one Atari 2600 game, as the rules of play see
// them (envs/atari/atari.hpp): actions go in, grey screens, rewards and lives come out. Tests have a scripted
// emulator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "envs/environment.hpp"

namespace impsweep::atari {

inline constexpr int kScreenRows = 210, kScreenColumns = 160;
inline constexpr std::size_t kScreenSize = std::size_t{kScreenRows} * kScreenColumns;

// An emulator that worked and does so no longer.
struct EmulatorFailed : TaskUnavailable {
  using TaskUnavailable::TaskUnavailable;
};

class Emulator {
 public:
  using Screen = std::span<const std::uint8_t, kScreenSize>;  // [row][column], luminance

  struct Outcome {
    double reward = 0;  // sum over the frames
    int lives = 0;      // 0 also in games that have none
    bool game_over = false;
  };

  virtual ~Emulator() = default;

  virtual std::string program() const = 0;  // and its version

  // A new game, the same whatever was played before. Comes before everything else on a console that no state
  // was loaded into.
  virtual Outcome reset(int console) = 0;

  // `frames` frames, at least one, with one action in ALE's code. After the end of a game nothing happens.
  virtual Outcome play(int console, int action, int frames) = 0;

  // The screen at the end of the last play(), and one frame earlier.
  virtual Screen last(int console) const = 0;
  virtual Screen before_last(int console) const = 0;

  // Everything that the future of the console depends on, and the other way round; also for another emulator
  // of the same game.
  virtual std::string save(int console) = 0;
  virtual void load(int console, const std::string& state) = 0;
};

using EmulatorFactory = std::function<std::unique_ptr<Emulator>(int consoles)>;

}  // namespace impsweep::atari
