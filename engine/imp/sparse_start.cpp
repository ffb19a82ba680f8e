#include "engine/imp/sparse_start.hpp"

#include <algorithm>
#include <cmath>

#include "agents/sparsity/mask_update.hpp"
#include "engine/imp/distribution.hpp"

namespace impsweep {

std::vector<std::int64_t> sparse_counts(const std::vector<Tensor>& tensors,
                                        std::span<const std::size_t> prunable,
                                        std::span<const std::uint8_t> available, std::int64_t kept) {
  std::vector<LayerRoom> layers;
  for (const std::size_t index : prunable) {
    const Tensor& tensor = tensors[index];
    const auto room = available.empty() ? static_cast<std::int64_t>(tensor.size)
                                        : kept_in(available.subspan(tensor.offset, tensor.size));
    layers.push_back(
        {.raw_density = raw_density(Distribution::kErk, tensor.shape), .weights = room, .most = room});
  }
  return layer_counts(layers, layer_shares(layers, static_cast<double>(kept)), kept);
}

SparseStart start_sparse(const SparseConfig& config, const SparseInputs& inputs, const StreamNames& streams) {
  const std::vector<Tensor>& tensors = *inputs.tensors;
  SparseStart start;
  MaskPlan& plan = start.plan;
  const auto at = [&](double part) {
    const auto step = static_cast<std::int64_t>(part * static_cast<double>(inputs.length.steps));
    return std::clamp<std::int64_t>(step, 0, inputs.length.last_change);
  };
  plan.schedule = {config.method, at(config.start), at(config.end), config.interval};
  plan.fraction = config.fraction;
  plan.align = inputs.length.has_rollouts ? config.align : SparseAlign::kUpdate;
  plan.tensors.assign(inputs.prunable.begin(), inputs.prunable.end());
  plan.counts = sparse_counts(tensors, inputs.prunable, inputs.available, inputs.kept);
  if (std::ranges::count(inputs.available, 0) > 0)
    plan.available.assign(inputs.available.begin(), inputs.available.end());

  start.mask.assign(inputs.available.begin(), inputs.available.end());
  if (config.method != SparseMethod::kGradual) {
    for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
      const Tensor& tensor = tensors[plan.tensors[i]];
      const std::span<std::uint8_t> own = std::span(start.mask).subspan(tensor.offset, tensor.size);
      std::ranges::fill(own, std::uint8_t{0});
      Stream draws(streams.of_baseline("sparse-mask", tensor.name));
      grow_at_random(draws, inputs.available.subspan(tensor.offset, tensor.size), plan.counts[i], own);
    }
    if (config.grow == SparseGrowth::kInitial)
      plan.grown.assign(inputs.initial.begin(), inputs.initial.end());
  }
  start.parameters.assign(inputs.initial.begin(), inputs.initial.end());
  for (std::size_t i = 0; i < start.parameters.size(); ++i)
    if (start.mask[i] == 0) start.parameters[i] = 0;
  return start;
}

}  // namespace impsweep
