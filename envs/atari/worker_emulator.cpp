#include "envs/atari/worker_emulator.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>

#include "envs/archive.hpp"
#include "envs/environment.hpp"

namespace impsweep::atari {
namespace {

// The messages, as in worker.py.
struct Handshake {
  std::uint32_t ready = 0, text_bytes = 0;
};
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
static_assert(sizeof(Handshake) == 8 && sizeof(Request) == 16 && sizeof(Reply) == 16);

constexpr std::uint32_t kLongestText = 1 << 20;   // more is no text of the worker
constexpr int kSharedMemory = 3;                  // file descriptor in the worker
constexpr int kMostFrames = 255;                  // of a part, in the list of what was played
constexpr auto kGrace = std::chrono::seconds(1);  // for a worker to end by itself

// What waiting, sending and starting throw inside this file; Worker adds what is known of the process.
struct WorkerFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void throw_system_error(const char* what, int error) {
  throw WorkerFailure(std::string(what) + ": " + std::strerror(error));
}

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number, const char* what) : number_(number) {
    if (number < 0) throw_system_error(what, errno);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor() { close(); }
  int number() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

// Out of the way of the numbers that descriptors get in the worker.
FileDescriptor moved_up(FileDescriptor descriptor) {
  return FileDescriptor(::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, kSharedMemory + 1), "cannot duplicate");
}

class SharedMemory {
 public:
  SharedMemory(const FileDescriptor& file, std::size_t size) : size_(size) {
    if (::ftruncate(file.number(), static_cast<off_t>(size)) != 0)
      throw_system_error("cannot size the shared memory", errno);
    data_ = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
    if (data_ == MAP_FAILED) throw_system_error("cannot map the shared memory", errno);
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { ::munmap(data_, size_); }
  const std::uint8_t* data() const { return static_cast<const std::uint8_t*>(data_); }

 private:
  void* data_ = nullptr;
  std::size_t size_;
};

struct SpawnActions {
  posix_spawn_file_actions_t actions;
  SpawnActions() { ::posix_spawn_file_actions_init(&actions); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions); }
  void give(const FileDescriptor& descriptor, int number) {
    ::posix_spawn_file_actions_adddup2(&actions, descriptor.number(), number);
  }
};

struct SpawnAttributes {
  posix_spawnattr_t attributes;
  SpawnAttributes() { ::posix_spawnattr_init(&attributes); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes); }
};

std::string interpreter_of(const WorkerSetup& setup) {
  if (!setup.interpreter.empty()) return setup.interpreter;
  const char* chosen = std::getenv("IMPSWEEP_PYTHON");
  return chosen == nullptr || *chosen == '\0' ? "python3" : chosen;
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
      : log_(moved_up(
            FileDescriptor(::memfd_create("atari-messages", MFD_CLOEXEC), "no memory for messages"))),
        memory_file_(
            moved_up(FileDescriptor(::memfd_create("atari-screens", MFD_CLOEXEC), "no memory for screens"))),
        memory_(memory_file_, 2 * kScreenSize * static_cast<std::size_t>(consoles)),
        patience_(setup.patience) {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
      throw_system_error("cannot make a socket", errno);
    socket_ = moved_up(FileDescriptor(ends[0], "socket"));
    FileDescriptor its_end = moved_up(FileDescriptor(ends[1], "socket"));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience_);
    const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(patience_ - seconds);
    const timeval limit{static_cast<time_t>(seconds.count()), static_cast<suseconds_t>(rest.count())};
    for (const int direction : {SO_RCVTIMEO, SO_SNDTIMEO})
      ::setsockopt(socket_.number(), SOL_SOCKET, direction, &limit, sizeof limit);
    spawn(interpreter_of(setup), game.name, std::to_string(consoles), its_end);
  }
  ~Worker() {
    close_socket();
    if (process_ > 0) await_end(kGrace);
  }

  // Throws WorkerFailure, or TaskUnavailable with the reason that the worker gives. Returns what the worker
  // says of itself.
  std::string handshake(const Game& game) {
    Handshake handshake;
    receive(&handshake, sizeof handshake);
    if (handshake.text_bytes > kLongestText)
      throw WorkerFailure("its first message is none of this protocol");
    std::string text(handshake.text_bytes, '\0');
    receive(text.data(), text.size());
    if (handshake.ready == 0) throw_unavailable(game, text);
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
      send(&request, sizeof request);
      Reply reply;
      receive(&reply, sizeof reply);
      return {reply.reward, reply.lives, reply.game_over != 0};
    } catch (const WorkerFailure& failure) {
      failure_ = "the process that runs the Atari consoles failed: " + describe(failure);
      throw EmulatorFailed(failure_);
    }
  }

  // What went wrong, how the process ended and its last output. Ends it if it is still there.
  std::string describe(const WorkerFailure& failure) {
    close_socket();
    std::string text = failure.what();
    const int status = await_end(ended_ ? kGrace : std::chrono::seconds(0));
    if (ended_ && WIFEXITED(status)) text += " with status " + std::to_string(WEXITSTATUS(status));
    if (ended_ && WIFSIGNALED(status)) text += " by signal " + std::to_string(WTERMSIG(status));
    const std::string output = last_output();
    return output.empty() ? text : text + "; its last output: " + output;
  }

  Screen screen(int console, int which) const {
    return Screen(memory_.data() + static_cast<std::size_t>(2 * console + which) * kScreenSize, kScreenSize);
  }
  pid_t process() const { return process_; }
  void close_socket() { socket_.close(); }

 private:
  void spawn(const std::string& interpreter, std::string game, std::string consoles,
             const FileDescriptor& its_end) {
    SpawnActions files;
    files.give(its_end, 0);
    files.give(log_, 1);
    files.give(log_, 2);
    files.give(memory_file_, kSharedMemory);
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    // Files that other parts of this process have open, and perhaps locked, are not the worker's.
    ::posix_spawn_file_actions_addclosefrom_np(&files.actions, kSharedMemory + 1);
#endif
#endif
    SpawnAttributes attributes;
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&signals, signal);
    ::posix_spawnattr_setsigmask(&attributes.attributes, &signals);  // blocked, and never unblocked
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes.attributes, &signals);
    ::posix_spawnattr_setflags(&attributes.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    std::string name = interpreter, option = "-c", program = worker_program();
    std::array<char*, 6> arguments = {name.data(), option.data(),   program.data(),
                                      game.data(), consoles.data(), nullptr};
    const int error = ::posix_spawnp(&process_, interpreter.c_str(), &files.actions, &attributes.attributes,
                                     arguments.data(), environ);
    if (error != 0) {
      process_ = -1;
      throw_system_error(("the interpreter '" + interpreter + "' cannot be started").c_str(), error);
    }
  }

  void send(const void* data, std::size_t size) {
    const char* position = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t sent = ::send(socket_.number(), position, size, MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno != EINTR) throw_trouble(errno);
        continue;
      }
      position += sent;
      size -= static_cast<std::size_t>(sent);
    }
  }

  void receive(void* data, std::size_t size) {
    char* position = static_cast<char*>(data);
    while (size > 0) {
      const ssize_t received = ::recv(socket_.number(), position, size, 0);
      if (received < 0) {
        if (errno != EINTR) throw_trouble(errno);
        continue;
      }
      if (received == 0) throw_trouble(ECONNRESET);
      position += received;
      size -= static_cast<std::size_t>(received);
    }
  }

  [[noreturn]] void throw_trouble(int error) {
    if (error == EAGAIN || error == EWOULDBLOCK) {
      std::ostringstream text;
      text << "it gave no answer for " << std::chrono::duration<double>(patience_).count() << " s";
      throw WorkerFailure(text.str());
    }
    if (error != ECONNRESET && error != EPIPE) throw_system_error("its socket failed", error);
    ended_ = true;
    throw WorkerFailure("it ended");
  }

  // The status with which it ended; 0 if it had to be killed, or was another's to wait for.
  int await_end(std::chrono::milliseconds grace) {
    if (process_ <= 0) return 0;
    int status = 0;
    const auto deadline = std::chrono::steady_clock::now() + grace;
    for (;;) {
      const pid_t gone = ::waitpid(process_, &status, WNOHANG);
      if (gone == process_ || (gone < 0 && errno != EINTR)) {
        process_ = -1;
        return gone < 0 ? 0 : status;
      }
      if (std::chrono::steady_clock::now() >= deadline) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    ended_ = false;
    return 0;
  }

  std::string last_output() const {
    constexpr off_t kMost = 2000;
    const off_t size = ::lseek(log_.number(), 0, SEEK_END);
    std::string output(static_cast<std::size_t>(std::clamp<off_t>(size, 0, kMost)), '\0');
    const ssize_t length =
        ::pread(log_.number(), output.data(), output.size(), size - static_cast<off_t>(output.size()));
    output.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    while (!output.empty() && output.back() == '\n') output.pop_back();
    return output;
  }

  FileDescriptor log_;  // its standard output and error
  FileDescriptor memory_file_;
  SharedMemory memory_;
  FileDescriptor socket_;
  std::chrono::milliseconds patience_;
  pid_t process_ = -1;
  bool ended_ = false;   // it closed the socket
  std::string failure_;  // once it failed, for good
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
