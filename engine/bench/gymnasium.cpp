// Environments of Gymnasium through the bridge, against Gymnasium's own vector class and a bare loop over the
// same objects in Python. Times are those of the clock, as two processes share them; of many short turns the
// 10th percentile.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "engine/bench/bench.hpp"
#include "engine/job/external_task.hpp"
#include "envs/external/gymnasium_environment.hpp"
#include "envs/external/worker_process.hpp"

namespace impsweep {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTurns = 100, kStepsPerTurn = 256;  // the latter over all lanes
constexpr int kActions = 64;                      // steps for which actions are drawn

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double tenth_percentile(std::vector<double> values) {
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 10);
  std::ranges::nth_element(values, place);
  return *place;
}

// Lanes under actions that are drawn beforehand; those whose episode ends start again.
class BridgedPlay {
 public:
  BridgedPlay(const std::string& task, const TaskOptions& options, int lanes)
      : made_(make_environment(task, lanes, options)),
        environment_(dynamic_cast<external::GymnasiumEnvironment&>(*made_)),
        count_(static_cast<std::size_t>(lanes)),
        actions_count_(static_cast<std::size_t>(environment_.spaces().actions)),
        results_(count_),
        observations_(count_ * static_cast<std::size_t>(environment_.spaces().inputs)) {
    environment_.expect_resets_after_ends();
    Stream stream("bench/gymnasium");
    draws_.reserve(count_);
    for (int lane = 0; lane < lanes; ++lane) {
      lanes_.push_back(lane);
      draws_.emplace_back(fmt::format("bench/gymnasium/{}", lane));
      environment_.attach(lane, draws_.back());
    }
    for (std::size_t i = 0; i < kActions * count_; ++i)
      discrete_.push_back(static_cast<std::int32_t>(stream.below(environment_.spaces().actions)));
    for (std::size_t i = 0; i < kActions * count_ * actions_count_ * (is_continuous() ? 1 : 0); ++i)
      numbers_.push_back(static_cast<float>(2 * stream.uniform() - 1));
  }

  bool is_continuous() const { return environment_.spaces().continuous; }

  // Seeds by lane, and actions by step and lane, as the reference takes them.
  nlohmann::json given(int steps) const {
    nlohmann::json given = {
        {"seeds", nlohmann::json::array()}, {"actions", nlohmann::json::array()}, {"steps", steps}};
    for (std::size_t lane = 0; lane < count_; ++lane) given["seeds"].push_back(lane);
    for (std::size_t t = 0; t < kActions; ++t) {
      nlohmann::json row = nlohmann::json::array();
      for (std::size_t lane = 0; lane < count_; ++lane) {
        if (!is_continuous()) {
          row.push_back(discrete_[t * count_ + lane]);
          continue;
        }
        nlohmann::json numbers = nlohmann::json::array();
        for (std::size_t d = 0; d < actions_count_; ++d)
          numbers.push_back(numbers_[(t * actions_count_ + d) * count_ + lane]);
        row.push_back(std::move(numbers));
      }
      given["actions"].push_back(std::move(row));
    }
    return given;
  }

  // The sum over each lane's first episode, as far as the actions go, one lane after the other.
  double rewards() {
    double total = 0;
    for (const std::int32_t lane : lanes_) {
      environment_.reset_with(lane, lane, lane, batch());
      StepResult result;
      for (int t = 0; t < kActions && !result.terminated && !result.truncated; ++t) {
        environment_.step({&lane, 1}, actions(t, static_cast<std::size_t>(lane)), batch(), {&result, 1});
        total += environment_.raw_reward(lane);
      }
    }
    for (const std::int32_t lane : lanes_) environment_.reset(lane, lane, batch());
    return total;
  }

  double seconds_of(int steps) {
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < steps; ++i) {
      environment_.step(lanes_, actions(place_++ % kActions, 0), batch(), results_);
      for (const std::int32_t lane : lanes_) {
        const StepResult& result = results_[static_cast<std::size_t>(lane)];
        if (result.terminated || result.truncated) environment_.reset(lane, lane, batch());
      }
    }
    return seconds_since(begin);
  }

 private:
  ObservationBatch batch() { return {observations_.data(), environment_.lanes()}; }
  ActionBatch actions(int t, std::size_t first_lane) const {
    const std::size_t row = static_cast<std::size_t>(t) * count_ + first_lane;
    ActionBatch batch{.stride = environment_.lanes()};
    if (is_continuous())
      batch.continuous = numbers_.data() + static_cast<std::size_t>(t) * count_ * actions_count_ + first_lane;
    else
      batch.discrete = discrete_.data() + row;
    return batch;
  }

  std::unique_ptr<Environment> made_;
  external::GymnasiumEnvironment& environment_;
  std::size_t count_, actions_count_;
  std::vector<std::int32_t> lanes_, discrete_;  // discrete_: [kActions][lanes]
  std::vector<float> numbers_;                  // [kActions][actions][lanes]
  std::vector<Stream> draws_;
  std::vector<StepResult> results_;
  std::vector<float> observations_;
  int place_ = 0;
};

std::vector<BenchRow> measure_bridge(const std::string& id, int lanes, double target_of_loop) {
  const std::string named = std::string(external::kGymnasium) + id;
  const auto [task, options] = external_task(named, {}, "bench", false);
  BridgedPlay play(task, options, lanes);
  external::WorkerProcess reference(
      {.interpreter = external::chosen_interpreter(), .client = gymnasium_reference(), .arguments = {id}});
  if (const auto [is_ready, text] = reference.greeting(); !is_ready) throw std::runtime_error(text);
  const int steps = std::max(kStepsPerTurn / lanes, 1);
  reference.send_text(play.given(steps).dump());
  const auto ask = [&](const char* what) {
    reference.send_text(what);
    return nlohmann::json::parse(reference.receive_text()).get<double>();
  };
  if (const double there = ask("rewards"), here = play.rewards(); there != here)
    throw std::runtime_error(fmt::format("{}: rewards of {} and {} in the loop", named, here, there));
  std::vector<double> bridge, vector, loop;
  for (int turn = 0; turn < kTurns; ++turn) {
    bridge.push_back(play.seconds_of(steps));
    vector.push_back(ask("vector"));
    loop.push_back(ask("loop"));
  }
  const double played = steps * lanes, own = played / tenth_percentile(bridge);
  const auto row = [&](const char* name, const std::vector<double>& seconds, double target) {
    const double theirs = played / tenth_percentile(seconds);
    return BenchRow{.name = fmt::format("env/{}/lanes-{}/{}", task, lanes, name),
                    .value = own,
                    .unit = "steps/s",
                    .reference_name = name,
                    .reference = theirs,
                    .ratio = own / theirs,
                    .target = target};
  };
  return {row("SyncVectorEnv", vector, 1), row("loop", loop, target_of_loop)};
}

}  // namespace

std::vector<BenchCase> gymnasium_cases() {
  std::vector<BenchCase> cases;
  for (const char* id : {"CartPole-v1", "LunarLander-v3", "HalfCheetah-v5"})
    for (const auto& [lanes, target] : {std::pair{4, 0.8}, std::pair{10, 0.85}, std::pair{64, 0.95}})
      cases.push_back({fmt::format("env/gymnasium-{}/lanes-{}", id, lanes), [id, lanes, target] {
                         try {
                           return measure_bridge(id, lanes, target);
                         } catch (const TaskUnavailable&) {
                           return std::vector<BenchRow>();  // there is no Gymnasium here
                         }
                       }});
  return cases;
}

}  // namespace impsweep
