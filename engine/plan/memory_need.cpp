#include "engine/plan/memory_need.hpp"

#include <algorithm>

namespace impsweep {

MemoryNeed memory_need(const Plan& plan, TrainingIndex index) {
  constexpr double kProgramBytes = 60e6;
  // Values, gradient, two moments, best, initial, mask, buffers of files.
  constexpr double kParameterCopies = 10;
  constexpr double kPriorityBytes = 32;   // a leaf and its share of the sums, rounded up to a power of two
  constexpr double kTransitionBytes = 9;  // action, reward, end
  const Settings& settings = plan.settings[plan.trainings[index].settings];
  const TaskInfo& task = known_task(settings.task, "memory");
  const ModelSpec model = model_of(settings);
  double units = 0, parameters = 0;
  for (const MlpSpec& part : model.parts)
    for (const int size : part.sizes) units += size;
  for (const Tensor& tensor : tensors_of(model)) parameters += static_cast<double>(tensor.size);
  const SamplerConfig& sampler = settings.agent.sampler;
  const double batch = static_cast<double>(sampler.batch_B) * static_cast<double>(sampler.batch_T);
  const double observation = task.binary ? 2.0 * (task.max_active + 1) : 4.0 * task.observation_size;
  const auto replay = static_cast<double>(algorithm_of(settings).work(settings.agent).replay_size);
  return {.program = kProgramBytes,
          .parameters = 4 * kParameterCopies * parameters,
          .batch = batch * 4 * (2 * units + task.observation_size + 16),
          .replay = replay * (observation + kPriorityBytes + kTransitionBytes)};
}

std::string MemoryNeed::largest_key(const Settings& settings) const {
  const double largest = std::max({parameters, batch, replay});
  if (largest == replay && replay > 0)
    return settings.algorithm == "dqn" ? "dqn.replay_size" : "bc.replay_size";
  if (largest == batch) return "rl.batch_T";
  return "network.hidden";
}

}  // namespace impsweep
