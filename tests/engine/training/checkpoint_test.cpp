// A training continues from its checkpoint to the same bits, and only from one that is its own.
#include "engine/training/checkpoint.hpp"

#include <doctest/doctest.h>

#include <set>

#include "engine/sweep/stop.hpp"
#include "engine/training/training.hpp"
#include "tests/engine/tiny_plan.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

struct Place {
  Scratch scratch;
  std::vector<std::string> warnings;
  Plan plan = tiny_plan(1);
  Store open(const std::string& cpu) {
    if (file_exists(scratch / "store/store.toml"))
      spill(scratch / "store/store.toml",
            fmt::format("schema = {}\n[fingerprint]\ncpu = \"{}\"\n", kStoreSchema, cpu));
    return Store::create_or_open(scratch / "store", {{"cpu", cpu}},
                                 [this](const std::string& warning) { warnings.push_back(warning); });
  }
  // Runs until `iterations` are done; to the end if there are fewer.
  std::optional<Record> run(const Store& store, std::size_t iterations, std::int64_t* start = nullptr) {
    std::set<std::int64_t> steps;
    Checkpoint checkpoint(store, plan, 0, std::chrono::hours(1));
    auto record = run_training(
        plan, 0, loader_from(store), Backend::kNative, 1,
        [&](const TrainingProgress& so_far) {
          steps.insert(so_far.env_steps);
          return steps.size() > iterations;
        },
        &checkpoint);
    if (start != nullptr) *start = checkpoint.start_step();
    return record;
  }
};

}  // namespace

TEST_CASE("a training that is stopped again and again gives the bits of an undisturbed one") {
  Place place;
  const Store store = place.open("a");
  const std::optional<Record> whole = place.run(store, 1000);
  REQUIRE(whole);
  std::int64_t start = -1;
  std::optional<Record> record = place.run(store, 1, &start);
  CHECK(start == 0);
  int stops = 0;
  for (; !record; ++stops) record = place.run(store, 2, &start);
  CHECK(stops >= 3);
  CHECK(start > 0);
  CHECK_FALSE(first_difference(*whole, *record, kProvenance));
}

TEST_CASE("a checkpoint of other numerics is put aside, and the training starts again") {
  Place place;
  CHECK_FALSE(place.run(place.open("a"), 2));
  std::int64_t start = -1;
  const Store other = place.open("b");
  CHECK(place.run(other, 1000, &start));
  CHECK(start == 0);
  REQUIRE(place.warnings.size() == 1);
  CHECK(place.warnings[0].find("cpu = 'a'") != std::string::npos);
  CHECK(other.checkpoints().empty());
}

TEST_CASE("a checkpoint whose state does not fit is put aside") {
  Place place;
  const Store store = place.open("a");
  CHECK_FALSE(place.run(store, 2));
  Record record = *store.load_checkpoint(place.plan.trainings[0].digest);
  std::get<std::vector<std::uint8_t>>(record.arrays["state"].values).resize(100);
  record.arrays["state"].shape = {100};
  store.save_checkpoint(place.plan.trainings[0].digest, record);
  std::int64_t start = -1;
  CHECK(place.run(store, 1000, &start));
  CHECK(start == 0);
  CHECK(place.warnings.size() >= 1);
}

TEST_CASE("durations as people and Slurm write them") {
  using std::chrono::milliseconds;
  CHECK(parse_duration("90s") == milliseconds(90'000));
  CHECK(parse_duration("0.25s") == milliseconds(250));
  CHECK(parse_duration("2h") == milliseconds(7'200'000));
  CHECK(parse_duration("1-02:03:04") == milliseconds(93'784'000));
  CHECK(parse_duration("00:10:00") == milliseconds(600'000));
  for (const char* text : {"", "soon", "-1s", "10:00", "1:2:3:4", "00:61:00", "5x", "00:10:00 "})
    CHECK_FALSE(parse_duration(text));
}
