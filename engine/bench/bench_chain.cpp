#include "engine/bench/bench_chain.hpp"

#include <cmath>
#include <stdexcept>

#include "io/job_file.hpp"

namespace impsweep {

BenchChain::BenchChain(const std::string& job) {
  const JobFile file = parse_job(job, "benchmark");
  plan_ = make_plan({&file, 1});
}

RoundLoader BenchChain::loader() {
  return [this](const TrainingId& digest, RecordPart) { return records_.at(digest); };
}

void BenchChain::complete_before(int round) {
  for (int earlier = 0; earlier < round; ++earlier) {
    const TrainingIndex index = training(earlier);
    const TrainingId& digest = plan_.trainings[index].digest;
    if (records_.contains(digest)) continue;
    std::optional<Record> record = run_training(plan_, index, loader(), Backend::kNative, 1,
                                                [](const TrainingProgress&) { return false; });
    records_.emplace(digest, std::move(*record));
  }
}

TrainingRequest BenchChain::request(int round, Backend backend) {
  complete_before(round);
  return make_request(plan_, training(round), loader(), backend);
}

BenchChain& cartpole_chain() {
  static BenchChain chain(R"(
[[sweep]]
name       = "bench"
tasks      = ["cartpole"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 21
imp.scope  = "actor_critic"
)");
  return chain;
}

int round_of_density(const BenchChain& chain, double density) {
  int best = 0;
  for (int round = 0; round < static_cast<int>(chain.rounds()); ++round) {
    const auto distance = [&](int r) {
      return std::abs(std::log(chain.plan().trainings[chain.training(r)].density / density));
    };
    if (distance(round) < distance(best)) best = round;
  }
  return best;
}

}  // namespace impsweep
