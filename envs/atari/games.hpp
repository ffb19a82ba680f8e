// envs/atari/games.hpp - the games: the 57 of the usual benchmark set, and Tetris. All have screens of
// 210 x 160 pixels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace impsweep::atari {

// Actions in ALE's code: those that the rules of play themselves take, and the last of all.
inline constexpr int kNoop = 0, kFire = 1, kUp = 2, kLastAction = 17;

struct Game {
  std::string name;  // ALE's: the ROM is <name>.bin
  std::string description;
  // ALE's codes, ascending, of the actions that do something in this game: 0 no action, 1 fire, 2 up, 3
  // right, 4 left, 5 down, 6 up right, 7 up left, 8 down right, 9 down left; 10 to 17 are 2 to 9 with fire.
  std::vector<int> actions;

  bool has(int action) const;
};

const std::vector<Game>& games();

// nullptr if there is none of this name.
const Game* find_game(std::string_view name);

}  // namespace impsweep::atari
