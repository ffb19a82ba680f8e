#include "engine/store/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "engine/job/external_task.hpp"
#include "engine/plan/cost_model.hpp"
#include "engine/plan/plan_summary.hpp"
#include "engine/store/summary_cache.hpp"
#include "io/human_text.hpp"

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
  const History history = read_history(store);
  std::vector<bool> finished(plan.trainings.size(), false);
  if (const Digests digests = store.finished(); !digests.empty())
    for (TrainingIndex i = 0; i < plan.trainings.size(); ++i)
      finished[i] = digests.contains(plan.trainings[i].digest.digits());
  const auto done = [&](TrainingIndex i) { return finished[i]; };
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
  std::set<TrainingIndex> candidates;
  for (const TeacherChoice& choice : plan.choices)
    candidates.insert(choice.candidates.begin(), choice.candidates.end());
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    const bool is_candidate = candidates.contains(i);
    if (!is_candidate && plan.first_chain[i]) continue;
    ++(is_candidate ? status.beside.candidates : status.beside.ticket_rounds);
    if (done(i)) ++(is_candidate ? status.beside.candidates_done : status.beside.ticket_rounds_done);
  }

  for (const Settings& settings : plan.settings)
    if (!is_reproducible(settings) && std::ranges::count(status.irreproducible, settings.task) == 0)
      status.irreproducible.push_back(settings.task);
  const SummaryCache summaries = read_summary_cache(store);
  CostModel learned = learned_costs(plan, [&](TrainingIndex i) {
    const auto known = summaries.find(plan.trainings[i].digest);
    return known == summaries.end() ? nullptr : &known->second;
  });
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    const auto known = summaries.find(plan.trainings[i].digest);
    if (known != summaries.end() && known->second.effective_inputs == 0) ++status.without_path;
  }
  const auto has_diverged = [&](TrainingIndex i) {
    const auto failure = history.failures.find(plan.trainings[i].digest);
    return !done(i) && failure != history.failures.end() && failure->second.diverged;
  };
  // A student goes on without candidates for its teacher that have diverged, unless none is left.
  const auto goes_on_without = [&](TrainingIndex student, TrainingIndex dependency) {
    if (!plan.trainings[student].teacher || !has_diverged(dependency)) return false;
    const std::vector<TrainingIndex>& candidates = plan.choices[*plan.trainings[student].teacher].candidates;
    return std::ranges::count(candidates, dependency) > 0 && !std::ranges::all_of(candidates, has_diverged);
  };
  // A training comes after those that it depends on, so causes are known when they are asked for.
  std::map<TrainingIndex, TrainingIndex> cause;
  std::vector<bool> closed = finished;  // done, or never to be
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
        closed[i] = true;
        continue;
      }
    }
    const std::span<const TrainingIndex> dependencies = plan.dependencies(i);
    const auto blocking = std::ranges::find_if(
        dependencies, [&](TrainingIndex d) { return cause.contains(d) && !goes_on_without(i, d); });
    if (blocking != dependencies.end()) {
      cause[i] = cause[*blocking];
      closed[i] = true;
      status.blocked.push_back(
          unfinished(plan, i, "waits for " + training_name(plan, cause[i]) + ", which failed"));
      continue;
    }
  }
  std::unordered_map<TrainingId, TrainingIndex> running_index;
  for (const RunningTraining& running : history.running) running_index[running.digest];
  if (!running_index.empty())
    for (TrainingIndex i = 0; i < plan.trainings.size(); ++i)
      if (const auto found = running_index.find(plan.trainings[i].digest); found != running_index.end())
        found->second = i;
  const int ranks = std::max(status.live_ranks, 1);
  std::vector<TrainingUnderWay> under_way;
  for (const RunningTraining& running : history.running) {
    const TrainingIndex i = running_index.at(running.digest);
    if (plan.trainings[i].digest != running.digest || done(i)) continue;  // of a job that is not in this plan
    status.running.push_back({training_name(plan, i), running.rank, running.env_steps,
                              plan.trainings[i].env_steps, running.last_return, running.returns});
    under_way.push_back({.training = i,
                         .from_step = static_cast<double>(running.from_step),
                         .env_steps = static_cast<double>(running.env_steps),
                         .seconds = running.seconds});
  }
  const Forecast left = forecast_of_rest(plan, std::move(learned), Pace(), ranks, closed, under_way);
  status.eta_seconds = left.seconds;
  status.eta_low_seconds = left.low_seconds;
  status.eta_high_seconds = left.high_seconds;
  status.eta_lower_bound_seconds = left.lower_bound_seconds;
  if (!history.completed.empty()) status.last_completed = history.completed.back();
  return status;
}

}  // namespace impsweep
