// MazeGrid's layout and dynamics, and its three encodings.
#include "envs/mazegrid.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "envs/random.hpp"

using namespace impsweep;

namespace {

constexpr auto kCells = static_cast<std::size_t>(MazeGrid::kCells);

char kind_of(int cell) {
  return MazeGrid::kLayout[static_cast<std::size_t>(cell)];
}

int count(char kind) {
  return static_cast<int>(std::ranges::count(MazeGrid::kLayout, kind));
}

bool in_gap(int cell, char enemy) {
  const int row = static_cast<int>(MazeGrid::kLayout.find(enemy)) / MazeGrid::kColumns;
  return cell / MazeGrid::kColumns == row && kind_of(cell) != '#';
}

// Cells that can be reached from the start through cells that are passable.
template <class Passable>
std::set<int> reachable(Passable passable) {
  std::set<int> reached;
  std::vector<int> open = {static_cast<int>(MazeGrid::kLayout.find('A'))};
  while (!open.empty()) {
    const int cell = open.back();
    open.pop_back();
    if (kind_of(cell) == '#' || !passable(cell) || !reached.insert(cell).second) continue;
    for (const int offset : {-MazeGrid::kColumns, MazeGrid::kColumns, -1, 1}) open.push_back(cell + offset);
  }
  return reached;
}

// One lane of a maze task.
struct Maze {
  std::unique_ptr<Environment> environment;
  Stream draws{"unused"};
  StepResult result;

  explicit Maze(const std::string& task = "mazegrid", const TaskOptions& options = {})
      : environment(make_environment(task, 1, options)) {
    environment->attach(0, draws);
    reset();
  }
  void reset() { environment->reset(0, 0, {nullptr, 1}); }
  StepResult step(int move) {
    const std::int32_t lane = 0, action = move;
    environment->step({&lane, 1}, {&action, nullptr, 1}, {nullptr, 1}, {&result, 1});
    return result;
  }
  std::vector<std::uint16_t> active() const {
    std::vector<std::uint16_t> features(MazeGrid::kMaxActive);
    features.resize(static_cast<std::size_t>(environment->active_features(0, features.data())));
    return features;
  }
  std::vector<float> expanded() const {
    const std::vector<std::uint16_t> features = active();
    const std::uint32_t begin[] = {0, static_cast<std::uint32_t>(features.size())};
    std::vector<float> observation(static_cast<std::size_t>(environment->info().observation_size));
    environment->expand(1, begin, features.data(), {observation.data(), 1});
    return observation;
  }
  int agent() const {
    for (const std::uint16_t f : active())
      if (f / MazeGrid::kCells == MazeGrid::kAgent) return f % MazeGrid::kCells;
    return -1;
  }
};

int move_of(char letter) {
  return static_cast<int>(std::string_view("UDLR").find(letter));
}

constexpr std::string_view kOptimum =
    "DULLLLDLLULDLLLLUDLLLUDLLULUDRRDDDRURRRRDRRRRUDRRRURRRDLLLLLLLLULLLLLLLLLDURRRRRRDRRRRDDDLULLLDLLLULLDU"
    "RRDRRURRRDRRRRURRRDRRU";

}  // namespace

TEST_CASE("mazegrid: what lies where") {
  CHECK(count('#') == 80);
  CHECK(count('o') == MazeGrid::kCoins);
  CHECK(count('x') == MazeGrid::kPoisons);
  CHECK(count('A') == 1);
  CHECK(count('1') == 1);
  CHECK(count('2') == 1);
  CHECK(count('-') == 10);
  CHECK(count('.') == 53);
  CHECK(MazeGrid::kCells - count('#') == MazeGrid::kFreeCells);
}

TEST_CASE("mazegrid: two gaps are the only passages between three chambers") {
  CHECK(reachable([](int) { return true; }).size() == 120);
  CHECK(reachable([](int cell) { return !in_gap(cell, '1'); }).size() == 36);
  CHECK(reachable([](int cell) { return !in_gap(cell, '2'); }).size() == 78);
  const std::set<int> without_poison = reachable([](int cell) { return kind_of(cell) != 'x'; });
  CHECK(std::ranges::count_if(without_poison, [](int cell) { return kind_of(cell) == 'o'; }) ==
        MazeGrid::kCoins);
  for (const char enemy : {'1', '2'}) {
    std::vector<int> gap;
    for (int cell = 0; cell < MazeGrid::kCells; ++cell)
      if (in_gap(cell, enemy)) gap.push_back(cell);
    REQUIRE(gap.size() == 6);
    CHECK(gap.back() - gap.front() == 5);
    for (const int cell : gap) CHECK((kind_of(cell) == '-' || kind_of(cell) == enemy));
  }
}

TEST_CASE("mazegrid: 306 of the 1200 inputs can ever be 1") {
  std::set<std::uint16_t> seen;
  Stream moves("moves");
  Maze maze;
  for (int t = 0; t < 200000; ++t) {
    for (const std::uint16_t f : maze.active()) seen.insert(f);
    maze.step(static_cast<int>(moves.below(4)));
    if (maze.result.terminated) maze.reset();
  }
  std::set<std::uint16_t> possible;
  for (int cell = 0; cell < MazeGrid::kCells; ++cell) {
    const auto insert = [&](MazeGrid::Map map, bool can_be) {
      if (can_be) possible.insert(static_cast<std::uint16_t>(map * MazeGrid::kCells + cell));
    };
    insert(MazeGrid::kEmpty, kind_of(cell) != '#');
    insert(MazeGrid::kAgent, kind_of(cell) != '#');
    insert(MazeGrid::kEnemy1, in_gap(cell, '1'));
    insert(MazeGrid::kEnemy2, in_gap(cell, '2'));
    insert(MazeGrid::kCoin, kind_of(cell) == 'o');
    insert(MazeGrid::kPoison, kind_of(cell) == 'x');
  }
  CHECK(possible.size() == 306);
  CHECK(std::ranges::includes(possible, seen));
  // Random play hardly leaves the first chamber; the optimum visits all of them.
  CHECK(seen.size() > 250);
}

TEST_CASE("mazegrid: the maps sum to one on free cells and to zero on walls until the end") {
  Stream moves("moves");
  Maze maze;
  bool met_enemy = false;
  for (int t = 0; t < 20000; ++t) {
    std::array<int, kCells> sum{};
    const std::vector<std::uint16_t> active = maze.active();
    for (const std::uint16_t f : active) ++sum[f % kCells];
    const bool caught = maze.result.terminated && active.size() == MazeGrid::kFreeCells + 1;
    met_enemy = met_enemy || caught;
    int wrong = 0;
    for (int cell = 0; cell < MazeGrid::kCells; ++cell) {
      const int expected = kind_of(cell) == '#' ? 0 : caught && cell == maze.agent() ? 2 : 1;
      wrong += sum[static_cast<std::size_t>(cell)] != expected;
    }
    CHECK(wrong == 0);
    if (maze.result.terminated) {
      maze.reset();
      maze.result = {};
    } else {
      CHECK(active.size() == MazeGrid::kFreeCells);
      maze.step(static_cast<int>(moves.below(4)));
    }
  }
  CHECK(met_enemy);
}

TEST_CASE("mazegrid: the optimum collects all coins in 125 steps") {
  Maze maze;
  REQUIRE(kOptimum.size() == 125);
  float total = 0;
  for (std::size_t t = 0; t < kOptimum.size(); ++t) {
    total += maze.step(move_of(kOptimum[t])).reward;
    CHECK(maze.result.terminated == (t + 1 == kOptimum.size()));
    CHECK_FALSE(maze.result.truncated);
  }
  CHECK(total == 42);
}

TEST_CASE("mazegrid: walls hold the agent, poisons cost one, and the limit is terminal") {
  Maze maze;
  const int start = maze.agent();
  CHECK(start == 1 * 20 + 18);
  maze.step(MazeGrid::kUp);
  CHECK(maze.agent() == start);
  maze.step(MazeGrid::kRight);
  CHECK(maze.agent() == start);
  CHECK(maze.step(MazeGrid::kLeft).reward == 1);
  CHECK(maze.agent() == start - 1);
  CHECK(maze.step(MazeGrid::kRight).reward == 0);
  CHECK(maze.step(MazeGrid::kLeft).reward == 0);  // it is gone
  CHECK(maze.step(MazeGrid::kDown).reward == 0);
  CHECK(maze.step(MazeGrid::kLeft).reward == -1);
  for (int t = 7; t < 200; ++t) {
    CHECK_FALSE(maze.result.terminated);
    maze.step(MazeGrid::kDown);
  }
  CHECK(maze.result.terminated);
  CHECK(maze.result.truncated);

  Maze brief("mazegrid", {{"mazegrid.max_steps", std::int64_t{3}}});
  for (int t = 1; t <= 3; ++t) CHECK(brief.step(MazeGrid::kUp).terminated == (t == 3));
}

TEST_CASE("mazegrid: enemies turn at the ends of their gaps without waiting") {
  Maze maze;
  const auto column_of = [&](MazeGrid::Map map) {
    for (const std::uint16_t f : maze.active())
      if (f / MazeGrid::kCells == map) return f % MazeGrid::kColumns;
    return -1;
  };
  const int first[] = {3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 4},
            second[] = {16, 15, 14, 13, 12, 11, 12, 13, 14, 15, 16, 15};
  for (int t = 0; t < 12; ++t) {
    CHECK(column_of(MazeGrid::kEnemy1) == first[t]);
    CHECK(column_of(MazeGrid::kEnemy2) == second[t]);
    maze.step(MazeGrid::kUp);
  }
}

TEST_CASE("mazegrid: a random policy scores 4.8 +- 2.1") {
  Maze maze;
  Stream moves("moves");
  constexpr int kEpisodes = 3000;
  double sum = 0, squares = 0;
  int timeouts = 0;
  for (int episode = 0; episode < kEpisodes; ++episode) {
    maze.reset();
    double total = 0;
    do total += maze.step(static_cast<int>(moves.below(4))).reward;
    while (!maze.result.terminated);
    timeouts += maze.result.truncated;
    sum += total;
    squares += total * total;
  }
  // Four standard errors of the difference of two such means (0.054), plus the rounding of the figures.
  const double mean = sum / kEpisodes, deviation = std::sqrt(squares / kEpisodes - mean * mean);
  CHECK(std::abs(mean - 4.8) < 0.27);
  CHECK(std::abs(deviation - 2.1) < 0.2);
  CHECK(std::abs(static_cast<double>(timeouts) / kEpisodes - 0.58) < 0.056);
}

TEST_CASE("mazegrid-rgb: the picture of the start") {
  Maze maze("mazegrid-rgb");
  const std::vector<float> picture = maze.expanded();
  const std::map<char, std::array<int, 3>> colours = {
      {'#', {128, 128, 128}}, {'A', {0, 255, 255}}, {'1', {255, 0, 255}}, {'2', {0, 255, 0}},
      {'o', {255, 255, 0}},   {'x', {139, 69, 19}}, {'.', {0, 0, 0}},     {'-', {0, 0, 0}}};
  for (std::size_t cell = 0; cell < kCells; ++cell)
    for (std::size_t c = 0; c < 3; ++c)
      CHECK(picture[c * kCells + cell] ==
            static_cast<float>(colours.at(MazeGrid::kLayout[cell])[c]) / 255.0f);
  Maze raw("mazegrid-rgb", {{"mazegrid.rgb_scale", 1.0}});
  CHECK(raw.expanded()[0] == 128);
}

TEST_CASE("mazegrid-entangled: a matrix of independent U(-1, 1) elements times the maps") {
  const Entanglement small("matrix", 50, 1);
  std::vector<std::vector<float>> matrix;  // [input][output]
  double sum = 0, squares = 0;
  for (std::uint16_t input = 0; input < 50; ++input) {
    matrix.emplace_back(50);
    small.mix({&input, 1}, matrix.back().data(), 1);
    for (const float element : matrix.back()) {
      CHECK(std::abs(element) <= 1);
      sum += element;
      squares += element * element;
    }
  }
  CHECK(std::abs(sum / 2500) < 4 * std::sqrt(1 / 3.0 / 2500));
  CHECK(std::abs(squares / 2500 - 1 / 3.0) < 4 * std::sqrt(4 / 45.0 / 2500));
  Stream draws("matrix");  // drawn row by row, a row is an output
  for (std::size_t output = 0; output < 50; ++output)
    for (std::size_t input = 0; input < 50; ++input)
      CHECK(matrix[input][output] == static_cast<float>(2 * draws.uniform() - 1));

  const std::vector<std::uint16_t> some = {0, 7, 31, 32, 49};
  std::vector<float> mixed(3 * 50, -1);
  small.mix(some, mixed.data() + 1, 3);
  for (std::size_t output = 0; output < 50; ++output) {
    float expected = 0;
    for (const std::uint16_t input : some) expected += matrix[input][output];
    CHECK(mixed[output * 3 + 1] == expected);
    CHECK(mixed[output * 3] == -1);
  }

  const auto start = [](std::int64_t seed, double scale) {
    return Maze("mazegrid-entangled", {{"mazegrid.entangle_seed", seed}, {"mazegrid.entangle_scale", scale}})
        .expanded();
  };
  const std::vector<float> one = start(1, 1);
  CHECK(one == start(1, 1));
  CHECK(one != start(2, 1));
  const std::vector<float> halved = start(1, 2);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(halved[i] == one[i] / 2);
  double power = 0;
  for (const float value : one) power += value * value;
  CHECK(std::sqrt(power / 1200) == doctest::Approx(std::sqrt(120 / 3.0)).epsilon(0.1));
}
