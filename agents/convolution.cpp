#include "agents/convolution.hpp"

#include <algorithm>
#include <limits>

namespace impsweep {

ConvolutionLayer::ConvolutionLayer(const ConvolutionSpec& spec, const std::vector<std::uint8_t>& keep)
    : spec_(spec) {
  constexpr std::uint32_t kPruned = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> place(keep.size(), kPruned);
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i] == 0) continue;
    place[i] = static_cast<std::uint32_t>(kept_.size());
    kept_.push_back(static_cast<std::uint32_t>(i));
  }
  const int positions_per_row = spec.columns - spec.kernel + 1;
  const std::size_t weights_per_filter = keep.size() / static_cast<std::size_t>(spec.filters);
  begin_.push_back(0);
  for (int row = 0; row < out(); ++row) {
    const int filter = row / spec.positions(), position = row % spec.positions();
    const int top = position / positions_per_row, left = position % positions_per_row;
    std::size_t weight = static_cast<std::size_t>(filter) * weights_per_filter;
    for (int channel = 0; channel < spec.channels; ++channel) {
      for (int y = 0; y < spec.kernel; ++y) {
        for (int x = 0; x < spec.kernel; ++x, ++weight) {
          if (place[weight] == kPruned) continue;
          const int cell = (channel * spec.rows + top + y) * spec.columns + left + x;
          index_.push_back(static_cast<std::uint16_t>(cell));
          position_.push_back(place[weight]);
        }
      }
    }
    begin_.push_back(static_cast<std::uint32_t>(index_.size()));
    row_.push_back(static_cast<std::uint16_t>(row));
    ends_.push_back(kOpensRow | kClosesRow);
  }
  const auto outputs = static_cast<std::size_t>(out());
  row_bias_.assign(outputs, 0.0f);
  row_gradient_.assign(outputs, 0.0f);
  entry_gradient_.assign(index_.size(), 0.0f);
}

SparseRows ConvolutionLayer::rows(bool shared) const {
  return {.segments = out(),
          .begin = begin_.data(),
          .row = row_.data(),
          .ends = ends_.data(),
          .index = index_.data(),
          .position = shared ? position_.data() : nullptr,
          .cut = false};
}

void ConvolutionLayer::forward(const float* weight, const float* bias, int columns, const float* x, float* y,
                               Epilogue epilogue) {
  for (int row = 0; row < out(); ++row) row_bias_[row] = bias[row / spec_.positions()];
  kernels().sparse({.pattern = rows(true),
                    .weight = weight,
                    .columns = columns,
                    .b = x,
                    .b_stride = columns,
                    .bias = row_bias_.data(),
                    .c = y,
                    .c_stride = columns,
                    .epilogue = epilogue});
}

void ConvolutionLayer::gradients(int columns, const float* dy, const float* x, float* weight_gradient,
                                 float* bias_gradient) {
  kernels().row_sums(out(), columns, dy, columns, row_gradient_.data());
  kernels().sparse_weight_gradient(rows(false), columns, dy, columns, x, columns, entry_gradient_.data());
  std::fill_n(weight_gradient, kept_.size(), 0.0f);
  std::fill_n(bias_gradient, spec_.filters, 0.0f);
  for (std::size_t e = 0; e < position_.size(); ++e) weight_gradient[position_[e]] += entry_gradient_[e];
  for (int row = 0; row < out(); ++row) bias_gradient[row / spec_.positions()] += row_gradient_[row];
}

}  // namespace impsweep
