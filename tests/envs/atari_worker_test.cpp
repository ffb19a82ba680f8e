// Worker processes, with the interpreter that is there and a stand-in for ale_py (tests/data/fake_ale).
#include "envs/atari/worker_emulator.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "envs/archive.hpp"
#include "envs/environment.hpp"
#include "envs/parallel_environment.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using namespace impsweep::atari;
using impsweep::testing::contains;
using impsweep::testing::message_of;
using impsweep::testing::Scratch;
using impsweep::testing::spill;
using namespace std::chrono_literals;

namespace {

// An environment variable for the length of a scope.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (before_)
      ::setenv(name_, before_->c_str(), 1);
    else
      ::unsetenv(name_);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// A folder with ROMs of the stand-in, and the way to both.
struct StandIn {
  Scratch roms;
  Variable package{"PYTHONPATH", IMPSWEEP_TEST_DATA "/fake_ale"};
  Variable folder{"ALE_ROMS_DIR", roms.path().string()};
  Variable no_caches{"PYTHONDONTWRITEBYTECODE", "1"};
  const Game& game = *find_game("breakout");

  StandIn() { spill(roms / "breakout.bin", "breakout\n"); }
};

bool python_is_here() {
  static const bool here = [] {
    const char* chosen = std::getenv("IMPSWEEP_PYTHON");
    const std::string command =
        std::string(chosen == nullptr ? "python3" : chosen) + " -c pass > /dev/null 2>&1";
    return std::system(command.c_str()) == 0;
  }();
  if (!here) MESSAGE("skipped: there is no python3");
  return here;
}

bool is_running(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t state = text.rfind(") ");  // "Z": ended, and not yet waited for
  return state != std::string::npos && text[state + 2] != 'Z';
}

bool ends_soon(int process) {
  for (int i = 0; i < 1000; ++i) {
    if (!is_running(process)) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

std::string why_unavailable(const WorkerSetup& setup = {}) {
  return message_of<TaskUnavailable>([&] { WorkerEmulator(*find_game("breakout"), 1, setup); });
}

}  // namespace

TEST_CASE("atari worker: consoles play, each for itself") {
  if (!python_is_here()) return;
  const StandIn stand_in;
  WorkerEmulator emulator(stand_in.game, 5, {.consoles_per_worker = 2});
  CHECK(emulator.version() == "0.12.1");
  CHECK(emulator.process_ids().size() == 3);
  for (int console = 0; console < 5; ++console) {
    CAPTURE(console);
    for (int i = 0; i <= console; ++i) CHECK(emulator.reset(console).lives == 3);  // each like the first
    const Emulator::Outcome outcome = emulator.play(console, 4, 5 + console);
    double reward = 0;
    for (int frame = 1; frame <= 5 + console; ++frame) reward += frame % 3;
    CHECK(outcome.reward == reward);
    CHECK(outcome.lives == 3);
    CHECK_FALSE(outcome.game_over);
  }
  for (int console = 0; console < 5; ++console) {
    const int shade = 5 + console + 40 + 100;
    CHECK(std::ranges::count(emulator.last(console), shade % 256) == 33600);
    CHECK(std::ranges::count(emulator.before_last(console), (shade - 1) % 256) == 33600);
  }
  CHECK(emulator.play(2, 0, 35).lives == 2);
  CHECK(emulator.play(2, 1, 1).reward == 1);  // frame 43
  CHECK(emulator.last(2)[0] == 43 + 10 + 100);
  CHECK(emulator.before_last(2)[0] == 42 + 100);
  const Emulator::Outcome end = emulator.play(2, 1, 600);  // more than one message can order
  CHECK(end.game_over);
  CHECK(end.lives == 0);
  double reward = 0;
  for (int frame = 44; frame <= 120; ++frame) reward += frame % 3;
  CHECK(end.reward == reward);
}

TEST_CASE("atari worker: a saved console continues identically in another process") {
  if (!python_is_here()) return;
  const StandIn stand_in;
  WorkerEmulator emulator(stand_in.game, 1), other(stand_in.game, 2);
  for (int i = 0; i < 3; ++i) emulator.reset(0);
  emulator.play(0, 3, 7);
  emulator.play(0, 4, 2);
  const std::string state = emulator.save(0);
  other.reset(0);
  other.play(0, 1, 99);
  other.load(0, state);
  CHECK(other.save(0) == state);
  for (int i = 0; i < 40; ++i) {
    const Emulator::Outcome outcome = emulator.play(0, i % 5, 4), same = other.play(0, i % 5, 4);
    CHECK(outcome.reward == same.reward);
    CHECK(outcome.lives == same.lives);
    CHECK(std::ranges::equal(emulator.last(0), other.last(0)));
    CHECK(std::ranges::equal(emulator.before_last(0), other.before_last(0)));
    if (!outcome.game_over) continue;
    emulator.reset(0);
    other.reset(0);
  }
  CHECK_THROWS_AS(other.load(0, state.substr(1)), ArchiveError);
  CHECK_THROWS_AS(other.load(0, state + "x"), ArchiveError);
  CHECK_THROWS_AS(other.load(0, std::string(2, '\0')), ArchiveError);
}

TEST_CASE("atari worker: a worker that ends is an error with its last words, not a hang") {
  if (!python_is_here()) return;
  const StandIn stand_in;
  {
    const Variable dies("FAKE_ALE_DIES_AT", "10");
    WorkerEmulator emulator(stand_in.game, 2, {.consoles_per_worker = 1});
    emulator.reset(0);
    emulator.reset(1);
    emulator.play(0, 0, 9);
    const std::string message = message_of<EmulatorFailed>([&] { emulator.play(0, 0, 1); });
    CAPTURE(message);
    CHECK(contains(message, "it ended with status 3"));
    CHECK(contains(message, "these are the last words"));
    CHECK(message_of<EmulatorFailed>([&] { emulator.reset(0); }) == message);
    CHECK(emulator.play(1, 0, 9).lives == 3);  // in another process
  }
  {
    const Variable raises("FAKE_ALE_RAISES_AT", "10");
    WorkerEmulator emulator(stand_in.game, 1);
    emulator.reset(0);
    CHECK(contains(message_of<EmulatorFailed>([&] { emulator.play(0, 0, 10); }), "a fault of the emulator"));
  }
  WorkerEmulator emulator(stand_in.game, 1);
  ::kill(emulator.process_ids()[0], SIGKILL);
  CHECK(contains(message_of<EmulatorFailed>([&] { emulator.reset(0); }), "it ended by signal 9"));
}

TEST_CASE("atari worker: a worker that does not answer is given up") {
  if (!python_is_here()) return;
  const StandIn stand_in;
  const Variable hangs("FAKE_ALE_HANGS_AT", "10");
  WorkerEmulator emulator(stand_in.game, 1, {.patience = 3500ms});
  const int process = emulator.process_ids()[0];
  emulator.reset(0);
  const auto start = std::chrono::steady_clock::now();
  CHECK(
      contains(message_of<EmulatorFailed>([&] { emulator.play(0, 0, 10); }), "it gave no answer for 3.5 s"));
  CHECK(std::chrono::steady_clock::now() - start >= 3400ms);
  CHECK_FALSE(is_running(process));
}

TEST_CASE("atari worker: what is missing is said, with the remedies") {
  if (!python_is_here()) return;
  StandIn stand_in;
  const std::string folder = stand_in.roms.path().string();
  CHECK(why_unavailable() == "");

  SUBCASE("no interpreter") {
    const std::string message = why_unavailable({.interpreter = "no-such-python"});
    CHECK(contains(message, "the interpreter 'no-such-python' cannot be started: No such file or directory"));
    CHECK(contains(message, "pip install ale-py"));
    CHECK(contains(message, "IMPSWEEP_PYTHON"));
    CHECK(contains(message, "ALE_ROMS_DIR"));
    CHECK(contains(message, "This program contains no ROMs"));
  }
  SUBCASE("an interpreter of something else") {
    CHECK(contains(why_unavailable({.interpreter = "false"}),
                   "false did not start the consoles: it ended with status 1"));
  }
  SUBCASE("an interpreter that says nothing") {
    const Scratch programs;
    spill(programs / "sleeper", "#!/bin/sh\nexec sleep 1000\n");
    std::filesystem::permissions(programs / "sleeper", std::filesystem::perms::owner_all);
    CHECK(contains(why_unavailable({.interpreter = (programs / "sleeper").string(), .patience = 200ms}),
                   "0.2 s"));
  }
  SUBCASE("no package") {
    const Scratch empty;
    spill(empty / "ale_py.py", "");  // hides an installed one
    const Variable path("PYTHONPATH", empty.path().string());
    CHECK(contains(why_unavailable(), "has no package ale_py"));
  }
  SUBCASE("a package that cannot be loaded") {
    const Scratch broken;
    std::filesystem::create_directory(broken / "ale_py");
    spill(broken / "ale_py/__init__.py", "import a_module_that_is_missing");
    const Variable path("PYTHONPATH", broken.path().string());
    CHECK(contains(why_unavailable(), "No module named 'a_module_that_is_missing'"));
  }
  SUBCASE("an old package") {
    const Variable version("FAKE_ALE_VERSION", "0.10.2");
    CHECK(contains(why_unavailable(), "holds ale-py 0.10.2, which is too old"));
  }
  SUBCASE("no ROM") {
    std::filesystem::remove(stand_in.roms / "breakout.bin");
    const std::string message = why_unavailable();
    CHECK(contains(message, folder + " (from ALE_ROMS_DIR) has no breakout.bin"));
    CHECK(contains(message, "roms (from the package ale_py) has no breakout.bin"));
  }
  SUBCASE("another ROM") {
    spill(stand_in.roms / "breakout.bin", "pong");
    CHECK(contains(why_unavailable(), folder +
                                          "/breakout.bin (from ALE_ROMS_DIR) is not the ROM of this game: "
                                          "its MD5 is 6fdb087aa3fbfbcb8287a593a0919e61"));
  }
  SUBCASE("no ROM at all") {
    spill(stand_in.roms / "breakout.bin", "");
    CHECK(contains(why_unavailable(), "is not the ROM of this game"));
  }
  SUBCASE("a ROM that cannot be read") {
    std::filesystem::remove(stand_in.roms / "breakout.bin");
    std::filesystem::create_directory(stand_in.roms / "breakout.bin");
    CHECK(contains(why_unavailable(), "breakout.bin (from ALE_ROMS_DIR) cannot be read: Is a directory"));
  }
  SUBCASE("other actions") {
    const Variable actions("FAKE_ALE_ACTIONS", "0 1 2");
    CHECK(contains(why_unavailable(), "ALE 0.12.1 gives it other actions"));
  }
  SUBCASE("another screen") {
    const Variable screen("FAKE_ALE_SCREEN", "250 160");
    CHECK(contains(why_unavailable(), "its screen has 250 x 160 pixels"));
  }
}

TEST_CASE("atari worker: a file in the working directory does not pass for a module") {
  if (!python_is_here()) return;
  const StandIn stand_in;
  const Scratch folder;
  for (const char* name : {"hashlib.py", "struct.py", "ale_py.py", "json.py"})
    spill(folder / name, "raise RuntimeError('the wrong module')");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  CHECK(why_unavailable() == "");
  std::filesystem::current_path(before);
}

TEST_CASE("atari worker: no process is left, whichever way the program ends") {
  if (!python_is_here()) return;
  const StandIn stand_in;
  std::vector<int> processes;
  {
    const WorkerEmulator emulator(stand_in.game, 3, {.consoles_per_worker = 1});
    processes = emulator.process_ids();
    for (const int process : processes) CHECK(is_running(process));
  }
  for (const int process : processes)
    CHECK((::kill(process, 0) != 0 && errno == ESRCH));  // and was waited for

  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    const WorkerEmulator emulator(stand_in.game, 2, {.consoles_per_worker = 1});
    const std::vector<int> ids = emulator.process_ids();
    if (::write(ends[1], ids.data(), 2 * sizeof(int)) > 0) ::kill(::getpid(), SIGKILL);
    ::_exit(1);
  }
  std::array<int, 2> orphans{};
  CHECK(::read(ends[0], orphans.data(), sizeof orphans) == sizeof orphans);
  int status = 0;
  ::waitpid(parent, &status, 0);
  CHECK(WIFSIGNALED(status));
  for (const int orphan : orphans) CHECK((orphan > 0 && ends_soon(orphan)));
  for (const int end : ends) ::close(end);
}

TEST_CASE("atari worker: signals that ask the program to stop do not reach it, and its files are its own") {
  if (!python_is_here()) return;
  const StandIn stand_in;
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);  // handed on to every child that does not object
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  WorkerEmulator emulator(stand_in.game, 1);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ::close(ends[1]);
  pollfd other_end{ends[0], POLLIN, 0};
  CHECK(::poll(&other_end, 1, 1000) == 1);  // nobody holds it open
  ::close(ends[0]);
  emulator.reset(0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2})
    ::kill(emulator.process_ids()[0], signal);
  std::this_thread::sleep_for(50ms);
  CHECK(emulator.play(0, 0, 3).reward == 3);
}

TEST_CASE("atari worker: the task is found, played, saved and continued, by any number of threads") {
  if (!python_is_here()) return;
  const StandIn stand_in;
  CHECK_NOTHROW(require_task("atari-breakout"));
  CHECK_THROWS_AS(require_task("atari-pong"), TaskUnavailable);  // no ROM
  CHECK_NOTHROW(make_environment("atari-pong", 1));              // which is missed when it is needed

  constexpr int kLanes = 6;
  struct Walk {
    std::unique_ptr<Environment> environment;
    std::vector<Stream> streams;
    std::vector<float> observations = std::vector<float>(33280 * kLanes);
    std::vector<StepResult> results = std::vector<StepResult>(kLanes);
    std::vector<float> history;
    int steps = 0;

    explicit Walk(std::unique_ptr<Environment> made) : environment(std::move(made)) {
      for (int lane = 0; lane < kLanes; ++lane) streams.emplace_back("lane " + std::to_string(lane));
      for (int lane = 0; lane < kLanes; ++lane)
        environment->attach(lane, streams[static_cast<std::size_t>(lane)]);
    }
    void reset() {
      for (int lane = 0; lane < kLanes; ++lane) environment->reset(lane, lane, {observations.data(), kLanes});
    }
    void play(int count) {
      std::array<std::int32_t, kLanes> lanes, actions;
      for (int t = 0; t < count; ++t, ++steps) {
        for (int lane = 0; lane < kLanes; ++lane) {
          lanes[static_cast<std::size_t>(lane)] = lane;
          actions[static_cast<std::size_t>(lane)] = (steps * 7 + lane) % 4;
        }
        environment->step(lanes, {actions.data(), nullptr, kLanes}, {observations.data(), kLanes}, results);
        for (int lane = 0; lane < kLanes; ++lane) {
          const StepResult& result = results[static_cast<std::size_t>(lane)];
          history.push_back(result.reward);
          history.push_back(observations[static_cast<std::size_t>(33279 * kLanes + lane)]);
          if (result.terminated || result.truncated)
            environment->reset(lane, lane, {observations.data(), kLanes});
        }
      }
    }
  };
  Walk alone(make_environment("atari-breakout", kLanes)),
      together(in_parallel(make_environment("atari-breakout", kLanes), 2)),
      resumed(in_parallel(make_environment("atari-breakout", kLanes), 3));
  alone.reset();
  together.reset();
  alone.play(100);
  together.play(100);
  CHECK(alone.history == together.history);

  StateWriter writer;
  alone.environment->save(writer);
  StateReader reader(writer.bytes().data(), writer.bytes().size());
  resumed.environment->load(reader);
  CHECK(reader.at_end());
  resumed.streams = alone.streams;
  resumed.steps = alone.steps;
  alone.history.clear();
  alone.play(100);
  resumed.play(100);
  CHECK(alone.history == resumed.history);
}
