#include "envs/atari/worker_emulator.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <mutex>
#include <sstream>
#include <utility>

#include "envs/archive.hpp"
#include "envs/environment.hpp"
#include "envs/external/worker_process.hpp"

namespace impsweep::atari {

using external::WorkerFailure;

namespace {

// The messages, as in worker.py.
enum class Operation : std::uint32_t { kReset, kPlay };
struct Request {
  Operation operation = Operation::kReset;
  std::uint32_t console = 0;
  std::int32_t action = 0;
  std::uint32_t frames = 0;
};
struct Reply {
  double reward = 0;
  std::int32_t lives = 0;
  std::uint32_t game_over = 0;
};
static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(Request) == 16 && sizeof(Reply) == 16);

constexpr int kMostFrames = 255;  // of a part, in the list of what was played

std::string interpreter_of(const WorkerSetup& setup) {
  return setup.interpreter.empty() ? external::chosen_interpreter() : setup.interpreter;
}

[[noreturn]] void throw_unavailable(const Game& game, const std::string& why) {
  throw TaskUnavailable(
      "the game " + game.name + " cannot be played here: " + why +
      ". Atari games need the Arcade Learning Environment: a Python interpreter with the package ale-py, "
      "0.11 or newer (pip install ale-py), which is python3 on PATH or what the environment variable "
      "IMPSWEEP_PYTHON "
      "names. The package contains the ROMs; other legally obtained ones are looked for as <game>.bin in the "
      "folder that ALE_ROMS_DIR names. This program contains no ROMs. All other tasks work without.");
}

}  // namespace

class WorkerEmulator::Worker {
 public:
  Worker(const Game& game, int consoles, const WorkerSetup& setup)
      : process_({.interpreter = interpreter_of(setup),
                  .client = console_program(),
                  .arguments = {game.name, std::to_string(consoles)},
                  .shared_bytes = 2 * kScreenSize * static_cast<std::size_t>(consoles),
                  .patience = setup.patience}),
        screens_(reinterpret_cast<const std::uint8_t*>(process_.memory())) {}

  // Throws WorkerFailure, or TaskUnavailable with the reason that the worker gives. Returns what the worker
  // says of itself.
  std::string handshake(const Game& game) {
    auto [is_ready, text] = process_.greeting();
    if (!is_ready) throw_unavailable(game, text);
    return text;
  }

  Outcome ask(Operation operation, int console, int action = 0, int frames = 0) {
    const std::lock_guard lock(mutex_);
    if (!failure_.empty()) throw EmulatorFailed(failure_);
    try {
      Request request;
      request.operation = operation;
      request.console = static_cast<std::uint32_t>(console);
      request.action = action;
      request.frames = static_cast<std::uint32_t>(frames);
      process_.send(&request, sizeof request);
      Reply reply;
      process_.receive(&reply, sizeof reply);
      return {reply.reward, reply.lives, reply.game_over != 0};
    } catch (const WorkerFailure& failure) {
      failure_ = "the process that runs the Atari consoles failed: " + describe(failure);
      throw EmulatorFailed(failure_);
    }
  }

  std::string describe(const WorkerFailure& failure) { return process_.describe(failure); }

  Screen screen(int console, int which) const {
    return Screen(screens_ + static_cast<std::size_t>(2 * console + which) * kScreenSize, kScreenSize);
  }
  pid_t process() const { return process_.process(); }
  void close_socket() { process_.close_socket(); }

 private:
  external::WorkerProcess process_;
  const std::uint8_t* screens_;  // in its shared memory
  std::string failure_;          // once it failed, for good
  std::mutex mutex_;
};

WorkerEmulator::WorkerEmulator(const Game& game, int consoles, const WorkerSetup& setup)
    : consoles_per_worker_(setup.consoles_per_worker), played_(static_cast<std::size_t>(consoles)) {
  // All start before the first is waited for.
  try {
    for (int first = 0; first < consoles; first += consoles_per_worker_)
      workers_.push_back(
          std::make_unique<Worker>(game, std::min(consoles_per_worker_, consoles - first), setup));
  } catch (const WorkerFailure& failure) {
    throw_unavailable(game, failure.what());
  }
  for (const auto& worker : workers_) {
    std::istringstream text;
    try {
      text.str(worker->handshake(game));
    } catch (const WorkerFailure& failure) {
      throw_unavailable(game,
                        interpreter_of(setup) + " did not start the consoles: " + worker->describe(failure));
    }
    int rows = 0, columns = 0;
    text >> version_ >> rows >> columns;
    if (rows != kScreenRows || columns != kScreenColumns)
      throw_unavailable(game, "its screen has " + std::to_string(rows) + " x " + std::to_string(columns) +
                                  " pixels instead of 210 x 160");
    std::vector<int> actions;
    for (int action = 0; text >> action;) actions.push_back(action);
    if (actions != game.actions)
      throw_unavailable(game, "ALE " + version_ + " gives it other actions than those of this program");
  }
  // Enough for a game that nothing but the usual horizon ends.
  for (std::string& played : played_) played.reserve(2 * 32'000);
}

WorkerEmulator::~WorkerEmulator() {
  for (const auto& worker : workers_) worker->close_socket();
}

WorkerEmulator::Place WorkerEmulator::place(int console) const {
  assert(console >= 0 && static_cast<std::size_t>(console) < played_.size());
  return {*workers_[static_cast<std::size_t>(console / consoles_per_worker_)],
          console % consoles_per_worker_};
}

Emulator::Outcome WorkerEmulator::reset(int console) {
  const Place at = place(console);
  played_[static_cast<std::size_t>(console)].clear();
  return at.worker.ask(Operation::kReset, at.console);
}

Emulator::Outcome WorkerEmulator::play(int console, int action, int frames) {
  assert(frames > 0);
  const Place at = place(console);
  std::string& played = played_[static_cast<std::size_t>(console)];
  Outcome outcome;
  for (double reward = 0; frames > 0; frames -= kMostFrames) {
    const int part = std::min(frames, kMostFrames);
    outcome = at.worker.ask(Operation::kPlay, at.console, action, part);
    outcome.reward = reward += outcome.reward;
    played += {static_cast<char>(action), static_cast<char>(part)};
  }
  return outcome;
}

std::string WorkerEmulator::save(int console) {
  return played_[static_cast<std::size_t>(console)];
}

void WorkerEmulator::load(int console, const std::string& state) {
  reset(console);
  for (std::size_t i = 0; i < state.size(); i += 2) {
    const int action = static_cast<unsigned char>(state[i]);
    const int frames = i + 1 < state.size() ? static_cast<unsigned char>(state[i + 1]) : 0;
    if (action > kLastAction || frames == 0)
      throw ArchiveError("the saved state of an Atari console is not what was played");
    play(console, action, frames);
  }
}

Emulator::Screen WorkerEmulator::last(int console) const {
  const Place at = place(console);
  return at.worker.screen(at.console, 1);
}

Emulator::Screen WorkerEmulator::before_last(int console) const {
  const Place at = place(console);
  return at.worker.screen(at.console, 0);
}

std::vector<int> WorkerEmulator::process_ids() const {
  std::vector<int> ids;
  for (const auto& worker : workers_) ids.push_back(worker->process());
  return ids;
}

}  // namespace impsweep::atari
