// agents/convolution.hpp - a pruned convolution over flat boards, compiled for a mask that never changes: a
// sparse layer whose rows, one for each filter and position, share the kept weights.
//
//   y[filter * positions + p][b] = bias[filter] + sum over kept (c, y, x) of weight * board cell under it
//
// A row has no entry where the cell lies in the padding: the terms left out are zero.
//
// x, y and their gradients are feature-major [features][columns], columns = batch in whole lanes.
#pragma once

#include <cstdint>
#include <vector>

#include "agents/aligned.hpp"
#include "agents/kernels/kernels.hpp"
#include "agents/network.hpp"

namespace impsweep {

class ConvolutionLayer {
 public:
  // keep: [filters * channels * kernel * kernel], 1 = kept. `passes_gradients`: input_gradient() will be
  // asked for.
  ConvolutionLayer(const ConvolutionSpec&, const std::vector<std::uint8_t>& keep, bool passes_gradients);

  int in() const { return spec_.channels * spec_.rows * spec_.columns; }
  int out() const { return spec_.filters * spec_.positions(); }
  std::size_t kept() const { return kept_.size(); }

  // Kept weights by their place in the tensor, ascending; the layer's entries stand in this order.
  const std::vector<std::uint32_t>& kept_weights() const { return kept_; }

  // weight [kept], bias [filters].
  void forward(const float* weight, const float* bias, int columns, const float* x, float* y, Epilogue);

  // Sums over the batch, then over the positions in their order.
  void gradients(int columns, const float* dy, const float* x, float* weight_gradient, float* bias_gradient);

  // dx = transposed weights times dy; a cell's terms come in the order of the rows.
  void input_gradient(const float* weight, int columns, const float* dy, float* dx) const;

 private:
  // What each row is summed of.
  struct Rows {
    std::vector<std::uint32_t> begin;     // [rows + 1] into the entries
    std::vector<std::uint16_t> row;       // [rows] their numbers
    std::vector<std::uint8_t> ends;       // [rows]
    std::vector<std::uint16_t> index;     // [entries] cell of the board; by cell: output
    std::vector<std::uint32_t> position;  // [entries] kept weight
    void close_row();
    SparseRows view(bool shared) const;  // with the places of shared weights, or of single entries
  };
  Rows transposed() const;

  ConvolutionSpec spec_;
  std::vector<std::uint32_t> kept_;
  Rows by_output_, by_cell_;               // the latter only if gradients are passed on
  AlignedFloats row_bias_, row_gradient_;  // [out]
  AlignedFloats entry_gradient_;           // [entries]
};

}  // namespace impsweep
