// agents/native/masked_layer.hpp - one pruned linear layer, compiled for its mask.
//
//   y[o][b] = bias[o] + sum over kept (o, i) of weight(o, i) * x[i][b]
//
// Forms, of which a layer gets the one with the least predicted cost (a rule of sizes and density alone,
// never a timing, for the choice decides rounding in gradients):
//   by input    all weights, [in][weight_stride()]: dense products; serves few samples and binary inputs as
//               well
//   by output   all weights, [out][in]: dense products of layers with few outputs
//   sparse      kept weights only, output after output with ascending inputs, and an index of them by input
// The place of a weight is thus a matter of form and sizes as well: the norm of a gradient adds up in the
// order of places, so that they decide bits too.
//
// Dense forms hold pruned weights at zero by clearing their gradients. All forms give the same outputs to the
// bit (kernels.hpp).
//
// Layouts: x, y and their gradients are feature-major [features][spread_stride(columns)], columns = batch in
// whole lanes, unless a name says "samples": [batch][features in whole lanes].
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

enum class LayerForm { kByInput, kByOutput, kSparse };

class MaskedLayer {
 public:
  // keep: [out * in], 1 = kept. `active_inputs`: for binary inputs, about how many of them are 1 at a time;
  // else 0.
  MaskedLayer(int in, int out, std::vector<std::uint8_t> keep, double active_inputs = 0);

  int in() const { return in_; }
  int out() const { return out_; }
  int padded_out() const { return round_up_to_lanes(out_); }
  LayerForm form() const { return form_; }
  // By input: from one input's weights to the next one's. Where whole lanes of outputs are a multiple of
  // 1,024 bytes, one cache line more: rows would else share the same few sets of a first-level cache.
  int weight_stride() const { return padded_out() + (padded_out() % (16 * kLanes) == 0 ? kLanes : 0); }
  std::size_t kept() const { return kept_; }

  // Entries that the layer needs in an arena, in whole lanes.
  std::size_t size() const { return size_; }

  // Calls visit(output, input, place) for every kept weight; place counts from the layer's first entry.
  template <class Visit>
  void for_each_kept(const Visit& visit) const;

  // y = epilogue(...). `bias` [out in whole lanes].
  void forward(const float* weight, const float* bias, int columns, const float* x, float* y, Epilogue) const;

  // The same by samples: x [batch][x_stride]. By input only.
  void forward_samples(const float* weight, const float* bias, int batch, const float* x, int x_stride,
                       float* y, Epilogue) const;

  // The same for binary inputs, y by samples. By input only.
  void forward_active(const float* weight, const float* bias, int batch, const ActiveBatch&, float* y,
                      Epilogue) const;

  // gradient [size()], zero where pruned. `scratch` holds what scratch_size() says.
  void weight_gradient(int columns, const float* dy, const float* x, float* scratch, float* gradient) const;
  // The same for binary inputs, here by feature: sample list[e], begin[f] <= e < begin[f + 1], has feature f.
  void weight_gradient_active(int columns, const float* dy, const ActiveBatch& samples_of_feature,
                              float* scratch, float* gradient) const;
  // Both gradients: dx = derivative of the previous activation times transposed weights times dy.
  void gradients(const float* weight, int columns, const float* dy, const float* x, float* scratch,
                 float* gradient, float* dx, Epilogue derivative, const float* activation) const;
  std::size_t scratch_size(int columns) const;

 private:
  // Kept weights from one side: which input each entry has (or which output), segment after segment.
  struct Side {
    std::vector<std::uint32_t> begin;
    std::vector<std::uint16_t> row;
    std::vector<std::uint8_t> ends;
    std::vector<std::uint16_t> index;
    std::vector<std::uint32_t> position;     // place of each entry; empty by output
    std::vector<std::uint32_t> first;        // place of each segment's first entry
    std::vector<std::uint32_t> block_begin;  // into the segments
    int vectors = 4;                         // of columns at a time, for which the blocks were cut
    SparseRows rows() const;
  };
  // Index and place of every kept weight, row after row, ascending.
  struct Entry {
    std::uint16_t index;
    std::uint32_t place;
  };
  struct Rows {
    std::vector<Entry> entries;
    std::vector<std::size_t> begin;  // [rows + 1]
  };
  // In blocks of indices. Segments of a block by row; or longest first, so that neighbours, which are summed
  // together, end together.
  enum class Order { kByRow, kLongestFirst };
  static Side cut(const Rows&, int indices, int block, int vectors, Order);
  void input_gradient(const float* weight, int columns, const float* dy, float* dx, Epilogue derivative,
                      const float* activation) const;

  int in_ = 0, out_ = 0;
  LayerForm form_ = LayerForm::kByInput;
  std::size_t kept_ = 0, size_ = 0;
  std::vector<std::uint8_t> keep_;  // dense forms: [out * in], empty if all are kept
  AlignedFloats keep_factor_;       // dense forms with pruned weights: [size] 1 or 0
  Side by_output_, by_input_;       // sparse
};

template <class Visit>
void MaskedLayer::for_each_kept(const Visit& visit) const {
  if (form_ == LayerForm::kSparse) {
    for (std::size_t segment = 0; segment < by_output_.row.size(); ++segment)
      for (std::uint32_t e = by_output_.begin[segment]; e < by_output_.begin[segment + 1]; ++e)
        visit(by_output_.row[segment], by_output_.index[e],
              std::size_t{by_output_.first[segment]} + (e - by_output_.begin[segment]));
    return;
  }
  for (int o = 0; o < out_; ++o)
    for (int i = 0; i < in_; ++i) {
      const std::size_t dense = static_cast<std::size_t>(o) * in_ + i;
      if (!keep_.empty() && keep_[dense] == 0) continue;
      visit(o, i, form_ == LayerForm::kByOutput ? dense : static_cast<std::size_t>(i) * weight_stride() + o);
    }
}

}  // namespace impsweep
