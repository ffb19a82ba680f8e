#include "engine/plan/cost_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace impsweep {
namespace {

constexpr double kFlopPerSecond = 40e9;
constexpr double kSecondsPerTraining = 0.05;  // reading the parent, compiling the mask, writing the result

// Cost of bringing one number of an observation from the rollout to the first layer and learning from it,
// besides the products. It counts where observations are images.
constexpr double kSecondsPerNumber = 3.5e-9;

constexpr std::int64_t kProgramBytes = 60'000'000;  // code, libraries and buffers of a rank
constexpr std::int64_t kFileBytes = 30'000;         // attributes, recipe and provenance of a round file

// Spread of trainings of one class, as long as only few are known, and errors of the level of a class: when
// only wider classes are known (same network, same task and algorithm, any), and when nothing is.
constexpr double kOwnSpread = 0.1;
constexpr std::array kForeignClassError = {0.0, 0.15, 0.3, 0.5};
constexpr double kUnknownClassError = 0.7;

struct Weights {
  double actor = 0, critic = 0;  // kept, as often as they are multiplied for one observation
  std::int64_t parameters = 0;   // all
};

// How often each weight of a tensor is multiplied for one observation.
int positions(const ModelSpec& model, const Tensor& tensor) {
  const std::vector<ConvolutionSpec>& convolutions =
      model.parts[static_cast<std::size_t>(tensor.part)].convolutions;
  const auto layer = static_cast<std::size_t>(tensor.layer);
  return layer < convolutions.size() ? convolutions[layer].positions() : 1;
}

// The density belongs to the prunable networks; the others stay dense.
Weights kept_weights(const Settings& settings, double density) {
  const ModelSpec model = model_of(settings);
  Weights weights;
  for (const Tensor& tensor : tensors_of(model)) {
    weights.parameters += static_cast<std::int64_t>(tensor.size);
    if (!tensor.is_weight) continue;
    const bool is_critic = model.parts[static_cast<std::size_t>(tensor.part)].name == "critic";
    const bool is_pruned = !is_critic || settings.imp.scope == PruneScope::kActorCritic;
    (is_critic ? weights.critic : weights.actor) +=
        static_cast<double>(tensor.size) * positions(model, tensor) * (is_pruned ? density : 1.0);
  }
  return weights;
}

double episode_steps(const TaskInfo& task) {
  return task.usual_episode_steps > 0 ? task.usual_episode_steps : std::max(1, task.max_steps);
}

LearningWork work_of(const Settings& settings) {
  return algorithm_of(settings).work(settings.agent);
}

double evaluations(const AgentConfig& agent, const TrainingNode& node) {
  return std::ceil(static_cast<double>(node.env_steps) / static_cast<double>(agent.evaluation.interval)) + 1;
}

double evaluation_steps(const Settings& settings, const TrainingNode& node) {
  const EvaluationConfig& evaluation = settings.agent.evaluation;
  const double episodes = evaluations(settings.agent, node) * static_cast<double>(evaluation.episodes) +
                          2.0 * static_cast<double>(evaluation.reevaluation_episodes);
  return episodes * episode_steps(known_task(settings.task, "cost model"));
}

double all_steps(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  return static_cast<double>(node.env_steps) + evaluation_steps(plan.settings[node.settings], node);
}

// Bytes of the replay memory, if there is one.
double replay_bytes(const Settings& settings) {
  const TaskInfo& task = known_task(settings.task, "cost model");
  const double observation = task.binary ? 2.0 * (task.max_active + 1) : 4.0 * task.observation_size;
  const double priorities = 32;  // a leaf and its share of the sums, rounded up to a power of two
  return static_cast<double>(work_of(settings).replay_size) * (observation + priorities + 9);
}

}  // namespace

double predicted_flop(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const LearningWork work = work_of(settings);
  const Weights weights = kept_weights(settings, node.density);
  const double teacher =
      algorithm_of(settings).has_teacher ? kept_weights(teacher_settings(settings), 1.0).actor : 0;
  const double acting = work.teacher_acts ? teacher : weights.actor + weights.critic;
  const double learning = work.learned_per_step *
                          ((weights.actor + weights.critic) * work.passes + teacher * work.teacher_passes);
  const double per_step = 2 * acting + 2 * learning;
  return static_cast<double>(node.env_steps) * per_step +
         evaluation_steps(settings, node) * 2 * weights.actor;
}

double predicted_seconds(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const TaskInfo& task = known_task(settings.task, "cost model");
  const double numbers = task.binary ? task.max_active : task.observation_size;
  return kSecondsPerTraining + predicted_flop(plan, index) / kFlopPerSecond +
         all_steps(plan, index) * task.seconds_per_step +
         static_cast<double>(node.env_steps) * work_of(settings).learned_per_step * numbers *
             kSecondsPerNumber;
}

std::int64_t predicted_bytes(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const Weights weights = kept_weights(settings, 1.0);
  const auto prunable =
      static_cast<std::int64_t>(std::llround(static_cast<double>(node.kept) / node.density));
  const std::int64_t kept_parameters = weights.parameters - prunable + node.kept;
  std::int64_t copies = settings.imp.prune_from == PruneFrom::kFinal ? 2 : 1;  // best, and final where needed
  if (node.round == 0) {
    copies += 1;  // initial parameters
    for (const std::int64_t step : kSnapshotSteps) copies += step < node.env_steps ? 1 : 0;
  }
  const auto curve = static_cast<std::int64_t>(evaluations(settings.agent, node)) *
                     (24 + 4 * settings.agent.evaluation.episodes);
  return kFileBytes + 4 * copies * kept_parameters + prunable / 8 + curve +
         8 * settings.agent.evaluation.reevaluation_episodes;
}

std::int64_t predicted_memory_bytes(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const SamplerConfig& sampler = settings.agent.sampler;
  const ModelSpec model = model_of(settings);
  std::int64_t units = 0;
  for (const MlpSpec& part : model.parts)
    for (const int size : part.sizes) units += size;
  const std::int64_t parameters = kept_weights(settings, 1.0).parameters;
  const std::int64_t batch = sampler.batch_B * sampler.batch_T;
  constexpr std::int64_t kParameterCopies =
      10;  // values, gradient, two moments, best, initial, mask, file buffers
  // Activations and their gradients of a whole batch, and the rollout itself.
  const std::int64_t observation = known_task(settings.task, "cost model").observation_size;
  return kProgramBytes + 4 * kParameterCopies * parameters + batch * 4 * (2 * units + observation + 16) +
         static_cast<std::int64_t>(replay_bytes(settings));
}

CostClass cost_class(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const std::string kind = settings.task + "." + settings.algorithm;
  const std::string network = kind + "." + network_name(settings.agent.network);
  const int halvings = static_cast<int>(std::lround(-std::log2(std::max(node.density, 1e-6))));
  return {predicted_seconds(plan, index), {fmt::format("{}.{}", network, halvings), network, kind, ""}};
}

CostEstimate CostModel::estimate(const CostClass& given) const {
  const double predicted = given.predicted_seconds;
  for (std::size_t level = 0; level < given.names.size(); ++level) {
    const auto found = ratios_.find(given.names[level]);
    if (found == ratios_.end()) continue;
    const Ratios& ratios = found->second;
    const auto count = static_cast<double>(ratios.count);
    const double variance = (kOwnSpread * kOwnSpread + ratios.squares) / count;
    const double spread = std::sqrt(variance);
    return {predicted * std::exp(ratios.mean), spread,
            std::hypot(spread / std::sqrt(count), kForeignClassError[level])};
  }
  return {predicted, kOwnSpread, kUnknownClassError};
}

void CostModel::observe(const CostClass& given, double seconds) {
  if (!(seconds > 0) || !std::isfinite(seconds)) return;
  const double ratio = std::log(seconds / given.predicted_seconds);
  for (const std::string& name : given.names) {
    Ratios& ratios = ratios_[name];
    const double difference = ratio - ratios.mean;
    ratios.mean += difference / static_cast<double>(++ratios.count);
    ratios.squares += difference * (ratio - ratios.mean);
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

}  // namespace impsweep
