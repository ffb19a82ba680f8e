#include "engine/store/summary_cache.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>

#include "engine/job/job.hpp"
#include "engine/store/contents.hpp"
#include "io/files.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

// A store with a result for each training of a small job. The results hold their summary and nothing else.
struct FinishedStore {
  Scratch scratch;
  std::vector<std::string> warnings;
  Store store = Store::create_or_open(scratch / "store", {{"compiler", "any"}},
                                      [this](const std::string& warning) { warnings.push_back(warning); });
  Plan plan;

  FinishedStore() {
    const JobFile file = parse_job(
        "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"ppo\"]\nbaselines = [\"mask/weights\"]\n"
        "seeds = 2\nrounds = 3\n",
        "job.toml");
    std::vector<GridPoint> points = resolve({&file, 1});
    store.freeze_job(frozen_job(points));
    plan = expand(std::move(points));
    for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
      Record record;
      RoundSummary summary;
      summary.best_return = 100.0 + i;
      summary.env_steps = 1000 + i;
      const auto note = [&](const char* name, auto value) { record.attributes["result"][name] = value; };
      summary.visit(note);
      add_provenance(record, {}, 2.5, 2.0);
      store.publish(plan.trainings[i].digest, record);
    }
  }

  std::filesystem::path result(TrainingIndex i) const {
    return store.directory() / Store::round_file(plan.trainings[i].digest);
  }
  // A change at some time; clocks of file systems are too coarse to wait for.
  void touch(TrainingIndex i) const {
    std::filesystem::last_write_time(result(i),
                                     std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  }
};

}  // namespace

TEST_CASE("summaries are the same from the results and from summaries.h5") {
  FinishedStore finished;
  const StoreContents first = read_contents(finished.store);
  CHECK(first.opened == 6);
  write_summary_cache(finished.store, first.plan, first.summaries);
  const StoreContents second = read_contents(finished.store);
  CHECK(second.opened == 0);
  REQUIRE(second.summaries.size() == 6);
  for (const auto& [training, summary] : second.summaries) {
    CHECK(summary.best_return == 100.0 + training);
    CHECK(summary.env_steps == 1000 + training);
    CHECK(summary.wall_seconds == 2.5);
    CHECK(summary.file == stamp_of(finished.result(training)));
  }
}

TEST_CASE("a result that was changed since is opened again, and found out if it is damaged") {
  FinishedStore finished;
  const StoreContents first = read_contents(finished.store);
  write_summary_cache(finished.store, first.plan, first.summaries);
  finished.touch(0);
  CHECK(read_contents(finished.store).opened == 1);
  std::string bytes = read_text_file(finished.result(1));
  bytes[bytes.size() / 2] ^= 1;
  spill(finished.result(1), bytes);
  finished.touch(1);
  std::filesystem::remove(finished.result(2));
  const StoreContents now = read_contents(finished.store);
  CHECK(now.summaries.size() == 4);
  CHECK_FALSE(now.summaries.contains(1));
  CHECK_FALSE(now.summaries.contains(2));
  CHECK(finished.warnings.size() == 1);
}

TEST_CASE("a damaged summaries.h5 is as good as none") {
  FinishedStore finished;
  const StoreContents first = read_contents(finished.store);
  write_summary_cache(finished.store, first.plan, first.summaries);
  const std::filesystem::path file = finished.store.directory() / "summaries.h5";
  const std::string whole = read_text_file(file);
  for (const std::size_t length : {std::size_t{0}, std::size_t{600}, whole.size() / 2, whole.size() - 1}) {
    spill(file, whole.substr(0, length));
    CHECK(read_summary_cache(finished.store).empty());
    CHECK(read_contents(finished.store).summaries.size() == 6);
  }
  spill(file, whole);
  CHECK(read_summary_cache(finished.store).size() == 6);
}
