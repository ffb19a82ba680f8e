#include "io/store.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "io/error.hpp"
#include "io/files.hpp"
#include "scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;
namespace fs = std::filesystem;

namespace {

const Fingerprint kHere = {{"blas", "OpenBLAS \"0.3\"\\Haswell"}, {"compiler", "GNU 12"}, {"simd", "any"}};

std::string digest(int number) {
  return sha256_hex(bytes_of(std::to_string(number)));
}

Record result(double value, const std::string& host = "node1") {
  Record record;
  record.attributes[""]["return"] = value;
  record.attributes["provenance"]["host"] = host;
  record.arrays["curve"] = Array::vector<double>({value, 2 * value});
  return record;
}

Record checkpoint(std::int64_t step) {
  Record record;
  record.attributes[""]["step"] = step;
  record.arrays["state"] = Array::vector<std::uint8_t>(std::vector<std::uint8_t>(1000, 3));
  return record;
}

std::string message(const auto& action) {
  return message_of<InputError>(action);
}

// A store whose warnings are kept.
struct Watched {
  Scratch scratch;
  std::vector<std::string> warnings;
  Store store = Store::create_or_open(scratch / "store", kHere,
                                      [this](const std::string& warning) { warnings.push_back(warning); });
};

}  // namespace

TEST_CASE("a new store has its directories and its identity, and opens again") {
  const Scratch scratch;
  Store::create_or_open(scratch / "new/store", kHere);
  CHECK(scratch.names("new/store") ==
        std::vector<std::string>{"events", "jobs", "leases", "live", "quarantine", "rounds", "store.toml"});
  const std::string identity = read_text_file(scratch / "new/store/store.toml");
  CHECK(contains(identity, "schema = 1"));
  Store::create_or_open(scratch / "new/store", kHere);
  CHECK(read_text_file(scratch / "new/store/store.toml") == identity);
  CHECK(Store::open(scratch / "new/store").fingerprint() == kHere);
}

TEST_CASE("another fingerprint is refused, and every entry that differs is named") {
  const Scratch scratch;
  Store::create_or_open(scratch / "store", kHere);
  Fingerprint other = kHere;
  other["compiler"] = "Clang 16";
  other["libm"] = "2.36";
  other.erase("simd");
  const std::string text = message([&] { Store::create_or_open(scratch / "store", other); });
  CHECK(contains(text, "store.toml: results made here would differ"));
  CHECK(contains(text, "compiler: 'GNU 12' in the store, 'Clang 16' here"));
  CHECK(contains(text, "libm: (absent) in the store, '2.36' here"));
  CHECK(contains(text, "simd: 'any' in the store, (absent) here"));
  CHECK_FALSE(contains(text, "blas"));
  CHECK(contains(text, "or give another --store"));
  CHECK(Store::open(scratch / "store").fingerprint() == kHere);  // reading is allowed anywhere
}

TEST_CASE("what is not a store of this schema is refused with the remedy") {
  const Scratch scratch;
  const auto open = [&](const std::string& name) { return message([&] { Store::open(scratch / name); }); };
  CHECK(contains(open("absent"), "there is no such store; check the path, or start one with 'impsweep run"));
  fs::create_directory(scratch / "plain");
  CHECK(contains(open("plain"), "is not a store (it holds no store.toml)"));
  spill(scratch / "file", "x");
  CHECK(contains(open("file"), "is a file and no pack, a store is a directory"));
  const auto with_identity = [&](const char* text) {
    spill(scratch / "plain/store.toml", text);
    return open("plain");
  };
  CHECK(contains(with_identity("schema = 2\n[fingerprint]\n"),
                 "the store has schema 2, this program uses schema 1"));
  CHECK(contains(with_identity(""), "lacks 'schema' or '[fingerprint]'"));
  CHECK(contains(with_identity("schema = 1\n[fingerprint]\nx = 3\n"), "fingerprint.x is not a text"));
  CHECK(contains(with_identity("schema = 1\n[fingerprint\n"), "store.toml:2: "));
}

TEST_CASE("a store that cannot be made or written says why") {
  const Scratch scratch;
  spill(scratch / "file", "x");
  const auto create = [&](const fs::path& path) {
    return message([&] { Store::create_or_open(path, kHere); });
  };
  CHECK(contains(create(scratch / "file"), "a file stands where a directory is needed"));
  CHECK(contains(create(scratch / "file/store"), "a file stands where a directory is needed"));
  CHECK(contains(create("/proc/impsweep/store"), "/proc/impsweep: cannot create the directory"));

  Store::create_or_open(scratch / "store", kHere);
  const fs::perms read_only{0555};
  for (const char* name : {"store/rounds", "store/live", "store/quarantine", "store"})
    fs::permissions(scratch / name, read_only);
  const WithoutPrivileges unprivileged;
  CHECK(contains(create(scratch / "store"), "rounds: cannot write into the directory: Permission denied"));
  CHECK(contains(create(scratch / "store/below"), "Permission denied; check the permissions"));
  const Store reader = Store::open(scratch / "store");
  CHECK(reader.finished().empty());
  CHECK(contains(message([&] { reader.publish(digest(1), result(1)); }), "Permission denied"));
}

TEST_CASE("starters that race agree on one store") {
  const Scratch scratch;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> starters;
    for (int i = 0; i < 8; ++i)
      starters.emplace_back([&, i] {
        const Fingerprint mine = {{"machine", i % 2 == 0 ? "a" : "b"}};
        if (!message([&] { Store::create_or_open(scratch / "store", mine); }).empty()) ++refused;
      });
  }
  CHECK(refused == 4);
}

TEST_CASE("results are written once and found again") {
  Watched watched;
  const Store& store = watched.store;
  CHECK(store.finished().empty());
  CHECK_FALSE(store.has(digest(1)));
  CHECK_FALSE(store.load(digest(1)));
  for (int i = 1; i <= 20; ++i) CHECK(store.publish(digest(i), result(i)) == Publication::kWritten);
  CHECK(store.finished().size() == 20);
  CHECK(store.finished().contains(digest(7)));
  CHECK(store.has(digest(7)));
  const auto loaded = store.load(digest(7));
  REQUIRE(loaded);
  CHECK(*loaded == result(7));
  CHECK(fs::exists(store.directory() / Store::round_file(digest(7))));
  CHECK(store.load(digest(7), RecordPart::kAttributes)->arrays.empty());
  CHECK(watched.warnings.empty());
}

TEST_CASE("an equal result changes nothing, whoever made it") {
  Watched watched;
  watched.store.publish(digest(1), result(1, "node1"));
  CHECK(watched.store.publish(digest(1), result(1, "node2")) == Publication::kAlreadyThere);
  CHECK(watched.store.load(digest(1))->text("provenance", "host") == "node1");
  CHECK(watched.scratch.names("store/quarantine").empty());
  CHECK(watched.warnings.empty());
}

TEST_CASE("a different result under the same name is an alarm, and both are kept") {
  Watched watched;
  watched.store.publish(digest(1), result(1));
  CHECK(watched.store.publish(digest(1), result(1.5)) == Publication::kDifferent);
  CHECK(*watched.store.load(digest(1)) == result(1));
  const auto kept = watched.scratch.names("store/quarantine");
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].starts_with(digest(1) + "."));
  CHECK(kept[1] == kept[0] + ".reason.txt");
  CHECK(read_record_file(watched.scratch / ("store/quarantine/" + kept[0])) == result(1.5));
  const std::string reason = read_text_file(watched.scratch / ("store/quarantine/" + kept[1]));
  CHECK(contains(reason, "nondeterminism"));
  CHECK(contains(reason, "'@return': 1 against 1.5"));
  CHECK(watched.warnings.size() == 1);
}

TEST_CASE("a damaged result counts as missing, moves to quarantine and can be made again") {
  Watched watched;
  const fs::path file = watched.store.directory() / Store::round_file(digest(1));
  watched.store.publish(digest(1), result(1));
  fs::resize_file(file, 1000);
  CHECK_FALSE(watched.store.load(digest(1)));
  CHECK_FALSE(fs::exists(file));
  REQUIRE(watched.warnings.size() == 1);
  CHECK(contains(watched.warnings[0], "bytes of payload where"));
  CHECK(contains(watched.warnings[0], "moved to "));
  CHECK(watched.scratch.names("store/quarantine").size() == 2);
  CHECK(watched.store.publish(digest(1), result(1)) == Publication::kWritten);

  spill(file, "not a record");  // damage that is only found while publishing
  CHECK(watched.store.publish(digest(1), result(1)) == Publication::kWritten);
  CHECK(*watched.store.load(digest(1)) == result(1));
  CHECK(watched.scratch.names("store/quarantine").size() == 4);
}

TEST_CASE("a damaged result in a write-protected store is reported, not fatal, and never published over") {
  Watched watched;
  const fs::path file = watched.store.directory() / Store::round_file(digest(1));
  watched.store.publish(digest(1), result(1));
  spill(file, "");
  fs::permissions(file.parent_path(), fs::perms::all);
  fs::permissions(watched.scratch / "store/quarantine", fs::perms{0555});
  for (const char* folder : {"store", "store/live"})
    fs::permissions(watched.scratch / folder, fs::perms::all);
  const WithoutPrivileges unprivileged;
  CHECK_FALSE(watched.store.load(digest(1)));
  REQUIRE(watched.warnings.size() == 1);
  CHECK(contains(watched.warnings[0], "is empty; "));
  CHECK(contains(watched.warnings[0], "Permission denied"));
  CHECK(contains(message([&] { watched.store.publish(digest(1), result(1)); }),
                 "cannot be moved to quarantine"));
}

TEST_CASE("files that are not results are not taken for results") {
  Watched watched;
  watched.store.publish(digest(1), result(1));
  const fs::path folder = (watched.store.directory() / Store::round_file(digest(1))).parent_path();
  spill(folder / (digest(2) + ".h5.node.1.0.tmp"), "x");
  spill(folder / "notes.h5", "x");
  spill(folder / (std::string(64, 'z') + ".h5"), "x");
  spill(watched.scratch / "store/rounds/readme", "x");
  fs::create_directory(watched.scratch / "store/rounds/lost+found");
  const std::string misplaced = digest(1).substr(0, 2) == "00" ? "01" : "00";
  fs::create_directory(watched.scratch / ("store/rounds/" + misplaced));
  fs::copy_file(watched.store.directory() / Store::round_file(digest(1)),
                watched.scratch / ("store/rounds/" + misplaced + "/" + digest(1) + ".h5"));
  CHECK(watched.store.finished() == Digests{digest(1)});
  CHECK_THROWS_AS(watched.store.has("../../etc/passwd"), std::invalid_argument);
  CHECK_THROWS_AS(watched.store.load_checkpoint("ABCDEF0123456789"), std::invalid_argument);
}

TEST_CASE("writers that race on one result all succeed") {
  Watched watched;
  std::atomic<int> written = 0, there = 0;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i)
      writers.emplace_back([&, i] {
        const auto publication = watched.store.publish(digest(1), result(1, "node" + std::to_string(i)));
        ++(publication == Publication::kWritten ? written : there);
      });
  }
  CHECK(written == 1);
  CHECK(there == 7);
  CHECK(watched.warnings.empty());
}

TEST_CASE("writers that are killed at any moment leave whole results and harmless temporaries") {
  Watched watched;
  for (int kill = 0; kill < 15 || watched.store.finished().size() <= 5; ++kill) {
    REQUIRE(kill < 200);
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 0;; ++i) watched.store.publish(digest(kill * 1000 + i), result(i));
    }
    ::usleep(static_cast<useconds_t>(3000 + kill * 1700));
    ::kill(child, SIGKILL);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
  }
  const auto finished = watched.store.finished();
  for (const std::string& name : finished) CHECK(watched.store.load(name));
  CHECK(watched.warnings.empty());
}

TEST_CASE("checkpoints go forward, and vanish with their result") {
  Watched watched;
  const Store& store = watched.store;
  CHECK_FALSE(store.load_checkpoint(digest(1)));
  CHECK(store.save_checkpoint(digest(1), checkpoint(100)));
  CHECK(store.save_checkpoint(digest(1), checkpoint(200)));
  CHECK(store.save_checkpoint(digest(1), checkpoint(200)));
  CHECK_FALSE(store.save_checkpoint(digest(1), checkpoint(150)));
  CHECK(*store.load_checkpoint(digest(1)) == checkpoint(200));
  CHECK(store.checkpoints() == Digests{digest(1)});
  store.publish(digest(1), result(1));
  CHECK(store.checkpoints().empty());
  store.save_checkpoint(digest(2), checkpoint(1));
  store.remove_checkpoint(digest(2));
  store.remove_checkpoint(digest(2));
  CHECK(store.checkpoints().empty());
  CHECK(contains(message([&] { store.save_checkpoint(digest(3), result(1)); }), "'@step' is missing"));
}

TEST_CASE("behind a damaged checkpoint stands the one before") {
  Watched watched;
  const fs::path newest = watched.scratch / ("store/live/" + digest(1) + ".h5");
  const fs::path older = watched.scratch / ("store/live/" + digest(1) + ".previous.h5");
  for (const int step : {100, 200, 300}) watched.store.save_checkpoint(digest(1), checkpoint(step));
  fs::resize_file(newest, 700);
  CHECK(*watched.store.load_checkpoint(digest(1)) == checkpoint(200));
  CHECK(watched.warnings.size() == 1);
  CHECK(watched.store.checkpoints() == Digests{digest(1)});
  CHECK(watched.store.save_checkpoint(digest(1), checkpoint(250)));
  CHECK(*watched.store.load_checkpoint(digest(1)) == checkpoint(250));
  spill(newest, "");
  spill(older, "");
  CHECK_FALSE(watched.store.load_checkpoint(digest(1)));
  watched.store.save_checkpoint(digest(1), checkpoint(1));
  watched.store.save_checkpoint(digest(1), checkpoint(2));
  watched.store.refuse_checkpoint(digest(1), "of another machine");
  CHECK_FALSE(watched.store.load_checkpoint(digest(1)));
  CHECK(watched.store.checkpoints().empty());
}

TEST_CASE("a damaged checkpoint is none, and does not stand in the way of an earlier step") {
  Watched watched;
  const fs::path file = watched.scratch / ("store/live/" + digest(1) + ".h5");
  watched.store.save_checkpoint(digest(1), checkpoint(100));
  fs::resize_file(file, 700);
  CHECK_FALSE(watched.store.load_checkpoint(digest(1)));
  CHECK(watched.warnings.size() == 1);
  spill(file, "");
  CHECK(watched.store.save_checkpoint(digest(1), checkpoint(1)));
  CHECK(*watched.store.load_checkpoint(digest(1)) == checkpoint(1));
  CHECK(watched.scratch.names("store/quarantine").size() == 4);
}

TEST_CASE("jobs are frozen under the digest of their text") {
  Watched watched;
  const std::string first = watched.store.freeze_job("name = \"a\"\n");
  const std::string second = watched.store.freeze_job("name = \"b\"\n");
  CHECK(watched.store.freeze_job("name = \"a\"\n") == first);
  CHECK(first == sha256_hex(bytes_of("name = \"a\"\n")));
  const auto jobs = watched.store.jobs();
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0].digest < jobs[1].digest);
  CHECK((jobs[0].digest == first ? jobs[0] : jobs[1]).text == "name = \"a\"\n");

  spill(watched.scratch / ("store/jobs/" + first + ".toml"), "name = \"altered\"\n");
  REQUIRE(watched.store.jobs().size() == 1);
  CHECK(watched.store.jobs()[0].digest == second);
  CHECK(watched.warnings.size() == 1);
  spill(watched.scratch / ("store/jobs/" + second + ".toml"), "");
  CHECK(watched.store.freeze_job("name = \"b\"\n") == second);
  CHECK(watched.store.jobs()[0].text == "name = \"b\"\n");
}

TEST_CASE("events of all runs are read") {
  Watched watched;
  EventWriter first = watched.store.event_writer("run-1"), second = watched.store.event_writer("run-2");
  first.append({{"kind", "start"}, {"time", 1.0}});
  second.append({{"kind", "start"}, {"time", 2.0}});
  first.append({{"kind", "end"}, {"time", 3.0}}, Durability::kDisk);
  const auto events = [&] {
    std::vector<std::string> events;
    watched.store.read_events([&](const std::string& run, const nlohmann::json& event) {
      events.push_back(
          fmt::format("{} {} {}", run, event["kind"].get<std::string>(), event["time"].get<double>()));
    });
    return events;
  };
  CHECK(events() == std::vector<std::string>{"run-1 start 1", "run-1 end 3", "run-2 start 2"});
  spill(watched.scratch / "store/events/run-3.log", "torn");
  CHECK(events().size() == 3);
  CHECK(watched.warnings.size() == 1);
  for (const char* name : {"", "a/b", ".hidden", "a b"})
    CHECK_THROWS_AS(watched.store.event_writer(name), std::invalid_argument);
}

TEST_CASE("what killed processes left is removed") {
  Watched watched;
  watched.store.publish(digest(1), result(1));
  watched.store.save_checkpoint(digest(1), checkpoint(1));  // the process died before removing it
  watched.store.save_checkpoint(digest(2), checkpoint(1));
  const fs::path folder = (watched.store.directory() / Store::round_file(digest(1))).parent_path();
  for (const fs::path& path : {folder / "a.h5.node.1.0.tmp", watched.scratch / "store/live/b.h5.node.1.0.tmp",
                               watched.scratch / "store/index.h5.node.1.0.tmp", folder / "thesis.tmp"}) {
    spill(path, "x");
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(25));
  }
  CHECK(watched.store.remove_leftovers() == 4);
  CHECK(file_exists(folder / "thesis.tmp"));  // not named by us
  CHECK(watched.store.checkpoints() == Digests{digest(2)});
  CHECK(watched.store.remove_leftovers() == 0);
}

TEST_CASE("a store can be moved") {
  Watched watched;
  watched.store.publish(digest(1), result(1));
  fs::rename(watched.scratch / "store", watched.scratch / "elsewhere");
  CHECK(*Store::open(watched.scratch / "elsewhere").load(digest(1)) == result(1));
}

TEST_CASE("a directory with files of others becomes no store") {
  const Scratch scratch;
  make_directories(scratch / "user");
  spill(scratch / "user/notes.txt", "x");
  spill(scratch / "user/store.toml.node.1.0.tmp", "x");  // of a start that was killed
  CHECK(contains(message([&] { Store::create_or_open(scratch / "user", kHere); }),
                 "and not empty: it holds notes.txt; give a store a directory of its own"));
  CHECK(scratch.names("user").size() == 2);
  fs::remove(scratch / "user/notes.txt");
  Store::create_or_open(scratch / "user", kHere);
  spill(scratch / "user/notes.txt", "x");
  Store::create_or_open(scratch / "user", kHere);
}

TEST_CASE("a store that is only read stays as it is") {
  Watched watched;
  watched.store.publish(digest(1), result(1));
  const fs::path file = watched.store.directory() / Store::round_file(digest(1));
  fs::resize_file(file, 700);
  spill(watched.scratch / ("store/jobs/" + std::string(64, '0') + ".toml"), "x");
  std::vector<std::string> warnings;
  const Store reader = Store::open(watched.scratch / "store",
                                   [&](const std::string& warning) { warnings.push_back(warning); });
  CHECK_FALSE(reader.load(digest(1)));
  CHECK(reader.jobs().empty());
  REQUIRE(warnings.size() == 2);
  CHECK(contains(warnings[0], "it counts as missing, and the next run moves it to quarantine"));
  CHECK(file_exists(file));
  CHECK(watched.scratch.names("store/quarantine").empty());
}

TEST_CASE("no folder of results is a link out of the store") {
  Watched watched;
  fs::create_directories(watched.scratch / "victim");
  const std::string name = digest(1);
  fs::create_directory_symlink(watched.scratch / "victim",
                               watched.scratch / "store/rounds" / name.substr(0, 2));
  CHECK(contains(message([&] { watched.store.publish(name, result(1)); }), "leads out of the store"));
  spill(watched.scratch / "victim/a.h5.node.1.0.tmp", "x");
  fs::last_write_time(watched.scratch / "victim/a.h5.node.1.0.tmp",
                      fs::file_time_type::clock::now() - std::chrono::hours(25));
  CHECK(watched.store.remove_leftovers() == 0);
  CHECK(watched.scratch.names("victim").size() == 1);
}
