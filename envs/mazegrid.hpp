// envs/mazegrid.hpp - MazeGrid: an agent collects coins and avoids poisons in three chambers; two enemies
// patrol the gaps between them. Everything is deterministic and the same in every episode.
//
// One step: the agent moves (a wall holds it in place) and takes what lies in its cell, a coin for +1, a
// poison for -1; the episode ends if it stands on an enemy; the enemies move one cell along their gap and
// turn at its ends; the episode ends if one of them stands on the agent, if no coin is left, or at the step
// limit. All ends are terminal: in the paper the limit belongs to the task.
//
// Cells are numbered row * 20 + column from the top left. Three tasks differ in what the agent sees:
//   mazegrid            six maps of ones and zeros: empty, agent, enemy 1, enemy 2, coin, poison (none for
//                       walls); feature map * 200 + cell. In every non-terminal state each free cell is in
//                       exactly one map; when an enemy meets the agent, their cell is in both of theirs.
//   mazegrid-rgb        the picture, three colours x 200 cells, 0 to 255 over `mazegrid.rgb_scale`
//   mazegrid-entangled  a fixed random square matrix times the first (envs/entanglement.hpp)
// The first is the code of all three.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

#include "envs/entanglement.hpp"
#include "envs/environment.hpp"

namespace impsweep {

struct MazeGrid {
  static constexpr int kRows = 10, kColumns = 20, kCells = kRows * kColumns;
  // '#' wall, '.' empty, 'o' coin, 'x' poison, 'A' agent, '1' '2' enemies, '-' the rest of their gaps
  static constexpr std::string_view kLayout =
      "####################"
      "#o..ox.o..xo.xo..oA#"
      "#.o..ooo.o..o.o.x.o#"
      "###1-----###########"
      "#...o.o.o..xo.xo..o#"
      "#oxoo.x.o.o.oo.o...#"
      "###########-----2###"
      "#.ooox...o.....ooxo#"
      "#.oxo..ox.oo.o..o..#"
      "####################";
  static constexpr int kCoins = 42, kPoisons = 12, kFreeCells = 120;
  static constexpr int kPatrolPeriod = 10;  // steps; both gaps are six cells wide

  enum Move : int { kUp, kDown, kLeft, kRight };
  enum Map : int { kEmpty, kAgent, kEnemy1, kEnemy2, kCoin, kPoison, kMaps };

  static constexpr int kObservation = kMaps * kCells, kActions = 4;
  static constexpr int kMaxActive = kFreeCells + 1;  // one more when an enemy meets the agent
  using Action = int;                                // a Move

  struct Parameters {
    int max_steps = 200;
  };
  using CellSet = std::array<std::uint64_t, (kCells + 63) / 64>;  // bit cell % 64 of element cell / 64

  explicit MazeGrid(const Parameters& chosen) : parameters(chosen) {}

  void reset(RandomSource&);                   // no draws
  StepResult step(int action, RandomSource&);  // no draws
  int active_features(std::uint16_t* features) const;
  void observe(float* out, int stride) const;

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("agent", agent, 0, kCells - 1);
    archive.ranged("patrol", patrol, 0, kPatrolPeriod - 1);
    archive.ranged("steps", steps, 0, std::numeric_limits<std::int32_t>::max() - 1);
    archive.ranged("coins_left", coins_left, 0, kCoins);
    archive("coins", coins);
    archive("poisons", poisons);
    archive.require("coins and poisons", [&] { return things_lie_in_place(); });
  }

  bool things_lie_in_place() const;  // the agent in no wall, coins and poisons only where they can lie

  Parameters parameters;
  std::int32_t agent = 0;   // cell
  std::int32_t patrol = 0;  // moves of the enemies modulo their period
  std::int32_t steps = 0, coins_left = 0;
  CellSet coins{}, poisons{};  // what still lies in the maze
};

// Sees colours.
struct MazeGridRgb : MazeGrid {
  static constexpr int kColours = 3, kObservation = kColours * kCells;
  struct Parameters {
    MazeGrid::Parameters maze;
    float divisor = 255;
  };
  explicit MazeGridRgb(const Parameters& chosen) : MazeGrid(chosen.maze), divisor(chosen.divisor) {}

  void expand(std::span<const std::uint16_t> active, float* out, int stride) const;
  void observe(float* out, int stride) const;

  float divisor;
};

// Sees the maps through a matrix, which all lanes share.
struct MazeGridEntangled : MazeGrid {
  struct Parameters {
    MazeGrid::Parameters maze;
    std::shared_ptr<const Entanglement> matrix;
  };
  explicit MazeGridEntangled(const Parameters& chosen) : MazeGrid(chosen.maze), matrix(chosen.matrix) {}

  void expand(std::span<const std::uint16_t> active, float* out, int stride) const;
  void observe(float* out, int stride) const;

  std::shared_ptr<const Entanglement> matrix;
};

TaskInfo mazegrid_info();
TaskInfo mazegrid_rgb_info();
TaskInfo mazegrid_entangled_info();

// `options` holds a valid value for every declared option.
std::unique_ptr<Environment> make_mazegrid(TaskInfo info, int lanes, const TaskOptions& options);
std::unique_ptr<Environment> make_mazegrid_rgb(TaskInfo info, int lanes, const TaskOptions& options);
std::unique_ptr<Environment> make_mazegrid_entangled(TaskInfo info, int lanes, const TaskOptions& options);

}  // namespace impsweep
