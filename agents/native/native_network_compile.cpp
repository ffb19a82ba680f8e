// What a mask leaves over of a network: which units matter, the form of every layer, and where each parameter
// lies in the arena.
#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>

#include "agents/native/native_network.hpp"

namespace impsweep {
namespace {

std::size_t whole_lanes(std::size_t n) {
  return (n + kLanes - 1) / kLanes * kLanes;
}

std::vector<int> all_units(int size) {
  std::vector<int> units(static_cast<std::size_t>(size));
  std::iota(units.begin(), units.end(), 0);
  return units;
}

// Units of every level - inputs, hidden layers, outputs - that a kept path connects with an output, or with
// one of `needed`, units of the last hidden layer that heads read.
std::vector<std::vector<int>> units_that_matter(const MlpSpec& spec,
                                                const std::vector<const Tensor*>& weights,
                                                std::span<const std::uint8_t> mask,
                                                const std::set<int>& needed) {
  std::vector<std::vector<int>> units(spec.sizes.size());
  units.back() = all_units(spec.sizes.back());
  for (std::size_t level = spec.sizes.size() - 1; level-- > 0;) {
    const std::size_t offset = weights[level]->offset;
    const bool is_read_by_heads = level + 2 == spec.sizes.size();
    for (int i = 0; i < spec.sizes[level]; ++i) {
      const bool matters = std::ranges::any_of(units[level + 1], [&](int o) {
        return mask.empty() || mask[offset + static_cast<std::size_t>(o) * spec.sizes[level] + i] != 0;
      });
      if (matters || (is_read_by_heads && needed.contains(i))) units[level].push_back(i);
    }
  }
  return units;
}

}  // namespace

NativeNetwork::NativeNetwork(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                             NetworkOptions options)
    : model_(spec), mask_(mask.begin(), mask.end()), options_(options) {
  const std::vector<Tensor> tensors = tensors_of(spec);
  dense_size_ = parameter_count(spec);
  if (!mask.empty() && mask.size() != dense_size_)
    throw std::invalid_argument("mask and model differ in size");
  if (dense_size_ > std::numeric_limits<std::uint32_t>::max()) throw std::invalid_argument("model too large");
  parts_.resize(spec.parts.size());
  std::vector<PartTensors> of_part(parts_.size());
  for (const Tensor& tensor : tensors) {
    if (tensor.part < 0) continue;
    PartTensors& own = of_part[static_cast<std::size_t>(tensor.part)];
    (tensor.is_weight ? own.weights : own.biases).push_back(&tensor);
  }
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const MlpSpec& given = spec.parts[p];
    for (const int size : given.sizes)
      if (size > std::numeric_limits<std::uint16_t>::max())
        throw std::invalid_argument("layers are limited to 65535 units");
    if (given.trunk) {
      const MlpSpec& trunk = spec.parts.at(static_cast<std::size_t>(*given.trunk));
      if (*given.trunk >= static_cast<int>(p) || trunk.trunk || trunk.sizes.size() < 3 ||
          given.sizes.front() != trunk.sizes[trunk.sizes.size() - 2])
        throw std::invalid_argument("a head reads the last hidden layer of an earlier part");
    }
    parts_[p].spec = given;
    parts_[p].trunk = given.trunk;
    parts_[p].spec.sizes.erase(parts_[p].spec.sizes.begin(),
                               parts_[p].spec.sizes.begin() + std::ssize(given.convolutions));
  }
  choose_units(of_part, mask, options.remove_unreachable);
  entries_.reserve(mask.empty() ? dense_size_ : static_cast<std::size_t>(std::ranges::count(mask, 1)));
  std::vector<std::uint32_t> parked;
  for (std::size_t p = 0; p < parts_.size(); ++p) compile(parts_[p], of_part[p], mask, options, parked);
  // Vectors behind the parts: `count` entries from `dense` on, which come next in the arena.
  const auto append_vector = [&](std::size_t dense, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      entries_.push_back(
          {static_cast<std::uint32_t>(dense + i), static_cast<std::uint32_t>(arena_size_ + i)});
    arena_size_ += whole_lanes(count);
  };
  moments_ = spec.observation_moments;
  const std::size_t moments = moments_ > 0 ? 2 * static_cast<std::size_t>(moments_) + 1 : 0;
  const auto log_std = static_cast<std::size_t>(spec.log_std);
  log_std_offset_ = arena_size_;
  append_vector(dense_size_ - moments - log_std, log_std);
  gradients_.assign(arena_size_, 0.0f);
  for (std::size_t i = 0; i < parked.size(); ++i)
    entries_.push_back({parked[i], static_cast<std::uint32_t>(arena_size_ + i)});
  arena_size_ += whole_lanes(parked.size());
  moments_offset_ = arena_size_;
  append_vector(dense_size_ - moments, moments);
  parameters_.assign(arena_size_, 0.0f);
  if (moments > 0)
    for (std::size_t p = 0; p < parts_.size(); ++p)
      if (!parts_[p].trunk)
        parts_[p].normalised.assign(static_cast<std::size_t>(input_size(static_cast<int>(p))) *
                                        static_cast<std::size_t>(round_up_to_lanes(options.max_batch)),
                                    0.0f);
  sort_entries();
}

// By dense place. Every place has one entry at most, so that the order is found by writing each to its own.
void NativeNetwork::sort_entries() {
  constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> arena_of(dense_size_, kNone);
  for (const Entry& entry : entries_) arena_of[entry.dense] = entry.arena;
  std::size_t next = 0;
  for (std::size_t dense = 0; dense < dense_size_; ++dense)
    if (arena_of[dense] != kNone) entries_[next++] = {static_cast<std::uint32_t>(dense), arena_of[dense]};
}

void NativeNetwork::recompile(std::span<const std::uint8_t> mask) {
  std::vector<float> dense(dense_size_);
  scatter(parameters_, dense);
  *this = NativeNetwork(model_, mask, options_);
  gather(dense, parameters_);
}

void NativeNetwork::choose_units(const std::vector<PartTensors>& tensors, std::span<const std::uint8_t> mask,
                                 bool remove_unreachable) {
  for (std::size_t p = parts_.size(); p-- > 0;) {  // heads come behind their trunks
    CompiledPart& part = parts_[p];
    const MlpSpec& spec = part.spec;
    if (!remove_unreachable) {
      for (const int size : spec.sizes) part.units.push_back(all_units(size));
      continue;
    }
    std::set<int> needed;
    for (const CompiledPart& head : parts_)
      if (head.trunk == static_cast<int>(p))
        needed.insert(head.units.front().begin(), head.units.front().end());
    const std::vector<const Tensor*> weights(tensors[p].weights.begin() + std::ssize(spec.convolutions),
                                             tensors[p].weights.end());
    part.units = units_that_matter(spec, weights, mask, needed);
  }
}

void NativeNetwork::compile(CompiledPart& part, const PartTensors& tensors,
                            std::span<const std::uint8_t> mask, const NetworkOptions& options,
                            std::vector<std::uint32_t>& parked) {
  const MlpSpec& spec = part.spec;
  const auto kept = [&](std::size_t dense) { return mask.empty() || mask[dense] != 0; };
  const auto place = [&](std::size_t dense, std::size_t arena) {
    entries_.push_back({static_cast<std::uint32_t>(dense), static_cast<std::uint32_t>(arena)});
  };
  const std::size_t convolutions = spec.convolutions.size();
  part.convolutions = ConvolutionStack(spec.activation, round_up_to_lanes(options.max_batch));
  for (std::size_t f = 0; f < convolutions; ++f)
    compile_convolution(part, spec.convolutions[f], *tensors.weights[f], *tensors.biases[f], mask);
  const std::span<const Tensor* const> weights = std::span(tensors.weights).subspan(convolutions);
  const std::span<const Tensor* const> biases = std::span(tensors.biases).subspan(convolutions);
  if (static_cast<int>(part.units.front().size()) < spec.sizes.front()) {
    part.place_of_input.assign(static_cast<std::size_t>(spec.sizes.front()), -1);
    for (std::size_t i = 0; i < part.units.front().size(); ++i)
      part.place_of_input[static_cast<std::size_t>(part.units.front()[i])] = static_cast<int>(i);
  }

  const auto max_columns = static_cast<std::size_t>(round_up_to_lanes(options.max_batch));
  const auto max_stride = static_cast<std::size_t>(spread_stride(round_up_to_lanes(options.max_batch)));
  if (part.trunk) {
    const std::vector<int>& hidden = *std::prev(parts_[static_cast<std::size_t>(*part.trunk)].units.end(), 2);
    for (const int unit : part.units.front())
      part.place_in_trunk.push_back(
          static_cast<int>(std::ranges::lower_bound(hidden, unit) - hidden.begin()));
    part.trunk_gradient.assign(part.units.front().size() * max_stride, 0.0f);
  }
  part.layers.reserve(weights.size());
  std::size_t widest = 0, scratch = 0;
  for (const std::vector<int>& level : part.units) {
    part.activation.emplace_back(level.size() * max_stride, 0.0f);
    widest = std::max(widest, whole_lanes(level.size()));
  }
  for (std::size_t l = 0; l < weights.size(); ++l) {
    const std::vector<int>& in = part.units[l];
    const std::vector<int>& out = part.units[l + 1];
    const auto dense_of = [&](int o, int i) {
      return weights[l]->offset + static_cast<std::size_t>(out[static_cast<std::size_t>(o)]) * spec.sizes[l] +
             static_cast<std::size_t>(in[static_cast<std::size_t>(i)]);
    };
    std::vector<std::uint8_t> keep(in.size() * out.size(), 1);
    if (!mask.empty())
      for (std::size_t o = 0; o < out.size(); ++o) {
        const std::size_t width = static_cast<std::size_t>(spec.sizes[l]);
        const auto row = mask.subspan(weights[l]->offset + static_cast<std::size_t>(out[o]) * width, width);
        for (std::size_t i = 0; i < in.size(); ++i)
          keep[o * in.size() + i] = row[static_cast<std::size_t>(in[i])] != 0 ? 1 : 0;
      }
    const double active_inputs =
        l == 0 && part.convolutions.empty() && !part.trunk
            ? options.active_inputs * static_cast<double>(in.size()) / spec.sizes.front()
            : 0;
    const MaskedLayer& layer = part.layers.emplace_back(static_cast<int>(in.size()),
                                                        static_cast<int>(out.size()), keep, active_inputs);
    part.weight.push_back(arena_size_);
    layer.for_each_kept([&](int o, int i, std::size_t entry) { place(dense_of(o, i), arena_size_ + entry); });
    arena_size_ += layer.size();
    scratch = std::max(scratch, layer.scratch_size(static_cast<int>(max_columns)));

    part.bias.push_back(arena_size_);
    AlignedFloats& keep_bias = part.keep_bias.emplace_back(whole_lanes(out.size()), 0.0f);
    std::size_t biases_kept = 0;
    for (std::size_t o = 0; o < out.size(); ++o) {
      const std::size_t dense = biases[l]->offset + static_cast<std::size_t>(out[o]);
      if (!kept(dense)) continue;
      place(dense, arena_size_ + o);
      keep_bias[o] = 1.0f;
      ++biases_kept;
    }
    if (biases_kept == out.size()) keep_bias.clear();
    arena_size_ += whole_lanes(out.size());

    // What the mask keeps but nothing depends on.
    std::vector<std::uint8_t> unit_matters(static_cast<std::size_t>(spec.sizes[l + 1]), 0);
    for (const int unit : out) unit_matters[static_cast<std::size_t>(unit)] = 1;
    for (std::size_t unit = 0; unit < unit_matters.size(); ++unit) {
      if (unit_matters[unit] != 0) continue;
      const std::size_t row = weights[l]->offset + unit * static_cast<std::size_t>(spec.sizes[l]);
      for (int i = 0; i < spec.sizes[l]; ++i)
        if (kept(row + static_cast<std::size_t>(i)))
          parked.push_back(static_cast<std::uint32_t>(row + static_cast<std::size_t>(i)));
      if (kept(biases[l]->offset + unit))
        parked.push_back(static_cast<std::uint32_t>(biases[l]->offset + unit));
    }
    effective_.trained += layer.kept();
    for (std::size_t i = 0; i < weights[l]->size; ++i)
      effective_.kept += kept(weights[l]->offset + i) ? 1 : 0;
  }
  for (AlignedFloats* buffer : {&part.delta, &part.next_delta, &part.samples, &part.next_samples})
    buffer->assign(widest * max_stride, 0.0f);
  part.scratch.assign(scratch, 0.0f);
}

void NativeNetwork::compile_convolution(CompiledPart& part, const ConvolutionSpec& spec, const Tensor& weight,
                                        const Tensor& bias, std::span<const std::uint8_t> mask) {
  const auto kept = [&](const Tensor& tensor) {
    std::vector<std::uint8_t> keep(tensor.size, 1);
    if (!mask.empty()) std::ranges::copy(mask.subspan(tensor.offset, tensor.size), keep.begin());
    return keep;
  };
  const auto place = [&](std::size_t dense, std::size_t arena) {
    entries_.push_back({static_cast<std::uint32_t>(dense), static_cast<std::uint32_t>(arena)});
  };
  const std::vector<std::uint8_t> keep_bias = kept(bias);
  const ConvolutionLayer& layer = part.convolutions.add(spec, kept(weight), keep_bias, arena_size_);
  layer.for_each_kept(
      [&](std::size_t i, std::size_t entry) { place(weight.offset + i, arena_size_ + entry); });
  for (std::size_t i = 0; i < bias.size; ++i)
    if (keep_bias[i] != 0) place(bias.offset + i, arena_size_ + layer.size() + i);
  arena_size_ = part.convolutions.end();
  effective_.kept += layer.kept();
  effective_.trained += layer.kept();
}

}  // namespace impsweep
