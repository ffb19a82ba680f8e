#include "agents/convolution.hpp"

#include <algorithm>
#include <limits>

namespace impsweep {

ConvolutionLayer::ConvolutionLayer(const ConvolutionSpec& spec, const std::vector<std::uint8_t>& keep,
                                   bool passes_gradients)
    : spec_(spec) {
  constexpr std::uint32_t kPruned = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> place(keep.size(), kPruned);
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i] == 0) continue;
    place[i] = static_cast<std::uint32_t>(kept_.size());
    kept_.push_back(static_cast<std::uint32_t>(i));
  }
  const std::size_t weights_per_filter = keep.size() / static_cast<std::size_t>(spec.filters);
  for (int row = 0; row < out(); ++row) {
    const int filter = row / spec.positions(), position = row % spec.positions();
    const int top = position / spec.map_columns() * spec.stride - spec.padding;
    const int left = position % spec.map_columns() * spec.stride - spec.padding;
    std::size_t weight = static_cast<std::size_t>(filter) * weights_per_filter;
    for (int channel = 0; channel < spec.channels; ++channel) {
      for (int y = top; y < top + spec.kernel; ++y) {
        for (int x = left; x < left + spec.kernel; ++x, ++weight) {
          const bool is_inside = y >= 0 && y < spec.rows && x >= 0 && x < spec.columns;
          if (!is_inside || place[weight] == kPruned) continue;
          by_output_.index.push_back(
              static_cast<std::uint16_t>((channel * spec.rows + y) * spec.columns + x));
          by_output_.position.push_back(place[weight]);
        }
      }
    }
    by_output_.close_row();
  }
  if (passes_gradients) by_cell_ = transposed();
  const auto outputs = static_cast<std::size_t>(out());
  row_bias_.assign(outputs, 0.0f);
  row_gradient_.assign(outputs, 0.0f);
  entry_gradient_.assign(by_output_.index.size(), 0.0f);
}

void ConvolutionLayer::Rows::close_row() {
  if (begin.empty()) begin.push_back(0);
  row.push_back(static_cast<std::uint16_t>(row.size()));
  ends.push_back(kOpensRow | kClosesRow);
  begin.push_back(static_cast<std::uint32_t>(index.size()));
}

SparseRows ConvolutionLayer::Rows::view(bool shared) const {
  return {.segments = static_cast<int>(row.size()),
          .begin = begin.data(),
          .row = row.data(),
          .ends = ends.data(),
          .index = index.data(),
          .position = shared ? position.data() : nullptr,
          .cut = false};
}

ConvolutionLayer::Rows ConvolutionLayer::transposed() const {
  const Rows& from = by_output_;
  std::vector<std::vector<std::pair<std::uint16_t, std::uint32_t>>> cells(static_cast<std::size_t>(in()));
  for (std::size_t row = 0; row < from.row.size(); ++row)
    for (std::uint32_t e = from.begin[row]; e < from.begin[row + 1]; ++e)
      cells[from.index[e]].emplace_back(from.row[row], from.position[e]);
  Rows result;
  for (const auto& cell : cells) {
    for (const auto& [row, position] : cell) {
      result.index.push_back(row);
      result.position.push_back(position);
    }
    result.close_row();
  }
  return result;
}

void ConvolutionLayer::forward(const float* weight, const float* bias, int columns, const float* x, float* y,
                               Epilogue epilogue) {
  for (int row = 0; row < out(); ++row) row_bias_[row] = bias[row / spec_.positions()];
  kernels().sparse({.pattern = by_output_.view(true),
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
  kernels().sparse_weight_gradient(by_output_.view(false), columns, dy, columns, x, columns,
                                   entry_gradient_.data());
  std::fill_n(weight_gradient, kept_.size(), 0.0f);
  std::fill_n(bias_gradient, spec_.filters, 0.0f);
  for (std::size_t e = 0; e < by_output_.position.size(); ++e)
    weight_gradient[by_output_.position[e]] += entry_gradient_[e];
  for (int row = 0; row < out(); ++row) bias_gradient[row / spec_.positions()] += row_gradient_[row];
}

void ConvolutionLayer::input_gradient(const float* weight, int columns, const float* dy, float* dx) const {
  kernels().sparse({.pattern = by_cell_.view(true),
                    .weight = weight,
                    .columns = columns,
                    .b = dy,
                    .b_stride = columns,
                    .c = dx,
                    .c_stride = columns});
}

}  // namespace impsweep
