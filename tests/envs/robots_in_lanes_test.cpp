// Robots stepped many at once against the same robots in Bullet's worlds: every observation, reward, end and
// state to the bit, on every instruction set.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <numeric>

#include "envs/environment.hpp"
#include "envs/locomotion/lane_robot.hpp"

using namespace impsweep;

namespace {

constexpr const char* kRobots[] = {"halfcheetah", "walker2d", "hopper", "ant"};
constexpr const char* kInstructionSets[] = {"scalar", "avx2", "avx512"};

TaskOptions solver(const char* name) {
  return {{"locomotion.solver", std::string(name)}};
}

// Some lanes of one environment, with all that comes out of them.
struct Lanes {
  std::unique_ptr<Environment> environment;
  std::vector<Stream> streams;
  std::vector<float> observations;
  std::vector<double> states;
  std::vector<StepResult> results;

  Lanes(const std::string& task, int lanes, const TaskOptions& options)
      : environment(make_environment(task, lanes, options)) {
    const auto count = static_cast<std::size_t>(lanes);
    observations.resize(static_cast<std::size_t>(environment->info().observation_size) * count);
    states.resize(static_cast<std::size_t>(environment->state_size()) * count);
    results.resize(count);
    for (int lane = 0; lane < lanes; ++lane) streams.emplace_back("lanes" + std::to_string(lane));
    for (int lane = 0; lane < lanes; ++lane) {
      environment->attach(lane, streams[static_cast<std::size_t>(lane)]);
      reset(lane);
    }
  }
  int count() const { return environment->lanes(); }
  void reset(int lane) { environment->reset(lane, lane, {observations.data(), count()}); }
  void step(const std::vector<float>& actions, std::span<const std::int32_t> lanes) {
    environment->step(lanes, {.continuous = actions.data(), .stride = count()},
                      {observations.data(), count()}, results);
    const auto size = static_cast<std::size_t>(environment->state_size());
    for (int lane = 0; lane < count(); ++lane)
      environment->get_state(lane, std::span(states).subspan(static_cast<std::size_t>(lane) * size, size));
  }
  bool ended(int lane) const {
    const StepResult& result = results[static_cast<std::size_t>(lane)];
    return result.terminated || result.truncated;
  }
};

template <class T>
bool equal_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

bool equal(const Lanes& a, const Lanes& b) {
  for (std::size_t c = 0; c < a.results.size(); ++c) {
    const StepResult &x = a.results[c], &y = b.results[c];
    if (std::memcmp(&x.reward, &y.reward, sizeof x.reward) != 0 || x.terminated != y.terminated ||
        x.truncated != y.truncated)
      return false;
  }
  return equal_bits(a.observations, b.observations) && equal_bits(a.states, b.states);
}

// Actions of all amplitudes: small ones, ones that are far beyond the torques' range, and held ones, under
// which limbs are driven into their stops.
class Actions {
 public:
  Actions(int actions, int lanes) : lanes_(lanes), values_(static_cast<std::size_t>(actions * lanes)) {}

  const std::vector<float>& next() {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const int lane = static_cast<int>(i) % lanes_;
      const bool holds = lane % 3 == 1 && time_ % 16 != 0;
      const double amplitude = lane % 4 == 0 ? 0.3 : lane % 4 == 1 ? 1 : lane % 4 == 2 ? 1.3 : 10;
      const double drawn = 2 * draws_.uniform() - 1;
      if (!holds) values_[i] = static_cast<float>(amplitude * drawn);
    }
    ++time_;
    return values_;
  }

 private:
  Stream draws_{"actions"};
  int lanes_, time_ = 0;
  std::vector<float> values_;
};

// `steps` steps of each of several lanes. Those of odd number start again when their episode ends, the others
// lie where they fell, until each is reset at a time of its own. Returns how often one was seen fallen.
int compare(const std::string& robot, int steps, int count, const TaskOptions& options = {}) {
  TaskOptions in_lanes = solver("lanes"), in_worlds = solver("bullet");
  in_lanes.insert(options.begin(), options.end());
  in_worlds.insert(options.begin(), options.end());
  Lanes lanes(robot, count, in_lanes), worlds(robot, count, in_worlds);
  REQUIRE(equal_bits(lanes.observations, worlds.observations));
  Actions actions(lanes.environment->info().actions, count);
  std::vector<std::int32_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  int falls = 0;
  for (int t = 0; t < steps; ++t) {
    const std::vector<float>& action = actions.next();
    lanes.step(action, all);
    worlds.step(action, all);
    if (!equal(lanes, worlds)) FAIL(robot << " parts from its worlds in step " << t);
    for (const int lane : all) {
      const bool ended = lanes.ended(lane);
      falls += lanes.results[static_cast<std::size_t>(lane)].terminated;
      if (!(ended && (lane % 2 == 1 || lanes.results[static_cast<std::size_t>(lane)].truncated)) &&
          (t + 37 * lane) % 307 != 0)
        continue;
      lanes.reset(lane);
      worlds.reset(lane);
    }
  }
  return falls;
}

// The chosen instruction set, for as long as this lives.
struct Chosen {
  explicit Chosen(const char* name) : is_there(locomotion::select_lane_steps(name)) {}
  ~Chosen() { locomotion::select_lane_steps("auto"); }
  bool is_there;
};

}  // namespace

const TaskOptions kGym = {{"locomotion.package", std::string("pybullet_gym")}};  // whose robots all fall

TEST_CASE("robots in lanes: bits are those of Bullet's worlds on every instruction set") {
  for (const char* robot : kRobots)
    for (const char* name : kInstructionSets) {
      CAPTURE(robot);
      CAPTURE(name);
      const Chosen chosen(name);
      if (chosen.is_there) CHECK(compare(robot, 350, 11, kGym) > 0);
    }
}

TEST_CASE("robots in lanes: both packages, other orders of contacts, another step limit") {
  CHECK(compare("halfcheetah", 300, 3, {{"locomotion.package", std::string("pybullet_envs")}}) == 0);
  compare("halfcheetah", 300, 3, {{"locomotion.contact_order", std::string("1,6,0,2,3,4,5")}});
  compare("walker2d", 300, 3, {{"locomotion.contact_order", std::string("0,4,5,3,6,2,1")}});
  compare("hopper", 300, 3,
          {{"locomotion.contact_order", std::string("0,3,1,2")}, {"hopper.max_steps", std::int64_t{40}}});
  compare("ant", 300, 3,
          {{"locomotion.contact_order", std::string("10,0,2,1,3,9,8,5,12,6,11,7,4")},
           {"ant.fresh_instance", true}});
}

TEST_CASE("robots in lanes: any lanes in any columns, and the others stand still") {
  for (const char* robot : kRobots) {
    CAPTURE(robot);
    constexpr int kLanes = 70;  // more than are listed at once
    Lanes all(robot, kLanes, solver("lanes")), some(robot, kLanes, solver("lanes"));
    std::vector<std::int32_t> order(kLanes);
    std::iota(order.begin(), order.end(), 0);
    Actions actions(all.environment->info().actions, kLanes);
    const std::vector<float> action = actions.next();
    all.step(action, order);
    const std::vector<double> before = some.states;
    const std::int32_t chosen[] = {69, 3, 40};
    std::vector<float> their_action = action;
    for (int joint = 0; joint < all.environment->info().actions; ++joint)
      for (int c = 0; c < 3; ++c)
        their_action[static_cast<std::size_t>(joint * kLanes + c)] =
            action[static_cast<std::size_t>(joint * kLanes + chosen[c])];
    Lanes untouched(robot, kLanes, solver("lanes"));
    some.step(their_action, chosen);
    const auto size = static_cast<std::size_t>(all.environment->state_size());
    std::vector<double> standing(size);
    for (int lane = 0; lane < kLanes; ++lane) {
      CAPTURE(lane);
      const bool moved = lane == 69 || lane == 3 || lane == 40;
      const auto first = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(lane) * size);
      untouched.environment->get_state(lane, standing);
      const std::vector<double> now(some.states.begin() + first,
                                    some.states.begin() + first + static_cast<std::ptrdiff_t>(size));
      const std::vector<double> stepped(all.states.begin() + first,
                                        all.states.begin() + first + static_cast<std::ptrdiff_t>(size));
      CHECK(now == (moved ? stepped : standing));
    }
    for (int c = 0; c < 3; ++c)
      CHECK(some.observations[static_cast<std::size_t>(c)] ==
            all.observations[static_cast<std::size_t>(chosen[c])]);
  }
}

TEST_CASE("robots in lanes: what is no number stays in its lane") {
  for (const char* robot : kRobots) {
    CAPTURE(robot);
    constexpr int kLanes = 4;
    Lanes spoilt(robot, kLanes, solver("lanes")), sound(robot, kLanes, solver("lanes"));
    const std::int32_t order[] = {0, 1, 2, 3};
    Actions actions(sound.environment->info().actions, kLanes);
    for (int t = 0; t < 100; ++t) {
      std::vector<float> action = actions.next();
      sound.step(action, order);
      action[2] = std::numeric_limits<float>::quiet_NaN();
      spoilt.step(action, order);
      CHECK(spoilt.results[2].terminated);
      for (std::size_t i = 0; i < sound.observations.size(); ++i)
        if (i % kLanes != 2) REQUIRE(spoilt.observations[i] == sound.observations[i]);
    }
  }
}

TEST_CASE("robots in lanes: a checkpoint of either solver goes on under the other") {
  for (const char* robot : kRobots)
    for (const bool starts_in_lanes : {true, false}) {
      const char* from = starts_in_lanes ? "lanes" : "bullet";
      const char* to = starts_in_lanes ? "bullet" : "lanes";
      CAPTURE(robot);
      CAPTURE(from);
      constexpr int kLanes = 5;
      Lanes first(robot, kLanes, solver(from)), second(robot, kLanes, solver(to));
      const std::int32_t order[] = {0, 1, 2, 3, 4};
      Actions actions(first.environment->info().actions, kLanes);
      for (int t = 0; t < 60; ++t) {
        first.step(actions.next(), order);
        if (t % 25 == 10) first.reset(t % kLanes);
      }
      StateWriter writer;
      first.environment->save(writer);
      StateReader reader(writer.bytes().data(), writer.bytes().size());
      second.environment->load(reader);
      for (std::size_t lane = 0; lane < kLanes; ++lane) second.streams[lane] = first.streams[lane];
      StateWriter again;
      second.environment->save(again);
      CHECK(again.bytes() == writer.bytes());
      for (int t = 0; t < 60; ++t) {
        const std::vector<float>& action = actions.next();
        first.step(action, order);
        second.step(action, order);
        REQUIRE(equal(first, second));
        if (t != 30) continue;
        first.reset(2);
        second.reset(2);
      }
    }
}

// Minutes: run by ctest under the label `long`, or with --no-skip.
TEST_CASE("a million steps in lanes: halfcheetah" * doctest::skip()) {
  CHECK(compare("halfcheetah", 100000, 10, kGym) > 0);
}
TEST_CASE("a million steps in lanes: walker2d" * doctest::skip()) {
  CHECK(compare("walker2d", 100000, 10, kGym) > 0);
}
TEST_CASE("a million steps in lanes: hopper" * doctest::skip()) {
  CHECK(compare("hopper", 100000, 10, kGym) > 0);
}
TEST_CASE("a million steps in lanes: ant" * doctest::skip()) {
  CHECK(compare("ant", 100000, 10, kGym) > 0);
}
