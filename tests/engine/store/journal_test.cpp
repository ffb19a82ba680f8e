#include "engine/store/journal.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "tests/io/scratch.hpp"

using namespace impsweep;
using impsweep::testing::Scratch;

TEST_CASE("a journal is read as it was written") {
  const Scratch scratch;
  const Store store = Store::create_or_open(scratch / "store", {{"compiler", "any"}});
  Journal journal(store, 3);
  journal.run_predicted(10, 5, 20);
  journal.training_started(TrainingId("a"), 1);
  journal.training_failed(TrainingId("a"), {.reason = "NaN", .diverged = true});
  journal.training_done(TrainingId("b"), 2.5);
  journal.heartbeat({{TrainingId("c"), 2, 100, 7.5}}, 1000);
  History history = read_history(store);
  CHECK(history.live_runs == 1);
  CHECK(history.live_ranks == 3);
  CHECK(history.env_steps_per_second == 1000);
  REQUIRE(history.running.size() == 1);
  CHECK(history.running[0].digest == "c");
  CHECK(history.running[0].env_steps == 100);
  CHECK(history.failures.at(TrainingId("a")).reason == "NaN");
  CHECK(history.completed.empty());

  journal.training_done(TrainingId("a"), 1);  // by another attempt
  journal.run_ended("complete");
  history = read_history(store);
  CHECK(history.live_runs == 0);
  CHECK(history.failures.empty());
  REQUIRE(history.completed.size() == 1);
  CHECK(history.completed[0].ranks == 3);
  CHECK(history.completed[0].predicted_seconds == 10);
  CHECK(history.completed[0].high_seconds == 20);
}

TEST_CASE("returns of what runs are those of the heartbeats at which it had gone on") {
  const Scratch scratch;
  const Store store = Store::create_or_open(scratch / "store", {{"compiler", "any"}});
  Journal journal(store, 1);
  journal.heartbeat({{TrainingId("a"), 0, 0, 0.0}}, 0);
  journal.heartbeat({{TrainingId("a"), 0, 100, 7.5}, {TrainingId("b"), 1, 50, -1.0}}, 0);
  journal.heartbeat({{TrainingId("a"), 0, 100, 7.5}, {TrainingId("b"), 1, 60, -2.0}}, 0);
  journal.heartbeat({{TrainingId("a"), 0, 200, 9.0}}, 0);
  const History history = read_history(store);
  REQUIRE(history.running.size() == 1);
  CHECK(history.running[0].returns == std::vector<double>{7.5, 9.0});
}

TEST_CASE("a heartbeat lists what runs, whatever the numbers are") {
  const Scratch scratch;
  const Store store = Store::create_or_open(scratch / "store", {{"compiler", "any"}});
  Journal journal(store, 1);
  const double infinite = std::numeric_limits<double>::infinity();
  journal.heartbeat({{TrainingId("a"), 0, 1'000'000'007, -1e300, 250, 0.125},
                     {TrainingId("b"), 4096, 50, infinite, 0, std::nan("")}},
                    1e17);
  const History history = read_history(store);
  CHECK(history.env_steps_per_second == 1e17);
  REQUIRE(history.running.size() == 2);
  CHECK(history.running[0].digest == "a");
  CHECK(history.running[0].env_steps == 1'000'000'007);
  CHECK(history.running[0].last_return == -1e300);
  CHECK(history.running[0].from_step == 250);
  CHECK(history.running[0].seconds == 0.125);
  CHECK(history.running[1].rank == 4096);
  CHECK(history.running[1].last_return == 0);  // what is no number is not written
  CHECK(history.running[1].seconds == 0);
}

TEST_CASE("what happened in two runs counts in the order of time, not of their names") {
  const Scratch scratch;
  const Store store = Store::create_or_open(scratch / "store", {{"compiler", "any"}});
  const auto event = [](const char* type, const char* training, double time) {
    return nlohmann::json{
        {"type", type}, {"training", training}, {"reason", "NaN"}, {"seconds", 1}, {"time", time}};
  };
  EventWriter first = store.event_writer("a"), second = store.event_writer("b");
  first.append(event("failed", "failed, then done", 1));
  second.append(event("done", "failed, then done", 2));
  first.append(event("failed", "done, then failed", 4));
  second.append(event("done", "done, then failed", 3));
  for (EventWriter* writer : {&first, &second}) {
    const double end = writer == &first ? 20 : 10;
    writer->append({{"type", "run-start"}, {"ranks", writer == &first ? 1 : 2}, {"time", 5}});
    writer->append({{"type", "forecast"}, {"seconds", 7}, {"time", 6}});
    writer->append({{"type", "run-end"}, {"outcome", "complete"}, {"time", end}});
  }
  const History history = read_history(store);
  REQUIRE(history.failures.size() == 1);
  CHECK(history.failures.contains(TrainingId("done, then failed")));
  REQUIRE(history.completed.size() == 2);
  CHECK(history.completed[0].run == "b");
  CHECK(history.completed[1].seconds == 15);
}

TEST_CASE("fields of another type are as good as missing") {
  const Scratch scratch;
  const Store store = Store::create_or_open(scratch / "store", {{"compiler", "any"}});
  EventWriter writer = store.event_writer("other-version");
  const nlohmann::json number = 1, text = "x", list = {1, "x"}, object = {{"a", 1}}, none = nullptr;
  for (const nlohmann::json& wrong : {number, text, list, object, none})
    for (const char* type : {"run-start", "forecast", "done", "failed", "heartbeat", "run-end"}) {
      nlohmann::json event = {{"type", type}};
      for (const char* name : {"training", "ranks", "seconds", "low", "high", "reason", "deterministic",
                               "diverged", "running", "rate", "outcome", "time"})
        event[name] = wrong;
      writer.append(event);
      writer.append({{"type", wrong}, {"training", wrong}});
      writer.append({{"type", "heartbeat"},
                     {"running", {wrong, {{"training", wrong}, {"rank", wrong}, {"env_steps", wrong}}}}});
    }
  CHECK_NOTHROW(read_history(store));
}
