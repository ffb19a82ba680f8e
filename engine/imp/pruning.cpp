#include "engine/imp/pruning.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

namespace impsweep {
namespace {

// Order of magnitudes as order of unsigned integers: the bits of |w|.
std::uint32_t magnitude_bits(float weight) {
  return std::bit_cast<std::uint32_t>(weight) & 0x7fffffffu;
}

// Calls visit(position) for every entry of the prunable tensors, in the order of the ranking's ties.
template <class Visit>
void for_each_entry(const std::vector<Tensor>& tensors, std::span<const std::size_t> prunable, Visit visit) {
  for (const std::size_t index : prunable)
    for (std::size_t i = 0; i < tensors[index].size; ++i) visit(tensors[index].offset + i);
}

// Position of the quantile among `entries` sorted values, as numpy's and PyTorch's linear interpolation has
// it.
double quantile_position(std::int64_t entries, double fraction, int prunings) {
  const double quantile = 1.0 - std::pow(1.0 - fraction, prunings);
  return quantile * static_cast<double>(entries - 1);
}

}  // namespace

std::vector<std::size_t> prunable_tensors(const std::vector<Tensor>& tensors, const ModelSpec& model,
                                          const ImpConfig& imp) {
  std::vector<std::size_t> prunable;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i];
    if (tensor.part < 0) continue;
    const bool is_critic = model.parts[static_cast<std::size_t>(tensor.part)].name == "critic";
    const bool in_scope = !is_critic || imp.scope == PruneScope::kActorCritic;
    if (in_scope && (tensor.is_weight || imp.prune_bias)) prunable.push_back(i);
  }
  return prunable;
}

std::vector<std::size_t> tensors_by_name(const std::vector<Tensor>& tensors,
                                         std::span<const std::string> names) {
  std::vector<std::size_t> indices;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(tensors, name, &Tensor::name);
    if (found == tensors.end()) throw std::invalid_argument("the model has no tensor '" + name + "'");
    indices.push_back(static_cast<std::size_t>(found - tensors.begin()));
  }
  return indices;
}

std::int64_t entry_count(const std::vector<Tensor>& tensors, std::span<const std::size_t> prunable) {
  std::int64_t count = 0;
  for (const std::size_t index : prunable) count += static_cast<std::int64_t>(tensors[index].size);
  return count;
}

std::vector<std::int64_t> kept_per_tensor(const std::vector<Tensor>& tensors,
                                          std::span<const std::size_t> prunable,
                                          std::span<const std::uint8_t> mask) {
  std::vector<std::int64_t> kept;
  for (const std::size_t index : prunable) {
    const auto part = mask.subspan(tensors[index].offset, tensors[index].size);
    kept.push_back(std::ranges::count(part, std::uint8_t{1}));
  }
  return kept;
}

std::int64_t round_half_even(double value) {
  const double below = std::floor(value);
  const double rest = value - below;
  const auto integer = static_cast<std::int64_t>(below);
  if (rest != 0.5) return rest < 0.5 ? integer : integer + 1;
  return integer % 2 == 0 ? integer : integer + 1;
}

void prune_exact(std::span<const float> weights, const std::vector<Tensor>& tensors,
                 std::span<const std::size_t> prunable, double fraction, Mask& mask) {
  struct Candidate {
    std::uint64_t rank;  // magnitude in the upper half, place among the ties in the lower
    std::size_t position;
  };
  std::vector<Candidate> candidates;
  std::uint32_t ordinal = 0;
  for_each_entry(tensors, prunable, [&](std::size_t position) {
    if (mask[position] != 0)
      candidates.push_back({std::uint64_t{magnitude_bits(weights[position])} << 32 | ordinal, position});
    ++ordinal;
  });
  const std::int64_t removed = round_half_even(fraction * static_cast<double>(candidates.size()));
  const auto cut = candidates.begin() + removed;
  std::ranges::nth_element(candidates, cut, {}, &Candidate::rank);
  std::for_each(candidates.begin(), cut, [&](const Candidate& candidate) { mask[candidate.position] = 0; });
}

void prune_quantile(std::span<const float> weights, const std::vector<Tensor>& tensors,
                    std::span<const std::size_t> prunable, double fraction, int prunings, Mask& mask) {
  std::vector<float> magnitudes;
  for_each_entry(tensors, prunable, [&](std::size_t position) {
    magnitudes.push_back(mask[position] != 0 ? std::abs(weights[position]) : 0.0f);
  });
  if (magnitudes.empty()) return;
  const double place = quantile_position(static_cast<std::int64_t>(magnitudes.size()), fraction, prunings);
  const auto lower = magnitudes.begin() + static_cast<std::ptrdiff_t>(std::floor(place));
  std::ranges::nth_element(magnitudes, lower);
  const double below = *lower;
  const bool between = place > std::floor(place);
  const double above = between ? *std::min_element(lower + 1, magnitudes.end()) : below;
  const double threshold = below + (above - below) * (place - std::floor(place));
  for_each_entry(tensors, prunable, [&](std::size_t position) {
    if (!(std::abs(weights[position]) >= threshold)) mask[position] = 0;
  });
}

Mask pruned_mask(std::span<const float> weights, std::span<const std::uint8_t> mask,
                 const std::vector<Tensor>& tensors, std::span<const std::size_t> prunable,
                 const ImpConfig& imp, int next_round) {
  Mask next(mask.begin(), mask.end());
  if (imp.prune_rule == PruneRule::kExact)
    prune_exact(weights, tensors, prunable, imp.prune_fraction, next);
  else
    prune_quantile(weights, tensors, prunable, imp.prune_fraction, next_round, next);
  return next;
}

std::int64_t kept_at(std::int64_t entries, double density) {
  return round_half_even(density * static_cast<double>(entries));
}

std::int64_t kept_after(std::int64_t entries, double fraction, int prunings, PruneRule rule) {
  if (prunings == 0 || entries == 0) return entries;
  if (rule == PruneRule::kQuantile)
    return entries - static_cast<std::int64_t>(std::ceil(quantile_position(entries, fraction, prunings)));
  std::int64_t kept = entries;
  for (int i = 0; i < prunings; ++i) kept -= round_half_even(fraction * static_cast<double>(kept));
  return kept;
}

}  // namespace impsweep
