#include "io/files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "io/error.hpp"
#include "scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;
namespace fs = std::filesystem;

TEST_CASE("publishing gives a new file its name and never overwrites, by every way of naming") {
  for (const Naming naming : {Naming::kLink, Naming::kExclusiveRename, Naming::kCheckedRename}) {
    CAPTURE(static_cast<int>(naming));
    const Scratch scratch;
    const fs::path file = scratch / "result.h5";
    CHECK(publish_new(file, bytes_of("first"), naming) == Published::kWritten);
    CHECK(publish_new(file, bytes_of("second"), naming) == Published::kAlreadyThere);
    CHECK(read_text_file(file) == "first");
    CHECK(scratch.names() == std::vector<std::string>{"result.h5"});  // no temporary is left
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK(status.st_nlink == 1);
  }
}

TEST_CASE("of many writers of one name exactly one wins") {
  const Scratch scratch;
  std::atomic<int> winners = 0;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i)
      writers.emplace_back([&, i] {
        const std::string text(1000, static_cast<char>('a' + i));
        if (publish_new(scratch / "x", bytes_of(text)) == Published::kWritten) ++winners;
      });
  }
  CHECK(winners == 1);
  const std::string content = read_text_file(scratch / "x");
  CHECK(content == std::string(1000, content[0]));
  CHECK(scratch.names().size() == 1);
}

TEST_CASE("replacing gives the new content, and an empty file is a content too") {
  const Scratch scratch;
  replace_atomically(scratch / "x", bytes_of("old"));
  replace_atomically(scratch / "x", bytes_of("new and longer"));
  CHECK(read_text_file(scratch / "x") == "new and longer");
  replace_atomically(scratch / "x", {});
  CHECK(read_text_file(scratch / "x").empty());
  CHECK(scratch.names().size() == 1);
}

TEST_CASE(
    "a temporary file lies beside its target, names host and process, and vanishes if it is not published") {
  const Scratch scratch;
  {
    const TemporaryFile file(scratch / "x.h5");
    CHECK(file.path().parent_path() == scratch.path());
    const std::string name = file.path().filename().string();
    CHECK(name.starts_with("x.h5."));
    CHECK(contains(name, fmt::format(".{}.", ::getpid())));
    CHECK(name.ends_with(".tmp"));
    CHECK(scratch.names().size() == 1);
  }
  CHECK(scratch.names().empty());
  TemporaryFile file(scratch / "x.h5");
  spill(file.path(), "written by somebody else");
  CHECK(file.publish_new() == Published::kWritten);
  CHECK(read_text_file(scratch / "x.h5") == "written by somebody else");
}

TEST_CASE("a name as long as the file system allows can be written") {
  const Scratch scratch;
  const std::string name(255, 'n');
  CHECK(publish_new(scratch / name, bytes_of("x")) == Published::kWritten);
  const std::string message =
      message_of<InputError>([&] { publish_new(scratch / (name + "n"), bytes_of("x")); });
  CHECK(contains(message, "File name too long; choose a shorter path"));
  CHECK(scratch.names() == std::vector<std::string>{name});
}

TEST_CASE("files and directories obey umask") {
  const Scratch scratch;
  const mode_t before = ::umask(0027);
  publish_new(scratch / "file", bytes_of("x"));
  make_directories(scratch / "a/b");
  ::umask(before);
  struct stat status {};
  REQUIRE(::stat((scratch / "file").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  REQUIRE(::stat((scratch / "a/b").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0750);
}

TEST_CASE(
    "a full disk is an error with path, reason and remedy, and leaves no temporary and the old content") {
  const Scratch scratch;
  replace_atomically(scratch / "x", bytes_of("old"));
  const std::string large(100'000, 'x');
  std::string replacing, publishing;
  {
    const FileSizeLimit limit(50'000);
    replacing = message_of<InputError>([&] { replace_atomically(scratch / "x", bytes_of(large)); });
    publishing = message_of<InputError>([&] { publish_new(scratch / "y", bytes_of(large)); });
  }
  CHECK(contains(replacing, (scratch / "x").string() + ": cannot write: File too large; raise the limit"));
  CHECK(contains(publishing, (scratch / "y").string()));
  CHECK(read_text_file(scratch / "x") == "old");
  CHECK(scratch.names() == std::vector<std::string>{"x"});
  const std::string no_space = message_of<InputError>([] { throw_file_error("/data/x", "write", ENOSPC); });
  CHECK(no_space ==
        "/data/x: cannot write: No space left on device; free some space (or raise the quota) and run "
        "again; what was finished before is kept");
  CHECK(contains(message_of<InputError>([] { throw_file_error("x", "write", EROFS); }), "mounted read-only"));
}

TEST_CASE("missing permission is an error with the remedy") {
  const Scratch scratch;
  make_directories(scratch / "locked");
  publish_new(scratch / "locked/x", bytes_of("x"));
  fs::permissions(scratch / "locked/x", fs::perms::none);
  fs::permissions(scratch / "locked", fs::perms{0555});
  const WithoutPrivileges unprivileged;
  for (const std::string& message :
       {message_of<InputError>([&] { publish_new(scratch / "locked/y", bytes_of("y")); }),
        message_of<InputError>([&] { replace_atomically(scratch / "locked/x", bytes_of("y")); }),
        message_of<InputError>([&] { make_directories(scratch / "locked/a/b"); }),
        message_of<InputError>([&] { require_writable(scratch / "locked"); }),
        message_of<InputError>([&] { read_file(scratch / "locked/x"); })}) {
    CAPTURE(message);
    CHECK(contains(message, "Permission denied; check the permissions"));
    CHECK(contains(message, scratch.path().string()));
  }
}

TEST_CASE("paths that lead nowhere are errors that say why") {
  const Scratch scratch;
  spill(scratch / "file", "x");
  make_directories(scratch / "directory");
  const auto message = [](const auto& action) { return message_of<InputError>(action); };
  CHECK(contains(message([&] { read_file(scratch / "nothing"); }),
                 "No such file or directory; check the path"));
  CHECK(!read_file_if_exists(scratch / "nothing"));
  CHECK(contains(message([&] { read_file(scratch / "directory"); }), "Is a directory"));
  CHECK(contains(message([&] { read_file(scratch / "file/below"); }), "Not a directory"));
  CHECK(contains(message([&] { make_directories(scratch / "file"); }), "a file stands where a directory"));
  CHECK(contains(message([&] { make_directories(scratch / "file/below"); }),
                 "a file stands where a directory"));
  CHECK(contains(message([&] { publish_new(scratch / "nowhere/x", bytes_of("x")); }), "No such file"));
  CHECK(
      contains(message([&] { replace_atomically(scratch / "directory", bytes_of("x")); }), "Is a directory"));
  CHECK(contains(message([&] { make_directories("/proc/impsweep"); }), "/proc/impsweep: cannot create"));
  CHECK(file_exists(scratch / "file"));
  CHECK_FALSE(file_exists(scratch / "file/below"));
  CHECK(scratch.names() == std::vector<std::string>{"directory", "file"});
}

TEST_CASE("directories are made with their parents, and again without complaint") {
  const Scratch scratch;
  make_directories(scratch / "a/b/c");
  make_directories(scratch / "a/b/c/");
  CHECK(fs::is_directory(scratch / "a/b/c"));
}

TEST_CASE("only old temporaries are removed") {
  const Scratch scratch;
  for (const char* name : {"old.h5.node.1.0.tmp", "new.h5.node.1.0.tmp", "old.h5", "old.tmp"})
    spill(scratch / name, "x");
  const auto two_days_ago = fs::file_time_type::clock::now() - std::chrono::hours(48);
  for (const char* name : {"old.h5.node.1.0.tmp", "old.h5", "old.tmp"})
    fs::last_write_time(scratch / name, two_days_ago);
  CHECK(remove_old_temporaries(scratch.path()) == 1);
  CHECK(scratch.names() == std::vector<std::string>{"new.h5.node.1.0.tmp", "old.h5", "old.tmp"});
  CHECK(remove_old_temporaries(scratch / "nowhere") == 0);
}

TEST_CASE("a file without a known length is read to its end") {
  CHECK(contains(read_text_file("/proc/self/status"), "Pid:"));
}

TEST_CASE("only names of our own pattern are temporary names") {
  CHECK(is_temporary_name("store.toml.node-1.77.0.tmp"));
  for (const char* name :
       {"draft.tmp", "a.1.tmp", "a.b.tmp", ".host.1.2.tmp", "a.host.1.x.tmp", "a.host.1.2"})
    CHECK_FALSE(is_temporary_name(name));
}

TEST_CASE("output follows links, and never goes into a store") {
  const Scratch scratch;
  std::filesystem::create_symlink("target", scratch / "link");
  write_output(scratch / "link", bytes_of("first"));
  CHECK(std::filesystem::is_symlink(scratch / "link"));
  CHECK(read_text_file(scratch / "target") == "first");
  write_output("/dev/null", bytes_of("gone"));
  CHECK(std::filesystem::is_character_file("/dev/null"));
  std::filesystem::create_directories(scratch / "store/rounds");
  spill(scratch / "store/store.toml", "x");
  CHECK(contains(message_of<InputError>([&] { write_output(scratch / "store/rounds/new", bytes_of("y")); }),
                 "lies in the store"));
  CHECK_FALSE(file_exists(scratch / "store/rounds/new"));
}

TEST_CASE("what is no plain file is named and not read") {
  const Scratch scratch;
  REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
  CHECK_FALSE(is_plain_file(scratch / "pipe"));
  CHECK(contains(message_of<InputError>([&] { read_file(scratch / "pipe"); }),
                 "pipe: is a named pipe where a file"));
}
