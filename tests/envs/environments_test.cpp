// A battery that every registered task runs through, and what is special about single tasks.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "envs/acrobot.hpp"
#include "envs/cartpole.hpp"
#include "envs/environment.hpp"

using namespace impsweep;

namespace {

// Lanes of a task that take random actions; ended lanes are reset. Everything that comes out is kept.
class Player {
 public:
  Player(const std::string& task, int lanes, const std::string& seed, const TaskOptions& options = {})
      : environment(make_environment(task, lanes, options)), actions_("actions/" + seed) {
    streams_.reserve(static_cast<std::size_t>(lanes));
    for (int lane = 0; lane < lanes; ++lane) {
      streams_.emplace_back(seed + "/" + std::to_string(lane));
      environment->attach(lane, streams_.back());
    }
    observations.resize(static_cast<std::size_t>(environment->info().observation_size * lanes));
    results.resize(static_cast<std::size_t>(lanes));
    lanes_.resize(static_cast<std::size_t>(lanes));
    std::iota(lanes_.begin(), lanes_.end(), 0);
    for (int lane = 0; lane < lanes; ++lane) environment->reset(lane, lane, {observations.data(), lanes});
    keep();
  }

  void play(int steps) {
    const TaskInfo& info = environment->info();
    const int lanes = environment->lanes();
    std::vector<std::int32_t> discrete(static_cast<std::size_t>(lanes));
    std::vector<float> continuous(static_cast<std::size_t>(lanes * info.actions));
    for (int t = 0; t < steps; ++t) {
      for (auto& action : discrete) action = static_cast<std::int32_t>(actions_.below(info.actions));
      for (auto& action : continuous) action = static_cast<float>(2 * actions_.uniform() - 1);
      environment->step(lanes_, {discrete.data(), continuous.data(), lanes}, {observations.data(), lanes},
                        results);
      for (int lane = 0; lane < lanes; ++lane) {
        const StepResult& result = results[static_cast<std::size_t>(lane)];
        history.push_back(result.reward);
        if (result.terminated || result.truncated)
          environment->reset(lane, lane, {observations.data(), lanes});
      }
      keep();
    }
  }

  // A random action, for a discrete task with one lane, without a new episode after the last step.
  StepResult play_once(Stream& actions) {
    const auto action = static_cast<std::int32_t>(actions.below(environment->info().actions));
    environment->step(lanes_, {&action, nullptr, 1}, {observations.data(), 1}, results);
    return results[0];
  }

  std::unique_ptr<Environment> environment;
  std::vector<float> observations;  // [feature][lane]
  std::vector<StepResult> results;
  std::vector<float> history;

  std::vector<std::byte> save() const {
    StateWriter writer;
    environment->save(writer);
    writer("streams", streams_);
    writer("actions", actions_);
    return writer.take();
  }
  void load(const std::vector<std::byte>& bytes) {
    StateReader reader(bytes.data(), bytes.size());
    environment->load(reader);
    reader("streams", streams_);
    reader("actions", actions_);
    CHECK(reader.at_end());
  }

 private:
  void keep() { history.insert(history.end(), observations.begin(), observations.end()); }

  std::vector<Stream> streams_;
  Stream actions_;
  std::vector<std::int32_t> lanes_;
};

// Always the same number.
class ConstantDraws final : public RandomSource {
 public:
  explicit ConstantDraws(double u) : u_(u) {}
  double uniform() override { return u_; }
  std::int64_t below(std::int64_t) override { return 0; }

 private:
  double u_;
};

// One lane of a discrete task.
struct Single {
  std::unique_ptr<Environment> environment;
  ConstantDraws draws{0.5};
  std::vector<float> observation;
  StepResult result;

  explicit Single(const std::string& task, const TaskOptions& options = {})
      : environment(make_environment(task, 1, options)) {
    environment->attach(0, draws);
    observation.resize(static_cast<std::size_t>(environment->info().observation_size));
    environment->reset(0, 0, {observation.data(), 1});
  }
  StepResult step(std::int32_t action) {
    const std::int32_t lane = 0;
    environment->step({&lane, 1}, {&action, nullptr, 1}, {observation.data(), 1}, {&result, 1});
    return result;
  }
};

}  // namespace

TEST_CASE("every task: the declaration is complete") {
  for (const std::string& name : task_names()) {
    CAPTURE(name);
    const TaskInfo* info = find_task(name);
    REQUIRE(info != nullptr);
    CHECK(info->name == name);
    CHECK(!info->description.empty());
    CHECK(info->observation_size > 0);
    CHECK(info->actions > 0);
    CHECK((info->observation_names.empty() ||
           static_cast<int>(info->observation_names.size()) == info->observation_size));
    if (info->rows > 0)
      CHECK(static_cast<int>(info->channel_names.size()) * info->rows * info->columns ==
            info->observation_size);
    CHECK((info->code_size > 0) == (info->max_active > 0));
    if (info->binary) CHECK(info->code_size == info->observation_size);
    if (!info->seed_option.empty())
      CHECK(std::ranges::count(info->options, info->seed_option, &Option::key) == 1);
    for (const Option& option : info->options) {
      CAPTURE(option.key);
      CHECK(!option.help.empty());
      CHECK(option.key.find('.') != std::string::npos);
      CHECK_NOTHROW(task_with(name, {{option.key, option.fallback}}));
    }
  }
}

TEST_CASE("every task: the same seed gives the same episodes, another seed others") {
  for (const std::string& name : environment_names()) {
    CAPTURE(name);
    Player first(name, 3, "a"), again(name, 3, "a"), other(name, 3, "b");
    first.play(300);
    again.play(300);
    other.play(300);
    CHECK(first.history == again.history);
    CHECK(first.history != other.history);
    CHECK(std::ranges::all_of(first.history, [](float value) { return std::isfinite(value); }));
  }
}

TEST_CASE("every task: a saved environment continues identically in another one") {
  for (const std::string& name : environment_names()) {
    CAPTURE(name);
    Player player(name, 2, "a"), other(name, 2, "b");
    player.play(57);
    const auto bytes = player.save();
    other.play(31);
    other.load(bytes);
    CHECK(other.save() == bytes);
    player.history.clear();
    other.history.clear();
    player.play(600);
    other.play(600);
    CHECK(player.history == other.history);
    CHECK_THROWS_AS(Player(name, 3, "c").load(bytes), ArchiveError);
  }
}

TEST_CASE("every coded task: the active features determine the observation") {
  for (const std::string& name : environment_names()) {
    const TaskInfo& info = *find_task(name);
    if (info.code_size == 0) continue;
    CAPTURE(name);
    Player player(name, 2, "a");
    std::vector<float> expanded(player.observations.size());
    for (int t = 0; t < 500; ++t) {
      player.play(1);
      std::vector<std::uint16_t> features(static_cast<std::size_t>(2 * info.max_active));
      std::uint32_t begin[3] = {0, 0, 0};
      for (int lane = 0; lane < 2; ++lane) {
        std::uint16_t* const first = features.data() + begin[lane];
        const int count = player.environment->active_features(lane, first);
        REQUIRE(count <= info.max_active);
        CHECK(std::ranges::adjacent_find(first, first + count, std::greater_equal()) == first + count);
        CHECK(std::all_of(first, first + count, [&](int f) { return f < info.code_size; }));
        begin[lane + 1] = begin[lane] + static_cast<std::uint32_t>(count);
      }
      player.environment->expand(2, begin, features.data(), {expanded.data(), 2});
      REQUIRE(expanded == player.observations);
      if (info.binary)
        CHECK(std::ranges::count(player.observations, 1.0f) == static_cast<std::ptrdiff_t>(begin[2]));
    }
  }
}

TEST_CASE("every task: columns are places in the batch, not lanes") {
  for (const std::string& name : environment_names()) {
    CAPTURE(name);
    const auto straight = make_environment(name, 3), mapped = make_environment(name, 3);
    const int features = straight->info().observation_size, actions = straight->info().actions;
    constexpr int kStride = 7;
    std::vector<Stream> streams;
    for (int i = 0; i < 6; ++i) streams.emplace_back("lane " + std::to_string(i % 3));
    std::vector<float> a(static_cast<std::size_t>(features * 3)),
        b(static_cast<std::size_t>(features * kStride), -77);
    for (int lane = 0; lane < 3; ++lane) {
      straight->attach(lane, streams[static_cast<std::size_t>(lane)]);
      mapped->attach(lane, streams[static_cast<std::size_t>(lane + 3)]);
      straight->reset(lane, lane, {a.data(), 3});
      mapped->reset(lane, lane, {b.data(), kStride});
    }
    const std::vector<std::int32_t> all = {0, 1, 2}, some = {2, 0};
    const std::vector<float> zero(static_cast<std::size_t>(actions * kStride));
    const std::vector<std::int32_t> three = {0, 1, actions - 1}, two = {actions - 1, 0};
    std::vector<StepResult> results(3), fewer(2);
    straight->step(all, {three.data(), zero.data(), kStride}, {a.data(), 3}, results);
    mapped->step(some, {two.data(), zero.data(), kStride}, {b.data(), kStride}, fewer);
    for (int f = 0; f < features; ++f) {
      const auto row = static_cast<std::size_t>(f);
      CHECK(b[row * kStride] == a[row * 3 + 2]);
      CHECK(b[row * kStride + 1] == a[row * 3]);
      for (int column = 3; column < kStride; ++column)
        CHECK(b[row * kStride + static_cast<std::size_t>(column)] == -77);
    }
    CHECK(fewer[0].reward == results[2].reward);
    CHECK(fewer[1].reward == results[0].reward);
  }
}

TEST_CASE("bad options are refused with key, value and allowed range") {
  CHECK_THROWS_WITH_AS(make_environment("cartpole", 1, {{"cartpole.version", std::string("v2")}}),
                       "option 'cartpole.version' = \"v2\" must be one of v0, v1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(make_environment("cartpole", 1, {{"cartpole.version", std::int64_t{1}}}),
                       "option 'cartpole.version' = 1 must be one of v0, v1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(make_environment("acrobot", 1, {{"acrobot.reset_low", -2000.0}}),
                       "option 'acrobot.reset_low' = -2000 must be number, -1000..1000",
                       std::invalid_argument);
  CHECK_THROWS_AS(
      make_environment("acrobot", 1, {{"acrobot.reset_low", std::numeric_limits<double>::quiet_NaN()}}),
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(make_environment("acrobot", 1, {{"acrobot.reset_low", 0.5}}),
                       doctest::Contains("is above 'acrobot.reset_high'"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(make_environment("cartpole", 1, {{"cartpole.max_steps", std::int64_t{-1}}}),
                       "option 'cartpole.max_steps' = -1 must be integer, 0..2147483647",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(make_environment("cartpole", 1, {{"cartpole.max_steps", 10.5}}),
                       "option 'cartpole.max_steps' = 10.5 must be integer, 0..2147483647",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      make_environment("cartpole", 1, {{"cartpole.versoin", std::string("v1")}}),
      doctest::Contains("task cartpole has no option 'cartpole.versoin'; it has: cartpole.reset_low"),
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(make_environment("pong", 1),
                       doctest::Contains("there is no task 'pong'; the tasks are: cartpole"),
                       std::invalid_argument);
  CHECK_THROWS_AS(make_environment("cartpole", 0), std::invalid_argument);
  CHECK(find_task("pong") == nullptr);
  CHECK_NOTHROW(make_environment("acrobot", 1, {{"acrobot.reset_high", std::int64_t{1}}}));
}

TEST_CASE("cartpole: the versions differ in the step limit, which an option overrides") {
  const auto length_at_rest = [](const TaskOptions& options) {
    Single single("cartpole", options);
    int steps = 0;
    do {
      const std::vector<double> upright(4, 0.0);
      single.environment->set_state(0, upright);  // never falls; the count of steps goes on
      single.step(steps++ % 2);
    } while (!single.result.truncated && !single.result.terminated && steps < 1000);
    CHECK(single.environment->info().max_steps == steps);
    CHECK_FALSE(single.result.terminated);
    return steps;
  };
  CHECK(length_at_rest({}) == 500);
  CHECK(length_at_rest({{"cartpole.version", std::string("v0")}}) == 200);
  CHECK(length_at_rest({{"cartpole.max_steps", std::int64_t{7}}}) == 7);
}

TEST_CASE("cartpole: one step against the equations worked out by hand") {
  Single single("cartpole");
  CHECK(single.observation == std::vector<float>(4, 0.0f));  // u = 1/2 is the middle of the bounds
  CHECK(single.step(1).reward == 1);
  std::vector<double> state(4);
  single.environment->get_state(0, state);
  // At rest: h = 10 / 1.1, alpha = -h / (0.5 (4/3 - 0.1 / 1.1)), a = h - 0.05 alpha / 1.1.
  const double h = 10 / 1.1, alpha = -h / (0.5 * (4.0 / 3 - 0.1 / 1.1)), a = h - 0.05 * alpha / 1.1;
  CHECK(state[0] == 0);
  CHECK(state[1] == doctest::Approx(0.02 * a).epsilon(1e-15));
  CHECK(state[2] == 0);
  CHECK(state[3] == doctest::Approx(0.02 * alpha).epsilon(1e-15));
}

TEST_CASE("cartpole: termination is strict, and both flags may be set") {
  Single single("cartpole", {{"cartpole.max_steps", std::int64_t{1}}});
  const auto ends_at = [&](double x, double theta) {
    single.environment->set_state(0, std::vector<double>{x, 0, theta, 0});
    return single.step(0).terminated;
  };
  CHECK_FALSE(ends_at(2.4, 0));
  CHECK_FALSE(ends_at(-2.4, CartPole::kAngleLimit));
  CHECK(ends_at(std::nextafter(2.4, 3), 0));
  CHECK(single.result.truncated);
  CHECK(ends_at(-2.5, 0));
  CHECK(ends_at(0, std::nextafter(CartPole::kAngleLimit, 1)));
  CHECK(ends_at(0, -0.21));
  CHECK(CartPole::kAngleLimit == 0.20943951023931953);
}

TEST_CASE("cartpole: a linear controller balances the pole for the whole episode") {
  for (const auto& [version, limit] : {std::pair{"v0", 200}, std::pair{"v1", 500}}) {
    const auto environment = make_environment("cartpole", 1, {{"cartpole.version", std::string(version)}});
    Stream stream("controller");
    environment->attach(0, stream);
    const std::int32_t lane = 0;
    for (int episode = 0; episode < 50; ++episode) {
      std::array<float, 4> observation;
      StepResult result;
      environment->reset(0, 0, {observation.data(), 1});
      int steps = 0;
      while (!result.terminated && !result.truncated) {
        const std::int32_t action = observation[2] + 0.5f * observation[3] > 0;
        environment->step({&lane, 1}, {&action, nullptr, 1}, {observation.data(), 1}, {&result, 1});
        ++steps;
      }
      CHECK(steps == limit);
    }
  }
}

TEST_CASE("acrobot: energy is conserved without torque") {
  // The Runge-Kutta step of 0.2 s loses little at small speed. E = kinetic + potential energy of both links.
  const auto energy = [](const std::vector<double>& s) {
    const double y1 = -0.5 * std::cos(s[0]), y2 = -std::cos(s[0]) - 0.5 * std::cos(s[0] + s[1]);
    const double w1 = s[2], w12 = s[2] + s[3];
    const double v2_squared = w1 * w1 + 0.25 * w12 * w12 + w1 * w12 * std::cos(s[1]);
    return 0.5 * (0.25 + 1) * w1 * w1 + 0.5 * v2_squared + 0.5 * w12 * w12 + 9.8 * (y1 + y2);
  };
  Single single("acrobot");
  std::vector<double> state = {0.05, -0.03, 0, 0.02};
  single.environment->set_state(0, state);
  const double before = energy(state);
  for (int t = 0; t < 50; ++t) {
    const StepResult result = single.step(1);
    CHECK(result.reward == -1);
    CHECK_FALSE(result.terminated);
  }
  single.environment->get_state(0, state);
  CHECK(energy(state) == doctest::Approx(before).epsilon(1e-4));
}

TEST_CASE("acrobot: angles wrap, velocities are clamped, the tip ends the episode") {
  Single single("acrobot");
  std::vector<double> state = {3.1, -3.1, 12, -28};
  single.environment->set_state(0, state);
  single.step(1);
  single.environment->get_state(0, state);
  for (const int angle : {0, 1}) CHECK(std::abs(state[static_cast<std::size_t>(angle)]) <= Acrobot::kPi);
  CHECK(std::abs(state[2]) <= Acrobot::kOmega1Limit);
  CHECK(std::abs(state[3]) <= Acrobot::kOmega2Limit);

  state = {Acrobot::kPi, 0, 0, 0};  // straight up
  single.environment->set_state(0, state);
  CHECK(single.step(1).terminated);
  CHECK(single.result.reward == 0);
}

TEST_CASE("acrobot: a hand-written controller swings up as fast as in the reference") {
  // Reference: -77 in the mean of 100 episodes. The standard deviation of an episode is 25, so that the two
  // means differ by less than three standard errors, 3 * 25 * sqrt(1 / 100 + 1 / 1000) = 7.9.
  const auto environment = make_environment("acrobot", 1);
  Stream stream("controller");
  environment->attach(0, stream);
  const std::int32_t lane = 0;
  double total = 0;
  for (int episode = 0; episode < 1000; ++episode) {
    std::array<float, 6> observation;
    StepResult result;
    environment->reset(0, 0, {observation.data(), 1});
    while (!result.terminated && !result.truncated) {
      const std::int32_t action = observation[5] - 0.5f * observation[4] > 0 ? 2 : 0;
      environment->step({&lane, 1}, {&action, nullptr, 1}, {observation.data(), 1}, {&result, 1});
      total += result.reward;
    }
  }
  CHECK(std::abs(total / 1000 + 77) < 7.9);
}

// What is refused would be trained anew, and silently: the ranges of saved states are nowhere too narrow.
TEST_CASE("every task: whatever state a long play comes to is saved, accepted and continued") {
  for (const std::string& name : environment_names()) {
    CAPTURE(name);
    const bool replays_episodes = find_task(name)->family == "locomotion";
    const int pieces = replays_episodes ? 25 : 250;
    Player whole(name, 2, "long");
    std::vector<std::unique_ptr<Player>> halves;
    for (int i = 0; i < 2; ++i) halves.push_back(std::make_unique<Player>(name, 2, "long"));
    Stream lengths("lengths/" + name);
    for (int piece = 0; piece < pieces; ++piece) {
      const int steps = 1 + static_cast<int>(lengths.below(80));
      Player& now = *halves[static_cast<std::size_t>(piece % 2)];
      Player& next = *halves[static_cast<std::size_t>((piece + 1) % 2)];
      now.history.clear();
      now.play(steps);
      whole.history.clear();
      whole.play(steps);
      REQUIRE(now.history == whole.history);
      const std::vector<std::byte> state = now.save();
      REQUIRE_NOTHROW(next.load(state));
      REQUIRE(next.save() == state);
    }
  }
}

// Takes back what ended the episode, further and further until another way is found: random actions alone
// never see the late parts of a game, in which it is fast and full.
TEST_CASE("every task: states late in an episode are accepted too") {
  for (const std::string& name : environment_names()) {
    if (find_task(name)->family == "locomotion") continue;  // a load plays its episode again
    CAPTURE(name);
    constexpr int kSteps = 60'000;
    Player player(name, 1, "late");
    std::vector<std::vector<std::byte>> past = {player.save()};
    Stream actions("ways");
    std::size_t longest = 1;
    int ends = 0;  // since the episode was longer than ever before
    for (int step = 0; step < kSteps; ++step) {
      const StepResult result = player.play_once(actions);
      const std::vector<std::byte> state = player.save();  // an ended episode is saved as well
      REQUIRE_NOTHROW(player.load(state));
      REQUIRE(player.save() == state);
      if (!result.terminated && !result.truncated) {
        past.push_back(state);
        if (past.size() > longest) ends = 0;
        longest = std::max(longest, past.size());
      } else {
        const std::int64_t reach = std::int64_t{1} << std::min(ends++ / 30, 9);
        const auto back = static_cast<std::size_t>(1 + actions.below(reach));
        past.resize(past.size() > back ? past.size() - back : 1);
        player.load(past.back());
      }
    }
    if (find_task(name)->max_steps == 0) CHECK(longest > 100);
  }
}

TEST_CASE("a saved state of anybody is refused, or goes on without harm") {
  for (const std::string& name : environment_names()) {
    CAPTURE(name);
    Stream stream("altered/" + name);
    Player player(name, 2, "altered");
    player.play(20);
    const std::vector<std::byte> whole = player.save();
    for (int attempt = 0; attempt < 60; ++attempt) {
      std::vector<std::byte> altered = whole;
      for (int i = 0; i < 3; ++i)
        altered[static_cast<std::size_t>(stream.below(static_cast<std::int64_t>(altered.size())))] =
            static_cast<std::byte>(stream.below(256));
      try {
        Player other(name, 2, "altered");
        other.load(altered);
        other.play(30);
      } catch (const ArchiveError&) {
      } catch (const std::length_error&) {
      }
    }
  }
}
