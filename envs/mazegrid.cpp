#include "envs/mazegrid.hpp"

#include <bit>
#include <limits>
#include <string>

#include "envs/common_options.hpp"
#include "envs/lane_environment.hpp"

namespace impsweep {
namespace {

using CellSet = MazeGrid::CellSet;

constexpr std::uint64_t bit_of(int cell) {
  return std::uint64_t{1} << (cell % 64);
}
constexpr bool contains(const CellSet& set, int cell) {
  return (set[static_cast<std::size_t>(cell / 64)] & bit_of(cell)) != 0;
}
constexpr void insert(CellSet& set, int cell) {
  set[static_cast<std::size_t>(cell / 64)] |= bit_of(cell);
}
constexpr void remove(CellSet& set, int cell) {
  set[static_cast<std::size_t>(cell / 64)] &= ~bit_of(cell);
}

constexpr CellSet cells_of(char kind) {
  CellSet set{};
  for (int cell = 0; cell < MazeGrid::kCells; ++cell)
    if (MazeGrid::kLayout[static_cast<std::size_t>(cell)] == kind) insert(set, cell);
  return set;
}
constexpr int cell_of(char kind) {
  return static_cast<int>(MazeGrid::kLayout.find(kind));
}

static_assert(MazeGrid::kLayout.size() == MazeGrid::kCells);
constexpr CellSet kWalls = cells_of('#'), kAllCoins = cells_of('o'), kAllPoisons = cells_of('x');

// Enemy 1 starts at the left end of its gap, enemy 2 at the right end of its own.
constexpr int distance_from_start(int patrol) {
  return patrol <= MazeGrid::kPatrolPeriod / 2 ? patrol : MazeGrid::kPatrolPeriod - patrol;
}
constexpr int enemy1_cell(int patrol) {
  return cell_of('1') + distance_from_start(patrol);
}
constexpr int enemy2_cell(int patrol) {
  return cell_of('2') - distance_from_start(patrol);
}

}  // namespace

void MazeGrid::reset(RandomSource&) {
  agent = cell_of('A');
  patrol = steps = 0;
  coins_left = kCoins;
  coins = kAllCoins;
  poisons = kAllPoisons;
}

StepResult MazeGrid::step(int action, RandomSource&) {
  static constexpr int kOffset[kActions] = {-kColumns, kColumns, -1, 1};
  StepResult result;
  ++steps;
  if (const int cell = agent + kOffset[action]; !contains(kWalls, cell)) agent = cell;
  if (contains(coins, agent)) {
    remove(coins, agent);
    --coins_left;
    result.reward = 1;
  } else if (contains(poisons, agent)) {
    remove(poisons, agent);
    result.reward = -1;
  }
  const auto is_caught = [&] { return agent == enemy1_cell(patrol) || agent == enemy2_cell(patrol); };
  result.terminated = is_caught();
  if (result.terminated) return result;
  patrol = patrol + 1 == kPatrolPeriod ? 0 : patrol + 1;
  result.terminated = is_caught() || coins_left == 0 || steps >= parameters.max_steps;
  return result;
}

bool MazeGrid::things_lie_in_place() const {
  const auto is_part = [](const CellSet& set, const CellSet& whole) {
    for (std::size_t word = 0; word < set.size(); ++word)
      if ((set[word] & ~whole[word]) != 0) return false;
    return true;
  };
  return !contains(kWalls, agent) && is_part(coins, kAllCoins) && is_part(poisons, kAllPoisons);
}

int MazeGrid::active_features(std::uint16_t* features) const {
  std::uint16_t* next = features;
  const auto write = [&next](Map map, std::size_t word, std::uint64_t cells) {
    const std::size_t first = static_cast<std::size_t>(map * kCells) + 64 * word;
    for (; cells != 0; cells &= cells - 1)
      *next++ = static_cast<std::uint16_t>(first + static_cast<std::size_t>(std::countr_zero(cells)));
  };
  const int enemy1 = enemy1_cell(patrol), enemy2 = enemy2_cell(patrol);
  CellSet taken = kWalls;
  for (const int cell : {agent, enemy1, enemy2}) insert(taken, cell);
  constexpr std::uint64_t kLastWord = bit_of(kCells) - 1;
  for (std::size_t word = 0; word < taken.size(); ++word) {
    const std::uint64_t board = word + 1 == taken.size() ? kLastWord : ~std::uint64_t{0};
    write(kEmpty, word, board & ~(taken[word] | coins[word] | poisons[word]));
  }
  *next++ = static_cast<std::uint16_t>(kAgent * kCells + agent);
  *next++ = static_cast<std::uint16_t>(kEnemy1 * kCells + enemy1);
  *next++ = static_cast<std::uint16_t>(kEnemy2 * kCells + enemy2);
  for (std::size_t word = 0; word < coins.size(); ++word) write(kCoin, word, coins[word]);
  for (std::size_t word = 0; word < poisons.size(); ++word) write(kPoison, word, poisons[word]);
  return static_cast<int>(next - features);
}

namespace {

// Calls use(active) with the features of the state.
template <class Use>
void with_active_features(const MazeGrid& maze, Use use) {
  std::array<std::uint16_t, MazeGrid::kMaxActive> features;
  const auto count = static_cast<std::size_t>(maze.active_features(features.data()));
  use(std::span<const std::uint16_t>(features.data(), count));
}

}  // namespace

void MazeGrid::observe(float* out, int stride) const {
  for (std::ptrdiff_t f = 0; f < kObservation; ++f) out[f * stride] = 0;
  with_active_features(*this, [&](std::span<const std::uint16_t> active) {
    for (const std::uint16_t f : active) out[std::ptrdiff_t{f} * stride] = 1;
  });
}

void MazeGridRgb::expand(std::span<const std::uint16_t> active, float* out, int stride) const {
  using Colour = std::array<float, kColours>;
  static constexpr Colour kWall = {128, 128, 128};
  static constexpr Colour kOfMap[kMaps] = {{0, 0, 0},   {0, 255, 255}, {255, 0, 255},
                                           {0, 255, 0}, {255, 255, 0}, {139, 69, 19}};
  const auto paint = [&](int cell, const Colour& colour) {
    for (std::size_t c = 0; c < kColours; ++c)
      out[(static_cast<std::ptrdiff_t>(c) * kCells + cell) * stride] = colour[c] / divisor;
  };
  for (int cell = 0; cell < kCells; ++cell) paint(cell, kWall);
  for (const std::uint16_t f : active) paint(f % kCells, kOfMap[f / kCells]);  // an enemy hides the agent
}

void MazeGridRgb::observe(float* out, int stride) const {
  with_active_features(*this, [&](std::span<const std::uint16_t> active) { expand(active, out, stride); });
}

void MazeGridEntangled::expand(std::span<const std::uint16_t> active, float* out, int stride) const {
  matrix->mix(active, out, stride);
}

void MazeGridEntangled::observe(float* out, int stride) const {
  with_active_features(*this, [&](std::span<const std::uint16_t> active) { expand(active, out, stride); });
}

namespace {

Option divisor_option(const std::string& key, double fallback, const std::string& help) {
  Option option;
  option.key = key;
  option.fallback = fallback;
  option.minimum = 1e-6;
  option.maximum = 1e6;
  option.help = help;
  return option;
}

std::string picture() {
  std::string text;
  for (int row = 0; row < MazeGrid::kRows; ++row) {
    text += MazeGrid::kLayout.substr(static_cast<std::size_t>(row * MazeGrid::kColumns), MazeGrid::kColumns);
    text += '\n';
  }
  return text +
         "# wall  A agent  o coin  x poison  1 2 enemies, which patrol the gaps (-)\n"
         "actions: 0 up, 1 down, 2 left, 3 right\n";
}

// What the three tasks share.
TaskInfo maze_info(const std::string& name, const std::string& description) {
  TaskInfo info;
  info.name = name;
  info.family = "mazegrid";
  info.description = description;
  info.actions = MazeGrid::kActions;
  info.max_steps = MazeGrid::Parameters{}.max_steps;
  info.least_return = -MazeGrid::kPoisons;
  info.most_return = MazeGrid::kCoins;
  info.code_size = MazeGrid::kObservation;
  info.max_active = MazeGrid::kMaxActive;
  info.seconds_per_step = 80e-9;
  info.first_episode_steps = 168;
  info.usual_active = 120;
  info.picture = picture();
  info.options = {max_steps_option("mazegrid", "200")};
  return info;
}

MazeGrid::Parameters maze_parameters(const TaskOptions& options, TaskInfo& info) {
  apply_max_steps("mazegrid", options, info);
  return {info.max_steps};
}

}  // namespace

TaskInfo mazegrid_info() {
  TaskInfo info = maze_info("mazegrid", "collect coins in a maze; six binary maps");
  info.observation_size = MazeGrid::kObservation;
  info.target_steps_per_second = 5e6;
  info.channel_names = {"empty", "agent", "enemy 1", "enemy 2", "coin", "poison"};
  info.rows = MazeGrid::kRows;
  info.columns = MazeGrid::kColumns;
  info.binary = true;
  return info;
}

TaskInfo mazegrid_rgb_info() {
  TaskInfo info = maze_info("mazegrid-rgb", "the same maze in colours");
  info.observation_size = MazeGridRgb::kObservation;
  info.channel_names = {"red", "green", "blue"};
  info.rows = MazeGrid::kRows;
  info.columns = MazeGrid::kColumns;
  info.options.push_back(
      divisor_option("mazegrid.rgb_scale", 255, "colours from 0 to 255 are divided by it"));
  info.seconds_per_step = 550e-9;
  return info;
}

TaskInfo mazegrid_entangled_info() {
  TaskInfo info =
      maze_info("mazegrid-entangled", "the same maze; a fixed random matrix times the binary maps");
  info.observation_size = MazeGridEntangled::kObservation;
  info.options.push_back(divisor_option("mazegrid.entangle_scale", 1, "inputs are divided by it"));
  info.seed_option = "mazegrid.entangle_seed";
  Option seed;
  seed.key = info.seed_option;
  seed.fallback = std::int64_t{0};
  seed.minimum = 0;
  seed.maximum = 0x1p53;  // exact as a double
  seed.help = "names the matrix; 0: every seed of a training has its own";
  info.options.push_back(seed);
  info.seconds_per_step = 11e-6;
  return info;
}

std::unique_ptr<Environment> make_mazegrid(TaskInfo info, int lanes, const TaskOptions& options) {
  const MazeGrid::Parameters parameters = maze_parameters(options, info);
  return std::make_unique<LaneEnvironment<MazeGrid>>(std::move(info), lanes, parameters);
}

std::unique_ptr<Environment> make_mazegrid_rgb(TaskInfo info, int lanes, const TaskOptions& options) {
  const MazeGridRgb::Parameters parameters{
      maze_parameters(options, info), static_cast<float>(std::get<double>(options.at("mazegrid.rgb_scale")))};
  return std::make_unique<LaneEnvironment<MazeGridRgb>>(std::move(info), lanes, parameters);
}

std::unique_ptr<Environment> make_mazegrid_entangled(TaskInfo info, int lanes, const TaskOptions& options) {
  const std::int64_t seed = std::get<std::int64_t>(options.at("mazegrid.entangle_seed"));
  const MazeGridEntangled::Parameters parameters{
      maze_parameters(options, info),
      std::make_shared<const Entanglement>("mazegrid-entangled/matrix/" + std::to_string(seed),
                                           MazeGrid::kObservation,
                                           std::get<double>(options.at("mazegrid.entangle_scale")))};
  return std::make_unique<LaneEnvironment<MazeGridEntangled>>(std::move(info), lanes, parameters);
}

}  // namespace impsweep
