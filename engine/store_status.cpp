#include "engine/store_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "engine/cost_model.hpp"
#include "engine/journal.hpp"

namespace impsweep {
namespace {

UnfinishedTraining unfinished(const Plan& plan, TrainingIndex training, const std::string& reason) {
  std::string chain = training_name(plan, training);
  const std::string round = fmt::format("r{:02}", plan.trainings[training].round);
  if (chain.ends_with(" " + round)) chain.resize(chain.size() - round.size() - 1);
  return {chain, round, reason};
}

}  // namespace

StoreStatus read_status(const Store& store, const Plan& plan) {
  StoreStatus status;
  const std::set<std::string> finished = store.finished();
  const History history = read_history(store);
  const auto done = [&](TrainingIndex i) { return finished.contains(plan.trainings[i].digest); };
  status.chains = plan.chains.size();
  status.trainings = plan.trainings.size();
  status.live_ranks = history.live_ranks;
  status.env_steps_per_second = history.env_steps_per_second;

  std::map<std::tuple<std::string, std::string, std::string, Baseline>, GroupStatus> groups;
  for (const Chain& chain : plan.chains) {
    GroupStatus& group = groups[{chain.task, chain.algorithm, chain.network, chain.baseline}];
    group.task = chain.task;
    group.algorithm = chain.algorithm;
    group.network = chain.network;
    group.baseline = info_of(chain.baseline).name;
    const auto rounds_done = static_cast<std::size_t>(std::ranges::count_if(chain.rounds, done));
    ++group.chains;
    group.rounds += chain.rounds.size();
    group.rounds_done += rounds_done;
    if (rounds_done == chain.rounds.size()) {
      ++group.chains_done;
      ++status.chains_done;
    }
  }
  for (auto& [key, group] : groups) status.groups.push_back(std::move(group));

  std::unordered_map<Digest, TrainingIndex> index;
  CostModel cost_model;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    index[plan.trainings[i].digest] = i;
    const auto seconds = history.wall_seconds.find(plan.trainings[i].digest);
    if (seconds != history.wall_seconds.end()) cost_model.observe(plan, i, seconds->second);
  }
  // A training comes after those that it depends on, so causes are known when they are asked for.
  std::map<TrainingIndex, TrainingIndex> cause;
  double seconds_left = 0;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    const TrainingNode& node = plan.trainings[i];
    if (done(i)) {
      ++status.trainings_done;
      continue;
    }
    const auto failure = history.failures.find(node.digest);
    if (failure != history.failures.end()) {
      const bool repeats = failure->second.deterministic;
      status.failed.push_back(
          unfinished(plan, i, failure->second.reason + (repeats ? "" : " (the next run tries again)")));
      if (repeats) {
        cause[i] = i;
        continue;
      }
    }
    const auto blocking =
        std::ranges::find_if(node.dependencies, [&](TrainingIndex d) { return cause.contains(d); });
    if (blocking != node.dependencies.end()) {
      cause[i] = cause[*blocking];
      status.blocked.push_back(
          unfinished(plan, i, "waits for " + training_name(plan, cause[i]) + ", which failed"));
      continue;
    }
    seconds_left += cost_model.seconds(plan, i);
  }
  for (const RunningTraining& running : history.running) {
    const auto found = index.find(running.digest);
    if (found == index.end() || done(found->second)) continue;
    const std::int64_t total = plan.trainings[found->second].env_steps;
    status.running.push_back(
        {training_name(plan, found->second), running.rank, running.env_steps, total, running.last_return});
    seconds_left -= cost_model.seconds(plan, found->second) * static_cast<double>(running.env_steps) /
                    static_cast<double>(std::max<std::int64_t>(total, 1));
  }
  status.eta_seconds = std::max(seconds_left, 0.0) / std::max(status.live_ranks, 1);
  return status;
}

}  // namespace impsweep
