// Atari games with the ALE that is installed, if there is one: IMPSWEEP_PYTHON names an interpreter that has
// the package ale-py, or python3 has it. Each test says so when it is skipped.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <sstream>

#include "envs/atari/atari.hpp"
#include "envs/atari/worker_emulator.hpp"
#include "envs/parallel_environment.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using impsweep::testing::message_of;
using impsweep::testing::Scratch;
using impsweep::testing::spill;

namespace {

bool can_play(const std::string& game) {
  const std::string reason = message_of<TaskUnavailable>([&] { require_task("atari-" + game); });
  if (!reason.empty()) MESSAGE("skipped: ", reason);
  return reason.empty();
}

std::uint32_t checksum(const void* data, std::size_t bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, static_cast<const unsigned char*>(data), static_cast<unsigned>(bytes)));
}

// Lanes that take random actions, and the checksums of the batches that they see.
struct Walk {
  std::unique_ptr<Environment> environment;
  std::vector<Stream> streams;
  Stream actions;
  std::vector<float> observations, rewards;
  std::vector<StepResult> results;
  std::vector<std::int32_t> lanes, chosen;
  std::vector<std::uint32_t> history;

  Walk(std::unique_ptr<Environment> made, const std::string& seed)
      : environment(std::move(made)), actions("actions of " + seed) {
    const auto count = static_cast<std::size_t>(environment->lanes());
    for (std::size_t lane = 0; lane < count; ++lane) streams.emplace_back(seed + std::to_string(lane));
    for (std::size_t lane = 0; lane < count; ++lane)
      environment->attach(static_cast<int>(lane), streams[lane]);
    observations.resize(33280 * count);
    results.resize(count);
    lanes.resize(count);
    chosen.resize(count);
    std::iota(lanes.begin(), lanes.end(), 0);
  }
  ObservationBatch batch() { return {observations.data(), environment->lanes()}; }
  void reset() {
    for (const std::int32_t lane : lanes) environment->reset(lane, lane, batch());
  }
  void play(int steps) {
    for (int t = 0; t < steps; ++t) {
      for (std::int32_t& action : chosen)
        action = static_cast<std::int32_t>(actions.below(environment->info().actions));
      environment->step(lanes, {chosen.data(), nullptr, environment->lanes()}, batch(), results);
      history.push_back(checksum(observations.data(), observations.size() * sizeof(float)));
      for (const std::int32_t lane : lanes) {
        const StepResult& result = results[static_cast<std::size_t>(lane)];
        history.push_back(static_cast<std::uint32_t>(static_cast<std::int32_t>(result.reward)));
        if (result.terminated || result.truncated) environment->reset(lane, lane, batch());
      }
    }
  }
  std::vector<std::byte> save() {
    StateWriter writer;
    environment->save(writer);
    writer("streams", streams);
    writer("actions", actions);
    return writer.take();
  }
  void load(const std::vector<std::byte>& bytes) {
    StateReader reader(bytes.data(), bytes.size());
    environment->load(reader);
    reader("streams", streams);
    reader("actions", actions);
    CHECK(reader.at_end());
  }
};

// Draws below() from a stream and keeps the numbers.
class RecordedDraws final : public RandomSource {
 public:
  double uniform() override { return stream_.uniform(); }
  std::int64_t below(std::int64_t n) override {
    numbers.push_back(stream_.below(n));
    return numbers.back();
  }
  std::vector<std::int64_t> numbers;

 private:
  Stream stream_{"no-ops"};
};

// What the reference prints for the same no-ops and actions.
std::string reference(const std::string& arguments, const std::string& plan) {
  const Scratch folder;
  spill(folder / "plan", plan);
  const char* chosen = std::getenv("IMPSWEEP_PYTHON");
  const std::string output = (folder / "output").string();
  const std::string command = std::string(chosen == nullptr ? "python3" : chosen) +
                              " " IMPSWEEP_SOURCE_DIR "/tests/envs/atari_reference.py " + arguments + " < " +
                              (folder / "plan").string() + " > " + output;
  CHECK(std::system(command.c_str()) == 0);
  std::ostringstream text;
  text << std::ifstream(output).rdbuf();
  return text.str();
}

// Empty if there is none.
std::string first_difference(const std::string& a, const std::string& b) {
  std::istringstream first(a), second(b);
  std::string left, right;
  for (int line = 1;; ++line) {
    const bool more = static_cast<bool>(std::getline(first, left));
    if (more != static_cast<bool>(std::getline(second, right))) return "one is longer";
    if (!more) return "";
    if (left != right) return "line " + std::to_string(line) + ": " + left + " and " + right;
  }
}

}  // namespace

TEST_CASE("atari with ALE: equal streams give equal observations, also by threads and in other processes") {
  for (const std::string game : {"tetris", "breakout"}) {
    if (!can_play(game)) continue;
    CAPTURE(game);
    const auto made = [&] { return make_environment("atari-" + game, 5); };
    Walk first(made(), "a"), again(in_parallel(made(), 2), "a"), other(made(), "b");
    for (Walk* walk : {&first, &again, &other}) {
      walk->reset();
      walk->play(500);
    }
    CHECK(first.history == again.history);
    CHECK(first.history != other.history);
    CHECK(std::ranges::count(first.observations, 0.0f) < 33280 * 5);
  }
}

TEST_CASE("atari with ALE: a saved environment continues identically in a new process") {
  // Games whose state ALE saves incompletely in the middle (Qbert, Tetris), and games whose resets depend on
  // what was before (Surround, Time Pilot).
  for (const std::string game : {"tetris", "breakout", "qbert", "surround", "time_pilot"}) {
    if (!can_play(game)) continue;
    CAPTURE(game);
    const TaskOptions options = {{"atari.horizon", std::int64_t{150}}};
    Walk walk(make_environment("atari-" + game, 2, options), "a");
    walk.reset();
    walk.play(170);
    for (int more = 0; more < 3; ++more) {
      walk.play(67);
      const auto bytes = walk.save();
      Walk resumed(make_environment("atari-" + game, 2, options), "b");
      resumed.load(bytes);
      CHECK(resumed.save() == bytes);
      walk.history.clear();
      walk.play(200);
      resumed.play(200);
      CHECK(walk.history == resumed.history);
    }
  }
}

TEST_CASE("atari with ALE: every step is as in an implementation apart") {
  for (const std::string game : {"tetris", "breakout", "space_invaders", "qbert", "seaquest"}) {
    if (!can_play(game)) continue;
    struct Variant {
      std::string arguments;
      TaskOptions options;
    };
    const std::vector<Variant> variants = {
        {"", {}},
        {"no-lives no-clip", find_task("atari-" + game)->evaluation_options},
        {"fire horizon=300", {{"atari.fire_on_reset", true}, {"atari.horizon", std::int64_t{300}}}},
    };
    for (const Variant& variant : variants) {
      CAPTURE(game);
      CAPTURE(variant.arguments);
      const auto environment = make_environment("atari-" + game, 1, variant.options);
      RecordedDraws draws;
      environment->attach(0, draws);
      Stream choice("actions of " + game);
      std::vector<float> observation(33280);
      std::ostringstream mine, actions;
      int ends_of_lives = 0, ends_of_games = 0;
      const auto report = [&](float reward, bool done, bool end) {
        mine << checksum(observation.data(), observation.size() * sizeof(float)) << ' '
             << static_cast<int>(reward) << ' ' << done << ' ' << end << '\n';
      };
      environment->reset(0, 0, {observation.data(), 1});
      report(0, false, false);
      for (int t = 0; t < 1500; ++t) {
        const std::int32_t lane = 0;
        const auto action = static_cast<std::int32_t>(choice.below(environment->info().actions));
        actions << action << ' ';
        StepResult result;
        environment->step({&lane, 1}, {&action, nullptr, 1}, {observation.data(), 1}, {&result, 1});
        const bool done = result.terminated || result.truncated;
        if (!done) {
          report(result.reward, false, false);
          continue;
        }
        // Whether the game ended as well is seen by the reset: it draws.
        std::vector<float> last = observation;
        const std::size_t games = draws.numbers.size();
        environment->reset(0, 0, {observation.data(), 1});
        if (draws.numbers.size() == games) {
          ++ends_of_lives;
          CHECK(observation == last);
          report(result.reward, true, false);
        } else {
          ++ends_of_games;
          std::swap(observation, last);
          report(result.reward, true, true);
          std::swap(observation, last);
          report(0, false, false);
        }
      }
      std::ostringstream plan;
      for (const std::int64_t noops : draws.numbers) plan << noops << ' ';
      plan << '\n' << actions.str() << '\n';
      CHECK(first_difference(reference(game + " " + variant.arguments, plan.str()), mine.str()) == "");
      CHECK(ends_of_games > 0);
      if (game != "tetris" && variant.arguments.empty()) CHECK(ends_of_lives > 0);
    }
  }
}

TEST_CASE("atari with ALE: throughput") {
  if (!can_play("tetris")) return;
  for (const int threads : {1, 2}) {
    Walk walk(in_parallel(make_environment("atari-tetris", 8), threads), "a");
    const auto seconds = [](auto action) {
      const auto start = std::chrono::steady_clock::now();
      action();
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    const double start = seconds([&] { walk.reset(); });
    walk.play(20);
    std::vector<std::int32_t> none(8, 0);
    const double time = seconds([&] {
      for (int t = 0; t < 200; ++t)
        walk.environment->step(walk.lanes, {none.data(), nullptr, 8}, walk.batch(), walk.results);
    });
    MESSAGE("8 lanes, threads: ", threads, ", steps/s: ", std::lround(1600 / time), ", start: ", start, " s");
  }
}
