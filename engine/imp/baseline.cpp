#include "engine/imp/baseline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "agents/network/initialisation.hpp"
#include "engine/imp/selection.hpp"
#include "envs/random.hpp"

namespace impsweep {
namespace {

template <class Values>
auto part_of(Values& values, const Tensor& tensor) {
  return std::span(values).subspan(tensor.offset, tensor.size);
}

const Tensor& tensor_of(const RoundInputs& in, std::size_t index) {
  return (*in.tensors)[index];
}

bool is_part_prunable(const std::vector<Tensor>& tensors, std::span<const std::size_t> prunable, int part) {
  return std::ranges::any_of(prunable, [&](std::size_t index) { return tensors[index].part == part; });
}

std::vector<std::int32_t> permutation(const std::string& stream_name, std::size_t n) {
  Stream stream(stream_name);
  std::vector<std::int32_t> order(n);
  shuffle(stream, order.data(), static_cast<std::int64_t>(n));
  return order;
}

std::vector<float> kept_values(std::span<const float> values, std::span<const std::uint8_t> mask) {
  std::vector<float> kept;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (mask[i] != 0) kept.push_back(values[i]);
  return kept;
}

// Writes a shuffle of `values` over the places that `mask` keeps.
void place_shuffled(const std::vector<float>& values, const std::string& stream_name,
                    std::span<const std::uint8_t> mask, std::span<float> target) {
  const std::vector<std::int32_t> order = permutation(stream_name, values.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < target.size(); ++i)
    target[i] = mask[i] != 0 ? values[static_cast<std::size_t>(order[next++])] : 0.0f;
}

// Shuffles one tensor's mask: single entries, or all weights of an input together. The latter is the first
// axis of arrays that are stored [in][out]; here they are [out][in], so columns move. What is not available
// stays out of it; of an input that is the same in every row.
void shuffle_mask(const Tensor& tensor, MaskPermutation kind, const std::string& stream_name,
                  std::span<const std::uint8_t> available, std::span<std::uint8_t> mask) {
  const Mask before(mask.begin(), mask.end());
  const bool whole_inputs = kind == MaskPermutation::kAxis0 && tensor.is_weight;
  const std::size_t columns =
      whole_inputs ? tensor.size / static_cast<std::size_t>(tensor.shape[0]) : tensor.size;
  std::vector<std::size_t> places;
  for (std::size_t column = 0; column < columns; ++column)
    if (available[column] != 0) places.push_back(column);
  const std::vector<std::int32_t> order = permutation(stream_name, places.size());
  for (std::size_t row = 0; row < mask.size(); row += columns)
    for (std::size_t i = 0; i < places.size(); ++i)
      mask[row + places[i]] = before[row + places[static_cast<std::size_t>(order[i])]];
}

RoundStart mask_weights(const RoundInputs& in) {
  return {Mask(in.mask.begin(), in.mask.end()), std::vector<float>(in.initial.begin(), in.initial.end())};
}

RoundStart mask_permuted(const RoundInputs& in) {
  RoundStart start = mask_weights(in);
  if (in.round == 0 && !in.imp->perm_round0) return start;
  for (const std::size_t index : in.prunable) {
    const Tensor& tensor = tensor_of(in, index);
    const auto mask = part_of(in.mask, tensor);
    place_shuffled(kept_values(part_of(in.initial, tensor), mask),
                   in.streams->of_baseline("permute-weights", tensor.name), mask,
                   part_of(start.parameters, tensor));
  }
  return start;
}

RoundStart permuted_permuted(const RoundInputs& in) {
  RoundStart start = mask_weights(in);
  if (in.round == 0) return start;
  for (const std::size_t index : in.prunable) {
    const Tensor& tensor = tensor_of(in, index);
    const auto mask = part_of(start.mask, tensor);
    shuffle_mask(tensor, in.imp->mask_perm, in.streams->of_baseline("permute-mask", tensor.name),
                 part_of(in.available, tensor), mask);
    place_shuffled(kept_values(part_of(in.initial, tensor), part_of(in.mask, tensor)),
                   in.streams->of_baseline("permute-weights", tensor.name), mask,
                   part_of(start.parameters, tensor));
  }
  return start;
}

std::int64_t available_entries(const RoundInputs& in) {
  std::int64_t count = 0;
  for (const std::int64_t kept : kept_per_tensor(*in.tensors, in.prunable, in.available)) count += kept;
  return count;
}

// Leaves exactly `kept` ones, uniform over the entries of these tensors together that are ones: each is taken
// with probability (ones still needed) / (entries still to come).
void keep_some(const RoundInputs& in, std::span<const std::size_t> tensors, std::int64_t kept, Stream& stream,
               Mask& mask) {
  const std::vector<std::int64_t> ones = kept_per_tensor(*in.tensors, tensors, mask);
  std::int64_t needed = kept, coming = std::accumulate(ones.begin(), ones.end(), std::int64_t{0});
  for (const std::size_t index : tensors)
    for (std::uint8_t& entry : part_of(mask, tensor_of(in, index))) {
      if (entry == 0) continue;
      entry = stream.below(coming) < needed ? 1 : 0;
      needed -= entry;
      --coming;
    }
}

// Parameters drawn anew: all of them, or those of the prunable tensors.
std::vector<float> redrawn(const RoundInputs& in) {
  std::vector<float> parameters = initial_parameters(*in.model, *in.network, [&](std::string_view tensor) {
    return in.streams->of_baseline("re-init", tensor);
  });
  if (in.imp->reinit_scope == ReinitScope::kPrunable)
    for (std::size_t index = 0; index < in.tensors->size(); ++index)
      if (std::ranges::count(in.prunable, index) == 0)
        std::ranges::copy(part_of(in.initial, tensor_of(in, index)),
                          part_of(parameters, tensor_of(in, index)).begin());
  return parameters;
}

// Exactly in.kept ones, divided among layers, uniform within each.
Mask random_mask(const RoundInputs& in, Distribution distribution) {
  ImpConfig imp = *in.imp;
  imp.distribution = distribution;
  Mask mask(in.available.begin(), in.available.end());
  Stream stream(in.streams->of_baseline("random-mask"));
  for (const Ranking& layer : rankings(*in.model, *in.tensors, in.prunable, imp, in.available, mask, in.kept))
    keep_some(in, layer.tensors, layer.kept, stream, mask);
  return mask;
}

RoundStart random_reinit(const RoundInputs& in) {
  if (in.round == 0) return mask_weights(in);
  return {random_mask(in, Distribution::kGlobal), redrawn(in)};
}

RoundStart mask_reinit(const RoundInputs& in) {
  RoundStart start = mask_weights(in);
  if (in.round > 0) start.parameters = redrawn(in);
  return start;
}

RoundStart ratio_weights(const RoundInputs& in) {
  RoundStart start = mask_weights(in);
  if (in.round == 0) return start;
  for (const std::size_t index : in.prunable) {
    const Tensor& tensor = tensor_of(in, index);
    shuffle_mask(tensor, MaskPermutation::kElement, in.streams->of_baseline("permute-mask", tensor.name),
                 part_of(in.available, tensor), part_of(start.mask, tensor));
  }
  return start;
}

RoundStart sign_constant(const RoundInputs& in) {
  RoundStart start = mask_weights(in);
  if (in.round == 0) return start;
  for (const std::size_t index : in.prunable)
    if (const Tensor& tensor = tensor_of(in, index); tensor.is_weight)
      make_signed_constant(part_of(in.available, tensor), part_of(start.parameters, tensor));
  return start;
}

template <Distribution distribution>
RoundStart random_static(const RoundInputs& in) {
  RoundStart start = mask_weights(in);
  if (in.round > 0) start.mask = random_mask(in, distribution);
  return start;
}

constexpr auto kBaselines = std::to_array<BaselineInfo>({
    {.name = "mask/weights",
     .chain_name = "mask-weights",
     .colour = "#bd1a2e",
     .prunes = true,
     .redraws = false,
     .own_option = "",
     .start = mask_weights},
    {.name = "mask/permuted",
     .chain_name = "mask-permuted",
     .colour = "#36a0a2",
     .prunes = true,
     .redraws = false,
     .own_option = "imp.perm_round0",
     .start = mask_permuted},
    {.name = "permuted/permuted",
     .chain_name = "permuted-permuted",
     .colour = "#1f2c6c",
     .prunes = true,
     .redraws = false,
     .own_option = "imp.mask_perm",
     .start = permuted_permuted},
    {.name = "random/re-init",
     .chain_name = "random-re-init",
     .colour = "#f2b82f",
     .prunes = false,
     .redraws = true,
     .own_option = "imp.reinit_scope",
     .start = random_reinit},
    {.name = "mask/re-init",
     .chain_name = "mask-re-init",
     .colour = "#7b3294",
     .prunes = true,
     .redraws = true,
     .own_option = "imp.reinit_scope",
     .start = mask_reinit},
    {.name = "ratio/weights",
     .chain_name = "ratio-weights",
     .colour = "#5aae61",
     .prunes = true,
     .redraws = false,
     .own_option = "",
     .start = ratio_weights},
    {.name = "sign/constant",
     .chain_name = "sign-constant",
     .colour = "#8c510a",
     .prunes = true,
     .redraws = false,
     .own_option = "",
     .start = sign_constant},
    {.name = "random/uniform",
     .chain_name = "random-uniform",
     .colour = "#999999",
     .prunes = false,
     .redraws = false,
     .own_option = "",
     .start = random_static<Distribution::kUniform>},
    {.name = "random/er",
     .chain_name = "random-er",
     .colour = "#5e8fc7",
     .prunes = false,
     .redraws = false,
     .own_option = "",
     .start = random_static<Distribution::kEr>},
    {.name = "random/erk",
     .chain_name = "random-erk",
     .colour = "#c77cba",
     .prunes = false,
     .redraws = false,
     .own_option = "",
     .start = random_static<Distribution::kErk>},
});

constexpr bool is_at(Baseline baseline, std::string_view name) {
  return kBaselines[static_cast<std::size_t>(baseline)].name == name;
}
static_assert(is_at(Baseline::kMaskWeights, "mask/weights") &&
              is_at(Baseline::kMaskPermuted, "mask/permuted") &&
              is_at(Baseline::kPermutedPermuted, "permuted/permuted") &&
              is_at(Baseline::kRandomReinit, "random/re-init"));

void require(bool condition, const char* what) {
  if (!condition) throw std::invalid_argument(std::string("start of a round: ") + what);
}

}  // namespace

std::size_t baseline_count() {
  return kBaselines.size();
}

std::vector<Baseline> baselines() {
  std::vector<Baseline> all;
  all.reserve(kBaselines.size());
  for (std::size_t place = 0; place < kBaselines.size(); ++place) all.push_back(static_cast<Baseline>(place));
  return all;
}

const BaselineInfo& info_of(Baseline baseline) {
  return kBaselines[static_cast<std::size_t>(baseline)];
}

std::optional<Baseline> find_baseline(std::string_view name) {
  for (const Baseline baseline : baselines())
    if (info_of(baseline).name == name) return baseline;
  return std::nullopt;
}

double make_signed_constant(std::span<const std::uint8_t> available, std::span<float> values) {
  double sum = 0, squares = 0;
  const auto count = static_cast<double>(std::ranges::count(available, std::uint8_t{1}));
  if (count == 0) return 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (available[i] != 0) sum += values[i];
  for (std::size_t i = 0; i < values.size(); ++i)
    if (available[i] != 0) squares += std::pow(values[i] - sum / count, 2);
  const double constant = std::sqrt(squares / count);
  for (float& value : values) value = value == 0 ? 0.0f : std::copysign(static_cast<float>(constant), value);
  return constant;
}

bool has_unpruned_network(const ModelSpec& model, const std::vector<Tensor>& tensors,
                          std::span<const std::size_t> prunable) {
  for (std::size_t part = 0; part < model.parts.size(); ++part)
    if (!is_part_prunable(tensors, prunable, static_cast<int>(part))) return true;
  return false;
}

RoundStart prepare(Baseline baseline, const RoundInputs& in) {
  const std::size_t count = parameter_count(*in.model);
  const bool continues = in.round > 0 && !in.imp->reset_unpruned;
  const bool draws_mask = in.round > 0 && !info_of(baseline).prunes;
  require(in.initial.size() == count, "initial parameters do not fit the model");
  require(draws_mask || in.mask.size() == count, "mask does not fit the model");
  require(!continues || in.previous.size() == count, "parameters of the previous round do not fit the model");
  require(in.available.size() == count, "available entries do not fit the model");
  require(!draws_mask || (in.kept >= 0 && in.kept <= available_entries(in)),
          "impossible number of kept weights");

  RoundStart start = info_of(baseline).start(in);
  for (std::size_t i = 0; i < count; ++i)
    if (start.mask[i] == 0) start.parameters[i] = 0.0f;
  if (continues)
    for (const Tensor& tensor : *in.tensors)
      if (tensor.part >= 0 && !is_part_prunable(*in.tensors, in.prunable, tensor.part))
        std::ranges::copy(part_of(in.previous, tensor), part_of(start.parameters, tensor).begin());
  return start;
}

}  // namespace impsweep
