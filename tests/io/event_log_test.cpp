#include "io/event_log.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include "io/error.hpp"
#include "io/files.hpp"
#include "scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

std::string three_events(const std::filesystem::path& path) {
  EventWriter writer(path);
  writer.append({{"kind", "start"}, {"time", 1.5}});
  writer.append({{"kind", "failure"}, {"reason", "two\nlines"}}, Durability::kDisk);
  writer.append({{"kind", "end"}});
  return read_text_file(path);
}

struct EventLog {
  std::vector<nlohmann::json> events;
  std::vector<std::string> damage;
};

EventLog read_log(const std::filesystem::path& path) {
  EventLog log;
  log.damage = read_event_log(path, [&](const nlohmann::json& event) { log.events.push_back(event); });
  return log;
}

}  // namespace

TEST_CASE("events come back in the order in which they were written, with their time") {
  const Scratch scratch;
  three_events(scratch / "run.log");
  EventWriter(scratch / "run.log").append({{"kind", "later"}});
  const EventLog log = read_log(scratch / "run.log");
  CHECK(log.damage.empty());
  REQUIRE(log.events.size() == 4);
  CHECK(log.events[0]["time"] == 1.5);
  CHECK(log.events[1]["reason"] == "two\nlines");
  CHECK(log.events[2]["time"].get<double>() > 1.7e9);  // after 2023
  CHECK(log.events[3]["kind"] == "later");
}

TEST_CASE("events with an ending that is not wanted are not parsed") {
  const Scratch scratch;
  EventWriter writer(scratch / "run.log");
  writer.append({{"time", 1}, {"type", "start"}});
  writer.append({{"time", 2}, {"type", "end"}});
  writer.append({{"a", "\"type\":\"start\"}"}, {"type", "end"}});
  std::vector<double> times;
  constexpr std::string_view kStart = R"("type":"start"})";
  const auto damage =
      read_event_log(scratch / "run.log",
                     [&](const nlohmann::json& event) { times.push_back(event["time"]); }, {&kStart, 1});
  CHECK(damage.empty());
  REQUIRE(times.size() == 2);
  CHECK(times.front() == 2);
}

TEST_CASE("a log cut at any byte gives the events before the cut and reports the tail") {
  const Scratch scratch;
  const std::string whole = three_events(scratch / "run.log");
  std::vector<std::size_t> ends;  // length of the log after each event
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (whole[i] == '\n') ends.push_back(i + 1);
  REQUIRE(ends.size() == 3);
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    CAPTURE(length);
    spill(scratch / "cut.log", whole.substr(0, length));
    const EventLog log = read_log(scratch / "cut.log");
    // An event that lacks only its line break is whole.
    const auto expected =
        std::count_if(ends.begin(), ends.end(), [&](auto end) { return end <= length + 1; });
    REQUIRE(log.events.size() == static_cast<std::size_t>(expected));
    const bool clean = length == 0 || std::any_of(ends.begin(), ends.end(), [&](auto end) {
                         return end == length || end == length + 1;
                       });
    REQUIRE(log.damage.size() == (clean ? 0 : 1));

    EventWriter(scratch / "cut.log").append({{"kind", "resumed"}});
    REQUIRE(read_log(scratch / "cut.log").events.size() == log.events.size() + 1);
  }
  spill(scratch / "cut.log", whole.substr(0, whole.size() - 5));
  const std::string damage = read_log(scratch / "cut.log").damage.front();
  CHECK(contains(damage, "cut.log: torn tail of"));
  CHECK(contains(damage, "at offset " + std::to_string(ends[1])));
}

TEST_CASE("a damaged line is reported and the others count") {
  const Scratch scratch;
  const std::string whole = three_events(scratch / "run.log");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    CAPTURE(i);
    std::string altered = whole;
    altered[i] ^= 1;
    spill(scratch / "x.log", altered);
    const EventLog log = read_log(scratch / "x.log");
    REQUIRE(log.events.size() >= 1);
    REQUIRE(log.events.size() <= 2);
    REQUIRE_FALSE(log.damage.empty());
  }
  spill(scratch / "x.log", std::string(4096, '\0') + "\n" + whole);
  const EventLog log = read_log(scratch / "x.log");
  CHECK(log.events.size() == 3);
  REQUIRE(log.damage.size() == 1);
  CHECK(contains(log.damage[0], "damaged line of 4096 bytes at offset 0"));
}

TEST_CASE("text that is not UTF-8 does not cost the event") {
  const Scratch scratch;
  EventWriter(scratch / "x.log").append({{"reason", "bad \xff byte"}});
  CHECK(read_log(scratch / "x.log").events.at(0)["reason"] == "bad \xef\xbf\xbd byte");
  CHECK_THROWS_AS(EventWriter(scratch / "x.log").append("no object"), std::invalid_argument);
}

TEST_CASE("a writer that is killed leaves all events that it had appended") {
  const Scratch scratch;
  const pid_t child = ::fork();
  if (child == 0) {
    EventWriter writer(scratch / "x.log");
    for (int i = 0; i < 100; ++i) writer.append({{"i", i}});
    ::raise(SIGKILL);
  }
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  const EventLog log = read_log(scratch / "x.log");
  CHECK(log.damage.empty());
  REQUIRE(log.events.size() == 100);
  CHECK(log.events[99]["i"] == 99);
}

TEST_CASE("a log that cannot be written is an error with path and reason, and can go on afterwards") {
  const Scratch scratch;
  CHECK(contains(message_of<InputError>([&] { EventWriter(scratch / "nowhere/x.log"); }), "No such file"));
  EventWriter writer(scratch / "x.log");
  std::string message;
  {
    const FileSizeLimit limit(100);
    message = message_of<InputError>([&] { writer.append({{"reason", std::string(200, 'x')}}); });
  }
  CHECK(contains(message, "x.log: cannot write to the event log: File too large"));
  writer.append({{"kind", "after"}});
  const EventLog log = read_log(scratch / "x.log");
  REQUIRE(log.events.size() == 1);
  CHECK(log.events[0]["kind"] == "after");
  CHECK(log.damage.size() == 1);
}
