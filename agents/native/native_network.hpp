// agents/native/native_network.hpp - the native backend: multilayer perceptrons compiled for one mask.
//
// Masks hardly ever change, so whatever cannot matter is left out when a mask is compiled, exactly:
//   a hidden unit without a kept path to an output   nothing depends on it, and its gradients are zero
//   an input without a kept weight                   is not even copied
//   the kept weights and biases of such units        are parked behind the trained ones: they are part of the
//                                                    parameters, keep their value, and cost nothing
// A hidden unit without kept inputs stays: it emits the activation of its bias, and biases train. Under
// weight decay nothing is left out, since unreachable weights decay as well.
//
// Each layer of what is left gets its cheapest form (masked_layer.hpp). Convolutions stand in front of the
// others as networks of their own, whose maps are their inputs. A head reads the last hidden layer of its
// trunk where it lies, and hands its gradients over there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "agents/native/aligned.hpp"
#include "agents/native/convolution_stack.hpp"
#include "agents/native/masked_layer.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

class NativeNetwork final : public Network {
 public:
  NativeNetwork(const ModelSpec&, std::span<const std::uint8_t> mask, NetworkOptions);

  int input_size(int part) const override {
    const CompiledPart& p = parts_[part];
    if (p.trunk) return input_size(*p.trunk);
    return p.convolutions.empty() ? p.spec.sizes.front() : p.convolutions.in();
  }
  std::span<float> parameters() override { return parameters_; }
  std::span<float> gradients() override { return gradients_; }
  void gather(std::span<const float> dense, std::span<float> arena) const override;
  void scatter(std::span<const float> arena, std::span<float> dense) const override;
  std::size_t log_std_offset() const override { return log_std_offset_; }
  std::size_t moments_offset() const override { return moments_offset_; }
  std::span<const std::uint8_t> mask() const override { return mask_; }
  void recompile(std::span<const std::uint8_t> mask) override;
  void infer(int part, int batch, ConstBatch inputs, MutableBatch outputs) override;
  void forward(int part, int batch, ConstBatch inputs, MutableBatch outputs) override;
  void infer_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs) override;
  void forward_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs) override;
  void set_hidden_factors(int part, ConstBatch factors) override;
  void backward(int part, int batch, ConstBatch output_gradients) override;

  LayerForm form(int part, int layer) const { return parts_[part].layers[layer].form(); }

  // Weights of all parts: kept by the mask, and of these the ones that can matter.
  struct Effective {
    std::size_t kept = 0, trained = 0;
  };
  Effective effective() const { return effective_; }

 private:
  struct CompiledPart {
    MlpSpec spec;  // its sizes are those behind the convolutions
    ConvolutionStack convolutions;
    std::optional<int> trunk;  // a head's trunk, by part
    // A head's inputs: their places in the trunk's last hidden layer, and the gradients with respect to them
    // that the trunk has not taken yet, [inputs][columns].
    std::vector<int> place_in_trunk;
    AlignedFloats trunk_gradient;
    bool has_trunk_gradient = false;
    std::vector<std::vector<int>> units;  // that matter: inputs, hidden layers, outputs
    std::vector<MaskedLayer> layers;
    std::vector<std::size_t> weight, bias;  // offsets in the arena
    std::vector<AlignedFloats> keep_bias;   // [outputs in whole lanes] 1 or 0, empty if all are kept
    std::vector<int> place_of_input;        // in units[0], -1 if it does not matter; empty if all do
    // Activations of the last pass, [units][stride of columns]; place 0 is the input.
    std::vector<AlignedFloats> activation;
    AlignedFloats samples, next_samples;  // activations by samples, [batch][units in whole lanes]
    AlignedFloats delta, next_delta;      // gradients with respect to a layer's outputs, [units][columns]
    AlignedFloats scratch;
    ConstBatch factors;                  // on hidden activations, or null
    std::vector<AlignedFloats> dropped;  // activations times factors; empty until there are any
    bool is_dropped = false;             // by the last forward pass
    // Binary inputs of the last pass, in places of units[0]. The lists are copied only if inputs were left
    // out.
    ActiveBatch active;
    bool is_active = false;
    std::vector<std::uint32_t> active_begin;
    std::vector<std::uint16_t> active_feature;
    std::vector<std::uint32_t> feature_begin, next_sample;  // the same by feature: its samples
    std::vector<std::uint16_t> feature_sample;
    AlignedFloats normalised;  // observations of the last pass, [features][columns]; only with moments
  };
  // Where dense order and arena order meet.
  struct Entry {
    std::uint32_t dense, arena;
  };

  // Tensors of one part, by layer.
  struct PartTensors {
    std::vector<const Tensor*> weights, biases;
  };
  void choose_units(const std::vector<PartTensors>&, std::span<const std::uint8_t> mask,
                    bool remove_unreachable);
  void compile(CompiledPart&, const PartTensors&, std::span<const std::uint8_t> mask, const NetworkOptions&,
               std::vector<std::uint32_t>& parked);
  void compile_convolution(CompiledPart&, const ConvolutionSpec&, const Tensor& weight, const Tensor& bias,
                           std::span<const std::uint8_t> mask);
  void sort_entries();
  enum class Pass { kInfer, kForward };
  ConstBatch normalised(int part, int batch, ConstBatch observations);
  template <class Inputs>
  void load(CompiledPart&, int batch, const Inputs&, Pass) const;
  void backward_into_convolutions(CompiledPart&, int columns);
  void load_from_trunk(CompiledPart& head, int batch) const;
  bool has_heads(int part) const {
    return std::ranges::any_of(parts_, [part](const CompiledPart& head) { return head.trunk == part; });
  }
  void take_gradients_of_heads(int part, int columns);
  static void multiply_factors(const CompiledPart&, std::size_t level, int columns, float* values);
  void load(CompiledPart&, int batch, ConstBatch inputs) const;
  void load(CompiledPart&, int batch, const ActiveBatch& inputs) const;
  static void list_by_feature(CompiledPart&, int batch);
  void run_inference(CompiledPart&, int batch, MutableBatch outputs) const;
  template <class Inputs>
  void infer_from(CompiledPart&, int batch, const Inputs&, MutableBatch outputs);
  template <class Inputs>
  void forward_from(CompiledPart&, int batch, const Inputs&, MutableBatch outputs);
  void run_layers(CompiledPart&, int batch, std::size_t count) const;
  static void write_outputs(const CompiledPart&, int batch, MutableBatch outputs);
  Epilogue activation_of(const CompiledPart&, std::size_t layer) const;

  ModelSpec model_;
  std::vector<std::uint8_t> mask_;
  NetworkOptions options_;
  std::vector<CompiledPart> parts_;
  AlignedFloats parameters_, gradients_;
  std::vector<Entry> entries_;
  std::size_t dense_size_ = 0, arena_size_ = 0;
  std::size_t log_std_offset_ = 0, moments_offset_ = 0;
  int moments_ = 0;  // features that have them
  Effective effective_;
};

}  // namespace impsweep
