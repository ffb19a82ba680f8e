// write_sample_store DIRECTORY - a small store with an index, for index_h5py_test.py to look at from outside.
#include <fmt/format.h>

#include <cstdio>
#include <limits>

#include "io/index_file.hpp"
#include "io/store.hpp"

using namespace impsweep;

namespace {

void write_store(const char* directory) {
  const Store store = Store::create_or_open(directory, {{"compiler", "any"}});
  std::vector<IndexLink> links;
  std::vector<std::string> chains, rounds, notes;
  std::vector<std::int64_t> seeds;
  std::vector<double> returns;
  for (int seed = 0; seed < 3; ++seed)
    for (int round = 0; round < 4; ++round) {
      const std::string digest = sha256_hex(bytes_of(fmt::format("{}/{}", seed, round)));
      const double value =
          seed == 2 && round == 3 ? std::numeric_limits<double>::quiet_NaN() : seed + 0.1 * round;
      Record record;
      record.attributes[""] = {{"return", value}, {"recipe", "task = \"cartpole\"\n"}, {"note", "naïve"}};
      record.attributes["settings"] = {{"hidden", std::vector<std::int64_t>{128, 64}},
                                       {"names", std::vector<std::string>{"actor/0", "critic"}}};
      record.attributes["provenance"]["host"] = "node1";
      record.arrays["curve/mean"] = Array::vector<double>({value, value + 1});
      record.arrays["weights/actor/0"] = {{30, 40, 10},
                                          std::vector<float>(12'000, 0.25F * static_cast<float>(round))};
      record.arrays["mask"] = Array::matrix<std::uint8_t>(2, 3, {1, 0, 1, 1, 0, 0});
      store.publish(digest, record);
      chains.push_back(fmt::format("cartpole.ppo.128-128.default.mask-weights.s{:02}", seed));
      rounds.push_back(fmt::format("r{:02}", round));
      notes.push_back(round == 1 ? "naïve" : "");
      seeds.push_back(seed);
      returns.push_back(value);
      links.push_back({chains.back(), rounds.back(), Store::round_file(digest)});
    }
  IndexFile(store.directory() / "index.h5")
      .replace(
          {{{"chain", chains}, {"round", rounds}, {"seed", seeds}, {"return", returns}, {"note", notes}}},
          links);
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 2) return 2;
  try {
    write_store(arguments[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
