#include "engine/store/contents.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "engine/plan/identity.hpp"
#include "engine/store/summary_cache.hpp"
#include "engine/training/version.hpp"
#include "io/error.hpp"
#include "io/files.hpp"
#include "io/json_field.hpp"

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

// Gives variants of a job whose chains have the name of others in an earlier job, trained with other
// settings, a name of their own. Such jobs are refused today; older stores may hold them.
void mark_clashes(std::vector<StoredJob>& jobs) {
  std::vector<GridPoint> known;
  for (StoredJob& job : jobs) {
    for (int copy = 1;; ++copy) {
      const std::vector<IdentityClash> clashes = identity_clashes(known, job.points);
      if (clashes.empty()) break;
      std::set<const GridPoint*> others;
      for (const IdentityClash& clash : clashes) others.insert(clash.other);
      for (GridPoint& point : job.points)
        if (others.contains(&point))
          point.variant += copy == 1 ? "-job" + job.digest.substr(0, 8) : fmt::format("-{}", copy);
    }
    known.insert(known.end(), job.points.begin(), job.points.end());
  }
}

// The versions of this program that have run on a store.
std::set<std::string> versions_of(const Store& store) {
  std::set<std::string> versions;
  store.read_events([&](const std::string&, const nlohmann::json& event) {
    if (field_or<std::string>(event, "type", "") == "run-start")
      versions.insert(field_or<std::string>(event, "version", "of an unknown version"));
  });
  return versions;
}

// Frozen jobs of a store, and how many of them this version does not understand.
struct ReadJobs {
  std::vector<StoredJob> understood;
  std::size_t unread = 0;
};

// The points of those sweeps that this version understands; the reason why it does not understand
// another one, which is empty if there is none.
std::pair<std::vector<GridPoint>, std::string> understood_points(const FrozenJob& job,
                                                                 const std::string& path) {
  std::vector<GridPoint> points;
  std::string reason;
  try {
    const JobFile file = parse_job(job.text, path);
    for (const JobSweep& sweep : file.sweeps) {
      const JobFile alone = {path, {sweep}};
      try {
        std::ranges::move(resolve_frozen(alone), std::back_inserter(points));
      } catch (const InputError& error) {
        reason = error.what();
      }
    }
  } catch (const InputError& error) {
    reason = error.what();
  }
  return {std::move(points), std::move(reason)};
}

ReadJobs read_jobs(const Store& store) {
  std::vector<StoredJob> jobs;
  std::size_t unread = 0;
  for (const FrozenJob& job : store.jobs()) {
    const std::string path = (store.directory() / "jobs" / (job.digest + ".toml")).string();
    auto [points, reason] = understood_points(job, path);
    jobs.push_back({job.digest, std::move(points)});
    if (reason.empty()) continue;
    ++unread;
    store.warn(
        fmt::format("{}: impsweep {} does not understand a part of this job and leaves its trainings out "
                    "(the store was written "
                    "by impsweep {}): {}",
                    path, program_version(), fmt::join(versions_of(store), ", "), reason));
  }
  mark_clashes(jobs);
  return {std::move(jobs), unread};
}

}  // namespace

Plan plan_of_store(const Store& store, std::size_t* unread) {
  const ReadJobs jobs = read_jobs(store);
  if (unread != nullptr) *unread = jobs.unread;
  return expand(all_points(jobs.understood));
}

void remember_external_tasks(const std::filesystem::path& store) {
  if (!file_exists(store / "store.toml")) return;
  try {
    for (const FrozenJob& job : Store::open(store).jobs())
      if (job.text.find("gymnasium.spaces") != std::string::npos) understood_points(job, job.digest);
  } catch (const InputError&) {
    // Whoever opens the store for its own sake says what is wrong with it.
  }
}

void require_names_free(const Store& store, const std::vector<GridPoint>& points, const std::string& remedy) {
  const std::vector<GridPoint> known = all_points(read_jobs(store).understood);
  const std::vector<IdentityClash> clashes = identity_clashes(known, points);
  if (clashes.empty()) return;
  const IdentityClash& clash = clashes.front();
  throw InputError("{}: in {} the name '{}' belongs to results of other settings ({}); {}",
                   clash.other->place, store.directory().string(), group_of(*clash.other).name(), clash.keys,
                   remedy);
}

std::size_t unclaimed_results(const Store& store, const Plan& plan) {
  Digests unclaimed = store.finished();
  for (const TrainingNode& node : plan.trainings)
    if (const auto found = unclaimed.find(node.digest.digits()); found != unclaimed.end())
      unclaimed.erase(found);
  return unclaimed.size();
}

void require_jobs(const Store& store, const Plan& plan) {
  const std::size_t unclaimed = unclaimed_results(store, plan);
  if (unclaimed == 0) return;
  const std::string what = fmt::format("{}: holds {} result{} that no job of it asks for",
                                       store.directory().string(), unclaimed, unclaimed == 1 ? "" : "s");
  constexpr const char* kRemedy = "copy jobs/*.toml back, or run the job files on it again";
  if (plan.trainings.empty()) throw InputError("{}, and no jobs that it can be read by; {}", what, kRemedy);
  store.warn(fmt::format("{}, and that are left out; {}", what, kRemedy));
}

void require_weights(const Store& store, const std::string& command) {
  if (store.has_weights()) return;
  throw InputError(
      "{}: is a summary without weights, which `impsweep {}` needs; take the store or a whole pack",
      store.directory().string(), command);
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

CostModel learned_costs(const Plan& plan, const FindSummary& find, Rates rates) {
  CostModel costs(std::move(rates));
  std::optional<CostClasses> classes;  // of a whole plan: made only if something is known
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i)
    if (const RoundSummary* summary = find(i)) {
      if (!classes) classes.emplace(plan);
      costs.observe(classes->of(i), summary->cpu_seconds);
    }
  return costs;
}

}  // namespace impsweep
