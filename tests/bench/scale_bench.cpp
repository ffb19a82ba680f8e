// Sweeps at scale: what rank 0 and people wait for in a store of 100,000 chains. The rounds are made up.
//
//   build/tests/bench_scale [ROUNDS]      rounds of each chain, 1 by default
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

#include "engine/fingerprint.hpp"
#include "engine/plan_summary.hpp"
#include "engine/store_index.hpp"
#include "engine/store_status.hpp"
#include "io/job_file.hpp"

using namespace impsweep;

namespace {

constexpr int kSeeds = 12'500;  // times two tasks and four baselines
constexpr std::size_t kNewTrainings = 1000;

JobFile job(int rounds) {
  return parse_job(fmt::format(R"(
[[sweep]]
name = "scale"
tasks = ["cartpole", "acrobot"]
algorithms = ["ppo"]
baselines = ["mask/weights", "mask/permuted", "permuted/permuted", "random/re-init"]
seeds = {}
rounds = {}
)",
                               kSeeds, rounds),
                   "scale.toml");
}

// Seconds that an action takes, printed.
template <class Action>
auto timed(const std::string& name, Action&& action) {
  const auto start = std::chrono::steady_clock::now();
  auto result = action();
  fmt::print("{:<58} {:8.3f} s\n", name,
             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return result;
}

double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096 / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 1;
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / fmt::format("impsweep-scale-{}", getpid());
  const JobFile file = job(rounds);
  std::vector<GridPoint> points = resolve({&file, 1});
  const Store store = Store::create_or_open(directory, numerics_fingerprint(Backend::kNative));
  store.freeze_job(frozen_job(points));

  const Plan plan = timed("plan", [&] { return expand(points); });
  fmt::print("  {} chains, {} trainings\n", plan.chains.size(), plan.trainings.size());
  timed("makespan on 100 ranks", [&] { return summarize(plan, CostModel(), 100); });
  timed("status", [&] { return read_status(store, plan_of_store(store)); });

  // All but the last thousand trainings are in the index when those come.
  RoundSummaries summaries;
  std::vector<TrainingIndex> later;
  for (TrainingIndex i = 0; i + kNewTrainings < plan.trainings.size(); ++i)
    summaries[i].best_return = i % 500;
  StoreIndex index(store, plan);
  timed("index of all but 1,000 trainings, written", [&] {
    index.write(summaries);
    return 0;
  });
  for (std::size_t i = plan.trainings.size() - kNewTrainings; i < plan.trainings.size(); ++i) {
    later.push_back(static_cast<TrainingIndex>(i));
    summaries[later.back()].best_return = 1;
  }
  timed("1,000 trainings added to the index", [&] {
    index.add(later, summaries);
    return 0;
  });
  fmt::print("  index of {:.0f} MB\n",
             static_cast<double>(std::filesystem::file_size(directory / "index.h5")) / 1e6);
  fmt::print("{:<58} {:8.1f} MB\n", "resident memory", resident_megabytes());
  std::filesystem::remove_all(directory);
}
