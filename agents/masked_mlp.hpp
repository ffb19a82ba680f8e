// agents/masked_mlp.hpp - the native backend: multilayer perceptrons compiled for one mask.
//
// The mask of a training never changes, so every layer is compiled once into the cheaper of two forms:
//   dense    all out*in weights stand in the arena; pruned ones are held at zero by clearing their gradients;
//   sparse   only kept weights stand in the arena, row by row with ascending inputs.
// A convolution is a sparse layer whose rows, one for each filter and position, share the kept weights.
// Biases, pruned on request only, are held at zero like dense weights.
// Both forms give the same outputs to the bit (kernels.hpp). The choice depends on the layer's density alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agents/aligned.hpp"
#include "agents/kernels/kernels.hpp"
#include "agents/network.hpp"

namespace impsweep {

// Layers with a larger share of kept weights are computed dense. Measured break-even of the two forms.
inline constexpr double kDenseAbove = 0.5;

enum class LayerForm { kDense, kSparse, kConvolution };

class NativeNetwork final : public Network {
 public:
  NativeNetwork(const ModelSpec&, std::span<const std::uint8_t> mask, NetworkOptions);

  std::string_view backend() const override { return "native"; }
  int input_size(int part) const override { return parts_[part].spec.sizes.front(); }
  std::span<float> parameters() override { return parameters_; }
  std::span<float> gradients() override { return gradients_; }
  void gather(std::span<const float> dense, std::span<float> arena) const override;
  void scatter(std::span<const float> arena, std::span<float> dense) const override;
  std::size_t log_std_offset() const override { return log_std_offset_; }
  void infer(int part, int batch, ConstBatch inputs, MutableBatch outputs) override;
  void forward(int part, int batch, ConstBatch inputs, MutableBatch outputs) override;
  void set_hidden_factors(int part, ConstBatch factors) override;
  void backward(int part, int batch, ConstBatch output_gradients) override;

  LayerForm form(int part, int layer) const { return parts_[part].layers[layer].form; }

 private:
  struct Layer {
    int in = 0, out = 0;
    LayerForm form = LayerForm::kDense;
    bool masked = false;                                 // dense with some weights pruned
    std::size_t weight = 0, bias = 0;                    // offsets in the arena
    std::size_t kept = 0;                                // entries in the arena
    AlignedFloats keep;                                  // [out * in] 1 or 0, for dense masked layers
    AlignedFloats keep_bias;                             // [out] 1 or 0, empty if all are kept
    std::vector<std::uint32_t> row_begin, column_begin;  // sparse: by output; by input
    std::vector<std::uint16_t> column_index;             // [kept] input of each entry, by output
    std::vector<std::uint16_t> row_index;                // [kept] output of each entry, by input
    std::vector<std::uint32_t> row_position;             // [kept] arena entry of each, by input
    // Convolution: row_position holds, by output, the weight of each entry within the layer's.
    int filters = 0, positions = 0;
    AlignedFloats row_bias;        // [out] the bias of each row's filter
    AlignedFloats entry_gradient;  // [entries], summed over the batch but not over the positions
    AlignedFloats row_gradient;    // [out]
    SparseRows by_row() const;
    SparseRows by_shared_row() const;
    SparseRows by_column() const;
  };
  struct Part {
    MlpSpec spec;
    std::vector<Layer> layers;
    // Activations of the last forward pass, [units][batch rounded up]: place 0 is the input.
    std::vector<AlignedFloats> activation;
    // What the next layer sees of them where hidden factors are set; empty until then.
    std::vector<AlignedFloats> dropped;
    ConstBatch factors;
    const float* inputs_of(std::size_t layer) const {
      return factors.data != nullptr && layer > 0 ? dropped[layer].data() : activation[layer].data();
    }
    const float* factors_of(std::size_t hidden_layer) const;
    AlignedFloats delta, next_delta;  // gradients with respect to a layer's outputs
    AlignedFloats transposed;         // [batch][inputs rounded up], for dense weight gradients
    int transposed_stride = 0;
  };
  // One kept parameter run: where dense order and arena order meet.
  struct Entry {
    std::uint32_t dense, arena;
  };

  static void compile_convolution(Layer&, const ConvolutionSpec&, const std::vector<std::uint32_t>& place);
  void convolution_forward(Layer&, int columns, const float* inputs, float* outputs, Epilogue) const;
  void convolution_gradients(Layer&, int columns, const float* delta, const float* inputs);
  void compile(Part&, int part_index, const std::vector<Tensor>&, std::span<const std::uint8_t> mask);
  static void multiply_factors(const Part&, std::size_t hidden_layer, int columns, float* values);
  void run_layers(Part&, int batch, ConstBatch inputs, MutableBatch outputs);

  std::vector<Part> parts_;
  int max_columns_ = 0;  // capacity of the internal batches, whose stride is the batch rounded up
  AlignedFloats parameters_, gradients_;
  std::vector<Entry> entries_;
  std::size_t dense_size_ = 0;
  std::size_t arena_size_ = 0;  // while compiling
  std::size_t log_std_offset_ = 0;
};

}  // namespace impsweep
