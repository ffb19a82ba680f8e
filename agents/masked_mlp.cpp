#include "agents/masked_mlp.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>

namespace impsweep {
namespace {

std::size_t whole_lanes(std::size_t n) {
  return (n + kLanes - 1) / kLanes * kLanes;
}

// Few samples leave most lanes of a feature-major batch empty; by samples, output units fill them.
bool wastes_lanes(int batch) {
  return round_up_to_lanes(batch) * 4 > batch * 5;
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

// From gradients with respect to activations to those with respect to what the function was applied to.
void apply_derivative(Activation function, const AlignedFloats& activation, std::size_t count,
                      AlignedFloats& gradient) {
  const float* const y = activation.data();
  float* const g = gradient.data();
  if (function == Activation::kTanh)
    for (std::size_t i = 0; i < count; ++i) g[i] *= 1.0f - y[i] * y[i];
  else
    for (std::size_t i = 0; i < count; ++i) g[i] = y[i] > 0.0f ? g[i] : 0.0f;
}

}  // namespace

NativeNetwork::NativeNetwork(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                             NetworkOptions options) {
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
  std::vector<std::uint32_t> parked;
  for (std::size_t p = 0; p < parts_.size(); ++p) compile(parts_[p], of_part[p], mask, options, parked);
  log_std_offset_ = arena_size_;
  if (spec.log_std > 0) {
    const Tensor& tensor = tensors.back();
    for (std::size_t i = 0; i < tensor.size; ++i)
      entries_.push_back(
          {static_cast<std::uint32_t>(tensor.offset + i), static_cast<std::uint32_t>(arena_size_ + i)});
    arena_size_ += whole_lanes(tensor.size);
  }
  gradients_.assign(arena_size_, 0.0f);
  for (std::size_t i = 0; i < parked.size(); ++i)
    entries_.push_back({parked[i], static_cast<std::uint32_t>(arena_size_ + i)});
  parameters_.assign(arena_size_ + whole_lanes(parked.size()), 0.0f);
  std::ranges::sort(entries_, {}, &Entry::dense);
}

void NativeNetwork::choose_units(const std::vector<PartTensors>& tensors, std::span<const std::uint8_t> mask,
                                 bool remove_unreachable) {
  for (std::size_t p = parts_.size(); p-- > 0;) {  // heads come behind their trunks
    Part& part = parts_[p];
    const MlpSpec& spec = part.spec;
    if (!remove_unreachable) {
      for (const int size : spec.sizes) part.units.push_back(all_units(size));
      continue;
    }
    std::set<int> needed;
    for (const Part& head : parts_)
      if (head.trunk == static_cast<int>(p))
        needed.insert(head.units.front().begin(), head.units.front().end());
    const std::vector<const Tensor*> weights(tensors[p].weights.begin() + std::ssize(spec.convolutions),
                                             tensors[p].weights.end());
    part.units = units_that_matter(spec, weights, mask, needed);
  }
}

void NativeNetwork::compile(Part& part, const PartTensors& tensors, std::span<const std::uint8_t> mask,
                            const NetworkOptions& options, std::vector<std::uint32_t>& parked) {
  const MlpSpec& spec = part.spec;
  const auto kept = [&](std::size_t dense) { return mask.empty() || mask[dense] != 0; };
  const auto place = [&](std::size_t dense, std::size_t arena) {
    entries_.push_back({static_cast<std::uint32_t>(dense), static_cast<std::uint32_t>(arena)});
  };
  const std::size_t fronts = spec.convolutions.size();
  for (std::size_t f = 0; f < fronts; ++f)
    compile_front(part, spec.convolutions[f], *tensors.weights[f], *tensors.biases[f], mask,
                  round_up_to_lanes(options.max_batch));
  const std::span<const Tensor* const> weights = std::span(tensors.weights).subspan(fronts);
  const std::span<const Tensor* const> biases = std::span(tensors.biases).subspan(fronts);
  if (static_cast<int>(part.units.front().size()) < spec.sizes.front()) {
    part.place_of_input.assign(static_cast<std::size_t>(spec.sizes.front()), -1);
    for (std::size_t i = 0; i < part.units.front().size(); ++i)
      part.place_of_input[static_cast<std::size_t>(part.units.front()[i])] = static_cast<int>(i);
  }

  const auto max_columns = static_cast<std::size_t>(round_up_to_lanes(options.max_batch));
  if (part.trunk) {
    const std::vector<int>& hidden = *std::prev(parts_[static_cast<std::size_t>(*part.trunk)].units.end(), 2);
    for (const int unit : part.units.front())
      part.place_in_trunk.push_back(
          static_cast<int>(std::ranges::lower_bound(hidden, unit) - hidden.begin()));
    part.trunk_gradient.assign(part.units.front().size() * max_columns, 0.0f);
  }
  std::size_t widest = 0, scratch = 0;
  for (const std::vector<int>& level : part.units) {
    part.activation.emplace_back(level.size() * max_columns, 0.0f);
    widest = std::max(widest, whole_lanes(level.size()));
  }
  for (std::size_t l = 0; l < weights.size(); ++l) {
    const std::vector<int>& in = part.units[l];
    const std::vector<int>& out = part.units[l + 1];
    const auto dense_of = [&](int o, int i) {
      return weights[l]->offset + static_cast<std::size_t>(out[static_cast<std::size_t>(o)]) * spec.sizes[l] +
             static_cast<std::size_t>(in[static_cast<std::size_t>(i)]);
    };
    std::vector<std::uint8_t> keep;
    keep.reserve(in.size() * out.size());
    for (int o = 0; o < static_cast<int>(out.size()); ++o)
      for (int i = 0; i < static_cast<int>(in.size()); ++i) keep.push_back(kept(dense_of(o, i)) ? 1 : 0);
    const double active_inputs =
        l == 0 && part.fronts.empty() && !part.trunk
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
      const std::size_t row = weights[l]->offset + unit * static_cast<std::size_t>(spec.sizes[l]);
      for (int i = 0; i < spec.sizes[l]; ++i)
        if (unit_matters[unit] == 0 && kept(row + static_cast<std::size_t>(i)))
          parked.push_back(static_cast<std::uint32_t>(row + static_cast<std::size_t>(i)));
      if (unit_matters[unit] == 0 && kept(biases[l]->offset + unit))
        parked.push_back(static_cast<std::uint32_t>(biases[l]->offset + unit));
    }
    effective_.trained += layer.kept();
    for (std::size_t i = 0; i < weights[l]->size; ++i)
      effective_.kept += kept(weights[l]->offset + i) ? 1 : 0;
  }
  for (AlignedFloats* buffer : {&part.delta, &part.next_delta, &part.samples, &part.next_samples})
    buffer->assign(widest * max_columns, 0.0f);
  part.scratch.assign(scratch, 0.0f);
}

void NativeNetwork::compile_front(Part& part, const ConvolutionSpec& spec, const Tensor& weight,
                                  const Tensor& bias, std::span<const std::uint8_t> mask, int max_columns) {
  const auto kept = [&](std::size_t dense) { return mask.empty() || mask[dense] != 0; };
  std::vector<std::uint8_t> keep(weight.size);
  for (std::size_t i = 0; i < weight.size; ++i) keep[i] = kept(weight.offset + i);
  const bool is_first = part.fronts.empty();
  Front& front = part.fronts.emplace_back(ConvolutionLayer(spec, std::move(keep), !is_first, max_columns));
  front.weight = arena_size_;
  front.layer.for_each_kept([&](std::size_t i, std::size_t place) {
    entries_.push_back(
        {static_cast<std::uint32_t>(weight.offset + i), static_cast<std::uint32_t>(arena_size_ + place)});
  });
  arena_size_ += front.layer.size();
  front.bias = arena_size_;
  front.keep_bias.assign(whole_lanes(bias.size), 0.0f);
  for (std::size_t i = 0; i < bias.size; ++i) {
    if (!kept(bias.offset + i)) continue;
    front.keep_bias[i] = 1.0f;
    entries_.push_back(
        {static_cast<std::uint32_t>(bias.offset + i), static_cast<std::uint32_t>(arena_size_ + i)});
  }
  arena_size_ += whole_lanes(bias.size);
  effective_.kept += front.layer.kept();
  effective_.trained += front.layer.kept();
  const auto columns = static_cast<std::size_t>(max_columns);
  if (is_first) part.board.assign(static_cast<std::size_t>(front.layer.in()) * columns, 0.0f);
  for (AlignedFloats* maps : {&front.maps, &front.delta})
    maps->assign(static_cast<std::size_t>(front.layer.out()) * columns, 0.0f);
}

void NativeNetwork::set_hidden_factors(int part_index, ConstBatch factors) {
  Part& part = parts_[part_index];
  part.factors = factors;
  if (factors.data != nullptr) part.dropped.resize(part.activation.size());
  for (std::size_t level = 1; level + 1 < part.dropped.size(); ++level)
    part.dropped[level].resize(part.activation[level].size());
  if (factors.data != nullptr)
    for (Front& front : part.fronts) front.dropped.resize(front.maps.size());
}

// values [units of the level that matter][columns], level >= 1.
void NativeNetwork::multiply_factors(const Part& part, std::size_t level, int columns, float* values) {
  std::ptrdiff_t first = 0;
  for (const Front& front : part.fronts) first += front.layer.out();
  for (std::size_t l = 1; l < level; ++l) first += part.spec.sizes[l];
  for (std::size_t unit = 0; unit < part.units[level].size(); ++unit)
    kernels().multiply(values + unit * static_cast<std::size_t>(columns),
                       part.factors.data + (first + part.units[level][unit]) * part.factors.stride,
                       static_cast<std::size_t>(columns));
}

// values [outputs][columns]
void NativeNetwork::multiply_front_factors(const Part& part, std::size_t front, int columns, float* values) {
  std::ptrdiff_t first = 0;
  for (std::size_t f = 0; f < front; ++f) first += part.fronts[f].layer.out();
  for (std::ptrdiff_t unit = 0; unit < part.fronts[front].layer.out(); ++unit)
    kernels().multiply(values + unit * columns, part.factors.data + (first + unit) * part.factors.stride,
                       static_cast<std::size_t>(columns));
}

void NativeNetwork::gather(std::span<const float> dense, std::span<float> arena) const {
  std::fill(arena.begin(), arena.end(), 0.0f);
  for (const Entry& entry : entries_)
    if (entry.arena < arena.size()) arena[entry.arena] = dense[entry.dense];
}

void NativeNetwork::scatter(std::span<const float> arena, std::span<float> dense) const {
  std::fill(dense.begin(), dense.end(), 0.0f);
  for (const Entry& entry : entries_)
    if (entry.arena < arena.size()) dense[entry.dense] = arena[entry.arena];
}

Epilogue NativeNetwork::activation_of(const Part& part, std::size_t layer) const {
  if (layer + 1 == part.layers.size()) return part.spec.tanh_output ? Epilogue::kTanh : Epilogue::kNone;
  return part.spec.activation == Activation::kRelu ? Epilogue::kRelu : Epilogue::kTanh;
}

// Columns between the batch and the next multiple of sixteen must be finite: they are zero.
void NativeNetwork::load(Part& part, int batch, ConstBatch inputs) const {
  const int columns = round_up_to_lanes(batch);
  const std::vector<int>& units = part.units.front();
  for (std::size_t f = 0; f < units.size(); ++f) {
    float* row = part.activation.front().data() + f * static_cast<std::size_t>(columns);
    std::memcpy(row, inputs.data + static_cast<std::ptrdiff_t>(units[f]) * inputs.stride,
                static_cast<std::size_t>(batch) * sizeof(float));
    std::fill(row + batch, row + columns, 0.0f);
  }
  part.is_active = false;
}

void NativeNetwork::load(Part& part, int batch, const ActiveBatch& inputs) const {
  part.active = inputs;
  if (!part.place_of_input.empty()) {
    part.active_begin.assign(1, 0);
    part.active_feature.clear();
    for (int b = 0; b < batch; ++b) {
      for (std::uint32_t e = inputs.begin[b]; e < inputs.begin[b + 1]; ++e)
        if (const int place = part.place_of_input[inputs.feature[e]]; place >= 0)
          part.active_feature.push_back(static_cast<std::uint16_t>(place));
      part.active_begin.push_back(static_cast<std::uint32_t>(part.active_feature.size()));
    }
    part.active = {part.active_begin.data(), part.active_feature.data()};
  }
  part.is_active = part.layers.front().form() == LayerForm::kByInput;
  if (part.is_active) return;
  const auto columns = static_cast<std::size_t>(round_up_to_lanes(batch));
  float* dense = part.activation.front().data();
  std::fill_n(dense, part.units.front().size() * columns, 0.0f);
  for (int b = 0; b < batch; ++b)
    for (std::uint32_t e = part.active.begin[b]; e < part.active.begin[b + 1]; ++e)
      dense[part.active.feature[e] * columns + static_cast<std::size_t>(b)] = 1.0f;
}

void NativeNetwork::load(Part& part, int batch, ConstBatch inputs, Pass pass) const {
  if (part.fronts.empty()) return load(part, batch, inputs);
  const int columns = round_up_to_lanes(batch);
  part.cells = inputs.data;
  if (batch == columns && inputs.stride == columns) return run_fronts(part, batch, pass);
  part.cells = part.board.data();
  for (int cell = 0; cell < part.fronts.front().layer.in(); ++cell) {
    float* row = part.board.data() + static_cast<std::ptrdiff_t>(cell) * columns;
    std::memcpy(row, inputs.data + static_cast<std::ptrdiff_t>(cell) * inputs.stride,
                static_cast<std::size_t>(batch) * sizeof(float));
    std::fill(row + batch, row + columns, 0.0f);
  }
  run_fronts(part, batch, pass);
}

void NativeNetwork::load(Part& part, int batch, const ActiveBatch& inputs, Pass pass) const {
  if (part.fronts.empty()) return load(part, batch, inputs);
  const auto columns = static_cast<std::size_t>(round_up_to_lanes(batch));
  float* board = part.board.data();
  part.cells = board;
  std::fill_n(board, static_cast<std::size_t>(part.fronts.front().layer.in()) * columns, 0.0f);
  for (int b = 0; b < batch; ++b)
    for (std::uint32_t e = inputs.begin[b]; e < inputs.begin[b + 1]; ++e)
      board[inputs.feature[e] * columns + static_cast<std::size_t>(b)] = 1.0f;
  run_fronts(part, batch, pass);
}

// From the board to the inputs of the other layers.
void NativeNetwork::run_fronts(Part& part, int batch, Pass pass) const {
  const int columns = round_up_to_lanes(batch);
  const bool drops = pass == Pass::kForward && part.factors.data != nullptr;
  const float* inputs = part.cells;
  for (std::size_t f = 0; f < part.fronts.size(); ++f) {
    Front& front = part.fronts[f];
    front.layer.forward(parameters_.data() + front.weight, parameters_.data() + front.bias, columns, inputs,
                        front.maps.data(),
                        part.spec.activation == Activation::kRelu ? Epilogue::kRelu : Epilogue::kTanh);
    inputs = front.maps.data();
    if (!drops) continue;
    std::copy_n(front.maps.begin(), front.layer.out() * columns, front.dropped.begin());
    multiply_front_factors(part, f, columns, front.dropped.data());
    inputs = front.dropped.data();
  }
  load(part, batch, ConstBatch{inputs, columns});
}

// From the gradients of the layer behind, in part.delta.
void NativeNetwork::front_gradients(Part& part, int columns) {
  part.layers.front().input_gradient(parameters_.data() + part.weight.front(), columns, part.delta.data(),
                                     part.next_delta.data(), Epilogue::kNone, nullptr);
  AlignedFloats& last = part.fronts.back().delta;
  std::fill(last.begin(), last.end(), 0.0f);
  for (std::size_t i = 0; i < part.units.front().size(); ++i)
    std::copy_n(part.next_delta.begin() + static_cast<std::ptrdiff_t>(i) * columns, columns,
                last.begin() + static_cast<std::ptrdiff_t>(part.units.front()[i]) * columns);
  for (std::size_t f = part.fronts.size(); f-- > 0;) {
    Front& front = part.fronts[f];
    if (part.is_dropped) multiply_front_factors(part, f, columns, front.delta.data());
    apply_derivative(part.spec.activation, front.maps, static_cast<std::size_t>(front.layer.out()) * columns,
                     front.delta);
    const float* inputs = part.cells;
    if (f > 0) inputs = part.is_dropped ? part.fronts[f - 1].dropped.data() : part.fronts[f - 1].maps.data();
    front.layer.gradients(columns, front.delta.data(), inputs, gradients_.data() + front.weight,
                          gradients_.data() + front.bias);
    kernels().multiply(gradients_.data() + front.bias, front.keep_bias.data(), front.keep_bias.size());
    if (f > 0)
      front.layer.input_gradient(parameters_.data() + front.weight, columns, front.delta.data(),
                                 part.fronts[f - 1].delta.data());
  }
}

// From the trunk's last pass to the inputs of a head.
void NativeNetwork::load_from_trunk(Part& head, int batch) const {
  const Part& trunk = parts_[static_cast<std::size_t>(*head.trunk)];
  const std::ptrdiff_t columns = round_up_to_lanes(batch);
  const std::size_t level = trunk.layers.size() - 1;
  const AlignedFloats& hidden = trunk.is_dropped ? trunk.dropped[level] : trunk.activation[level];
  for (std::size_t i = 0; i < head.place_in_trunk.size(); ++i)
    std::copy_n(hidden.begin() + head.place_in_trunk[i] * columns, columns,
                head.activation.front().begin() + static_cast<std::ptrdiff_t>(i) * columns);
  head.is_active = false;
}

// Adds them to those with respect to the trunk's last hidden layer, in next_delta.
void NativeNetwork::take_gradients_of_heads(int part, int columns) {
  AlignedFloats& gradient = parts_[static_cast<std::size_t>(part)].next_delta;
  for (Part& head : parts_) {
    if (head.trunk != part || !head.has_trunk_gradient) continue;
    for (std::size_t i = 0; i < head.place_in_trunk.size(); ++i)
      for (std::ptrdiff_t b = 0; b < columns; ++b)
        gradient[head.place_in_trunk[i] * columns + b] +=
            head.trunk_gradient[static_cast<std::ptrdiff_t>(i) * columns + b];
    head.has_trunk_gradient = false;
  }
}

// Counting sort of the active features: samples of each feature, ascending.
void NativeNetwork::list_by_feature(Part& part, int batch) {
  const std::size_t features = part.units.front().size();
  const std::uint32_t first = part.active.begin[0], last = part.active.begin[batch];
  part.feature_begin.assign(features + 1, 0);
  part.feature_sample.resize(last - first);
  for (std::uint32_t e = first; e < last; ++e) ++part.feature_begin[part.active.feature[e] + std::size_t{1}];
  for (std::size_t f = 0; f < features; ++f) part.feature_begin[f + 1] += part.feature_begin[f];
  part.next_sample.assign(part.feature_begin.begin(), part.feature_begin.end());
  for (int b = 0; b < batch; ++b)
    for (std::uint32_t e = part.active.begin[b]; e < part.active.begin[b + 1]; ++e)
      part.feature_sample[part.next_sample[part.active.feature[e]]++] = static_cast<std::uint16_t>(b);
}

// Passes through the layers by features or by samples, whatever suits each layer and the size of the batch.
void NativeNetwork::run_inference(Part& part, int batch, MutableBatch outputs) const {
  const Kernels& k = kernels();
  const int columns = round_up_to_lanes(batch);
  const bool few = wastes_lanes(batch);
  bool by_samples = false;
  for (std::size_t l = 0; l < part.layers.size(); ++l) {
    const MaskedLayer& layer = part.layers[l];
    const float* weight = parameters_.data() + part.weight[l];
    const float* bias = parameters_.data() + part.bias[l];
    const Epilogue epilogue = activation_of(part, l);
    const int padded_in = round_up_to_lanes(layer.in());
    if (l == 0 && part.is_active) {
      layer.forward_active(weight, bias, batch, part.active, part.next_samples.data(), epilogue);
      std::swap(part.samples, part.next_samples);
      by_samples = true;
    } else if (few && layer.form() == LayerForm::kByInput) {
      if (!by_samples)
        k.transpose(layer.in(), batch, part.activation[l].data(), columns, part.samples.data(), padded_in);
      layer.forward_samples(weight, bias, batch, part.samples.data(), padded_in, part.next_samples.data(),
                            epilogue);
      std::swap(part.samples, part.next_samples);
      by_samples = true;
    } else {
      if (by_samples)
        k.transpose(batch, layer.in(), part.samples.data(), padded_in, part.activation[l].data(), columns);
      layer.forward(weight, bias, columns, part.activation[l].data(), part.activation[l + 1].data(),
                    epilogue);
      by_samples = false;
    }
  }
  const int padded_out = part.layers.back().padded_out();
  for (int o = 0; o < part.spec.sizes.back(); ++o) {
    float* target = outputs.data + static_cast<std::ptrdiff_t>(o) * outputs.stride;
    if (by_samples)
      for (int b = 0; b < batch; ++b) target[b] = part.samples[static_cast<std::size_t>(b) * padded_out + o];
    else
      std::memcpy(target, part.activation.back().data() + static_cast<std::size_t>(o) * columns,
                  static_cast<std::size_t>(batch) * sizeof(float));
  }
}

// The first `count` layers, by features, with activations kept.
void NativeNetwork::run_layers(Part& part, int batch, std::size_t count) const {
  const int columns = round_up_to_lanes(batch);
  for (std::size_t l = 0; l < count; ++l) {
    const MaskedLayer& layer = part.layers[l];
    const float* weight = parameters_.data() + part.weight[l];
    const float* bias = parameters_.data() + part.bias[l];
    float* output = part.activation[l + 1].data();
    if (l == 0 && part.is_active) {
      layer.forward_active(weight, bias, batch, part.active, part.samples.data(), activation_of(part, l));
      kernels().transpose(batch, layer.out(), part.samples.data(), layer.padded_out(), output, columns);
    } else {
      const float* inputs = part.is_dropped && l > 0 ? part.dropped[l].data() : part.activation[l].data();
      layer.forward(weight, bias, columns, inputs, output, activation_of(part, l));
    }
    if (part.is_dropped && l + 1 < part.layers.size()) {
      std::copy_n(output, layer.out() * columns, part.dropped[l + 1].begin());
      multiply_factors(part, l + 1, columns, part.dropped[l + 1].data());
    }
  }
}

void NativeNetwork::write_outputs(const Part& part, int batch, MutableBatch outputs) {
  const int columns = round_up_to_lanes(batch);
  for (int o = 0; o < part.spec.sizes.back(); ++o)
    std::memcpy(outputs.data + static_cast<std::ptrdiff_t>(o) * outputs.stride,
                part.activation.back().data() + static_cast<std::size_t>(o) * columns,
                static_cast<std::size_t>(batch) * sizeof(float));
}

template <class Inputs>
void NativeNetwork::infer_from(Part& part, int batch, const Inputs& inputs, MutableBatch outputs) {
  if (part.trunk) {
    Part& trunk = parts_[static_cast<std::size_t>(*part.trunk)];
    load(trunk, batch, inputs, Pass::kInfer);
    trunk.is_dropped = false;
    run_layers(trunk, batch, trunk.layers.size() - 1);
    load_from_trunk(part, batch);
  } else {
    load(part, batch, inputs, Pass::kInfer);
  }
  run_inference(part, batch, outputs);
}

template <class Inputs>
void NativeNetwork::forward_from(Part& part, int batch, const Inputs& inputs, MutableBatch outputs) {
  if (part.trunk)
    load_from_trunk(part, batch);
  else
    load(part, batch, inputs, Pass::kForward);
  part.is_dropped = part.factors.data != nullptr;
  run_layers(part, batch, part.layers.size());
  write_outputs(part, batch, outputs);
}

void NativeNetwork::infer(int part, int batch, ConstBatch inputs, MutableBatch outputs) {
  infer_from(parts_[part], batch, inputs, outputs);
}

void NativeNetwork::forward(int part, int batch, ConstBatch inputs, MutableBatch outputs) {
  forward_from(parts_[part], batch, inputs, outputs);
}

void NativeNetwork::infer_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs) {
  infer_from(parts_[part], batch, inputs, outputs);
}

void NativeNetwork::forward_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs) {
  forward_from(parts_[part], batch, inputs, outputs);
}

void NativeNetwork::backward(int part_index, int batch, ConstBatch output_gradients) {
  const Kernels& k = kernels();
  Part& part = parts_[part_index];
  const int columns = round_up_to_lanes(batch);
  const bool tanh_output = part.spec.tanh_output;
  for (int o = 0; o < part.spec.sizes.back(); ++o) {
    float* row = part.delta.data() + static_cast<std::size_t>(o) * columns;
    const float* source = output_gradients.data + static_cast<std::ptrdiff_t>(o) * output_gradients.stride;
    const float* y = part.activation.back().data() + static_cast<std::size_t>(o) * columns;
    for (int b = 0; b < batch; ++b) row[b] = tanh_output ? source[b] * (1.0f - y[b] * y[b]) : source[b];
    std::fill(row + batch, row + columns, 0.0f);
  }
  for (std::size_t l = part.layers.size(); l-- > 0;) {
    const MaskedLayer& layer = part.layers[l];
    float* bias_gradient = gradients_.data() + part.bias[l];
    float* weight_gradient = gradients_.data() + part.weight[l];
    k.row_sums(layer.out(), columns, part.delta.data(), columns, bias_gradient);
    if (!part.keep_bias[l].empty())
      k.multiply(bias_gradient, part.keep_bias[l].data(), part.keep_bias[l].size());
    if (l == 0 && part.is_active) {
      list_by_feature(part, batch);
      layer.weight_gradient_active(columns, part.delta.data(),
                                   {part.feature_begin.data(), part.feature_sample.data()},
                                   part.scratch.data(), weight_gradient);
      break;
    }
    const float* inputs = part.is_dropped && l > 0 ? part.dropped[l].data() : part.activation[l].data();
    layer.weight_gradient(columns, part.delta.data(), inputs, part.scratch.data(), weight_gradient);
    const float* weight = parameters_.data() + part.weight[l];
    if (l == 0) {
      if (!part.fronts.empty()) front_gradients(part, columns);
      if (part.trunk) {
        layer.input_gradient(weight, columns, part.delta.data(), part.trunk_gradient.data(), Epilogue::kNone,
                             nullptr);
        part.has_trunk_gradient = true;
      }
      break;
    }
    if (l + 1 == part.layers.size() && has_heads(part_index)) {
      layer.input_gradient(weight, columns, part.delta.data(), part.next_delta.data(), Epilogue::kNone,
                           nullptr);
      take_gradients_of_heads(part_index, columns);
      apply_derivative(part.spec.activation, part.activation[l],
                       static_cast<std::size_t>(layer.in()) * columns, part.next_delta);
    } else {
      const Epilogue derivative =
          part.spec.activation == Activation::kRelu ? Epilogue::kReluDerivative : Epilogue::kTanhDerivative;
      layer.input_gradient(weight, columns, part.delta.data(), part.next_delta.data(), derivative,
                           part.activation[l].data());
    }
    if (part.is_dropped) multiply_factors(part, l, columns, part.next_delta.data());
    std::swap(part.delta, part.next_delta);
  }
}

std::unique_ptr<Network> make_native_network(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                             NetworkOptions options) {
  return std::make_unique<NativeNetwork>(spec, mask, options);
}

}  // namespace impsweep
