// agents/native/convolution.hpp - a pruned convolution over flat boards, compiled for its mask.
//
//   y[filter * positions + p][b] = bias[filter] + sum over kept (c, y, x) of weight * board cell under it
//
// Two forms, chosen by sizes and density alone; their outputs agree to the bit (kernels.hpp):
//   sparse   a sparse layer whose rows, one for each position and filter, share the kept weights; no entry
//            where a cell lies in the padding, as what is left out is zero
//   dense    position after position, the patch of the board under the kernel is copied together and
//            multiplied with all weights, [weights of a filter][filters in whole lanes], zero where pruned
//
// x, y and their gradients are feature-major [features][columns], columns = batch in whole lanes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

class ConvolutionLayer {
 public:
  // keep: [filters * channels * kernel * kernel], 1 = kept. `passes_gradients`: input_gradient() will be
  // asked for.
  ConvolutionLayer(const ConvolutionSpec&, std::vector<std::uint8_t> keep, bool passes_gradients,
                   int max_columns);

  int in() const { return spec_.channels * spec_.rows * spec_.columns; }
  int out() const { return spec_.filters * spec_.positions(); }
  std::size_t kept() const { return kept_; }
  bool is_dense() const { return is_dense_; }

  // Entries that the weights need in an arena, in whole lanes.
  std::size_t size() const { return size_; }

  // Calls visit(weight, place) for every kept weight, by its place in the tensor; `place` counts from the
  // layer's first entry in the arena.
  void for_each_kept(const std::function<void(std::size_t, std::size_t)>& visit) const;

  // weight [size()], bias [filters].
  void forward(const float* weight, const float* bias, int columns, const float* x, float* y, Epilogue);

  // Sums over the batch, then over the positions in their order; zero where pruned.
  void gradients(int columns, const float* dy, const float* x, float* weight_gradient, float* bias_gradient);

  // dx = transposed weights times dy.
  void input_gradient(const float* weight, int columns, const float* dy, float* dx);

 private:
  // What each row is summed of.
  struct Rows {
    std::vector<std::uint32_t> begin;  // [rows + 1] into the entries
    std::vector<std::uint16_t> row;    // [rows] their numbers
    std::vector<std::uint8_t> ends;    // [rows]
    std::array<std::uint32_t, 2> block_begin = {0, 0};
    std::vector<std::uint16_t> index;     // [entries] cell of the board; by cell: output
    std::vector<std::uint32_t> position;  // [entries] kept weight
    void close_row(int number);
    SparseRows view(bool shared) const;  // with the places of shared weights, or of single entries
  };
  void compile_sparse(bool passes_gradients);
  Rows transposed() const;
  void compile_dense(int max_columns);

  // Calls visit(first weight, first cell, count) for the runs of the patch at a position that lie on the
  // board: rows of the kernel, within one channel.
  template <class Visit>
  void for_each_run(int position, Visit visit) const;
  void copy_patch(int position, int columns, const float* x);

  int weights_per_filter() const { return spec_.channels * spec_.kernel * spec_.kernel; }
  int padded_filters() const { return round_up_to_lanes(spec_.filters); }

  ConvolutionSpec spec_;
  std::vector<std::uint8_t> keep_;
  std::size_t kept_ = 0, size_ = 0;
  bool is_dense_ = false;
  AlignedFloats row_gradient_;  // [out]

  Rows by_output_, by_cell_;      // sparse; the latter only if gradients are passed on
  AlignedFloats row_bias_;        // [out]
  AlignedFloats entry_gradient_;  // [entries]

  AlignedFloats keep_factor_;  // dense, with pruned weights: [size] 1 or 0
  AlignedFloats patch_;        // [weights of a filter][columns]
  AlignedFloats samples_;      // gradients at one position, [columns][filters in whole lanes]
  AlignedFloats part_;         // [size] gradient of one position
};

}  // namespace impsweep
