// What is special about the MinAtar games. Their rules are compared with recorded episodes in tests/engine.
#include <doctest/doctest.h>

#include <cmath>

#include "envs/minatar/asterix.hpp"
#include "envs/minatar/breakout.hpp"
#include "envs/minatar/freeway.hpp"
#include "envs/minatar/seaquest.hpp"
#include "envs/minatar/space_invaders.hpp"

using namespace impsweep;
using namespace impsweep::minatar;

namespace {

// Plays back numbers between 0 and 1, and 0.999 when they are used up; counts the requests.
class ListedDraws final : public RandomSource {
 public:
  explicit ListedDraws(std::vector<double> numbers = {}) : numbers_(std::move(numbers)) {}
  double uniform() override {
    const std::size_t i = static_cast<std::size_t>(taken++);
    return i < numbers_.size() ? numbers_[i] : 0.999;
  }
  std::int64_t below(std::int64_t n) override {
    return static_cast<std::int64_t>(uniform() * static_cast<double>(n));
  }

  int taken = 0;

 private:
  std::vector<double> numbers_;
};

struct Sample {
  double count = 0, sum = 0, squares = 0;
  void add(double value) {
    ++count;
    sum += value;
    squares += value * value;
  }
  double mean() const { return sum / count; }
  double variance() const { return squares / count - mean() * mean(); }
};

struct RandomPlay {
  Sample returns, lengths;
};

// Uniformly random actions.
RandomPlay play_randomly(const std::string& task, const TaskOptions& options, int episodes) {
  const auto environment = make_environment(task, 1, options);
  Stream draws("random play/" + task), actions("random actions/" + task);
  environment->attach(0, draws);
  RandomPlay play;
  for (int episode = 0; episode < episodes; ++episode) {
    environment->reset(0, 0, {nullptr, 1});
    double total = 0;
    int length = 0;
    StepResult result;
    while (!result.terminated) {
      const std::int32_t lane = 0;
      const auto action = static_cast<std::int32_t>(actions.below(environment->info().actions));
      environment->step({&lane, 1}, {&action, nullptr, 1}, {nullptr, 1}, {&result, 1});
      total += result.reward;
      ++length;
    }
    play.returns.add(total);
    play.lengths.add(length);
  }
  return play;
}

// Within four standard errors of a mean that was itself measured over `episodes` episodes.
void check_mean(const Sample& sample, double expected, int episodes) {
  const double error = std::sqrt(sample.variance() * (1 / sample.count + 1.0 / episodes));
  CAPTURE(sample.mean());
  CAPTURE(expected);
  CHECK(std::abs(sample.mean() - expected) < 4 * error);
}

template <class Game>
StickyGame<Game> started(const Parameters& parameters, RandomSource& draws) {
  StickyGame<Game> game(parameters);
  game.reset(draws);
  return game;
}

const Parameters kNeverSticky = {.sticky_actions = 0};

}  // namespace

TEST_CASE("minatar: random policies score as on the genuine games") {
  struct Row {
    const char* game;
    double all_actions, minimal, not_sticky, length;  // mean returns; mean length with all six, sticky 0.1
    int episodes, published;                          // here; there
  };
  const Row rows[] = {{"asterix", 0.497, 0.494, 0.505, 69.8, 5000, 20000},
                      {"breakout", 0.506, 0.389, 0.526, 11.2, 5000, 20000},
                      {"freeway", 0.14, 0.40, 0.13, 2501, 100, 600},
                      {"seaquest", 0.101, 0.101, 0.098, 30.4, 5000, 20000},
                      {"space_invaders", 2.80, 4.08, 2.97, 50.3, 2000, 4000}};
  for (const Row& row : rows) {
    const std::string task = std::string("minatar-") + row.game;
    CAPTURE(task);
    const RandomPlay play = play_randomly(task, {}, row.episodes);
    check_mean(play.returns, row.all_actions, row.published);
    if (play.lengths.variance() > 0)
      check_mean(play.lengths, row.length, row.published);
    else
      CHECK(play.lengths.mean() == row.length);
    check_mean(play_randomly(task, {{"minatar.minimal_actions", true}}, row.episodes).returns, row.minimal,
               row.published);
    check_mean(play_randomly(task, {{"minatar.sticky_actions", 0.0}}, row.episodes).returns, row.not_sticky,
               row.published);
  }
}

TEST_CASE("minatar: executed actions repeat, chain, and survive a reset") {
  // 0.05 repeats, 0.5 does not; Space Invaders itself draws nothing.
  ListedDraws draws({0.5, 0.05, 0.05, 0.5, 0.05});
  auto game = started<SpaceInvaders>({}, draws);
  CHECK(draws.taken == 0);
  const auto cannon_after = [&](int action) {
    game.step(action, draws);
    return game.game.cannon;
  };
  CHECK(cannon_after(kLeft) == 4);
  CHECK(cannon_after(kRight) == 3);
  CHECK(cannon_after(kRight) == 2);
  CHECK(cannon_after(kRight) == 3);
  game.reset(draws);
  CHECK(cannon_after(kNoOp) == 6);
  CHECK(draws.taken == 5);

  ListedDraws first({0.05});
  auto fresh = started<SpaceInvaders>({.initial_last_action = kLeft}, first);
  fresh.step(kRight, first);
  CHECK(fresh.game.cannon == 4);
}

TEST_CASE("minatar: with a minimal set an action is a position in that set") {
  ListedDraws draws;
  auto game = started<SpaceInvaders>({.sticky_actions = 0, .minimal_actions = true}, draws);
  game.step(2, draws);
  CHECK(game.last_action == kRight);
  game.step(3, draws);
  CHECK(game.last_action == kFire);
  for (const auto& minimal :
       {std::pair{"minatar-asterix", 5}, std::pair{"minatar-breakout", 3}, std::pair{"minatar-freeway", 3},
        std::pair{"minatar-seaquest", 6}, std::pair{"minatar-space_invaders", 4}}) {
    const char* task = minimal.first;
    CAPTURE(task);
    CHECK(make_environment(task, 1, {{"minatar.minimal_actions", true}})->info().actions == minimal.second);
    CHECK(make_environment(task, 1)->info().actions == 6);
  }
}

TEST_CASE("minatar: after the end nothing changes, but the sticky draw is taken") {
  ListedDraws draws({0.2});  // the ball starts at the left and falls beside the paddle
  auto game = started<Breakout>(kNeverSticky, draws);
  int steps = 0;
  while (!game.step(kNoOp, draws).terminated) ++steps;
  CHECK(steps > 0);
  StateWriter before, after;
  game.visit(before);
  const int taken = draws.taken;
  const StepResult result = game.step(kNoOp, draws);
  CHECK(result.terminated);
  CHECK(result.reward == 0);
  CHECK(draws.taken == taken + 1);
  game.visit(after);
  CHECK(before.bytes() == after.bytes());
}

TEST_CASE("minatar: there is no step limit unless an option sets one") {
  const auto environment = make_environment("minatar-freeway", 1, {{"minatar.max_steps", std::int64_t{7}}});
  Stream draws("limit");
  environment->attach(0, draws);
  environment->reset(0, 0, {nullptr, 1});
  StepResult result;
  for (int t = 1; t <= 7; ++t) {
    const std::int32_t lane = 0, action = 0;
    environment->step({&lane, 1}, {&action, nullptr, 1}, {nullptr, 1}, {&result, 1});
    CHECK(result.truncated == (t == 7));
  }
  CHECK_FALSE(result.terminated);
  CHECK(find_task("minatar-freeway")->max_steps == 0);
}

TEST_CASE("asterix: difficulty rises every 102 steps until both speeds are 1") {
  ListedDraws draws;
  Asterix game;
  game.reset(draws);
  std::vector<int> ramps;
  for (int t = 0; t < 1200; ++t) {
    const int before = game.ramp_index;
    game.step(kNoOp, draws, true);
    if (game.ramp_index != before) ramps.push_back(t);
  }
  REQUIRE(ramps.size() == 9);
  for (std::size_t i = 0; i < ramps.size(); ++i) CHECK(ramps[i] == 101 + 102 * static_cast<int>(i));
  CHECK(game.spawn_speed == 1);
  CHECK(game.move_speed == 1);
  game.reset(draws);
  for (int t = 0; t < 500; ++t) game.step(kNoOp, draws, false);
  CHECK(game.spawn_speed == Asterix::kSpawnSpeed);
}

TEST_CASE("breakout: the wall is built again when the ball comes down past an empty one") {
  ListedDraws draws;
  Breakout game;
  game.reset(draws);
  game.wall.fill(0);
  game.ball_x = 3;
  game.ball_y = 8;
  game.direction = Breakout::kDownRight;
  game.paddle = 0;
  CHECK(game.step(kNoOp, draws, true).terminated);
  CHECK(game.wall == std::array<std::uint16_t, 3>{1023, 1023, 1023});
}

TEST_CASE("seaquest: no rate of spawning exceeds the room for its objects") {
  // Constant draws put every enemy into row 1, all submarines (fish), all going left.
  for (const double kind : {0.0, 0.9}) {
    CAPTURE(kind);
    Seaquest game;
    ListedDraws none;
    game.reset(none);
    game.spawn_speed = game.spawn_timer = 1;
    game.y = 5;
    int most_enemies = 0, most_bullets = 0, most_divers = 0, most_active = 0;
    for (int t = 0; t < 500; ++t) {
      game.oxygen = Seaquest::kFullOxygen;
      ListedDraws draws({0.9, kind, 0.0, 0.9, 0.5});
      game.step(kFire, draws, true);
      most_enemies = std::max(most_enemies, game.subs.size() + game.fish.size());
      most_bullets = std::max(most_bullets, game.enemy_bullets.size());
      most_divers = std::max(most_divers, game.divers.size());
      GameBoard<Seaquest> board;
      game.draw(board);
      std::array<std::uint16_t, GameBoard<Seaquest>::kFeatures> features;
      most_active = std::max(most_active, board.active_features(features.data()));
    }
    CHECK(most_enemies == Seaquest::kMostEnemies - 1);  // the oldest leaves in the step of the newest
    CHECK(most_bullets <= Seaquest::kMostEnemyBullets);
    CHECK((most_bullets > 0) == (kind < 0.5));
    CHECK(most_divers == Seaquest::kMostDivers);
    CHECK(most_active <= Seaquest::kMaxActive);
  }
}

TEST_CASE("seaquest: a full delivery leaves the hold at minus one") {
  ListedDraws draws;
  Seaquest game;
  game.reset(draws);
  game.y = 1;
  game.surfaced = false;
  game.diver_count = Seaquest::kFullHold;
  game.oxygen = 119;
  CHECK(game.step(kUp, draws, true).reward == 5);
  CHECK(game.diver_count == -1);
  CHECK(game.oxygen == Seaquest::kFullOxygen);
  CHECK(game.spawn_speed == Seaquest::kSpawnSpeed - 1);
  game.step(kDown, draws, true);
  CHECK_FALSE(game.step(kUp, draws, true).terminated);  // only a hold of exactly 0 is fatal
  CHECK(game.diver_count == -2);
}

TEST_CASE("space invaders: each cleared wave makes the next one faster, down to six steps") {
  ListedDraws draws;
  SpaceInvaders game;
  game.reset(draws);
  for (int wave = 0; wave < 10; ++wave) {
    game.aliens.fill(0);
    game.aliens[4] = game.friendly_bullets[5] = 1 << 4;  // the bullet moves up onto the last alien
    game.alien_move_timer = 5;
    CHECK(game.step(kNoOp, draws, true).reward == 1);
    CHECK(game.move_interval == std::max(11 - wave, 6));
    CHECK(std::popcount(game.aliens[0]) == 6);
  }
}
