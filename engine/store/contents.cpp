#include "engine/store/contents.hpp"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <unordered_map>

#include "engine/plan/chain_group.hpp"
#include "engine/store/summary_cache.hpp"
#include "io/error.hpp"
#include "io/files.hpp"

namespace impsweep {
namespace {

struct StoredJob {
  std::string digest;
  std::vector<GridPoint> points;
};

std::vector<GridPoint> all_points(const std::vector<StoredJob>& jobs) {
  std::vector<GridPoint> points;
  for (const StoredJob& job : jobs) points.insert(points.end(), job.points.begin(), job.points.end());
  return points;
}

// Gives variants of a job that describe other chains of a name that an earlier job has a name of their own.
void mark_clashes(std::vector<StoredJob>& jobs) {
  std::unordered_map<std::string, std::vector<TrainingId>> chains;
  for (StoredJob& job : jobs) {
    const Plan plan = expand(job.points);
    std::set<std::string> clashing;
    for (const Chain& chain : plan.chains) {
      if (!joins(chains[chain.name], digests_of(plan, chain))) clashing.insert(chain.variant);
    }
    for (GridPoint& point : job.points)
      if (clashing.contains(point.variant)) point.variant += "-job" + job.digest.substr(0, 8);
  }
}

}  // namespace

Plan plan_of_store(const Store& store) {
  std::vector<StoredJob> jobs;
  for (const FrozenJob& job : store.jobs()) {
    const JobFile file = parse_job(job.text, (store.directory() / "jobs" / (job.digest + ".toml")).string());
    jobs.push_back({job.digest, resolve({&file, 1})});
  }
  try {
    return expand(all_points(jobs));
  } catch (const ChainClash&) {  // rare, and costs a plan of each job
    mark_clashes(jobs);
    return expand(all_points(jobs));
  }
}

std::size_t read_summaries(const Store& store, const Plan& plan, RoundSummaries& known) {
  const Digests finished = store.finished();
  const SummaryCache cache = read_summary_cache(store);
  std::size_t opened = 0;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    if (known.contains(i) || !finished.contains(plan.trainings[i].digest.digits())) continue;
    const TrainingId& digest = plan.trainings[i].digest;
    const FileStamp file = store.stamp(digest);
    const auto cached = cache.find(digest);
    if (cached != cache.end() && cached->second.file == file) {
      known[i] = cached->second;
    } else if (const std::optional<Record> record = store.load(digest, RecordPart::kAttributes)) {
      known[i] = read_summary(*record);
      known[i].file = file;
      ++opened;
    }
  }
  return opened;
}

const RoundSummary* StoreContents::find(const TrainingId& digest) const {
  const auto known = index.find(digest);
  if (known == index.end()) return nullptr;
  const auto found = summaries.find(known->second);
  return found == summaries.end() ? nullptr : &found->second;
}

StoreContents read_contents(const Store& store) {
  StoreContents contents;
  contents.plan = plan_of_store(store);
  contents.opened = read_summaries(store, contents.plan, contents.summaries);
  contents.index.reserve(contents.plan.trainings.size());
  for (TrainingIndex i = 0; i < contents.plan.trainings.size(); ++i)
    contents.index[contents.plan.trainings[i].digest] = i;
  return contents;
}

CostModel learned_costs(const Plan& plan, const FindSummary& find) {
  CostModel costs;
  std::optional<CostClasses> classes;  // of a whole plan: made only if something is known
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i)
    if (const RoundSummary* summary = find(i)) {
      if (!classes) classes.emplace(plan);
      costs.observe(classes->of(i), summary->wall_seconds);
    }
  return costs;
}

}  // namespace impsweep
