#include "io/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>
#include <thread>
#include <utility>

extern char** environ;

namespace impsweep {

ChildProcess::ChildProcess(std::vector<std::string> command, const std::filesystem::path& directory,
                           const std::filesystem::path& complaints, std::chrono::milliseconds patience)
    : patience_(patience) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "no pipe");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, complaints.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0666);
  ::posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int error =
      ::posix_spawnp(&process_, arguments.front(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[0]);
  input_ = ends[1];
  ::fcntl(input_, F_SETFL, O_NONBLOCK);
  if (error == 0) return;
  ::close(input_);
  throw std::system_error(error, std::generic_category(), command.front());
}

ChildProcess::~ChildProcess() {
  wait();
}

bool ChildProcess::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(input_, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    if (written == 0 || errno != EAGAIN) return false;
    pollfd input{.fd = input_, .events = POLLOUT, .revents = 0};
    if (::poll(&input, 1, static_cast<int>(patience_.count())) != 0) continue;
    kill();
    return false;
  }
  return true;
}

void ChildProcess::kill() {
  was_too_slow_ = true;
  ::kill(process_, SIGKILL);
}

int ChildProcess::wait() {
  if (process_ < 0) return 0;
  ::close(std::exchange(input_, -1));
  constexpr std::chrono::milliseconds kLook{2};
  const auto end = std::chrono::steady_clock::now() + patience_;
  int status = 0;
  while (::waitpid(process_, &status, WNOHANG) == 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(kLook);
  if (::waitpid(process_, &status, WNOHANG) == 0) {
    kill();
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) continue;
  }
  process_ = -1;
  return status;
}

WithoutBrokenPipe::WithoutBrokenPipe() : before_(std::signal(SIGPIPE, SIG_IGN)) {}

WithoutBrokenPipe::~WithoutBrokenPipe() {
  std::signal(SIGPIPE, before_);
}

std::optional<std::string> call_apart(const std::function<std::string()>& work, int cpu_seconds) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw std::system_error(error, std::generic_category(), "fork");
  }
  if (child == 0) {
    const auto limit = static_cast<rlim_t>(cpu_seconds);
    const rlimit processor_time{limit, limit + 1};
    ::setrlimit(RLIMIT_CPU, &processor_time);
    ::signal(SIGXCPU, SIG_DFL);
    int status = 1;
    try {
      const std::string answer = work();
      status = 0;
      for (std::string_view rest = answer; !rest.empty();) {
        const ssize_t written = ::write(ends[1], rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) _exit(1);
        rest.remove_prefix(static_cast<std::size_t>(written));
      }
    } catch (...) {
      // `work` turns what it expects into an answer.
    }
    _exit(status);
  }
  ::close(ends[1]);
  std::string answer;
  char part[1 << 16];
  for (ssize_t got = 0; (got = ::read(ends[0], part, sizeof part)) != 0;) {
    if (got > 0) answer.append(part, static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) break;
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return answer;
  return std::nullopt;
}

double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::int64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace impsweep
