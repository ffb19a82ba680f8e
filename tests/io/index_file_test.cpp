// What h5py and pandas make of the index is checked by index_h5py_test.py.
#include "io/index_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <stdexcept>

#include "io/error.hpp"
#include "io/files.hpp"
#include "io/hdf5.hpp"
#include "io/record_file.hpp"
#include "scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

Table rounds(std::size_t rows) {
  return {{{"seed", std::vector<std::int64_t>(rows, 3)}, {"chain", std::vector<std::string>(rows, "c")}}};
}

}  // namespace

// That they lead into the files, also after a move, index_h5py_test.py tells: our reader follows none.
TEST_CASE("links of the index are there before their files are, and are not followed") {
  const Scratch scratch;
  make_directories(scratch / "a/rounds/ab");
  IndexFile(scratch / "a/index.h5").replace(rounds(1), {{"c.ppo.s00", "r00", "rounds/ab/x.h5"}});
  CHECK_FALSE(Hdf5File::open_readonly(scratch / "a/index.h5").exists("chains/c.ppo.s00/r00"));

  Record record;
  record.attributes[""]["return"] = 1.5;
  record.arrays["curve"] = Array::vector<double>({1, 2});
  publish_new(scratch / "a/rounds/ab/x.h5", encode_record(record));
  std::filesystem::rename(scratch / "a", scratch / "b");
  const Hdf5File index = Hdf5File::open_readonly(scratch / "b/index.h5");
  CHECK(index.children("chains") == std::vector<std::string>{"c.ppo.s00"});
  CHECK(index.children("chains/c.ppo.s00") == std::vector<std::string>{"r00"});
  CHECK_FALSE(index.exists("chains/c.ppo.s00/r00"));
  CHECK(contains(message_of<InputError>([&] { index.attribute_names("chains/c.ppo.s00/r00"); }),
                 "is reached by a soft or external link, which is not followed"));
  CHECK(index.shape("rounds") == std::vector<std::uint64_t>{1});
}

TEST_CASE("an index of 3,000 rounds, and an empty one") {
  const Scratch scratch;
  std::vector<IndexLink> links;
  for (int i = 0; i < 3000; ++i)
    links.push_back(
        {fmt::format("cartpole.ppo.s{:02}", i / 30), fmt::format("r{:02}", i % 30), "rounds/00/x.h5"});
  IndexFile(scratch / "index.h5").replace(rounds(links.size()), links);
  const Hdf5File index = Hdf5File::open_readonly(scratch / "index.h5");
  CHECK(index.children("chains").size() == 100);
  CHECK(index.shape("rounds") == std::vector<std::uint64_t>{3000});

  IndexFile(scratch / "index.h5").replace(rounds(0), {});
  CHECK(Hdf5File::open_readonly(scratch / "index.h5").children("chains").empty());
}

TEST_CASE("an index grows at its end; a text too long for its column asks for a new one") {
  const Scratch scratch;
  const auto row = [](std::int64_t seed, std::string chain) {
    return Table{{{"seed", std::vector{seed}}, {"chain", std::vector{std::move(chain)}}}};
  };
  IndexFile index(scratch / "index.h5");
  index.replace(row(1, "a"), {{"a", "r00", "rounds/x.h5"}});
  for (std::int64_t seed = 2; seed <= 3000; ++seed)
    REQUIRE(index.append(row(seed, fmt::format("chain{}", seed)), {{"a", fmt::format("r{}", seed), "y"}}));
  const Bytes before = read_file(scratch / "index.h5");
  CHECK_FALSE(index.append(row(4000, std::string(40, 'x')), {{"b", "r00", "y"}}));
  CHECK(read_file(scratch / "index.h5") == before);
  const Hdf5File file = Hdf5File::open_readonly(scratch / "index.h5");
  CHECK(file.shape("rounds") == std::vector<std::uint64_t>{3000});
  CHECK(file.children("chains/a").size() == 3000);
  CHECK_THROWS_AS(index.append({{{"other", std::vector<std::int64_t>{1}}}}, {}), std::invalid_argument);
}

TEST_CASE("an index that makes no sense is a mistake of the caller, and the old one stays") {
  const Scratch scratch;
  IndexFile(scratch / "index.h5").replace(rounds(1), {});
  const Bytes before = read_file(scratch / "index.h5");
  const auto write = [&](const Table& table, const std::vector<IndexLink>& links) {
    IndexFile(scratch / "index.h5").replace(table, links);
  };
  CHECK_THROWS_AS(write({}, {}), std::invalid_argument);
  CHECK_THROWS_AS(write(rounds(1), {{"a/b", "r0", "x"}}), std::invalid_argument);
  CHECK_THROWS_AS(write(rounds(1), {{"a", "r0", "x"}, {"a", "r0", "x"}}), std::invalid_argument);
  CHECK(read_file(scratch / "index.h5") == before);
  CHECK(scratch.names() == std::vector<std::string>{"index.h5"});
}
