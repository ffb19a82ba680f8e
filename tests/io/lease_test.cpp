#include "io/lease.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;
using std::chrono::milliseconds;

namespace {

std::string text_of_file(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The lease as a run on another host would have written it.
void move_to_another_host(const std::filesystem::path& lease) {
  std::string text = text_of_file(lease);
  text.insert(text.find("\"host\":\"") + 8, "elsewhere-");
  spill(lease, text);
}

}  // namespace

TEST_CASE("a lease has one owner, until it is released") {
  const Scratch scratch;
  Leases first(scratch.path(), "first", milliseconds(1000)),
      second(scratch.path(), "second", milliseconds(1000));
  CHECK(first.take("abc"));
  CHECK(first.take("abc"));
  CHECK_FALSE(second.take("abc"));
  CHECK(second.take("def"));
  first.release("abc");
  first.release("abc");
  CHECK(second.take("abc"));
  CHECK(scratch.names() == std::vector<std::string>{"abc", "def"});
}

TEST_CASE("leases end with their owner") {
  const Scratch scratch;
  {
    Leases leases(scratch.path(), "run", milliseconds(1000));
    leases.take("abc");
  }
  CHECK(scratch.names().empty());
  const pid_t child = ::fork();
  if (child == 0) {
    Leases leases(scratch.path(), "killed", milliseconds(1000));
    leases.take("abc");
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  CHECK(scratch.names().size() == 1);
  Leases next(scratch.path(), "next", milliseconds(1000));
  CHECK(next.take("abc"));  // the process of this host is gone, so nobody waits
}

TEST_CASE("a lease from elsewhere is taken over when it is not refreshed for three intervals") {
  const Scratch scratch;
  Leases theirs(scratch.path(), "theirs", milliseconds(50)), ours(scratch.path(), "ours", milliseconds(50));
  theirs.take("abc");
  move_to_another_host(scratch / "abc");
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(ours.take("abc"));
    theirs.refresh();
    std::this_thread::sleep_for(milliseconds(30));
  }
  CHECK_FALSE(ours.take("abc"));
  std::this_thread::sleep_for(milliseconds(200));
  CHECK(ours.take("abc"));
  theirs.release("abc");  // is ours now, and stays
  CHECK(scratch.names() == std::vector<std::string>{"abc"});
}

TEST_CASE("a lease that cannot be written counts as permission") {
  Leases nowhere("/nonexistent/leases", "run", milliseconds(1000));
  CHECK(nowhere.take("abc"));
  nowhere.refresh();
  nowhere.release("abc");
}

TEST_CASE("whatever a lease file holds, it only delays") {
  const Scratch scratch;
  Leases leases(scratch.path(), "run", milliseconds(20));
  for (const char* text : {"", "{", "[1]", "{\"host\":1}", "{\"interval_seconds\":\"x\"}"}) {
    CAPTURE(text);
    spill(scratch / "abc", text);
    CHECK_FALSE(leases.take("abc"));
    std::this_thread::sleep_for(milliseconds(100));
    CHECK(leases.take("abc"));
    leases.release("abc");
  }
}
