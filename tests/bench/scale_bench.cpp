// Sweeps at scale: what rank 0 and people wait for in a store of 100,000 chains, of which 100,000 trainings
// are finished. Their files and events are real, their content is made up.
//
//   build/tests/bench_scale [ROUNDS [keep]]   rounds of each chain, 2 by default, at most 10; keep leaves it
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

#include "engine/plan/plan_summary.hpp"
#include "engine/store/index.hpp"
#include "engine/store/journal.hpp"
#include "engine/store/status.hpp"
#include "engine/store/summary_cache.hpp"
#include "engine/training/fingerprint.hpp"
#include "io/job_file.hpp"

using namespace impsweep;

namespace {

constexpr int kSeeds = 12'500;  // times two tasks and four baselines
constexpr std::size_t kFinished = 100'000, kNewTrainings = 1000;

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

// A round file and the events of each of the first trainings.
void finish(const Store& store, const Plan& plan, std::size_t trainings) {
  Journal journal(store, 100);
  Record record;
  auto& result = record.attributes["result"];
  RoundSummary summary;
  summary.best_return = 500;
  const auto note = [&](const char* name, auto value) { result[name] = value; };
  summary.visit(note);
  add_provenance(record, {{"host", "bench"}}, 1.5, 1.4);
  record.arrays["mask/actor"] = {{4, 64}, std::vector<std::uint8_t>(256, 1)};
  for (TrainingIndex i = 0; i < trainings; ++i) {
    const TrainingId& digest = plan.trainings[i].digest;
    record.attributes[""]["digest"] = std::string(digest.digits());
    const std::filesystem::path file = store.directory() / Store::round_file(digest);
    std::filesystem::create_directories(file.parent_path());
    const Bytes bytes = encode_record(record);
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    journal.training_started(digest, 1 + static_cast<int>(i % 99));
    journal.training_done(digest, 1 + 0.001 * (i % 1000));
  }
}

double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096 / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 2;
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / fmt::format("impsweep-scale-{}", getpid());
  const JobFile file = job(rounds);
  std::vector<GridPoint> points = resolve({&file, 1});
  const Store store = Store::create_or_open(directory, numerics_fingerprint(Backend::kNative));
  store.freeze_job(frozen_job(points));

  const Plan plan = timed("plan", [&] { return expand(points); });
  fmt::print("  {} chains, {} trainings\n", plan.chains.size(), plan.trainings.size());
  timed("makespan on 100 ranks", [&] { return summarize(plan, CostModel(), 100); });
  timed("status, nothing done", [&] { return read_status(store, plan_of_store(store)); });

  const std::size_t finished = std::min(kFinished, plan.trainings.size());
  timed("round files and events written", [&] {
    finish(store, plan, finished);
    return 0;
  });
  const StoreContents contents =
      timed("what a run reads at its start, the first time", [&] { return read_contents(store); });
  timed("summaries.h5 written", [&] {
    write_summary_cache(store, contents.plan, contents.summaries);
    return 0;
  });
  timed("what a run reads at its start", [&] { return read_contents(store); });
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
  if (argc > 2) return 0;
  std::filesystem::remove_all(directory);
}
