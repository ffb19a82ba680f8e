#include "engine/store/rerun.hpp"

#include <algorithm>

#include "engine/job/external_task.hpp"
#include "engine/plan/recipe_plan.hpp"
#include "engine/store/contents.hpp"
#include "engine/training/fingerprint.hpp"
#include "io/error.hpp"
#include "io/files.hpp"
#include "io/record_file.hpp"

namespace impsweep {
namespace {

struct Place {
  Plan plan;
  TrainingIndex training = 0;
};

// The store of which the file is a result, by where it lies.
std::optional<Store> store_around(const std::filesystem::path& file, const TrainingId& digest) {
  const std::filesystem::path path = std::filesystem::weakly_canonical(file);
  const std::filesystem::path directory = path.parent_path().parent_path().parent_path();
  if (path != directory / Store::round_file(digest) || !file_exists(directory / "store.toml"))
    return std::nullopt;
  return Store::open(directory);
}

// Where a store's jobs ask for the training.
std::optional<Place> place_in_jobs(const Store& store, const TrainingId& digest) {
  Plan plan = plan_of_store(store);
  const auto found = std::ranges::find(plan.trainings, digest, &TrainingNode::digest);
  if (found == plan.trainings.end()) return std::nullopt;
  const auto training = static_cast<TrainingIndex>(found - plan.trainings.begin());
  return Place{std::move(plan), training};
}

Place place_in_recipe(const Recipe& recipe, const std::string& origin) {
  Plan plan = plan_of_recipe(recipe, origin);
  const auto training = static_cast<TrainingIndex>(plan.trainings.size() - 1);
  return {std::move(plan), training};
}

void require_parents(const Place& place, const std::optional<Store>& store,
                     const std::vector<TrainingId>& diverged, const std::string& origin) {
  std::size_t missing = 0;
  std::string first;
  for (const TrainingIndex parent : place.plan.dependencies(place.training)) {
    const TrainingId& digest = place.plan.trainings[parent].digest;
    if ((store && store->has(digest)) || std::ranges::count(diverged, digest) > 0) continue;
    if (missing++ == 0) first = digest.digits();
  }
  if (missing == 0) return;
  if (!store)
    throw InputError(
        "{}: it depends on {} other training{}, first {}; take the file where it lies in its store, or name "
        "with --store one that holds {}",
        origin, missing, missing == 1 ? "" : "s", first, missing == 1 ? "it" : "them");
  throw InputError(
      "{}: it depends on {} training{} that {} does not hold, first {}; run the job again to compute {}, or "
      "name another --store",
      origin, missing, missing == 1 ? "" : "s", store->directory().string(), first,
      missing == 1 ? "it" : "them");
}

// The numerics that a result says it was computed with.
Fingerprint numerics_in(const Record& record) {
  const std::string group(kProvenance);
  Fingerprint entries;
  for (const auto& [name, value] : numerics_fingerprint(Backend::kTorch))
    if (record.has_attribute(group, name)) entries[name] = record.text(group, name);
  return entries;
}

}  // namespace

Recomputation recompute(const Plan& plan, TrainingIndex training, const RoundLoader& load, Backend backend,
                        const Record& stored, const StopQuestion& should_stop) {
  Recomputation result;
  result.name = training_name(plan, training);
  try {
    const std::optional<Record> record = run_training(plan, training, load, backend, 1, should_stop);
    result.complete = record.has_value();
    if (record) result.difference = first_difference(stored, *record, kProvenance);
  } catch (const TrainingFailure& failure) {
    result.difference = {"training", failure.what()};
  }
  return result;
}

Recomputation rerun_file(const std::filesystem::path& file,
                         const std::optional<std::filesystem::path>& directory,
                         const StopQuestion& should_stop) {
  const Record stored = read_record_file(file);
  const std::string& text = stored.text("", "recipe");
  const TrainingId digest = digest_of_bytes(text);
  const std::optional<Store> store = directory ? Store::open(*directory) : store_around(file, digest);
  std::optional<Place> place;
  if (store) place = place_in_jobs(*store, digest);
  if (!place) place = place_in_recipe(parse_recipe(text, stored.origin), stored.origin);
  if (!is_reproducible(place->plan.settings[place->plan.trainings[place->training].settings]))
    throw InputError(
        "{}: episodes of its task do not repeat (not reproducible), so that there is nothing to compare",
        stored.origin);
  require_parents(*place, store, diverged_candidates(stored), stored.origin);
  const Backend backend = backend_with_numerics(numerics_in(stored), stored.origin);
  for (const auto& [entry, here] : numerics_of(task_of(place->plan, place->training), backend))
    if (stored.has_attribute(std::string(kProvenance), entry))
      if (const std::string& there = stored.text(std::string(kProvenance), entry); there != here)
        throw InputError(
            "{}: computed with {} {}, this machine has {}; compute it again on a machine of that kind",
            stored.origin, entry, there, here);
  // Without a store nothing is loaded.
  const RoundLoader load = store ? loader_from(*store, diverged_candidates(stored)) : RoundLoader();
  return recompute(place->plan, place->training, load, backend, stored, should_stop);
}

}  // namespace impsweep
