#include "engine/statistics/aggregate.hpp"

#include <algorithm>
#include <stdexcept>

#include "engine/statistics/describe.hpp"

namespace impsweep::statistics {
namespace {

void require_matrix(const Strata& tasks, const char* what) {
  if (tasks.empty() || tasks.front().empty()) throw std::invalid_argument("aggregate: no tasks, or no runs");
  for (const std::vector<double>& runs : tasks) {
    require_same_size(runs.size(), tasks.front().size(), what);
    require_finite(runs, what);
  }
}

std::vector<double> task_means(const Strata& tasks) {
  std::vector<double> means;
  means.reserve(tasks.size());
  for (const std::vector<double>& runs : tasks) means.push_back(mean(runs));
  return means;
}

bool has_runs(const Strata& tasks, BootstrapKind kind) {
  return tasks.front().size() >= (kind == BootstrapKind::kExpanded ? kLeastSeeds : 2);
}

double tail_of(BootstrapKind kind, std::size_t runs, double confidence) {
  return kind == BootstrapKind::kExpanded ? expanded_tail(runs, confidence) : (1 - confidence) / 2;
}

}  // namespace

double mean_over_tasks(const Strata& tasks) {
  require_matrix(tasks, "mean_over_tasks");
  return mean(task_means(tasks));
}

double median_over_tasks(const Strata& tasks) {
  require_matrix(tasks, "median_over_tasks");
  return median(task_means(tasks));
}

double interquartile_mean(const Strata& tasks) {
  require_matrix(tasks, "interquartile_mean");
  std::vector<double> scores;
  for (const std::vector<double>& runs : tasks) scores.insert(scores.end(), runs.begin(), runs.end());
  std::ranges::sort(scores);
  const std::size_t cut = scores.size() / 4;
  return mean(std::span(scores).subspan(cut, scores.size() - 2 * cut));
}

double optimality_gap(const Strata& tasks, double target) {
  require_matrix(tasks, "optimality_gap");
  double sum = 0;
  for (const std::vector<double>& runs : tasks)
    for (const double score : runs) sum += std::max(0.0, target - score);
  return sum / static_cast<double>(tasks.size() * tasks.front().size());
}

std::vector<double> performance_profile(const Strata& tasks, std::span<const double> thresholds) {
  require_matrix(tasks, "performance_profile");
  std::vector<double> profile;
  profile.reserve(thresholds.size());
  for (const double threshold : thresholds) {
    std::size_t above = 0;
    for (const std::vector<double>& runs : tasks)
      above += static_cast<std::size_t>(
          std::ranges::count_if(runs, [&](double score) { return score > threshold; }));
    profile.push_back(static_cast<double>(above) / static_cast<double>(tasks.size() * tasks.front().size()));
  }
  return profile;
}

std::vector<double> profile_of_means(const Strata& tasks, std::span<const double> thresholds) {
  require_matrix(tasks, "profile_of_means");
  const std::vector<double> means = task_means(tasks);
  std::vector<double> profile;
  profile.reserve(thresholds.size());
  for (const double threshold : thresholds)
    profile.push_back(
        static_cast<double>(std::ranges::count_if(means, [&](double score) { return score > threshold; })) /
        static_cast<double>(means.size()));
  return profile;
}

double probability_of_improvement(const Strata& x, const Strata& y) {
  require_matrix(x, "probability_of_improvement");
  require_matrix(y, "probability_of_improvement");
  require_same_size(x.size(), y.size(), "probability_of_improvement");
  double sum = 0;
  for (std::size_t task = 0; task < x.size(); ++task) {
    std::size_t half_wins = 0;
    for (const double a : x[task])
      for (const double b : y[task]) half_wins += a > b ? 2 : a == b ? 1 : 0;
    sum += static_cast<double>(half_wins) / static_cast<double>(2 * x[task].size() * y[task].size());
  }
  return sum / static_cast<double>(x.size());
}

std::optional<Interval> stratified_interval(const Strata& tasks,
                                            const std::function<double(const Strata&)>& statistic,
                                            const Resampling& resampling, BootstrapKind kind,
                                            double confidence, bool tasks_too) {
  require_confidence(confidence, "stratified_interval");
  require_matrix(tasks, "stratified_interval");
  const std::size_t runs = tasks.front().size();
  const bool varies =
      std::ranges::any_of(tasks, [](const std::vector<double>& task) { return describe(task).varies; });
  if (!varies || !has_runs(tasks, kind)) return std::nullopt;
  const std::vector<double> resampled = sorted_resamples(tasks, resampling, tasks_too, statistic);
  const double tail = tail_of(kind, runs, confidence);
  return Interval{quantile_of_sorted(resampled, tail), quantile_of_sorted(resampled, 1 - tail)};
}

std::vector<Interval> profile_intervals(const Strata& tasks, std::span<const double> thresholds,
                                        const Resampling& resampling, BootstrapKind kind, double confidence) {
  require_confidence(confidence, "profile_intervals");
  require_matrix(tasks, "profile_intervals");
  if (!has_runs(tasks, kind)) return {};
  std::vector<std::vector<double>> shares(thresholds.size());
  for_each_resample(tasks, resampling, false, [&](const Strata& drawn) {
    const std::vector<double> profile = performance_profile(drawn, thresholds);
    for (std::size_t i = 0; i < profile.size(); ++i) shares[i].push_back(profile[i]);
  });
  const double tail = tail_of(kind, tasks.front().size(), confidence);
  std::vector<Interval> intervals;
  for (std::vector<double>& share : shares) {
    std::ranges::sort(share);
    intervals.push_back({quantile_of_sorted(share, tail), quantile_of_sorted(share, 1 - tail)});
  }
  return intervals;
}

Interval probability_of_improvement_interval(const Strata& x, const Strata& y, const Resampling& resampling,
                                             double confidence) {
  require_confidence(confidence, "probability_of_improvement_interval");
  require_matrix(x, "probability_of_improvement_interval");
  require_matrix(y, "probability_of_improvement_interval");
  require_same_size(x.size(), y.size(), "probability_of_improvement_interval");
  Strata both = x;
  both.insert(both.end(), y.begin(), y.end());
  const auto tasks = static_cast<std::ptrdiff_t>(x.size());
  const std::vector<double> shares = sorted_resamples(both, resampling, false, [&](const Strata& drawn) {
    return probability_of_improvement({drawn.begin(), drawn.begin() + tasks},
                                      {drawn.begin() + tasks, drawn.end()});
  });
  const double tail = (1 - confidence) / 2;
  return {quantile_of_sorted(shares, tail), quantile_of_sorted(shares, 1 - tail)};
}

}  // namespace impsweep::statistics
