// io/process.hpp - another program as a child of this process, and what this process has used itself.
//
// The console emulators have a wrapper of their own (envs/atari/worker_emulator.cpp): it speaks over a socket
// and shared memory with signals blocked, and envs includes nothing from this folder.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace impsweep {

// A program under way that is told things on its standard input. What it prints is lost, what it complains of
// (its standard error) goes to a file.
class ChildProcess {
 public:
  // `command`: the program, looked up along PATH, and its arguments. It runs in `directory`; `complaints` is
  // made anew. Throws std::system_error if the program cannot be started. One that takes nothing of what it
  // is told for `patience`, or does not end so soon after its last word, is killed.
  ChildProcess(std::vector<std::string> command, const std::filesystem::path& directory,
               const std::filesystem::path& complaints, std::chrono::milliseconds patience = kPatience);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();  // ends its input and waits for its end

  // False if it has gone: SIGPIPE is to be ignored then, by WithoutBrokenPipe.
  bool write(std::string_view text);

  // Ends its input and waits for its end. 0 if it ended well, else its status as waitpid() gives it.
  int wait();
  bool was_too_slow() const { return was_too_slow_; }

 private:
  static constexpr std::chrono::milliseconds kPatience = std::chrono::minutes(5);
  void kill();

  std::chrono::milliseconds patience_;
  bool was_too_slow_ = false;
  pid_t process_ = -1;  // -1 once its end is known
  int input_ = -1;
};

// As long as one lives, a write to a program that died is an error of that write and not of this process.
class WithoutBrokenPipe {
 public:
  WithoutBrokenPipe();
  ~WithoutBrokenPipe();
  WithoutBrokenPipe(const WithoutBrokenPipe&) = delete;
  WithoutBrokenPipe& operator=(const WithoutBrokenPipe&) = delete;

 private:
  void (*before_)(int);
};

// Calls `work` in a child of this process and gives what it returns. Nothing if the child died of a
// signal, or took more than `cpu_seconds`: for files from elsewhere that a library may not survive. A
// process of one thread only.
std::optional<std::string> call_apart(const std::function<std::string()>& work, int cpu_seconds);

double thread_cpu_seconds();       // of the calling thread
std::int64_t peak_memory_bytes();  // resident, the most that this process ever had

}  // namespace impsweep
