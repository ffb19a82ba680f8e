// A finished round is trained again from its file: inside its store, copied out of it, and with another's
// parents.
#include "engine/store/rerun.hpp"

#include <doctest/doctest.h>

#include "engine/training/fingerprint.hpp"
#include "io/files.hpp"
#include "io/record_file.hpp"
#include "tests/engine/tiny_plan.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

bool never(const TrainingProgress&) {
  return false;
}

// Both rounds of a chain, trained; the job is frozen in the store if it is asked for.
struct TrainedStore {
  Scratch scratch;
  Store store = Store::create_or_open(scratch / "store", numerics_fingerprint(Backend::kNative));
  Plan plan = tiny_plan(2);

  explicit TrainedStore(bool with_job = true) {
    if (with_job) store.freeze_job(frozen_job(plan.points));
    for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
      std::optional<Record> record = run_training(plan, i, loader_from(store), Backend::kNative, 1, never);
      add_provenance(*record, provenance_texts(Backend::kNative), 1, 1);
      store.publish(plan.trainings[i].digest, *record);
    }
  }

  std::filesystem::path file(TrainingIndex i) const {
    return store.directory() / Store::round_file(plan.trainings[i].digest);
  }
  std::filesystem::path copy(TrainingIndex i) const {
    std::filesystem::copy_file(file(i), scratch / "copy.h5",
                               std::filesystem::copy_options::overwrite_existing);
    return scratch / "copy.h5";
  }
};

std::string refusal(const std::filesystem::path& file,
                    const std::optional<std::filesystem::path>& store = std::nullopt) {
  return message_of<InputError>([&] { rerun_file(file, store, never); });
}

bool is_equal(const Recomputation& again) {
  return again.complete && !again.difference;
}

}  // namespace

TEST_CASE("a round is trained again to the same bits, by the jobs of its store or by its recipe") {
  for (const bool with_job : {true, false}) {
    const TrainedStore trained(with_job);
    for (const TrainingIndex i : {0u, 1u}) {
      const Recomputation again = rerun_file(trained.file(i), std::nullopt, never);
      CHECK(is_equal(again));
      CHECK(contains(again.name, "cartpole.ppo.8."));
    }
    CHECK(is_equal(rerun_file(trained.copy(0), std::nullopt, never)));  // it depends on nothing
    CHECK(contains(refusal(trained.copy(1)), "depends on 1 other training, first " +
                                                 std::string(trained.plan.trainings[0].digest.digits())));
    CHECK(is_equal(rerun_file(trained.copy(1), trained.store.directory(), never)));
    std::filesystem::remove(trained.file(0));
    CHECK(contains(refusal(trained.file(1)), "does not hold"));
  }
}

TEST_CASE("the first place that differs is named") {
  const TrainedStore trained;
  Record record = read_record_file(trained.file(0));
  std::get<double>(record.attributes["result"]["best_return"]) += 1;
  replace_atomically(trained.file(0), encode_record(record));
  const Recomputation again = rerun_file(trained.file(0), std::nullopt, never);
  REQUIRE(again.difference);
  CHECK(again.difference->place == "result@best_return");
}

TEST_CASE("what cannot be computed again is refused, and says why") {
  const TrainedStore trained;
  const auto altered = [&](const std::function<void(Record&)>& change) {
    Record record = read_record_file(trained.file(0));
    change(record);
    replace_atomically(trained.scratch / "altered.h5", encode_record(record));
    return refusal(trained.scratch / "altered.h5");
  };
  CHECK(contains(refusal(trained.scratch / "absent.h5"), "absent.h5"));
  spill(trained.scratch / "cut.h5", read_text_file(trained.file(0)).substr(0, 3000));
  CHECK(contains(refusal(trained.scratch / "cut.h5"), "cut.h5"));
  CHECK(contains(altered([](Record& record) {
                   std::string& recipe = std::get<std::string>(record.attributes[""]["recipe"]);
                   recipe.replace(recipe.find("task_semantics = 1"), 18, "task_semantics = 9");
                 }),
                 "semantics 9"));
  CHECK(contains(
      altered([](Record& record) { record.attributes["provenance"]["compiler"] = std::string("another"); }),
      "compiler = 'another'"));
  CHECK(contains(refusal(trained.file(0), trained.scratch / "nowhere"), "there is no such store"));
}

TEST_CASE("it can be stopped") {
  const TrainedStore trained;
  CHECK_FALSE(
      rerun_file(trained.file(0), std::nullopt, [](const TrainingProgress&) { return true; }).complete);
}
