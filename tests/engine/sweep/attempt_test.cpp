#include "engine/sweep/attempt.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "engine/sweep/failure_tracker.hpp"
#include "engine/sweep/memory_check.hpp"
#include "engine/training/fingerprint.hpp"
#include "tests/engine/tiny_plan.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using impsweep::testing::contains;
using impsweep::testing::Scratch;

namespace {

// In a process of its own, which dies of it or ends well.
void apart(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

}  // namespace

TEST_CASE("what ended two processes by a signal of its own is put aside, once") {
  const Scratch scratch;
  const Store store = Store::create_or_open(scratch / "S", numerics_fingerprint(Backend::kNative));
  const TrainingId digest("0123456789abcdef0123456789abcdef");
  const auto crash = [&] {
    apart([&] {
      ::signal(SIGSEGV, SIG_DFL);  // not the handler of the tests
      const Attempt attempt(store, digest);
      ::raise(SIGSEGV);
    });
  };
  crash();
  CHECK(scratch.names("S/live").size() == 1);
  CHECK(Attempt(store, digest).verdict().empty());
  CHECK(scratch.names("S/live").size() == 1);  // one death is remembered
  crash();
  const std::string verdict = Attempt(store, digest).verdict();
  CHECK(contains(verdict, "it ended 2 processes that ran it"));
  CHECK(contains(verdict, "signal 11 (Segmentation fault)"));
  CHECK(scratch.names("S/live").empty());
  CHECK(Attempt(store, digest).verdict().empty());
}

TEST_CASE("processes that others killed say nothing of the training, and a success forgets") {
  const Scratch scratch;
  const Store store = Store::create_or_open(scratch / "S", numerics_fingerprint(Backend::kNative));
  const TrainingId digest("0123456789abcdef0123456789abcdef");
  for (int i = 0; i < 3; ++i)
    apart([&] {
      const Attempt attempt(store, digest);
      ::raise(SIGKILL);
    });
  CHECK(Attempt(store, digest).verdict().empty());
  apart([&] {
    ::signal(SIGABRT, SIG_DFL);
    const Attempt attempt(store, digest);
    ::raise(SIGABRT);
  });
  {
    Attempt attempt(store, digest);
    attempt.succeeded();
  }
  CHECK(scratch.names("S/live").empty());
}

TEST_CASE("a training that is too large is refused with key and remedy, and says nothing of the rank") {
  const Plan plan = testing::tiny_plan(1);
  CHECK_FALSE(memory_shortage(plan, 0, {1'000'000'000, "enough"}).has_value());
  const std::string shortage = memory_shortage(plan, 0, {10'000'000, "the machine has 10 MB"}).value_or("");
  CHECK(contains(shortage, "this rank may use"));
  CHECK(contains(shortage, "the machine has 10 MB"));
  CHECK(contains(shortage, "run fewer ranks on a host"));
  FailureTracker tracker(3);
  for (TrainingIndex training = 0; training < 10; ++training) CHECK(tracker.failed(1, training, false, true));
  CHECK_FALSE(tracker.set_aside(1));
  CHECK_FALSE(tracker.failed(2, 0, false, true));  // on two ranks: for good
}
