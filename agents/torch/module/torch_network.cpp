// The LibTorch backend of agents/network/network.hpp; part of the LibTorch module.
#include <torch/torch.h>

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <string>
#include <utility>

#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/subnormals.hpp"
#include "agents/torch/module/torch_batch.hpp"
#include "agents/torch/module/torch_guard.hpp"
#include "agents/torch/torch_module.hpp"

namespace impsweep {
namespace {

class TorchNetwork final : public Network {
 public:
  TorchNetwork(const ModelSpec& spec, std::span<const std::uint8_t> mask, NetworkOptions options)
      : max_batch_(options.max_batch), mask_(mask.begin(), mask.end()) {
    std::size_t size = 0;
    for (const MlpSpec& part : spec.parts) {
      parts_.push_back({.spec = part, .begin = size});
      for (std::size_t layer = 0; layer + 1 < part.sizes.size(); ++layer) {
        const std::vector<int> shape = weight_shape(part, layer);
        std::size_t weights = 1;
        for (const int extent : shape) weights *= static_cast<std::size_t>(extent);
        size += weights + static_cast<std::size_t>(shape[0]);
      }
      parts_.back().end = size;
    }
    log_std_offset_ = size;
    size += static_cast<std::size_t>(spec.log_std);
    trained_ = size;
    moments_ = spec.observation_moments;
    if (moments_ > 0) size += 2 * static_cast<std::size_t>(moments_) + 1;
    if (!mask_.empty() && mask_.size() != size)
      throw std::invalid_argument("the mask has " + std::to_string(mask_.size()) +
                                  " entries, the model has " + std::to_string(size) + " parameters");
    dense_size_ = size;
    moments_offset_ = whole_lanes(trained_);
    parameters_.assign(moments_offset_ + whole_lanes(size - trained_), 0.0f);
    gradients_.assign(moments_offset_, 0.0f);
    for (TorchPart& part : parts_) make_views(part);
  }

  int input_size(int part) const override {
    const MlpSpec& spec = parts_.at(static_cast<std::size_t>(part)).spec;
    return spec.trunk ? input_size(*spec.trunk) : spec.sizes.front();
  }
  std::span<float> parameters() override { return parameters_; }
  std::span<float> gradients() override { return gradients_; }
  void parameters_changed() override { apply_mask(std::span(parameters_).first(trained_), 0); }
  std::size_t log_std_offset() const override { return log_std_offset_; }
  std::size_t moments_offset() const override { return moments_offset_; }

  std::span<const std::uint8_t> mask() const override { return mask_; }
  void recompile(std::span<const std::uint8_t> mask) override {
    if (!mask.empty() && mask.size() != dense_size_)
      throw std::invalid_argument("mask and model differ in size");
    mask_.assign(mask.begin(), mask.end());
    parameters_changed();
    std::ranges::fill(gradients_, 0.0f);
    for (TorchPart& part : parts_) {
      part.pass = Pass{};
      part.seed = at::Tensor();
      part.factors = ConstBatch{};
    }
  }

  // The arena is in dense order, with zeros up to whole lanes behind what is trained and behind the moments.
  void gather(std::span<const float> dense, std::span<float> arena) const override {
    assert(dense.size() == dense_size_);
    std::ranges::fill(arena, 0.0f);
    std::ranges::copy(dense.first(trained_), arena.begin());
    if (arena.size() == parameters_.size())
      std::ranges::copy(dense.subspan(trained_),
                        arena.begin() + static_cast<std::ptrdiff_t>(moments_offset_));
    apply_mask(arena.first(trained_), 0);
  }
  void scatter(std::span<const float> arena, std::span<float> dense) const override {
    assert(dense.size() == dense_size_);
    std::ranges::copy(arena.first(trained_), dense.begin());
    std::ranges::fill(dense.subspan(trained_), 0.0f);
    if (arena.size() == parameters_.size())
      std::ranges::copy(arena.subspan(moments_offset_, dense_size_ - trained_),
                        dense.begin() + static_cast<std::ptrdiff_t>(trained_));
    apply_mask(dense.first(trained_), 0);
  }

  void infer(int part, int batch, ConstBatch inputs, MutableBatch outputs) override {
    guarded([&] {
      const FlushSubnormals flush;
      const c10::InferenceMode no_graph;
      TorchPart& chosen = at(part);
      const std::optional<int> trunk = chosen.spec.trunk;
      const at::Tensor x = seen(batch_view(inputs.data, input_size(part), batch, inputs.stride));
      write(
          trunk ? run(chosen, run(at(*trunk), x, false).hidden, false).output : run(chosen, x, false).output,
          outputs);
    });
  }

  void forward(int part, int batch, ConstBatch inputs, MutableBatch outputs) override {
    guarded([&] {
      const FlushSubnormals flush;
      TorchPart& chosen = at(part);
      const std::optional<int> trunk = chosen.spec.trunk;
      const at::Tensor x = trunk ? at(*trunk).pass.hidden
                                 : seen(batch_view(inputs.data, input_size(part), batch, inputs.stride));
      assert(x.size(0) == batch && batch <= max_batch_);
      chosen.pass = run(chosen, x, true);
      write(chosen.pass.output, outputs);
    });
  }

  void set_hidden_factors(int part, ConstBatch factors) override { at(part).factors = factors; }

  // Gradients of heads need those of their trunk's graph: they wait for its part.
  void backward(int part, int batch, ConstBatch output_gradients) override {
    guarded([&] {
      const FlushSubnormals flush;
      TorchPart& chosen = at(part);
      assert(chosen.pass.output.defined() && chosen.pass.output.size(0) == batch);
      const at::Tensor seed =
          batch_view(output_gradients.data, chosen.spec.sizes.back(), batch, output_gradients.stride);
      if (chosen.spec.trunk) {
        chosen.seed = seed.clone();
        return;
      }
      std::vector<TorchPart*> together = {&chosen};
      for (TorchPart& head : parts_)
        if (head.spec.trunk == part && head.seed.defined()) together.push_back(&head);
      chosen.seed = seed;
      std::vector<at::Tensor> outputs, seeds, leaves;
      for (TorchPart* each : together) {
        outputs.push_back(std::exchange(each->pass, {}).output);
        seeds.push_back(std::exchange(each->seed, {}));
        leaves.insert(leaves.end(), each->leaves.begin(), each->leaves.end());
      }
      const auto gradients = torch::autograd::grad(outputs, leaves, seeds);
      auto gradient = gradients.begin();
      for (TorchPart* each : together) {
        for (at::Tensor& leaf_gradient : each->leaf_gradients) leaf_gradient.copy_(*gradient++);
        apply_mask(std::span(gradients_).subspan(each->begin, each->end - each->begin), each->begin);
      }
    });
  }

 private:
  struct Pass {
    at::Tensor hidden, output;  // of the last hidden layer, and the end of the graph
  };
  struct TorchPart {
    MlpSpec spec;
    std::size_t begin = 0, end = 0;               // in the arena
    std::vector<at::Tensor> leaves = {};          // weight, bias of each layer: views of the parameters
    std::vector<at::Tensor> leaf_gradients = {};  // views of the gradients, in the same order
    ConstBatch factors = {};                      // on hidden activations, or null
    Pass pass = {};                               // between forward and backward
    at::Tensor seed = {};                         // gradients of the outputs of a head that waits
  };

  static std::size_t whole_lanes(std::size_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

  // Observations as the parts see them.
  at::Tensor seen(const at::Tensor& observations) {
    if (moments_ == 0) return observations;
    const at::Tensor mean = torch::from_blob(parameters_.data() + moments_offset_, {moments_});
    const at::Tensor variance = torch::from_blob(parameters_.data() + moments_offset_ + moments_, {moments_});
    return torch::clamp((observations - mean) / torch::sqrt(variance + kVarianceFloor), -kObservationClip,
                        kObservationClip);
  }

  TorchPart& at(int part) { return parts_.at(static_cast<std::size_t>(part)); }

  void make_views(TorchPart& part) {
    std::size_t offset = part.begin;
    const auto add = [&](const std::vector<std::int64_t>& shape) {
      part.leaves.push_back(torch::from_blob(parameters_.data() + offset, shape).requires_grad_());
      part.leaf_gradients.push_back(torch::from_blob(gradients_.data() + offset, shape));
      offset += static_cast<std::size_t>(part.leaves.back().numel());
    };
    for (std::size_t layer = 0; layer + 1 < part.spec.sizes.size(); ++layer) {
      const std::vector<int> shape = weight_shape(part.spec, layer);
      add({shape.begin(), shape.end()});
      add({shape[0]});
    }
  }

  Pass run(const TorchPart& part, at::Tensor x, bool keeps_graph) const {
    Pass pass;
    const float* factors = keeps_graph ? part.factors.data : nullptr;
    for (std::size_t leaf = 0; leaf < part.leaves.size(); leaf += 2) {
      x = leaf / 2 < part.spec.convolutions.size()
              ? convolve(part, leaf, x)
              : torch::linear(x, part.leaves[leaf], part.leaves[leaf + 1]);
      if (leaf + 2 < part.leaves.size()) {
        x = drop(part.spec.activation == Activation::kTanh ? torch::tanh(x) : torch::relu(x),
                 part.factors.stride, factors);
        pass.hidden = x;
      } else if (part.spec.tanh_output) {
        x = torch::tanh(x);
      }
    }
    pass.output = x;
    return pass;
  }

  static void write(const at::Tensor& x, MutableBatch outputs) {
    const auto batch = static_cast<int>(x.size(0)), features = static_cast<int>(x.size(1));
    batch_view(outputs.data, features, batch, outputs.stride).copy_(x.detach());
  }

  // Flat boards to flat maps, both [batch][channel, row, column].
  static at::Tensor convolve(const TorchPart& part, std::size_t leaf, const at::Tensor& x) {
    const ConvolutionSpec& c = part.spec.convolutions[leaf / 2];
    const at::Tensor boards = x.reshape({x.size(0), c.channels, c.rows, c.columns});
    return torch::conv2d(boards, part.leaves[leaf], part.leaves[leaf + 1], c.stride, c.padding).flatten(1);
  }

  // Multiplies by the next hidden layer's factors and moves on to those behind them.
  static at::Tensor drop(const at::Tensor& x, int stride, const float*& factors) {
    if (factors == nullptr) return x;
    const auto batch = static_cast<int>(x.size(0)), units = static_cast<int>(x.size(1));
    const at::Tensor dropped = x * batch_view(factors, units, batch, stride);
    factors += static_cast<std::ptrdiff_t>(units) * stride;
    return dropped;
  }

  // `values` starts at `offset` of the arena.
  void apply_mask(std::span<float> values, std::size_t offset) const {
    if (mask_.empty()) return;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (mask_[offset + i] == 0) values[i] = 0;
  }

  [[maybe_unused]] int max_batch_;  // only asserted: LibTorch allocates as it goes
  std::vector<std::uint8_t> mask_;  // dense order, empty if all are kept
  AlignedFloats parameters_, gradients_;
  std::vector<TorchPart> parts_;
  int moments_ = 0;
  std::size_t dense_size_ = 0, trained_ = 0, log_std_offset_ = 0, moments_offset_ = 0;
};

}  // namespace

std::unique_ptr<Network> make_libtorch_network(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                               NetworkOptions options) {
  return guarded([&] { return std::make_unique<TorchNetwork>(spec, mask, options); });
}

}  // namespace impsweep
