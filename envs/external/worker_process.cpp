#include "envs/external/worker_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace impsweep::external {
namespace {

// As in worker.py.
constexpr std::uint32_t kMagic = 0x57504d49, kVersion = 1;
struct Greeting {
  std::uint32_t magic = 0, version = 0, ready = 0, text_bytes = 0;
};
static_assert(std::endian::native == std::endian::little && sizeof(Greeting) == 16);
enum Descriptor { kSocket = 3, kMemory, kRequestBell, kAnswerBell, kGuard, kFirstFree };

constexpr std::uint32_t kLongestText = 1 << 24;   // more is no text of a worker
constexpr std::size_t kKeptOutput = 16'384;       // bytes of its log
constexpr std::size_t kShownOutput = 2'000;       // of these, in messages
constexpr auto kGrace = std::chrono::seconds(1);  // for a worker to end by itself, or to say where it stands
constexpr auto kLook = std::chrono::milliseconds(250);  // how often its signs of life are looked at

std::atomic<bool (*)()> stop_question = nullptr;

[[noreturn]] void throw_system_error(const std::string& what, int error) {
  throw WorkerFailure(what + ": " + std::strerror(error));
}

// Out of the way of the numbers that descriptors get in the worker.
FileDescriptor moved_up(FileDescriptor descriptor) {
  return {::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, kFirstFree), "cannot duplicate"};
}

FileDescriptor memory_file() {
  return moved_up({::memfd_create("worker-memory", MFD_CLOEXEC), "no shared memory"});
}

FileDescriptor doorbell() {
  return moved_up({::eventfd(0, EFD_CLOEXEC), "no event"});
}

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

// What marks a worker and all that it starts in their environment: nothing else has it.
constexpr std::string_view kMark = "IMPSWEEP_WORKER";  // as in worker.py

std::string mark_of(const WorkerProcess* worker) {
  static const auto kStart = std::chrono::system_clock::now().time_since_epoch().count();
  std::ostringstream text;
  text << kMark << "=" << ::getpid() << "." << kStart << "." << worker;
  return text.str();
}

// Ends every process that has the mark in its environment, in whatever session it is.
void end_marked(const std::string& mark) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "environ");
    for (std::string variable; std::getline(file, variable, '\0');)
      if (variable == mark) ::kill(static_cast<pid_t>(std::stol(name)), SIGKILL);
  }
}

// How long a process that could run has waited for a processor; 0 where the system does not say.
std::chrono::nanoseconds time_without_processor(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/schedstat");
  std::int64_t running = 0, waiting = 0;
  return std::chrono::nanoseconds(file >> running >> waiting ? waiting : 0);
}

std::string seconds_text(std::chrono::milliseconds time) {
  std::ostringstream text;
  text << std::chrono::duration<double>(time).count() << " s";
  return text.str();
}

}  // namespace

std::string chosen_interpreter() {
  const char* chosen = std::getenv("IMPSWEEP_PYTHON");
  return chosen == nullptr || *chosen == '\0' ? "python3" : chosen;
}

void set_stop_question(bool (*question)()) {
  stop_question = question;
}

FileDescriptor::FileDescriptor(int number, const char* what) : number_(number) {
  if (number < 0) throw_system_error(what, errno);
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

void FileDescriptor::close() {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

SharedMemory::SharedMemory(const FileDescriptor& file, std::size_t size)
    : size_(std::max<std::size_t>(size, 1)) {
  if (::ftruncate(file.number(), static_cast<off_t>(size_)) != 0)
    throw_system_error("cannot size the shared memory", errno);
  data_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
  if (data_ == MAP_FAILED) throw_system_error("cannot map the shared memory", errno);
}

SharedMemory::~SharedMemory() {
  ::munmap(data_, size_);
}

WorkerProcess::WorkerProcess(const WorkerStart& start)
    : memory_file_(memory_file()),
      memory_(memory_file_, start.shared_bytes),
      request_bell_(doorbell()),
      answer_bell_(doorbell()),
      patience_(start.patience) {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw_system_error("cannot make a socket", errno);
  socket_ = moved_up({ends[0], "socket"});
  const FileDescriptor its_end = moved_up({ends[1], "socket"});
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("cannot make a pipe", errno);
  log_ = moved_up({ends[0], "pipe"});
  const FileDescriptor its_log = moved_up({ends[1], "pipe"});
  ::fcntl(log_.number(), F_SETFL, O_NONBLOCK);
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system_error("cannot make a pipe", errno);
  const FileDescriptor its_guard = moved_up({ends[0], "pipe"});
  guard_ = moved_up({ends[1], "pipe"});
  spawn(start, its_end, its_log, its_guard);
}

WorkerProcess::~WorkerProcess() {
  close_socket();
  if (process_ > 0) await_end(kGrace);
  guard_.close();
  end_group();
}

void WorkerProcess::spawn(const WorkerStart& start, const FileDescriptor& its_end,
                          const FileDescriptor& its_log, const FileDescriptor& its_guard) {
  SpawnActions files;
  ::posix_spawn_file_actions_addopen(&files.actions, 0, "/dev/null", O_RDONLY, 0);
  files.give(its_log, 1);
  files.give(its_log, 2);
  files.give(its_end, kSocket);
  files.give(memory_file_, kMemory);
  files.give(request_bell_, kRequestBell);
  files.give(answer_bell_, kAnswerBell);
  files.give(its_guard, kGuard);
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
  // Files that other parts of this process have open, and perhaps locked, are not the worker's.
  ::posix_spawn_file_actions_addclosefrom_np(&files.actions, kFirstFree);
#endif
#endif
  SpawnAttributes attributes;
  // Blocked, and never unblocked but SIGUSR1, once it has a meaning.
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&signals, signal);
  ::posix_spawnattr_setsigmask(&attributes.attributes, &signals);
  ::sigfillset(&signals);
  ::posix_spawnattr_setsigdefault(&attributes.attributes, &signals);
  ::posix_spawnattr_setpgroup(&attributes.attributes, 0);
  ::posix_spawnattr_setflags(&attributes.attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  std::vector<std::string> words = {start.interpreter, "-c", worker_program() + start.client};
  words.insert(words.end(), start.arguments.begin(), start.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string mark = mark_of(this);
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!std::string_view(*variable).starts_with(kMark)) variables.push_back(*variable);
  variables.push_back(mark.data());
  variables.push_back(nullptr);
  const int error = ::posix_spawnp(&process_, start.interpreter.c_str(), &files.actions,
                                   &attributes.attributes, arguments.data(), variables.data());
  if (error != 0) {
    process_ = -1;
    throw_system_error("the interpreter '" + start.interpreter + "' cannot be started", error);
  }
  group_ = process_;
}

std::pair<bool, std::string> WorkerProcess::greeting() {
  Greeting greeting;
  receive(&greeting, sizeof greeting);
  if (greeting.magic != kMagic || greeting.version != kVersion || greeting.text_bytes > kLongestText)
    throw WorkerFailure("its first message is none of this protocol");
  std::string text(greeting.text_bytes, '\0');
  receive(text.data(), text.size());
  return {greeting.ready != 0, std::move(text)};
}

void WorkerProcess::send(const void* data, std::size_t size) {
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

void WorkerProcess::receive(void* data, std::size_t size) {
  char* position = static_cast<char*>(data);
  while (size > 0) {
    await_readable(socket_, nullptr);
    const ssize_t received = ::recv(socket_.number(), position, size, MSG_DONTWAIT);
    if (received < 0) {
      if (errno != EINTR && errno != EAGAIN) throw_trouble(errno);
      continue;
    }
    if (received == 0) throw_trouble(ECONNRESET);
    position += received;
    size -= static_cast<std::size_t>(received);
  }
}

void WorkerProcess::send_text(const std::string& text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  send(&size, sizeof size);
  send(text.data(), text.size());
}

std::string WorkerProcess::receive_text() {
  std::uint32_t size = 0;
  receive(&size, sizeof size);
  if (size > kLongestText) throw WorkerFailure("it sent what is no message of this protocol");
  std::string text(size, '\0');
  receive(text.data(), text.size());
  return text;
}

void WorkerProcess::ring() {
  const std::uint64_t one = 1;
  if (::write(request_bell_.number(), &one, sizeof one) != sizeof one) throw_trouble(errno);
}

void WorkerProcess::await_ring(const volatile std::uint32_t& sign_of_life) {
  await_readable(answer_bell_, &sign_of_life);
  std::uint64_t count = 0;
  if (::read(answer_bell_.number(), &count, sizeof count) != sizeof count) throw_trouble(errno);
}

void WorkerProcess::await_readable(const FileDescriptor& awaited,
                                   const volatile std::uint32_t* sign_of_life) {
  std::array<pollfd, 3> files = {pollfd{awaited.number(), POLLIN, 0}, pollfd{log_.number(), POLLIN, 0},
                                 pollfd{socket_.number(), POLLRDHUP, 0}};
  Clock::time_point quiet_since{}, asked_to_stop{};  // unset at first: most answers come at once
  std::chrono::nanoseconds without_processor{};      // until then
  std::uint32_t last_sign = sign_of_life == nullptr ? 0 : *sign_of_life;
  while (true) {
    const int ready = ::poll(files.data(), files.size(), static_cast<int>(kLook.count()));
    if (ready < 0 && errno != EINTR) throw_trouble(errno);
    if (ready > 0) {
      if ((files[0].revents & POLLIN) != 0) return;
      if (files[1].revents != 0 && !drain_log()) files[1].fd = -1;  // nobody writes to it any more
      if ((files[0].revents | files[2].revents) & (POLLRDHUP | POLLHUP | POLLERR)) throw_trouble(ECONNRESET);
    }
    const Clock::time_point now = Clock::now();
    if (quiet_since == Clock::time_point{} || (sign_of_life != nullptr && *sign_of_life != last_sign)) {
      quiet_since = ready == 0 ? now - kLook : now;
      without_processor = time_without_processor(process_);
      if (sign_of_life != nullptr) last_sign = *sign_of_life;
    }
    if (const auto question = stop_question.load(); question != nullptr && question()) {
      if (asked_to_stop == Clock::time_point{}) asked_to_stop = now;
      if (now - asked_to_stop > kGrace) throw WaitAbandoned("a worker is waited for no longer");
    }
    // A machine that is busy with other things is no fault of the worker's.
    if (now - quiet_since >= patience_ &&
        now - quiet_since - (time_without_processor(process_) - without_processor) >= patience_) {
      hangs_ = true;
      throw WorkerFailure("it gave no answer for " + seconds_text(patience_));
    }
    // Its children may hold the socket open.
    if (ready == 0 && ::waitpid(process_, &status_, WNOHANG) == process_) {
      process_ = -1;
      throw_trouble(ECONNRESET);
    }
  }
}

bool WorkerProcess::drain_log() {
  std::array<char, 65'536> buffer;
  const ssize_t length = ::read(log_.number(), buffer.data(), buffer.size());
  if (length <= 0) return false;
  output_.append(buffer.data(), static_cast<std::size_t>(length));
  if (output_.size() > 2 * kKeptOutput) output_.erase(0, output_.size() - kKeptOutput);
  return true;
}

void WorkerProcess::throw_trouble(int error) {
  if (error != ECONNRESET && error != EPIPE) throw_system_error("its socket failed", error);
  has_ended_ = true;
  throw WorkerFailure("it ended");
}

std::string WorkerProcess::describe(const WorkerFailure& failure) {
  if (hangs_) ask_where_it_stands();
  close_socket();
  std::string text = failure.what();
  const int status = await_end(has_ended_ ? kGrace : std::chrono::seconds(0));
  guard_.close();
  end_group();
  if (has_ended_ && WIFEXITED(status)) text += " with status " + std::to_string(WEXITSTATUS(status));
  if (has_ended_ && WIFSIGNALED(status)) {
    ended_by_signal_ = WTERMSIG(status);
    text += " by signal " + std::to_string(ended_by_signal_);
    if (const char* name = ::sigabbrev_np(ended_by_signal_)) text += std::string(" (SIG") + name + ")";
  }
  while (drain_log()) {
  }
  std::string shown = output_.substr(output_.size() - std::min(output_.size(), kShownOutput));
  while (!shown.empty() && shown.back() == '\n') shown.pop_back();
  return shown.empty() ? text : text + "; its last output: " + shown;
}

// The worker writes the lines of the program where it stands to its log (worker.py).
void WorkerProcess::ask_where_it_stands() {
  if (process_ <= 0 || ::kill(process_, SIGUSR1) != 0) return;
  const Clock::time_point deadline = Clock::now() + kGrace;
  pollfd file{log_.number(), POLLIN, 0};
  constexpr int kLastLine = 100;  // milliseconds after which there comes no other
  bool any = false;
  while (Clock::now() < deadline) {
    const int ready = ::poll(&file, 1, kLastLine);
    if (ready == 0 && any) return;
    if (ready > 0 && !drain_log()) return;
    any |= ready > 0;
  }
}

// The status with which it ended; 0 if it had to be killed, or was another's to wait for.
int WorkerProcess::await_end(std::chrono::milliseconds grace) {
  if (process_ <= 0) return status_;
  const auto deadline = Clock::now() + grace;
  for (;;) {
    const pid_t gone = ::waitpid(process_, &status_, WNOHANG);
    if (gone == process_ || (gone < 0 && errno != EINTR)) {
      process_ = -1;
      return gone < 0 ? status_ = 0 : status_;
    }
    if (Clock::now() >= deadline) break;
    drain_log();  // so that it can say its last words
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  has_ended_ = false;
  return status_ = 0;
}

void WorkerProcess::end_group() const {
  if (group_ <= 0) return;
  end_marked(mark_of(this));
  ::kill(-group_, SIGKILL);
}

}  // namespace impsweep::external
