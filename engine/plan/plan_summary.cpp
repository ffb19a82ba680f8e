#include "engine/plan/plan_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/plan/doubts.hpp"
#include "io/human_text.hpp"

namespace impsweep {
namespace {

std::string point_name(const Chain& chain) {
  return fmt::format("{}.{}.{}.{}", chain.task, chain.algorithm, chain.network, chain.variant);
}

std::vector<ScheduledTraining> priced(const Plan& plan, const CostClasses& classes,
                                      const std::vector<CostEstimate>& estimates,
                                      const std::vector<bool>& done) {
  std::vector<ScheduledTraining> trainings(plan.trainings.size());
  for (TrainingIndex i = 0; i < trainings.size(); ++i) {
    trainings[i].seconds = estimates[classes[i]].seconds;
    const std::span<const TrainingIndex> dependencies = plan.dependencies(i);
    trainings[i].dependencies.assign(dependencies.begin(), dependencies.end());
    trainings[i].done = !done.empty() && done[i];
    trainings[i].candidates = plan.trainings[i].teacher;
  }
  return trainings;
}

Forecast forecast_of(const CostClasses& classes, const std::vector<CostEstimate>& estimates,
                     std::vector<ScheduledTraining> trainings, int ranks) {
  std::vector<double> seconds, left(classes.size());
  for (TrainingIndex i = 0; i < trainings.size(); ++i) {
    seconds.push_back(trainings[i].seconds);
    if (!trainings[i].done) left[classes[i]] += 1;
  }
  const Work work = total_work(estimates, left);
  Scheduler scheduler(std::move(trainings));
  Forecast forecast;
  forecast.work_seconds = work.seconds;
  forecast.lower_bound_seconds = scheduler.eta_seconds(ranks);
  forecast.seconds = makespan_seconds(std::move(scheduler), seconds, ranks);
  forecast.low_seconds = forecast.seconds / factor_of_95_percent(work.spread);
  forecast.high_seconds = forecast.seconds * factor_of_95_percent(work.spread);
  return forecast;
}

}  // namespace

std::vector<ScheduledTraining> scheduled_trainings(const Plan& plan, const CostModel& costs,
                                                   const std::vector<bool>& done) {
  const CostClasses classes(plan);
  return priced(plan, classes, classes.estimates(costs), done);
}

Forecast forecast(const Plan& plan, const CostModel& costs, int ranks, const std::vector<bool>& done) {
  const CostClasses classes(plan);
  const std::vector<CostEstimate> estimates = classes.estimates(costs);
  return forecast_of(classes, estimates, priced(plan, classes, estimates, done), ranks);
}

PlanSummary summarize(const Plan& plan, const CostModel& costs, int ranks, const std::vector<bool>& done) {
  const CostClasses classes(plan);
  const std::vector<CostEstimate> estimates = classes.estimates(costs);
  std::vector<ScheduledTraining> trainings = priced(plan, classes, estimates, done);
  PlanSummary summary;
  summary.ranks = std::max(1, ranks);
  summary.chains = plan.chains.size();
  summary.trainings_unique = plan.trainings.size();
  for (const Chain& chain : plan.chains) summary.trainings_total += chain.rounds.size();
  for (const TeacherChoice& choice : plan.choices) summary.trainings_total += choice.candidates.size();

  std::map<std::pair<std::uint32_t, int>, std::pair<std::int64_t, std::int64_t>> sizes;  // file, memory
  for (TrainingIndex i = 0; i < trainings.size(); ++i) {
    const TrainingNode& node = plan.trainings[i];
    const auto [size, is_new] = sizes.try_emplace({node.settings, node.round});
    if (is_new) size->second = {predicted_bytes(plan, i), predicted_memory_bytes(plan, i)};
    summary.env_steps += node.env_steps;
    summary.disk_bytes += size->second.first;
    summary.memory_per_rank_bytes = std::max(summary.memory_per_rank_bytes, size->second.second);
    if (trainings[i].done)
      ++summary.trainings_done;
    else
      summary.core_hours += trainings[i].seconds / 3600;
  }

  for (const Chain& chain : plan.chains) {
    const std::string name = point_name(chain);
    auto point = std::ranges::find(summary.points, name, &PlanSummary::Point::name);
    if (point == summary.points.end()) {
      summary.points.push_back({name, 0, static_cast<int>(chain.rounds.size()),
                                plan.trainings[chain.rounds.front()].env_steps, 0});
      point = summary.points.end() - 1;
      for (const TrainingIndex training : chain.rounds)
        point->seconds_per_chain += trainings[training].seconds;
    }
    ++point->chains;
  }
  summary.doubts = doubts_about(plan);
  summary.makespan = forecast_of(classes, estimates, std::move(trainings), summary.ranks);
  return summary;
}

std::string to_text(const PlanSummary& summary) {
  std::string text;
  std::size_t width = 0;
  for (const PlanSummary::Point& point : summary.points) width = std::max(width, point.name.size());
  for (const PlanSummary::Point& point : summary.points)
    text += fmt::format("  {:{}}  {:>6} chains x {} rounds of {} steps, about {} each\n", point.name, width,
                        grouped_text(static_cast<std::int64_t>(point.chains)), point.rounds,
                        grouped_text(point.steps_per_round), rough_duration_text(point.seconds_per_chain));
  const auto count = [](std::size_t value) { return grouped_text(static_cast<std::int64_t>(value)); };
  text += fmt::format("chains      {}\n", count(summary.chains));
  text += fmt::format("trainings   {} ({} before equal ones are shared), {} done\n",
                      count(summary.trainings_unique), count(summary.trainings_total),
                      count(summary.trainings_done));
  text += fmt::format("steps       {} (environment steps of training)\n", grouped_text(summary.env_steps));
  text += fmt::format("to do       {:.2f} core-hours (predicted)\n", summary.core_hours);
  const Forecast& makespan = summary.makespan;
  text += fmt::format(
      "time        {} on {} rank{}, with 90 % probability {} to {}; {:.0f} % above the least possible\n",
      rough_duration_text(makespan.seconds), summary.ranks, summary.ranks == 1 ? "" : "s",
      rough_duration_text(makespan.low_seconds), rough_duration_text(makespan.high_seconds),
      100 * makespan.gap());
  text += fmt::format("disk        {} (predicted)\n", bytes_text(summary.disk_bytes));
  text += fmt::format("memory      {} per rank (predicted)\n", bytes_text(summary.memory_per_rank_bytes));
  for (const std::string& doubt : summary.doubts) text += fmt::format("note        {}\n", doubt);
  return text;
}

nlohmann::ordered_json to_json(const PlanSummary& summary) {
  return {{"chains", summary.chains},
          {"trainings",
           {{"total", summary.trainings_total},
            {"unique", summary.trainings_unique},
            {"done", summary.trainings_done}}},
          {"env_steps", summary.env_steps},
          {"core_hours", summary.core_hours},
          {"makespan_seconds", summary.makespan.seconds},
          {"makespan_90_percent", {summary.makespan.low_seconds, summary.makespan.high_seconds}},
          {"makespan_lower_bound_seconds", summary.makespan.lower_bound_seconds},
          {"ranks", summary.ranks},
          {"disk_bytes", summary.disk_bytes},
          {"memory_per_rank_bytes", summary.memory_per_rank_bytes},
          {"notes", summary.doubts}};
}

}  // namespace impsweep
