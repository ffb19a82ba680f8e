#include "io/process.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <atomic>
#include <csignal>

#include <system_error>
#include <vector>

#include "io/files.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using impsweep::testing::Scratch;

TEST_CASE("a program reads what it is told, in its directory, and its complaints are kept") {
  const Scratch scratch;
  make_directories(scratch / "place");
  ChildProcess child({"sh", "-c", "cat > told; echo lost; echo kept >&2; exit 3"}, scratch / "place",
                     scratch / "complaints");
  CHECK(child.write("one\n"));
  CHECK(child.write(std::string(200'000, 'x')));  // more than a pipe holds
  const int status = child.wait();
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 3);
  CHECK(child.wait() == 0);  // nothing to wait for any more
  CHECK(read_text_file(scratch / "place/told") == "one\n" + std::string(200'000, 'x'));
  CHECK(read_text_file(scratch / "complaints") == "kept\n");
}

TEST_CASE("a program that cannot be started is an error, and one that has gone takes nothing more") {
  const Scratch scratch;
  CHECK_THROWS_AS(ChildProcess({"no-such-program-anywhere"}, scratch.path(), scratch / "complaints"),
                  std::system_error);
  const WithoutBrokenPipe guard;
  ChildProcess child({"true"}, scratch.path(), scratch / "complaints");
  while (child.write(std::string(1000, 'x'))) continue;  // until its end of the pipe is closed
  CHECK(child.wait() == 0);
}

TEST_CASE("what this process has used") {
  const double before = thread_cpu_seconds();
  const std::vector<char> memory(50 << 20, 1);
  CHECK(thread_cpu_seconds() >= before);
  CHECK(peak_memory_bytes() > std::int64_t{50} << 20);
  CHECK(memory.back() == 1);
}

TEST_CASE("a call apart gives its answer, or nothing if it dies") {
  CHECK(call_apart([] { return std::string(200'000, 'x'); }, 60) == std::string(200'000, 'x'));
  CHECK(call_apart([] { return std::string(); }, 60) == "");
  CHECK_FALSE(call_apart(
      []() -> std::string {
        std::raise(SIGKILL);
        return "never";
      },
      60));
  CHECK_FALSE(call_apart([]() -> std::string { throw 1; }, 60));
  CHECK_FALSE(call_apart(
      []() -> std::string {
        std::atomic<bool> ends = false;
        while (!ends.load()) continue;
        return "never";
      },
      1));
}

TEST_CASE("a program that hangs is ended") {
  const Scratch scratch;
  const WithoutBrokenPipe guard;
  const auto patience = std::chrono::milliseconds(200);
  ChildProcess deaf({"sleep", "100"}, scratch.path(), scratch / "complaints", patience);
  while (deaf.write(std::string(1000, 'x'))) continue;  // until the pipe is full
  CHECK(deaf.was_too_slow());
  CHECK(WIFSIGNALED(deaf.wait()));
  ChildProcess endless({"sleep", "100"}, scratch.path(), scratch / "complaints", patience);
  CHECK(WTERMSIG(endless.wait()) == SIGKILL);
  CHECK(endless.was_too_slow());
}
