#include "engine/plan/plan_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
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

// What is not done, of each class.
std::vector<double> trainings_left(const CostClasses& classes,
                                   const std::vector<ScheduledTraining>& trainings) {
  std::vector<double> left(classes.size());
  for (TrainingIndex i = 0; i < trainings.size(); ++i)
    if (!trainings[i].done) left[classes[i]] += 1;
  return left;
}

Forecast forecast_of(const Work& work, const Scheduler& scheduler, std::span<const double> seconds,
                     int ranks) {
  Forecast forecast;
  forecast.work_seconds = work.seconds;
  forecast.lower_bound_seconds = scheduler.eta_seconds(ranks);
  forecast.seconds = makespan_seconds(scheduler, seconds, ranks);
  forecast.low_seconds = forecast.seconds / factor_of_95_percent(work.spread);
  forecast.high_seconds = forecast.seconds * factor_of_95_percent(work.spread);
  return forecast;
}

std::vector<double> seconds_of(const std::vector<ScheduledTraining>& trainings) {
  std::vector<double> seconds;
  seconds.reserve(trainings.size());
  for (const ScheduledTraining& training : trainings) seconds.push_back(training.seconds);
  return seconds;
}

// Simulations of the scheduler, each with more ranks, until the last did not gain a twentieth.
std::vector<PlanSummary::OnRanks> with_more_ranks(const Work& work, const Scheduler& scheduler,
                                                  std::span<const double> seconds) {
  constexpr double kGain = 1.05;
  constexpr int kFirst = 8, kMost = 1 << 20;
  constexpr std::size_t kSimulated = 1'000'000;  // trainings in all, to answer within seconds
  std::vector<PlanSummary::OnRanks> found;
  std::size_t simulated = 0;
  for (int ranks = kFirst; ranks <= kMost && simulated < kSimulated; ranks *= 2) {
    found.push_back({ranks, forecast_of(work, scheduler, seconds, ranks)});
    simulated += seconds.size();
    const std::size_t n = found.size();
    if (n > 1 && found[n - 2].makespan.seconds < kGain * found[n - 1].makespan.seconds) break;
  }
  return found;
}

// In which rounds a random mask may leave a layer, or the way through the network, without weights.
void find_empty_rounds(const Settings& settings, PlanSummary::Point& point) {
  if (has_changing_masks(settings)) return;  // whose layers keep counts of their own
  constexpr double kFewWeights = 3;          // e^-3 is 5 %
  const ModelSpec model = model_of(settings);
  const bool prunes_critic = settings.imp.scope == PruneScope::kActorCritic;
  for (std::size_t round = 0; round < point.densities.size(); ++round) {
    const double density = point.densities[round];
    for (std::size_t p = 0; p < model.parts.size(); ++p) {
      if (model.parts[p].name == "critic" && !prunes_critic) continue;
      double paths = model.parts[p].sizes.front();
      for (std::size_t layer = 0; layer + 1 < model.parts[p].sizes.size(); ++layer) {
        double weights = 1;
        for (const int extent : weight_shape(model.parts[p], layer)) weights *= extent;
        if (density < 1 && density * weights < kFewWeights && !point.empty_layer_round)
          point.empty_layer_round = static_cast<int>(round);
        paths *= density * model.parts[p].sizes[layer + 1];
      }
      if (density < 1 && paths < 1 && !point.no_path_round) point.no_path_round = static_cast<int>(round);
    }
  }
}

// A sum of counts that are not negative, or the largest count that there is.
std::int64_t saturated(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  return a > kMost - b ? kMost : a + b;
}

void add(CostShares& shares, const CostCourse& course, double seconds) {
  const double total = course.total() > 0 ? course.total() : 1;
  shares.learning += seconds * course.learning / total;
  shares.playing += seconds * course.playing / total;
  shares.evaluation += seconds * (course.evaluation + course.conclusion) / total;
  shares.other += seconds * course.start / total;
}

void divide(CostShares& shares) {
  const double total = shares.learning + shares.playing + shares.evaluation + shares.other;
  if (!(total > 0)) return;
  for (double* share : {&shares.learning, &shares.playing, &shares.evaluation, &shares.other})
    *share /= total;
}

// What a training that no chain shows is for.
std::string name_beside_chains(const Plan& plan, TrainingIndex training) {
  const Settings& settings = plan.settings[plan.trainings[training].settings];
  return fmt::format("{}.{}.{} teachers and tickets", settings.task, settings.algorithm,
                     network_name(settings.agent.network));
}

nlohmann::ordered_json json_of(const CostShares& shares) {
  return {{"learning", shares.learning},
          {"playing", shares.playing},
          {"evaluation", shares.evaluation},
          {"other", shares.other}};
}

// Three digits, or all before the point.
std::string hours_text(double hours) {
  return hours < 100 ? fmt::format("{:.3g}", hours) : fmt::format("{:.0f}", hours);
}

std::string shares_text(const CostShares& shares) {
  return fmt::format("learning {:.0f} %, playing {:.0f} %, evaluation {:.0f} %, other {:.0f} %",
                     100 * shares.learning, 100 * shares.playing, 100 * shares.evaluation,
                     100 * shares.other);
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
  std::vector<ScheduledTraining> trainings = priced(plan, classes, estimates, done);
  const std::vector<double> seconds = seconds_of(trainings);
  const Work work = total_work(estimates, trainings_left(classes, trainings));
  return forecast_of(work, Scheduler(std::move(trainings)), seconds, ranks);
}

Forecast forecast_of_rest(const Plan& plan, CostModel costs, Pace pace, int ranks,
                          const std::vector<bool>& done, std::span<const TrainingUnderWay> under_way) {
  const CostClasses classes(plan);
  const CurrentCosts now = current_costs(std::move(costs), pace, classes, under_way);
  const std::vector<CostEstimate> estimates = classes.estimates(now.model);
  std::vector<ScheduledTraining> trainings = priced(plan, classes, estimates, done);
  std::vector<double> left = trainings_left(classes, trainings);
  for (const TrainingUnderWay& each : under_way) {
    const double part = classes.of(each.training).course.part_done(each.env_steps);
    trainings[each.training].seconds *= 1 - part;
    left[classes[each.training]] -= part;
  }
  for (ScheduledTraining& training : trainings) training.seconds *= now.pace.factor();
  Work work = total_work(estimates, left);
  work.seconds *= now.pace.factor();
  const std::vector<double> seconds = seconds_of(trainings);
  return forecast_of(work, Scheduler(std::move(trainings)), seconds, ranks);
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
  std::map<std::string, PlanSummary::Part> parts;
  std::vector<PlanSummary::Part*> part_of_chain(plan.chains.size(), nullptr);
  const auto part_of = [&](TrainingIndex training) -> PlanSummary::Part& {
    const std::optional<std::uint32_t> chain = plan.first_chain[training];
    if (!chain) return parts[name_beside_chains(plan, training)];
    PlanSummary::Part*& part = part_of_chain[*chain];
    if (part == nullptr) part = &parts[point_name(plan.chains[*chain])];
    return *part;
  };
  for (TrainingIndex i = 0; i < trainings.size(); ++i) {
    const TrainingNode& node = plan.trainings[i];
    const auto [size, is_new] = sizes.try_emplace({node.settings, node.round});
    if (is_new) size->second = {predicted_bytes(plan, i), predicted_memory_bytes(plan, i)};
    summary.env_steps = saturated(summary.env_steps, node.env_steps);
    summary.disk_bytes = saturated(summary.disk_bytes, size->second.first);
    summary.memory_per_rank_bytes = std::max(summary.memory_per_rank_bytes, size->second.second);
    if (trainings[i].done) {
      ++summary.trainings_done;
      continue;
    }
    const double hours = trainings[i].seconds / 3600;
    summary.core_hours += hours;
    add(summary.shares, classes.of(i).course, hours);
    PlanSummary::Part& part = part_of(i);
    ++part.trainings;
    part.core_hours += hours;
    add(part.shares, classes.of(i).course, hours);
  }
  divide(summary.shares);
  for (auto& [name, part] : parts) {
    divide(part.shares);
    part.name = name;
    summary.parts.push_back(std::move(part));
  }
  std::ranges::stable_sort(summary.parts, std::greater(), &PlanSummary::Part::core_hours);

  for (const Chain& chain : plan.chains) {
    const std::string name = point_name(chain);
    auto point = std::ranges::find(summary.points, name, &PlanSummary::Point::name);
    if (point == summary.points.end()) {
      PlanSummary::Point& fresh = summary.points.emplace_back();
      fresh.name = name;
      fresh.rounds = static_cast<int>(chain.rounds.size());
      fresh.steps_per_round = plan.trainings[chain.rounds.front()].env_steps;
      point = summary.points.end() - 1;
      for (const TrainingIndex training : chain.rounds) {
        const TrainingNode& node = plan.trainings[training];
        point->seconds_per_chain += trainings[training].seconds;
        point->memory_bytes = std::max(point->memory_bytes, sizes.at({node.settings, node.round}).second);
        point->densities.push_back(node.density);
        point->weights.push_back(node.kept);
      }
      find_empty_rounds(plan.settings[chain.settings], *point);
    }
    ++point->chains;
  }
  summary.doubts = doubts_about(plan);
  summary.rates = costs.rates().source;
  const Work work = total_work(estimates, trainings_left(classes, trainings));
  summary.core_hours_low = summary.core_hours / factor_of_95_percent(work.spread);
  summary.core_hours_high = summary.core_hours * factor_of_95_percent(work.spread);
  const std::vector<double> seconds = seconds_of(trainings);
  const Scheduler scheduler(std::move(trainings));
  summary.makespan = forecast_of(work, scheduler, seconds, summary.ranks);
  summary.more_ranks = with_more_ranks(work, scheduler, seconds);
  return summary;
}

std::string to_text(const PlanSummary& summary, bool by_round) {
  std::string text;
  std::size_t width = 0;
  for (const PlanSummary::Point& point : summary.points) width = std::max(width, point.name.size());
  for (const PlanSummary::Point& point : summary.points) {
    text += fmt::format("  {:{}}  {:>6} chains x {} rounds of {} steps, about {} each\n", point.name, width,
                        grouped_text(static_cast<std::int64_t>(point.chains)), point.rounds,
                        grouped_text(point.steps_per_round), rough_duration_text(point.seconds_per_chain));
    text += fmt::format("  {:{}}  density {:.3g} % and {} weights in the last round, {} per rank", "", width,
                        100 * point.densities.back(), grouped_text(point.weights.back()),
                        bytes_text(point.memory_bytes));
    if (point.empty_layer_round)
      text += fmt::format("; a layer may be empty from round {} on", *point.empty_layer_round);
    if (point.no_path_round) text += fmt::format(", the network from round {} on", *point.no_path_round);
    text += "\n";
    if (!by_round) continue;
    for (std::size_t round = 0; round < point.densities.size(); ++round)
      text += fmt::format("  {:{}}    r{:02}  {:8.3f} %  {:>12} weights\n", "", width, round,
                          100 * point.densities[round], grouped_text(point.weights[round]));
  }
  const auto count = [](std::size_t value) { return grouped_text(static_cast<std::int64_t>(value)); };
  text += fmt::format("chains      {}\n", count(summary.chains));
  text += fmt::format("trainings   {} ({} before equal ones are shared), {} done\n",
                      count(summary.trainings_unique), count(summary.trainings_total),
                      count(summary.trainings_done));
  text += fmt::format("steps       {} (environment steps of training)\n", grouped_text(summary.env_steps));
  text += fmt::format("to do       {} core-hours, with 90 % probability {} to {}\n",
                      hours_text(summary.core_hours), hours_text(summary.core_hours_low),
                      hours_text(summary.core_hours_high));
  if (summary.core_hours > 0) text += fmt::format("of it       {}\n", shares_text(summary.shares));
  text += fmt::format("rates       {}\n", summary.rates);
  if (summary.per_core_hour)
    text += fmt::format("cost        {:.2f}, with 90 % probability {:.2f} to {:.2f}, at {} per core-hour\n",
                        summary.core_hours * *summary.per_core_hour,
                        summary.core_hours_low * *summary.per_core_hour,
                        summary.core_hours_high * *summary.per_core_hour, *summary.per_core_hour);
  const Forecast& makespan = summary.makespan;
  text += fmt::format(
      "time        {} on {} rank{}, with 90 % probability {} to {}; {:.0f} % above the least possible\n",
      rough_duration_text(makespan.seconds), summary.ranks, summary.ranks == 1 ? "" : "s",
      rough_duration_text(makespan.low_seconds), rough_duration_text(makespan.high_seconds),
      100 * makespan.gap());
  for (const PlanSummary::OnRanks& each : summary.more_ranks)
    text += fmt::format("            {} on {} ranks, which work {:.0f} % of it\n",
                        rough_duration_text(each.makespan.seconds), each.ranks,
                        100 * each.makespan.busy(each.ranks));
  text += fmt::format("disk        {} (predicted)\n", bytes_text(summary.disk_bytes));
  text += fmt::format("memory      {} per rank (predicted)\n", bytes_text(summary.memory_per_rank_bytes));
  constexpr std::size_t kPartsShown = 5;
  if (summary.parts.size() > 1)
    for (std::size_t p = 0; p < std::min(summary.parts.size(), kPartsShown); ++p) {
      const PlanSummary::Part& part = summary.parts[p];
      text += fmt::format("{:<12}{:.0f} % {}: {}\n", p == 0 ? "most of it" : "",
                          100 * part.core_hours / summary.core_hours, part.name, shares_text(part.shares));
    }
  for (const std::string& doubt : summary.doubts) text += fmt::format("note        {}\n", doubt);
  return text;
}

nlohmann::ordered_json to_json(const PlanSummary& summary) {
  nlohmann::ordered_json json = {
      {"chains", summary.chains},
      {"trainings",
       {{"total", summary.trainings_total},
        {"unique", summary.trainings_unique},
        {"done", summary.trainings_done}}},
      {"env_steps", summary.env_steps},
      {"core_hours", summary.core_hours},
      {"core_hours_90_percent", {summary.core_hours_low, summary.core_hours_high}},
      {"shares", json_of(summary.shares)},
      {"rates", summary.rates},
      {"makespan_seconds", summary.makespan.seconds},
      {"makespan_90_percent", {summary.makespan.low_seconds, summary.makespan.high_seconds}},
      {"makespan_lower_bound_seconds", summary.makespan.lower_bound_seconds},
      {"ranks", summary.ranks},
      {"disk_bytes", summary.disk_bytes},
      {"memory_per_rank_bytes", summary.memory_per_rank_bytes}};
  if (summary.per_core_hour) {
    const double rate = *summary.per_core_hour;
    json["cost"] = summary.core_hours * rate;
    json["cost_90_percent"] = {summary.core_hours_low * rate, summary.core_hours_high * rate};
  }
  json["by_ranks"] = nlohmann::ordered_json::array();
  for (const PlanSummary::OnRanks& each : summary.more_ranks)
    json["by_ranks"].push_back(
        {{"ranks", each.ranks},
         {"makespan_seconds", each.makespan.seconds},
         {"makespan_90_percent", {each.makespan.low_seconds, each.makespan.high_seconds}},
         {"busy", each.makespan.busy(each.ranks)}});
  json["parts"] = nlohmann::ordered_json::array();
  for (const PlanSummary::Part& part : summary.parts)
    json["parts"].push_back({{"name", part.name},
                             {"trainings", part.trainings},
                             {"core_hours", part.core_hours},
                             {"shares", json_of(part.shares)}});
  json["points"] = nlohmann::ordered_json::array();
  for (const PlanSummary::Point& point : summary.points) {
    nlohmann::ordered_json entry = {{"name", point.name},
                                    {"chains", point.chains},
                                    {"rounds", point.rounds},
                                    {"env_steps_per_round", point.steps_per_round},
                                    {"seconds_per_chain", point.seconds_per_chain},
                                    {"memory_bytes", point.memory_bytes},
                                    {"densities", point.densities},
                                    {"weights", point.weights}};
    entry["empty_layer_round"] = nullptr;
    entry["no_path_round"] = nullptr;
    if (point.empty_layer_round) entry["empty_layer_round"] = *point.empty_layer_round;
    if (point.no_path_round) entry["no_path_round"] = *point.no_path_round;
    json["points"].push_back(std::move(entry));
  }
  json["notes"] = summary.doubts;
  return json;
}

}  // namespace impsweep
