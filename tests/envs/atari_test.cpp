// The rules of play of Atari games, with consoles that follow a script and count every frame.
#include "envs/atari/atari.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace impsweep;
using namespace impsweep::atari;

namespace {

// What happens at frame n after the reset of a console, counted from 1; 0 is the reset itself.
struct Script {
  std::function<double(int frame)> reward = [](int) { return 0; };
  std::function<int(int frame)> lives = [](int) { return 0; };
  std::function<bool(int frame)> over = [](int) { return false; };
  // Screens are zero at first.
  std::function<void(int console, int frame, std::uint8_t* screen)> draw = [](int console, int frame,
                                                                              std::uint8_t* screen) {
    std::fill_n(screen, kScreenSize, static_cast<std::uint8_t>(frame + 50 * console));
  };
};

class ScriptedEmulator final : public Emulator {
 public:
  ScriptedEmulator(Script script, int consoles)
      : script_(std::move(script)), consoles_(static_cast<std::size_t>(consoles)) {}

  std::string program() const override { return "script 1"; }

  Outcome reset(int console) override {
    at(console).frame = 0;
    at(console).log += "reset ";
    return outcome(console, 0);
  }
  Outcome play(int console, int action, int frames) override {
    Console& chosen = at(console);
    chosen.log += std::to_string(action) + "x" + std::to_string(frames) + " ";
    double reward = 0;
    for (int i = 0; i < frames; ++i) {
      ++chosen.frame;
      ++total_frames;
      reward += script_.reward(chosen.frame);
    }
    draw(console, chosen.frame - 1, chosen.before_last);
    draw(console, chosen.frame, chosen.last);
    return outcome(console, reward);
  }
  Screen last(int console) const override {
    return Screen(consoles_[static_cast<std::size_t>(console)].last);
  }
  Screen before_last(int console) const override {
    return Screen(consoles_[static_cast<std::size_t>(console)].before_last);
  }
  std::string save(int console) override { return std::to_string(at(console).frame); }
  void load(int console, const std::string& state) override { at(console).frame = std::stoi(state); }

  // What was asked of a console since this was last called: "reset", or action x frames.
  std::string asked(int console) { return std::exchange(at(console).log, ""); }
  int total_frames = 0;

 private:
  struct Console {
    int frame = 0;
    std::string log;
    std::array<std::uint8_t, kScreenSize> last{}, before_last{};
  };
  Console& at(int console) { return consoles_.at(static_cast<std::size_t>(console)); }
  Outcome outcome(int console, double reward) {
    const int frame = at(console).frame;
    return {reward, script_.lives(frame), script_.over(frame)};
  }
  void draw(int console, int frame, std::array<std::uint8_t, kScreenSize>& screen) {
    screen.fill(0);
    script_.draw(console, frame, screen.data());
  }

  Script script_;
  std::vector<Console> consoles_;
};

// Numbers of no-ops in order, the last one again and again; knows how many there were to choose from.
class NoopDraws final : public RandomSource {
 public:
  explicit NoopDraws(std::vector<std::int64_t> noops) : noops_(std::move(noops)) {}
  double uniform() override {
    FAIL("nothing draws this");
    return 0;
  }
  std::int64_t below(std::int64_t n) override {
    choices = n;
    return noops_[std::min(position_++, noops_.size() - 1)];
  }
  std::int64_t choices = 0;

 private:
  std::vector<std::int64_t> noops_;
  std::size_t position_ = 0;
};

// Lanes of a scripted game.
struct Table {
  Table(const Script& script, const Rules& rules = {}, std::vector<std::int64_t> noops = {0}, int lanes = 1,
        const std::string& game = "breakout")
      : draws(std::move(noops)),
        environment(game_info(*find_game(game)), *find_game(game), lanes, rules,
                    [this, script](int consoles) {
                      auto made = std::make_unique<ScriptedEmulator>(script, consoles);
                      emulator = made.get();
                      return made;
                    }) {
    for (int lane = 0; lane < lanes; ++lane) environment.attach(lane, draws);
  }

  void reset() { environment.reset(0, 0, {observation.data(), 1}); }
  StepResult step(std::int32_t action = 0) {
    const std::int32_t lane = 0;
    environment.step({&lane, 1}, {&action, nullptr, 1}, {observation.data(), 1}, {&result, 1});
    return result;
  }
  int pixel(int image, int row, int column) const {
    const float value = observation[static_cast<std::size_t>((image * 104 + row) * 80 + column)];
    return static_cast<int>(std::lround(value * 255));
  }
  // A pixel of the four images, the oldest first.
  std::vector<int> stack() const { return {pixel(0, 9, 9), pixel(1, 9, 9), pixel(2, 9, 9), pixel(3, 9, 9)}; }

  NoopDraws draws;
  ScriptedEmulator* emulator = nullptr;
  AtariEnvironment environment;
  std::vector<float> observation = std::vector<float>(33280, -1.0f);
  StepResult result;
};

using Stack = std::vector<int>;

// Lives that are lost at these frames.
std::function<int(int)> lives_lost_at(int lives, const std::vector<int>& frames) {
  return [=](int frame) {
    return lives - static_cast<int>(std::ranges::count_if(frames, [&](int f) { return f <= frame; }));
  };
}

}  // namespace

TEST_CASE("atari: a reset is a reset, a no-op, and as many more as are drawn") {
  Table table({}, {}, {7, 0, 30});
  CHECK(table.emulator == nullptr);  // nothing is started before it is needed
  table.reset();
  CHECK(table.emulator->asked(0) == "reset 0x1 0x7 ");
  CHECK(table.draws.choices == 31);
  CHECK(table.stack() == Stack{0, 0, 0, 8});  // the frame after eight no-ops, on an empty stack
  table.reset();                              // in the middle of an episode
  CHECK(table.emulator->asked(0) == "reset 0x1 ");
  CHECK(table.stack() == Stack{0, 0, 0, 1});
  table.reset();
  CHECK(table.emulator->asked(0) == "reset 0x1 0x30 ");
  CHECK(table.stack() == Stack{0, 0, 0, 31});

  Table none({}, {.max_start_noops = 0});
  none.reset();
  CHECK(none.draws.choices == 1);
}

TEST_CASE("atari: fire and up are pressed on request, where the game has them") {
  const auto asked = [](const std::string& game) {
    Table table({}, {.fire_on_reset = true}, {2}, 1, game);
    table.reset();
    return table.emulator->asked(0);
  };
  CHECK(asked("breakout") == "reset 0x1 0x2 1x1 ");
  CHECK(asked("alien") == "reset 0x1 0x2 1x1 2x1 ");
  CHECK(asked("freeway") == "reset 0x1 0x2 2x1 ");
}

TEST_CASE("atari: a step is four frames of one action, in the code of the emulator") {
  Table table({});
  table.reset();
  table.emulator->asked(0);
  table.step(2);
  CHECK(table.emulator->asked(0) == "3x4 ");  // Breakout has no action, fire, right and left: 0, 1, 3, 4
  table.step(3);
  table.step(0);
  CHECK(table.emulator->asked(0) == "4x4 0x4 ");
  CHECK(table.emulator->total_frames == 1 + 3 * 4);
  CHECK(table.stack() == Stack{1, 5, 9, 13});
  table.step(0);
  table.step(0);
  CHECK(table.stack() == Stack{9, 13, 17, 21});

  Table quick({}, {.frame_skip = 1});
  quick.reset();
  quick.step(1);
  CHECK(quick.emulator->asked(0) == "reset 0x1 1x1 ");
}

TEST_CASE("atari: an image pixel is the rounded mean of four, without the first and last row") {
  Script script;
  script.draw = [](int, int, std::uint8_t* screen) {
    std::fill_n(screen, 160, std::uint8_t{255});              // row 0
    std::fill_n(screen + 209 * 160, 160, std::uint8_t{255});  // row 209
    const auto put = [&](int row, int column, std::array<std::uint8_t, 4> block) {
      screen[row * 160 + column] = block[0];
      screen[row * 160 + column + 1] = block[1];
      screen[(row + 1) * 160 + column] = block[2];
      screen[(row + 1) * 160 + column + 1] = block[3];
    };
    put(1, 0, {1, 2, 3, 4});  // 2.5, half up
    put(1, 2, {0, 0, 0, 1});  // 0.25
    put(1, 4, {0, 1, 0, 1});  // 0.5
    put(3, 0, {0, 1, 1, 1});  // 0.75
    put(207, 158, {255, 255, 255, 255});
    put(207, 156, {255, 255, 255, 253});  // 254.5
    put(101, 80, {10, 20, 40, 70});       // 35, at row 50 and column 40
  };
  Table table(script);
  table.reset();
  CHECK(table.pixel(3, 0, 0) == 3);
  CHECK(table.pixel(3, 0, 1) == 0);
  CHECK(table.pixel(3, 0, 2) == 1);
  CHECK(table.pixel(3, 1, 0) == 1);
  CHECK(table.pixel(3, 103, 79) == 255);
  CHECK(table.pixel(3, 103, 78) == 255);
  CHECK(table.pixel(3, 50, 40) == 35);
  CHECK(std::ranges::count(table.observation, 0.0f) == 33280 - 6);
  CHECK(table.observation[3 * 8320] == 3.0f * static_cast<float>(1.0 / 255));
  CHECK(table.observation.back() == 1.0f);
}

TEST_CASE("atari: an image is the brighter of the last two frames, after a reset the last alone") {
  Script script;
  script.draw = [](int, int frame, std::uint8_t* screen) {  // frame n lights the rows of image row n
    std::fill_n(screen + (1 + 2 * frame) * 160, 320, static_cast<std::uint8_t>(100 + frame));
  };
  Table table(script);
  table.reset();  // frame 1
  CHECK(table.pixel(3, 0, 9) == 0);
  CHECK(table.pixel(3, 1, 9) == 101);
  table.step();  // frames 2 to 5
  CHECK(table.pixel(3, 3, 9) == 0);
  CHECK(table.pixel(3, 4, 9) == 104);
  CHECK(table.pixel(3, 5, 9) == 105);
  CHECK(table.pixel(2, 1, 9) == 101);

  Table quick(script, {.frame_skip = 1});
  quick.reset();
  quick.step();
  CHECK(quick.pixel(3, 1, 9) == 101);  // the frame before the step
  CHECK(quick.pixel(3, 2, 9) == 102);
}

TEST_CASE("atari: a lost life ends an episode, and the game goes on") {
  Script script;
  script.lives = lives_lost_at(3, {7, 14});
  script.reward = [](int frame) { return frame == 10 ? 100 : frame == 9 ? 2 : 0; };
  Table table(script, {.clip_reward = false});
  table.reset();  // frame 1
  table.step(1);  // 2 to 5
  CHECK_FALSE(table.result.terminated);
  table.emulator->asked(0);
  table.step(1);  // 6 to 9, and a no-op at 10 whose reward is dropped
  CHECK(table.emulator->asked(0) == "1x4 0x1 ");
  CHECK(table.result.terminated);
  CHECK_FALSE(table.result.truncated);
  CHECK(table.result.reward == 2);
  CHECK(table.stack() == Stack{0, 0, 0, 10});

  std::ranges::fill(table.observation, -1.0f);
  table.reset();
  CHECK(table.emulator->asked(0) == "");
  CHECK(table.stack() == Stack{0, 0, 0, 10});
  table.step(1);  // 11 to 14: the next life, counted from the two that were read after the no-op
  CHECK(table.emulator->asked(0) == "1x4 0x1 ");
  CHECK(table.result.terminated);
  CHECK(table.stack() == Stack{0, 0, 0, 15});
  table.reset();
  table.reset();  // nothing has ended since the last one
  CHECK(table.emulator->asked(0) == "reset 0x1 ");
}

TEST_CASE("atari: after a lost life the image is the last frame alone") {
  Script script;
  script.lives = lives_lost_at(3, {4});
  script.draw = [](int, int frame, std::uint8_t* screen) {
    std::fill_n(screen + (1 + 2 * frame) * 160, 320, static_cast<std::uint8_t>(100 + frame));
  };
  Table table(script);
  table.reset();
  table.step();  // frames 2 to 5, no-op at 6
  CHECK(table.pixel(3, 6, 9) == 106);
  CHECK(table.pixel(3, 5, 9) == 0);
  CHECK(table.pixel(3, 4, 9) == 0);

  Table whole(script, {.episodic_lives = false});
  whole.reset();
  whole.step();
  CHECK_FALSE(whole.result.terminated);
  CHECK(whole.emulator->asked(0) == "reset 0x1 0x4 0x1 ");
  CHECK(whole.pixel(3, 6, 9) == 106);  // the no-op's frame, with the last but one of the step itself
  CHECK(whole.pixel(3, 5, 9) == 0);
  CHECK(whole.pixel(3, 4, 9) == 104);
  CHECK(whole.pixel(2, 1, 9) == 101);  // the stack was kept
}

TEST_CASE("atari: only fewer lives than were last read are a loss, and only if some are left") {
  Script bonus;  // 3, then 4, then 3 again
  bonus.lives = [](int frame) { return frame >= 4 && frame < 8 ? 4 : 3; };
  Table table(bonus);
  table.reset();
  for (int i = 0; i < 4; ++i) CHECK_FALSE(table.step().terminated);
  CHECK(table.emulator->asked(0) == "reset 0x1 0x4 0x4 0x4 0x4 ");

  Script last;  // the last life
  last.lives = lives_lost_at(1, {4});
  last.over = [](int frame) { return frame >= 9; };
  Table end(last);
  end.reset();
  CHECK_FALSE(end.step().terminated);  // no life is left, but the game is not over yet
  CHECK(end.step().terminated);
  CHECK(end.emulator->asked(0) == "reset 0x1 0x4 0x4 ");
  CHECK(end.stack() == Stack{0, 1, 5, 9});  // not emptied
  end.reset();
  CHECK(end.emulator->asked(0) == "reset 0x1 ");

  Script noop;  // the game ends in the no-op after a lost life
  noop.lives = lives_lost_at(2, {4});
  noop.over = [](int frame) { return frame >= 6; };
  Table during(noop);
  during.reset();
  CHECK(during.step().terminated);
  during.emulator->asked(0);
  during.reset();
  CHECK(during.emulator->asked(0) == "reset 0x1 ");

  Table whole(noop, {.episodic_lives = false});
  whole.reset();
  CHECK(whole.step().terminated);
}

TEST_CASE("atari: the lives that count are those after the first no-op") {
  Script script;
  script.lives = lives_lost_at(5, {1, 2});  // one in the first no-op, one in the next
  Table table(script, {}, {3});
  table.reset();
  CHECK(table.step().terminated);  // four were read, three are there
}

TEST_CASE("atari: the horizon lets one more step through, and counts steps of the whole game") {
  Table table({}, {.horizon = 3});
  table.reset();
  for (int i = 0; i < 3; ++i) CHECK_FALSE(table.step().truncated);
  CHECK(table.step().truncated);
  CHECK_FALSE(table.result.terminated);
  table.emulator->asked(0);
  table.reset();
  CHECK(table.emulator->asked(0) == "reset 0x1 ");
  for (int i = 0; i < 3; ++i) CHECK_FALSE(table.step().truncated);
  CHECK(table.step().truncated);

  Script mortal;
  mortal.lives = lives_lost_at(3, {4, 18});
  Table lives(mortal, {.horizon = 3});
  lives.reset();
  CHECK(lives.step().terminated);  // frames 2 to 5, no-op at 6
  lives.reset();
  CHECK_FALSE(lives.step().terminated);
  CHECK_FALSE(lives.step().truncated);
  CHECK(lives.step().truncated);  // 15 to 18
  CHECK(lives.result.terminated);
  lives.emulator->asked(0);
  lives.reset();  // the end of the game counts, not that of the life
  CHECK(lives.emulator->asked(0) == "reset 0x1 ");
}

TEST_CASE("atari: a game that nothing ends has 27,001 steps") {
  Script script;
  script.draw = [](int, int, std::uint8_t*) {};
  for (const int horizon : {27000, 0}) {
    Table table(script, {.horizon = horizon});
    table.reset();
    const std::int32_t lane = 0, action = 0;
    int steps = 0;
    while (!table.result.truncated && steps < 28000) {
      table.environment.step({&lane, 1}, {&action, nullptr, 1}, {nullptr, 1}, {&table.result, 1});
      ++steps;
    }
    CHECK(steps == (horizon == 0 ? 28000 : 27001));
    CHECK(table.environment.info().max_steps == horizon);
  }
  CHECK(find_task("atari-breakout")->max_steps == 27000);
}

TEST_CASE("atari: the reward is the sign of the sum over the frames, or the sum") {
  Script script;  // the reset takes one frame
  const std::vector<double> rewards = {9,      /**/ 1, 0, 0, 2,      /**/ -5, 1, 1, 0,
                                       /**/ 5, -5,     0, 0, /**/ 0, 0,       0, 0};
  script.reward = [&](int frame) { return rewards.at(static_cast<std::size_t>(frame - 1)); };
  Table clipped(script), plain(script, {.clip_reward = false});
  clipped.reset();
  plain.reset();
  for (const auto& [sign, sum] : {std::pair{1, 3}, {-1, -3}, {0, 0}, {0, 0}}) {
    CHECK(clipped.step().reward == static_cast<float>(sign));
    CHECK(plain.step().reward == static_cast<float>(sum));
  }
}

TEST_CASE("atari: a saved environment continues identically in another one") {
  Script script;
  script.lives = lives_lost_at(3, {15, 35});
  script.over = [](int frame) { return frame >= 60; };
  const Rules rules{.horizon = 11};
  for (int at = 0; at < 30; ++at) {  // through lost lives, ends of games and the horizon
    CAPTURE(at);
    Table table(script, rules, {3}), other(script, rules, {3});
    const auto advance = [](Table& any) {
      if (any.result.terminated || any.result.truncated) any.reset();
      any.step(1);
    };
    table.reset();
    for (int i = 0; i < at; ++i) advance(table);
    StateWriter writer;
    table.environment.save(writer);
    StateReader reader(writer.bytes().data(), writer.bytes().size());
    other.environment.load(reader);
    CHECK(reader.at_end());
    StateWriter again;
    other.environment.save(again);
    CHECK(again.bytes() == writer.bytes());
    other.result = table.result;
    for (int i = 0; i < 25; ++i) {
      advance(table);
      advance(other);
      CHECK(other.observation == table.observation);
      CHECK(other.result.terminated == table.result.terminated);
      CHECK(other.result.truncated == table.result.truncated);
    }
  }
}

TEST_CASE("atari: what was never played is saved and loaded without an emulator") {
  Table table({}, {}, {0}, 2), other({}, {}, {0}, 2), larger({}, {}, {0}, 3);
  StateWriter writer;
  table.environment.save(writer);
  StateReader reader(writer.bytes().data(), writer.bytes().size());
  other.environment.load(reader);
  CHECK(table.emulator == nullptr);
  CHECK(other.emulator == nullptr);
  StateReader for_larger(writer.bytes().data(), writer.bytes().size());
  CHECK_THROWS_AS(larger.environment.load(for_larger), ArchiveError);
}

TEST_CASE("atari: columns are places in the batch, not lanes") {
  constexpr int kLanes = 40, kStride = 45;  // more than are written at once
  Table table({}, {}, {0}, kLanes);
  std::vector<float> batch(33280 * kStride, -77.0f);
  for (int lane = 0; lane < kLanes; ++lane) table.environment.reset(lane, lane, {batch.data(), kStride});
  const auto value = [&](int image, int column) {
    const std::size_t feature = static_cast<std::size_t>((image * 104 + 103) * 80 + 79);
    return batch[feature * kStride + static_cast<std::size_t>(column)];
  };
  const auto shade = [](int number) {  // screens are bytes
    return static_cast<float>(number % 256) * static_cast<float>(1.0 / 255);
  };
  for (int lane = 0; lane < kLanes; ++lane) CHECK(value(3, lane) == shade(1 + 50 * lane));
  CHECK(std::ranges::count(batch, -77.0f) == 33280 * (kStride - kLanes));

  std::vector<std::int32_t> lanes;
  for (int lane = kLanes - 1; lane >= 0; --lane)
    if (lane % 7 != 3) lanes.push_back(lane);
  const std::vector<std::int32_t> actions(lanes.size(), 1);
  std::vector<StepResult> results(lanes.size());
  table.environment.step(lanes, {actions.data(), nullptr, kStride}, {batch.data(), kStride}, results);
  for (std::size_t c = 0; c < lanes.size(); ++c) {
    CHECK(value(3, static_cast<int>(c)) ==
          shade(std::max((4 + 50 * lanes[c]) % 256, (5 + 50 * lanes[c]) % 256)));
    CHECK(value(2, static_cast<int>(c)) == shade(1 + 50 * lanes[c]));
    CHECK(value(0, static_cast<int>(c)) == 0);
  }
  CHECK(std::ranges::count(batch, -77.0f) == 33280 * (kStride - kLanes));
  CHECK(table.emulator->asked(3) == "reset 0x1 ");
  CHECK(table.emulator->asked(4) == "reset 0x1 1x4 ");
}

TEST_CASE("atari: the games are tasks, but none of those that every machine can play") {
  CHECK(games().size() == 58);
  const std::vector<std::string> tasks = task_names(), everywhere = environment_names();
  CHECK(tasks.back() == "digits");
  CHECK(tasks[tasks.size() - 2] == "atari-tetris");
  for (const Game& game : games()) {
    CAPTURE(game.name);
    CHECK(game.actions.front() == 0);
    CHECK(game.actions.back() <= 17);
    CHECK(std::ranges::adjacent_find(game.actions, std::greater_equal()) == game.actions.end());
    const std::string name = "atari-" + game.name;
    CHECK(std::ranges::count(tasks, name) == 1);
    CHECK(std::ranges::count(everywhere, name) == 0);
    const TaskInfo& info = *find_task(name);
    CHECK(info.is_external);
    CHECK(info.observation_size == 33280);
    CHECK(info.actions == static_cast<int>(game.actions.size()));
    CHECK_NOTHROW(task_with(name, info.evaluation_options));
  }
  const auto actions = [](const char* name) { return find_task(name)->actions; };
  CHECK(actions("atari-breakout") == 4);
  CHECK(actions("atari-freeway") == 3);
  CHECK(actions("atari-pong") == 6);
  CHECK(actions("atari-qbert") == 6);
  CHECK(actions("atari-beam_rider") == 9);
  CHECK(actions("atari-seaquest") == 18);
  CHECK(actions("atari-tetris") == 5);
  for (const std::string& name : everywhere) {
    CHECK(find_task(name)->evaluation_options.empty());
    CHECK_NOTHROW(require_task(name));
  }
  CHECK_NOTHROW(require_task("digits"));
  CHECK_THROWS_AS(require_task("atari-chess"), std::invalid_argument);
  CHECK(task_with("atari-pong", {{"atari.horizon", std::int64_t{500}}}).max_steps == 500);
  CHECK_THROWS_WITH_AS(task_with("atari-pong", {{"atari.frame_skip", std::int64_t{0}}}),
                       "option 'atari.frame_skip' = 0 must be integer, 1..64", std::invalid_argument);
}
