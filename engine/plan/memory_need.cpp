#include "engine/plan/memory_need.hpp"

#include <algorithm>

namespace impsweep {
namespace {

constexpr double kProgramBytes = 46e6;
// Numbers that a rank holds for each parameter of a network that is trained (values, gradient, moments, best,
// initial, mask, where it lies, the file) and of one that is not, and for each unit and sample of a batch: as
// ranks have needed at most.
constexpr double kNumbersPerParameter = 18, kNumbersPerFrozen = 7, kNumbersPerActivation = 4.6;
constexpr double kNumbersPerStep = 16;  // of a rollout, besides what is observed
constexpr double kPriorityBytes = 32;   // a leaf and its share of the sums, rounded up to a power of two
constexpr double kTransitionBytes = 9;  // action, reward, end
constexpr double kLargestBytes = 1e18;  // absurd settings need more bytes than numbers go

double units_of(const ModelSpec& model) {
  double units = 0;
  for (const MlpSpec& part : model.parts)
    for (const int size : part.sizes) units += size;
  return units;
}

// The largest batch that networks are made for.
double columns_of(const Settings& settings, const LearningWork& work) {
  constexpr double kEvaluationLanes = 64;
  return std::max({work.batch, kEvaluationLanes, static_cast<double>(settings.agent.sampler.batch_B)});
}

}  // namespace

MemoryNeed memory_need(const Plan& plan, TrainingIndex index) {
  const Settings& settings = plan.settings[plan.trainings[index].settings];
  const TaskInfo& task = known_task(settings.task, "memory");
  const AlgorithmInfo& algorithm = algorithm_of(settings);
  const LearningWork work = algorithm.work(settings.agent);
  const ModelSpec model = model_of(settings);
  const double networks = work.target_updates > 0 ? 2 : 1;
  double parameters = (kNumbersPerParameter + (networks - 1) * kNumbersPerFrozen) *
                      static_cast<double>(parameter_count(model));
  double units = networks * units_of(model);
  if (algorithm.has_teacher) {
    const ModelSpec teacher = model_of(teacher_settings(settings));
    parameters += kNumbersPerFrozen * static_cast<double>(parameter_count(teacher));
    units += units_of(teacher);
  }
  const double steps = work.replay_size == 0 ? static_cast<double>(work.steps_per_iteration) : 0;
  const double fixed = work.replay_size == 0 ? static_cast<double>(work.fixed_steps) : 0;
  const double listed = task.code_size > 0 ? 2.0 * (task.max_active + 1) : 4.0 * task.observation_size;
  return {.program = kProgramBytes,
          .parameters = sizeof(float) * parameters,
          .activations = sizeof(float) * kNumbersPerActivation * columns_of(settings, work) * units,
          .rollout = sizeof(float) * steps * (task.observation_size + kNumbersPerStep),
          .fixed = sizeof(float) * fixed * task.observation_size,
          .replay = static_cast<double>(work.replay_size) * (listed + kPriorityBytes + kTransitionBytes)};
}

std::int64_t MemoryNeed::bytes() const {
  return static_cast<std::int64_t>(std::min(total(), kLargestBytes));
}

std::string MemoryNeed::largest_key(const Settings& settings) const {
  const double largest = std::max({parameters, activations, rollout, fixed, replay});
  if (largest == replay && replay > 0) return settings.algorithm + ".replay_size";
  if (largest == fixed && fixed > 0) return settings.algorithm + ".fixed_steps";
  if (largest == rollout && rollout > 0) return "rl.batch_T";
  if (largest == activations && (replay > 0 || settings.algorithm == "supervised"))
    return settings.algorithm + ".batch_size";
  return "network.hidden";
}

}  // namespace impsweep
