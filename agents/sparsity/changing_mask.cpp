#include "agents/sparsity/changing_mask.hpp"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "agents/sparsity/mask_update.hpp"

namespace impsweep {

ChangingMask::ChangingMask(const ModelSpec& model, MaskPlan plan, std::span<const std::uint8_t> mask,
                           Stream growth)
    : plan_(std::move(plan)), mask_(mask.begin(), mask.end()), growth_(growth) {
  const std::vector<Tensor> all = tensors_of(model);
  if (mask_.size() != parameter_count(model) || plan_.counts.size() != plan_.tensors.size())
    throw std::invalid_argument("mask, plan and model do not fit together");
  for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
    const Tensor& tensor = tensors_.emplace_back(all.at(plan_.tensors[i]));
    first_counts_.push_back(kept_in(std::span(mask_).subspan(tensor.offset, tensor.size)));
    if (plan_.counts[i] > first_counts_.back())
      throw std::invalid_argument("a layer cannot end with more weights than it begins with");
  }
}

bool ChangingMask::has_final_counts() const {
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    if (kept_in(mask().subspan(tensors_[i].offset, tensors_[i].size)) != plan_.counts[i]) return false;
  return true;
}

double ChangingMask::density() const {
  std::int64_t kept = 0, entries = 0;
  for (const Tensor& tensor : tensors_) {
    kept += kept_in(mask().subspan(tensor.offset, tensor.size));
    entries += plan_.available.empty()
                   ? static_cast<std::int64_t>(tensor.size)
                   : kept_in(std::span(plan_.available).subspan(tensor.offset, tensor.size));
  }
  return static_cast<double>(kept) / static_cast<double>(entries);
}

bool ChangingMask::change(std::int64_t steps, std::span<const float> weights,
                          std::span<const float> gradients) {
  const MaskSchedule& schedule = plan_.schedule;
  const std::optional<std::int64_t> time = schedule.last_change(asked_, steps);
  asked_ = steps;
  if (!time) return false;
  const std::vector<std::uint8_t> before = mask_;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& tensor = tensors_[i];
    const std::span<std::uint8_t> mask = std::span(mask_).subspan(tensor.offset, tensor.size);
    const std::span<const float> own = weights.subspan(tensor.offset, tensor.size);
    if (schedule.method == SparseMethod::kGradual) {
      const auto entries = static_cast<double>(first_counts_[i]);
      const double sparsity = cubic_sparsity(*time, schedule.start, schedule.end, 0.0,
                                             1.0 - static_cast<double>(plan_.counts[i]) / entries);
      keep_largest(own, std::llrint(entries * (1.0 - sparsity)), mask);  // halves to the even number
      continue;
    }
    const std::int64_t active = plan_.counts[i];
    const std::int64_t dropped = drop_count(active, cosine_fraction(*time, plan_.fraction, schedule.end));
    if (dropped == 0) continue;
    std::span<const std::uint8_t> available(plan_.available);
    if (!available.empty()) available = available.subspan(tensor.offset, tensor.size);
    keep_largest(own, active - dropped, mask);
    if (schedule.method == SparseMethod::kSet)
      grow_at_random(growth_, available, dropped, mask);
    else
      grow_largest(gradients.subspan(tensor.offset, tensor.size), available, dropped, mask);
  }
  return mask_ != before;
}

double weight_products(const ModelSpec& model, std::span<const std::uint8_t> mask) {
  double products = 0;
  for (const Tensor& tensor : tensors_of(model)) {
    if (!tensor.is_weight) continue;
    const MlpSpec& part = model.parts[static_cast<std::size_t>(tensor.part)];
    const auto layer = static_cast<std::size_t>(tensor.layer);
    const int positions = layer < part.convolutions.size() ? part.convolutions[layer].positions() : 1;
    const auto kept = mask.empty() ? static_cast<double>(tensor.size)
                                   : static_cast<double>(kept_in(mask.subspan(tensor.offset, tensor.size)));
    products += kept * positions;
  }
  return products;
}

}  // namespace impsweep
