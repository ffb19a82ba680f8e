// engine/store/contents.hpp - everything that a store's jobs ask for, as one plan, and what of it is done.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "engine/calibration/calibration.hpp"
#include "engine/plan/cost_model.hpp"
#include "engine/plan/plan.hpp"
#include "engine/training/round_record.hpp"
#include "io/store.hpp"

namespace impsweep {

// Jobs may describe different chains of one name (the same grid with another budget, say). The variant of the
// later one is then marked with the first digits of its job's digest, so that every name means one chain.
// A job that this version does not understand is warned of and left out; `unread` counts those.
Plan plan_of_store(const Store&, std::size_t* unread = nullptr);

// What the jobs frozen in a store say of environments that Python plays counts for jobs that are read from
// now on. Does nothing where there is no store.
void remember_external_tasks(const std::filesystem::path& store);

// Results that no job of the store asks for, as after a loss of jobs.
std::size_t unclaimed_results(const Store&, const Plan&);

// Warns of such results; InputError if there is nothing else, so that nobody takes a store without its
// jobs for an empty one.
void require_jobs(const Store&, const Plan&);

// InputError if it is a pack without weights, which this command needs.
void require_weights(const Store&, const std::string& command);

// A name in a store belongs to the job that used it first. Throws InputError with the keys that differ, and
// the remedy, if one of these points has the name of others that were trained with other settings.
void require_names_free(const Store&, const std::vector<GridPoint>&, const std::string& remedy);

// Reads the summaries of all finished trainings of the plan that `known` does not have yet. Returns how many
// results had to be opened for it, as summaries.h5 did not know them.
std::size_t read_summaries(const Store&, const Plan&, RoundSummaries& known);

// The trainings that a store's jobs ask for, and those of them whose results are there, whole and undamaged;
// damaged files are moved to quarantine.
struct StoreContents {
  Plan plan;
  RoundSummaries summaries;
  std::unordered_map<TrainingId, TrainingIndex> index;  // of the plan's trainings
  std::size_t opened = 0;                               // results, as read_summaries() counts them

  const RoundSummary* find(const TrainingId&) const;  // null if it is not there
};
StoreContents read_contents(const Store&);

// A model of costs that has learned from every training of the plan of which `find` knows the summary; null:
// it does not.
using FindSummary = std::function<const RoundSummary*(TrainingIndex)>;
CostModel learned_costs(const Plan&, const FindSummary& find, Rates rates = known_rates());

}  // namespace impsweep
