// Rank 0 of a large sweep: the genuine coordinator with a genuine store and a thousand or ten thousand ranks
// whose trainings take simulated time, as long as they are predicted to take, on the plan of the whole paper.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "engine/bench/bench.hpp"
#include "engine/bench/paper_jobs.hpp"
#include "engine/plan/longest_chain.hpp"
#include "engine/sweep/simulation.hpp"
#include "engine/sweep/store_ledger.hpp"
#include "engine/training/fingerprint.hpp"

namespace impsweep {
namespace {

namespace fs = std::filesystem;

// On a disk, but for what people see, which comes by simulated time.
class SilentLedger final : public StoreLedger {
 public:
  using StoreLedger::StoreLedger;
  void set_clock(const Simulation& simulation) { simulation_ = &simulation; }
  void say(const std::string&) override {}
  bool display_is_due() const override { return simulation_ != nullptr && simulation_->now() >= next_; }
  void show(const SweepProgress&) override { next_ = simulation_->now() + kInterval; }

 private:
  static constexpr double kInterval = 30;
  const Simulation* simulation_ = nullptr;
  double next_ = kInterval;
};

// In memory where there is such a directory: hours of a sweep pass in seconds here, and a file system on a
// disk is slow to give out again the places of leases that were deleted a moment ago.
fs::path directory_for_stores() {
  const fs::path memory = "/dev/shm";
  return fs::is_directory(memory) && ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
}

class TemporaryStore {
 public:
  TemporaryStore()
      : path_(directory_for_stores() / fmt::format("impsweep-bench-{}", ::getpid())),
        store_(Store::create_or_open(path_, numerics_fingerprint(Backend::kNative))) {}
  ~TemporaryStore() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryStore(const TemporaryStore&) = delete;
  TemporaryStore& operator=(const TemporaryStore&) = delete;
  const Store& store() const { return store_; }

 private:
  fs::path path_;
  Store store_;
};

double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

std::vector<BenchRow> measure_rank_zero(int ranks) {
  const double before = resident_megabytes();
  const TemporaryStore directory;
  const Store& store = directory.store();
  const Plan plan = paper_plan();
  store.freeze_job(frozen_job(plan.points));
  const CostClasses classes(plan);
  const std::vector<CostEstimate> estimates = classes.estimates(CostModel());
  SilentLedger ledger(plan, store, ranks, std::chrono::seconds(10));
  SimulatedConditions conditions;
  conditions.ranks = ranks;
  conditions.rank_zero_works = false;
  const std::chrono::seconds lost_after(static_cast<int>(conditions.lost_after));
  conditions.heartbeat_interval =
      std::chrono::duration<double>(sign_of_life_interval(lost_after, ranks)).count();
  conditions.measures_cpu = true;
  conditions.ends_after = plan.trainings.size() * 3 / 4;
  conditions.attempt = [&](TrainingIndex training, int) {
    return SimulatedAttempt{.seconds = estimates[classes[training]].seconds};
  };
  conditions.store_result = [&](TrainingIndex training) {
    const fs::path file = store.directory() / Store::round_file(plan.trainings[training].digest);
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "simulated";
  };
  Simulation simulation(plan, ledger, std::vector<bool>(plan.trainings.size(), true), conditions);
  ledger.set_clock(simulation);
  const SimulatedOutcome outcome = simulation.run();
  const double grown = resident_megabytes() - before;
  const Scheduler::Counts counts = simulation.coordinator().scheduler().counts();
  const std::size_t trainings = outcome.done;
  if (counts.failed > 0 || trainings != conditions.ends_after)
    throw std::runtime_error(
        fmt::format("rank0/{}: {} trainings done, {} failed", ranks, trainings, counts.failed));
  const auto messages = static_cast<double>(outcome.messages_to_rank_zero + outcome.messages_of_rank_zero);
  const double hours = simulation.now() / 3600;
  const std::string name = fmt::format("rank0/{}", ranks);
  return {
      {.name = name + "/time-of-a-training",
       .value = 1000 * outcome.rank_zero_cpu_seconds / static_cast<double>(trainings),
       .unit = "ms",
       .target = 0.1,
       .note = fmt::format("{} of {} trainings done in {:.1f} h of {:.1f} h, {:.0f} messages a second, "
                           "{:.2f} % of a core, longest turn {:.0f} ms, {:.0f} MB",
                           trainings, plan.trainings.size(), hours,
                           forecast(plan, CostModel(), ranks - 1).seconds / 3600, messages / simulation.now(),
                           100 * outcome.rank_zero_cpu_seconds / simulation.now(),
                           1000 * outcome.longest_cpu_seconds, grown)},
      {.name = name + "/idle-beside-ready-trainings",
       .value = 100 * outcome.idle_seconds / (outcome.idle_seconds + outcome.busy_seconds),
       .unit = "%",
       .target = 1.0,
       .note = fmt::format("from {:.1f} h on nothing is ready for some ranks", outcome.tail_begins / 3600)}};
}

// What the end of a sweep on many ranks waits for, and what shortens it: by predicted durations, without
// messages.
std::vector<BenchRow> measure_tail() {
  const Plan plan = paper_plan();
  std::vector<ScheduledTraining> trainings = scheduled_trainings(plan, CostModel());
  std::vector<double> seconds;
  for (const ScheduledTraining& training : trainings) seconds.push_back(training.seconds);
  std::vector<ScheduledTraining> unpriced =
      trainings;  // their paths are all alike: the order of the job decides
  for (ScheduledTraining& training : unpriced) training.seconds = 0;
  std::vector<BenchRow> rows;
  for (const int ranks : {50, 100, 200, 1000}) {
    const double heaviest_first = makespan_seconds(Scheduler(trainings), seconds, ranks) / 3600;
    const double as_listed = makespan_seconds(Scheduler(unpriced), seconds, ranks) / 3600;
    const double least = Scheduler(trainings).eta_seconds(ranks) / 3600;
    rows.push_back({.name = fmt::format("tail/heaviest-first/{}-ranks", ranks),
                    .value = heaviest_first,
                    .unit = "h",
                    .reference_name = "order of the job",
                    .reference = as_listed,
                    .ratio = as_listed / heaviest_first,
                    .note = fmt::format("no order needs less than {:.1f} h", least)});
  }
  // Threads that step environments can save no more than all that is not learning.
  for (TrainingIndex i = 0; i < trainings.size(); ++i) {
    const CostCourse& course = cost_class(plan, i).course;
    trainings[i].seconds = seconds[i] * course.learning / course.total();
  }
  const double longest = longest_chain(plan, CostModel()).seconds / 3600;
  const double learning = Scheduler(trainings).eta_seconds(1'000'000'000) / 3600;
  rows.push_back({.name = "tail/longest-chain",
                  .value = longest,
                  .unit = "h",
                  .reference_name = "learning alone",
                  .reference = learning,
                  .ratio = learning / longest,
                  .note = longest_chain(plan, CostModel()).name});
  return rows;
}

}  // namespace

Plan paper_plan() {
  constexpr std::string_view kMark = "#### ";
  std::string_view text = paper_jobs_text();
  std::vector<JobFile> files;
  while (text.starts_with(kMark)) {
    const std::size_t line = text.find('\n'), next = text.find("\n#### ", line);
    const std::string name(text.substr(kMark.size(), line - kMark.size()));
    const std::size_t end = next == std::string_view::npos ? text.size() : next + 1;
    files.push_back(parse_job(std::string(text.substr(line, end - line)), name));
    text.remove_prefix(end);
  }
  // A data set whose content is named is not read.
  for (JobFile& file : files)
    for (JobSweep& sweep : file.sweeps)
      if (std::ranges::find(sweep.entries, "digits.path", &JobEntry::key) != sweep.entries.end())
        sweep.entries.push_back({"digits.content", {std::string(32, 'a')}, sweep.place});
  return make_plan(files);
}

std::vector<BenchCase> rank_zero_cases() {
  return {{"rank0/1000", [] { return measure_rank_zero(1000); }},
          {"rank0/10000", [] { return measure_rank_zero(10'000); }},
          {"tail", measure_tail}};
}

}  // namespace impsweep
