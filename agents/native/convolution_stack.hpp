// agents/native/convolution_stack.hpp - the pruned convolutions in front of a network's other layers: from
// boards to the maps of the last, and back to the gradients of their weights.
//
// Matrices are feature-major [features][columns], columns = batch in whole lanes; the columns behind the
// batch are zero. Weights and biases lie in an arena that is not ours: one entry for each kept weight, in an
// order that suits the layer, then the biases.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "agents/native/aligned.hpp"
#include "agents/native/convolution.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

class ConvolutionStack {
 public:
  ConvolutionStack() = default;
  ConvolutionStack(Activation activation, int max_columns)
      : activation_(activation), max_columns_(static_cast<std::size_t>(max_columns)) {}

  // The next layer, whose weights begin at `first` in the arena. keep, keep_bias: 1 = kept, [weights] and
  // [filters].
  const ConvolutionLayer& add(const ConvolutionSpec&, std::vector<std::uint8_t> keep,
                              const std::vector<std::uint8_t>& keep_bias, std::size_t first);

  bool empty() const { return layers_.empty(); }
  int in() const { return layers_.front().convolution.in(); }
  int out() const { return layers_.back().convolution.out(); }
  int units() const;  // of all layers together
  // Behind the last layer that was added, in the arena.
  std::size_t end() const;

  // The boards of the next pass. Those that are given in whole lanes must outlive it.
  void load(int batch, ConstBatch boards);
  void load(int batch, const ActiveBatch& boards);

  // The maps of the last layer, [out()][columns]. `factors` on the units of all layers, [units()][stride],
  // are applied unless they are null.
  const float* forward(int columns, const float* arena, ConstBatch factors);

  // Where the gradients with respect to the maps of the last layer are to be put, [out()][columns].
  AlignedFloats& map_gradient() { return layers_.back().delta; }

  // The gradients of the last pass's weights and biases, in the places of the arena; zero where pruned.
  void backward(int columns, const float* arena, ConstBatch factors, float* arena_gradient);

 private:
  struct Layer {
    explicit Layer(ConvolutionLayer compiled) : convolution(std::move(compiled)) {}
    ConvolutionLayer convolution;
    std::size_t weight = 0, bias = 0;  // first entries in the arena
    AlignedFloats keep_bias;           // [filters in whole lanes] 1 or 0
    AlignedFloats maps, dropped;       // [outputs][columns], before and after factors; the latter once needed
    AlignedFloats delta;               // gradients with respect to the maps
  };
  void multiply(std::size_t layer, ConstBatch factors, int columns, float* values) const;

  Activation activation_ = Activation::kRelu;
  std::size_t max_columns_ = 0;
  std::vector<Layer> layers_;
  const float* cells_ = nullptr;  // [cells][columns], of the last pass: those given if they are so, or
  AlignedFloats board_;           // a copy
};

}  // namespace impsweep
