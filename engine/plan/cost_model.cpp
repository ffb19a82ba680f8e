#include "engine/plan/cost_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/plan/memory_need.hpp"

namespace impsweep {
namespace {

constexpr double kFileBytes = 30'000;  // attributes, recipe and provenance of a round file

// Spread of trainings of one class as long as few are known, and of classes about the next wider one:
// densities of a network, networks of a task and algorithm, tasks and algorithms.
constexpr double kOwnSpread = 0.1;
constexpr std::array kClassSpread = {0.08, 0.1, 0.15};
// However many were seen: the same training takes longer where other programs use the same caches.
constexpr double kLoadSpread = 0.05;

// Pace: how far it usually is from 1, and how quickly older observations fade.
constexpr double kPaceSpread = 0.3, kPaceMemory = 0.95;

// Progress over less than this says nothing yet.
constexpr double kLeastSeconds = 0.5;

double parameters_of(const ModelSpec& model) {
  double parameters = 0;
  for (const Tensor& tensor : tensors_of(model)) parameters += static_cast<double>(tensor.size);
  return parameters;
}

// Absurd settings need more bytes than numbers go.
std::int64_t whole_bytes(double bytes) {
  return static_cast<std::int64_t>(std::min(bytes, 1e18));
}

}  // namespace

double CostCourse::part_done(double env_steps) const {
  if (!(env_steps > 0) || !(total() > 0)) return 0;
  const double part = std::min(env_steps / steps, 1.0);
  const double learned = steps > first_learning_step
                             ? std::max(env_steps - first_learning_step, 0.0) / (steps - first_learning_step)
                             : 1.0;
  const double evaluated = part * episode.mean_until(part * steps) / episode.mean_until(steps);
  return (start + part * playing + std::min(learned, 1.0) * learning + evaluated * evaluation) / total();
}

std::int64_t predicted_bytes(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const auto kept = static_cast<double>(node.kept);
  const double prunable = kept / node.density;
  const double kept_parameters = parameters_of(model_of(settings)) - prunable + kept;
  double copies = settings.imp.prune_from == PruneFrom::kFinal ? 2 : 1;  // best, and final where needed
  if (node.round == 0 && !changes_mask(settings, 0)) {
    copies += 1;  // initial parameters
    for (const std::int64_t step : kSnapshotSteps) copies += step < node.env_steps ? 1 : 0;
  }
  const EvaluationConfig& evaluation = settings.agent.evaluation;
  const double curve = evaluations(settings.agent, static_cast<double>(node.env_steps)) *
                       (24 + 4 * static_cast<double>(evaluation.episodes));
  return whole_bytes(kFileBytes + 4 * copies * kept_parameters + prunable / 8 + curve +
                     8 * static_cast<double>(evaluation.reevaluation_episodes));
}

std::int64_t predicted_memory_bytes(const Plan& plan, TrainingIndex index) {
  return memory_need(plan, index).bytes();
}

CostClass cost_class(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const TrainingWork work = work_of(plan, index);
  const std::string kind = settings.task + "." + settings.algorithm;
  const std::string network = kind + "." + network_name(settings.agent.network);
  const int halvings = static_cast<int>(std::lround(-std::log2(std::max(node.density, 1e-6))));
  const auto seconds = [](const WorkCounts& counts) { return sum(reference_seconds(counts)); };
  return {.reference = reference_seconds(work.total()),
          .names = {fmt::format("{}.{}", network, halvings), network, kind, ""},
          .course = {.steps = work.steps,
                     .first_learning_step = work.first_learning_step,
                     .episode = work.episode,
                     .start = seconds(work.start),
                     .playing = seconds(work.playing),
                     .learning = seconds(work.learning),
                     .evaluation = seconds(work.evaluation),
                     .conclusion = seconds(work.conclusion)}};
}

CostEstimate CostModel::estimate(const CostClass& given) const {
  double mean = 0, variance = rates_.error * rates_.error, own_variance = kOwnSpread * kOwnSpread;
  for (std::size_t level = given.names.size(); level-- > 0;) {
    if (level < kClassSpread.size()) variance += kClassSpread[level] * kClassSpread[level];
    const auto found = ratios_.find(given.names[level]);
    if (found == ratios_.end()) continue;
    const Ratios& ratios = found->second;
    if (level == 0) own_variance = (own_variance + ratios.squares) / (1 + ratios.count);
    // How far the mean of what was seen may be from that of the class.
    double noise = own_variance / ratios.count;
    for (std::size_t narrower = 0; narrower < std::min(level, kClassSpread.size()); ++narrower)
      noise += kClassSpread[narrower] * kClassSpread[narrower] / std::max(ratios.narrower, 1.0);
    const double trust = variance / (variance + noise);
    mean += trust * (ratios.mean - mean);
    variance *= 1 - trust;
  }
  return {rates_.seconds(given.reference) * std::exp(mean), std::sqrt(own_variance),
          std::hypot(std::sqrt(variance), kLoadSpread)};
}

void CostModel::observe(const CostClass& given, double seconds, double weight) {
  if (!(seconds > 0) || !std::isfinite(seconds) || !(weight > 0)) return;
  const double ratio = std::log(seconds / rates_.seconds(given.reference));
  if (!std::isfinite(ratio)) return;
  bool is_new = false;
  for (const std::string& name : given.names) {
    const auto [place, inserted] = ratios_.try_emplace(name);
    Ratios& ratios = place->second;
    const double difference = ratio - ratios.mean;
    ratios.count += weight;
    ratios.mean += weight * difference / ratios.count;
    ratios.squares += weight * difference * (ratio - ratios.mean);
    ratios.narrower += is_new ? 1 : 0;
    is_new = inserted;
  }
}

CostClasses::CostClasses(const Plan& plan) : class_of_(plan.trainings.size()) {
  struct Key {
    std::uint32_t settings;
    std::int64_t kept, steps;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::uint32_t> known;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    const TrainingNode& node = plan.trainings[i];
    const auto [place, is_new] =
        known.try_emplace({node.settings, node.kept, node.env_steps}, static_cast<std::uint32_t>(size()));
    if (is_new) classes_.push_back(cost_class(plan, i));
    class_of_[i] = place->second;
  }
}

std::vector<CostEstimate> CostClasses::estimates(const CostModel& model) const {
  std::vector<CostEstimate> estimates;
  for (const CostClass& each : classes_) estimates.push_back(model.estimate(each));
  return estimates;
}

Work total_work(std::span<const CostEstimate> estimates, std::span<const double> trainings) {
  Work work;
  double class_errors = 0, own_variance = 0;
  for (std::size_t c = 0; c < estimates.size(); ++c) {
    const CostEstimate& estimate = estimates[c];
    const double count = std::max(trainings[c], 0.0);
    const double mean = estimate.seconds * std::exp(estimate.own_spread * estimate.own_spread / 2);
    work.seconds += count * mean;
    class_errors += count * mean * estimate.class_error;
    // The rest of one training goes on at its speed: its error shrinks with it.
    own_variance += count * std::min(count, 1.0) * mean * mean * estimate.own_spread * estimate.own_spread;
  }
  if (work.seconds > 0) work.spread = std::hypot(class_errors, std::sqrt(own_variance)) / work.seconds;
  return work;
}

double factor_of_95_percent(double spread) {
  constexpr double kNormalQuantile = 1.6449;
  return std::exp(kNormalQuantile * spread);
}

void Pace::observe(double wall_seconds, double cpu_seconds, double weight) {
  const double logarithm = std::log(wall_seconds / cpu_seconds);
  if (!std::isfinite(logarithm) || !(weight > 0)) return;
  logarithms_ = kPaceMemory * logarithms_ + weight * logarithm;
  weights_ = kPaceMemory * weights_ + weight;
}

double Pace::factor() const {
  // Before any observation a pace of 1 counts like one.
  return std::exp(logarithms_ / (weights_ + 1));
}

CurrentCosts current_costs(CostModel model, Pace pace, const CostClasses& classes,
                           std::span<const TrainingUnderWay> under_way) {
  struct Seen {
    const CostClass* of;
    double seconds, part;  // for this part of it
  };
  std::vector<Seen> seen;
  for (const TrainingUnderWay& each : under_way) {
    const CostClass& of = classes.of(each.training);
    const double part = of.course.part_done(each.env_steps) - of.course.part_done(each.from_step);
    if (each.seconds >= kLeastSeconds && part > 0) seen.push_back({&of, each.seconds, part});
  }
  Pace now = pace;
  for (const Seen& each : seen) {
    const CostEstimate estimate = model.estimate(*each.of);
    const double error = std::hypot(estimate.class_error, estimate.own_spread / std::sqrt(each.part));
    now.observe(each.seconds, each.part * estimate.seconds, kPaceSpread * kPaceSpread / (error * error));
  }
  for (const Seen& each : seen)
    model.observe(*each.of, each.seconds / each.part / now.factor(), std::min(each.part, 1.0));
  return {std::move(model), now};
}

}  // namespace impsweep
