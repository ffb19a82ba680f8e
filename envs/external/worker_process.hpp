// envs/external/worker_process.hpp - a Python interpreter that plays tasks for this program: how it is
// started, asked, watched and ended. What is played is its client's (envs/atari/, envs/external/gymnasium*).
//
// The program that the interpreter runs is envs/external/worker.py with the client's text behind it. Its file
// descriptors: 0 is empty; 1 and 2 are the log, of which the last part is kept here and the rest forgotten;
// 3 is a socket for messages; 4 is shared memory; 5 and 6 are doorbells: events that say that the shared
// memory holds a request, or its answer; 7 is the guard. So nothing that a task prints or reads can be taken
// for a message.
//
// No worker outlives this process, whichever way it ends: a child of the worker's waits for the end of the
// guard, and then ends the worker and every process that it has started. The signals that ask this program
// to stop do not reach the worker: its state may still have to be saved.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace impsweep::external {

// The interpreter that is used: the environment variable IMPSWEEP_PYTHON, or else python3.
std::string chosen_interpreter();

// The text of envs/external/worker.py.
const char* worker_program();

// A worker could not be started, ended or gave no answer. WorkerProcess::describe() adds what is known of it.
struct WorkerFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// This process is asked to stop, and the worker that it waits for does not answer in a moment.
struct WaitAbandoned : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Asked while a worker is waited for; true: give up waiting, soon. For the whole process, and set before any
// worker is started. Null, at first: never.
void set_stop_question(bool (*)());

// A file descriptor that closes itself.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  // Throws WorkerFailure "what: reason" if the call that gave the number failed.
  FileDescriptor(int number, const char* what);
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { close(); }
  int number() const { return number_; }
  void close();

 private:
  int number_ = -1;
};

class SharedMemory {
 public:
  SharedMemory(const FileDescriptor& file, std::size_t size);
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();
  std::byte* data() const { return static_cast<std::byte*>(data_); }

 private:
  void* data_ = nullptr;
  std::size_t size_;
};

struct WorkerStart {
  std::string interpreter;             // a path, or a name that is searched on PATH
  std::string client;                  // text of the client's program
  std::vector<std::string> arguments;  // for the client
  std::size_t shared_bytes = 0;
  std::chrono::milliseconds patience = std::chrono::seconds(60);  // with a worker that does not answer
};

class WorkerProcess {
 public:
  // Throws WorkerFailure if the interpreter cannot be started. The client's greeting is still to be received.
  explicit WorkerProcess(const WorkerStart&);
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();

  // The greeting: whether the client is ready, and what it says of itself, or else why it is not. Throws
  // WorkerFailure if it is none of this version of the protocol.
  std::pair<bool, std::string> greeting();

  // Messages. They throw WorkerFailure if the worker has ended or gave no answer for `patience`.
  void send(const void* data, std::size_t size);
  void receive(void* data, std::size_t size);
  void send_text(const std::string& text);  // its length, 32 bits, and the bytes
  std::string receive_text();

  // Doorbells: says that a request lies in the shared memory; waits until its answer does. A change of
  // `sign_of_life`, which the worker writes, counts as an answer for its patience. Throws like receive().
  void ring();
  void await_ring(const volatile std::uint32_t& sign_of_life);

  std::byte* memory() const { return memory_.data(); }
  pid_t process() const { return process_; }
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

  // What went wrong, how the process ended, where in the program it stands if it hangs, and its last output.
  // Ends it and every process that it started.
  std::string describe(const WorkerFailure&);
  // The signal by which it ended; 0: none, or it is not known. After describe().
  int ended_by_signal() const { return ended_by_signal_; }

  void close_socket() { socket_.close(); }  // which asks the worker to end

 private:
  using Clock = std::chrono::steady_clock;
  void spawn(const WorkerStart&, const FileDescriptor& its_end, const FileDescriptor& its_log,
             const FileDescriptor& its_guard);
  // Waits until there is something to read.
  void await_readable(const FileDescriptor&, const volatile std::uint32_t* sign_of_life);
  bool drain_log();  // false if there was nothing in it
  [[noreturn]] void throw_trouble(int error);
  int await_end(std::chrono::milliseconds grace);
  void end_group() const;
  void ask_where_it_stands();

  FileDescriptor memory_file_;
  SharedMemory memory_;
  FileDescriptor socket_, log_, request_bell_, answer_bell_, guard_;
  std::chrono::milliseconds patience_;
  pid_t process_ = -1, group_ = -1;
  bool has_ended_ = false;  // it closed the socket, or was waited for
  bool hangs_ = false;
  int status_ = 0, ended_by_signal_ = 0;
  std::string output_;  // the last of what it printed
};

}  // namespace impsweep::external
