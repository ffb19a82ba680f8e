#include "agents/native/convolution.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace impsweep {
namespace {

// Copying patches pays where many weights share them; below this density skipping pruned ones pays more.
constexpr int kSmallestDensePatch = 128;
constexpr double kLeastDenseDensity = 0.3;

}  // namespace

ConvolutionLayer::ConvolutionLayer(const ConvolutionSpec& spec, std::vector<std::uint8_t> keep,
                                   bool passes_gradients, int max_columns)
    : spec_(spec), keep_(std::move(keep)) {
  kept_ = static_cast<std::size_t>(std::ranges::count(keep_, std::uint8_t{1}));
  is_dense_ = weights_per_filter() >= kSmallestDensePatch &&
              static_cast<double>(kept_) >= kLeastDenseDensity * static_cast<double>(keep_.size());
  row_gradient_.assign(static_cast<std::size_t>(out()), 0.0f);
  if (is_dense_)
    compile_dense(max_columns);
  else
    compile_sparse(passes_gradients);
}

void ConvolutionLayer::for_each_kept(const std::function<void(std::size_t, std::size_t)>& visit) const {
  const auto per_filter = static_cast<std::size_t>(weights_per_filter());
  const auto filters = static_cast<std::size_t>(padded_filters());
  std::size_t next = 0;
  for (std::size_t i = 0; i < keep_.size(); ++i)
    if (keep_[i] != 0) visit(i, is_dense_ ? i % per_filter * filters + i / per_filter : next++);
}

template <class Visit>
void ConvolutionLayer::for_each_run(int position, Visit visit) const {
  const int top = position / spec_.map_columns() * spec_.stride - spec_.padding;
  const int left = position % spec_.map_columns() * spec_.stride - spec_.padding;
  const int skipped = std::max(-left, 0);
  const int count = std::min(spec_.kernel, spec_.columns - left) - skipped;
  if (count <= 0) return;
  for (int channel = 0; channel < spec_.channels; ++channel) {
    for (int y = 0; y < spec_.kernel; ++y) {
      if (top + y < 0 || top + y >= spec_.rows) continue;
      visit((channel * spec_.kernel + y) * spec_.kernel + skipped,
            (channel * spec_.rows + top + y) * spec_.columns + left + skipped, count);
    }
  }
}

// ---- sparse

void ConvolutionLayer::compile_sparse(bool passes_gradients) {
  size_ = (kept_ + kLanes - 1) / kLanes * kLanes;
  constexpr std::uint32_t kPruned = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> place(keep_.size(), kPruned);
  for_each_kept(
      [&](std::size_t weight, std::size_t entry) { place[weight] = static_cast<std::uint32_t>(entry); });
  // All filters at one position after the other: the patch that they share stays in the cache.
  for (int position = 0; position < spec_.positions(); ++position)
    for (int filter = 0; filter < spec_.filters; ++filter) {
      for_each_run(position, [&](int weight, int cell, int count) {
        for (int i = 0; i < count; ++i) {
          const int in_tensor = filter * weights_per_filter() + weight + i;
          const std::uint32_t entry = place[static_cast<std::size_t>(in_tensor)];
          if (entry == kPruned) continue;
          by_output_.index.push_back(static_cast<std::uint16_t>(cell + i));
          by_output_.position.push_back(entry);
        }
      });
      by_output_.close_row(filter * spec_.positions() + position);
    }
  if (passes_gradients) by_cell_ = transposed();
  row_bias_.assign(static_cast<std::size_t>(out()), 0.0f);
  entry_gradient_.assign(by_output_.index.size(), 0.0f);
}

void ConvolutionLayer::Rows::close_row(int number) {
  if (begin.empty()) begin.push_back(0);
  row.push_back(static_cast<std::uint16_t>(number));
  ends.push_back(kOpensRow | kClosesRow);
  begin.push_back(static_cast<std::uint32_t>(index.size()));
  block_begin[1] = static_cast<std::uint32_t>(row.size());
}

SparseRows ConvolutionLayer::Rows::view(bool shared) const {
  return {.segments = static_cast<int>(row.size()),
          .begin = begin.data(),
          .row = row.data(),
          .ends = ends.data(),
          .index = index.data(),
          .position = shared ? position.data() : nullptr,
          .first = begin.data(),
          .blocks = 1,
          .block_begin = block_begin.data()};
}

ConvolutionLayer::Rows ConvolutionLayer::transposed() const {
  const Rows& from = by_output_;
  std::vector<std::vector<std::pair<std::uint16_t, std::uint32_t>>> cells(static_cast<std::size_t>(in()));
  for (std::size_t row = 0; row < from.row.size(); ++row)
    for (std::uint32_t e = from.begin[row]; e < from.begin[row + 1]; ++e)
      cells[from.index[e]].emplace_back(from.row[row], from.position[e]);
  // All channels at one place after the other: they are under the same outputs.
  Rows result;
  const int places = spec_.rows * spec_.columns;
  for (int place = 0; place < places; ++place)
    for (int cell = place; cell < in(); cell += places) {
      auto& entries = cells[static_cast<std::size_t>(cell)];
      std::ranges::sort(entries);
      for (const auto& [row, position] : entries) {
        result.index.push_back(row);
        result.position.push_back(position);
      }
      result.close_row(cell);
    }
  return result;
}

// ---- dense

void ConvolutionLayer::compile_dense(int max_columns) {
  const auto filters = static_cast<std::size_t>(padded_filters()),
             columns = static_cast<std::size_t>(max_columns);
  size_ = static_cast<std::size_t>(weights_per_filter()) * filters;
  patch_.assign(static_cast<std::size_t>(weights_per_filter()) * columns, 0.0f);
  samples_.assign(columns * filters, 0.0f);
  part_.assign(size_, 0.0f);
  if (kept_ == keep_.size()) return;
  keep_factor_.assign(size_, 0.0f);
  for_each_kept([this](std::size_t, std::size_t place) { keep_factor_[place] = 1.0f; });
}

void ConvolutionLayer::copy_patch(int position, int columns, const float* x) {
  const auto row = static_cast<std::size_t>(columns);
  if (spec_.padding > 0)
    std::fill_n(patch_.begin(), static_cast<std::size_t>(weights_per_filter()) * row, 0.0f);
  for_each_run(position, [&](int weight, int cell, int count) {
    std::memcpy(patch_.data() + static_cast<std::size_t>(weight) * row,
                x + static_cast<std::size_t>(cell) * row,
                static_cast<std::size_t>(count) * row * sizeof(float));
  });
}

// ---- passes

void ConvolutionLayer::forward(const float* weight, const float* bias, int columns, const float* x, float* y,
                               Epilogue epilogue) {
  const int positions = spec_.positions();
  if (!is_dense_) {
    for (int row = 0; row < out(); ++row) row_bias_[row] = bias[row / positions];
    kernels().sparse({.pattern = by_output_.view(true),
                      .weight = weight,
                      .columns = columns,
                      .b = x,
                      .b_stride = columns,
                      .bias = row_bias_.data(),
                      .c = y,
                      .c_stride = columns,
                      .epilogue = epilogue});
    return;
  }
  for (std::ptrdiff_t position = 0; position < positions; ++position) {
    copy_patch(static_cast<int>(position), columns, x);
    kernels().gemm({.rows = spec_.filters,
                    .depth = weights_per_filter(),
                    .columns = columns,
                    .a = weight,
                    .a_row = 1,
                    .a_depth = padded_filters(),
                    .b = patch_.data(),
                    .b_stride = columns,
                    .bias = bias,
                    .c = y + position * columns,
                    .c_stride = static_cast<std::ptrdiff_t>(positions) * columns,
                    .epilogue = epilogue});
  }
}

void ConvolutionLayer::gradients(int columns, const float* dy, const float* x, float* weight_gradient,
                                 float* bias_gradient) {
  const Kernels& k = kernels();
  const int positions = spec_.positions();
  k.row_sums(out(), columns, dy, columns, row_gradient_.data());
  std::fill_n(bias_gradient, spec_.filters, 0.0f);
  for (int row = 0; row < out(); ++row) bias_gradient[row / positions] += row_gradient_[row];
  std::fill_n(weight_gradient, size_, 0.0f);
  if (!is_dense_) {
    k.sparse_weight_gradient(by_output_.view(false), columns, dy, columns, x, columns,
                             entry_gradient_.data());
    for (std::size_t e = 0; e < by_output_.position.size(); ++e)
      weight_gradient[by_output_.position[e]] += entry_gradient_[e];
    return;
  }
  for (std::ptrdiff_t position = 0; position < positions; ++position) {
    copy_patch(static_cast<int>(position), columns, x);
    k.transpose(spec_.filters, columns, dy + position * columns,
                static_cast<std::ptrdiff_t>(positions) * columns, samples_.data(), padded_filters());
    k.gemm({.rows = weights_per_filter(),
            .depth = columns,
            .columns = spec_.filters,
            .a = patch_.data(),
            .a_row = columns,
            .a_depth = 1,
            .b = samples_.data(),
            .b_stride = padded_filters(),
            .c = part_.data(),
            .c_stride = padded_filters()});
    for (std::size_t i = 0; i < size_; ++i) weight_gradient[i] += part_[i];
  }
  if (!keep_factor_.empty()) k.multiply(weight_gradient, keep_factor_.data(), size_);
}

void ConvolutionLayer::input_gradient(const float* weight, int columns, const float* dy, float* dx) {
  const Kernels& k = kernels();
  if (!is_dense_) {
    k.sparse({.pattern = by_cell_.view(true),
              .weight = weight,
              .columns = columns,
              .b = dy,
              .b_stride = columns,
              .c = dx,
              .c_stride = columns});
    return;
  }
  const auto row = static_cast<std::size_t>(columns);
  std::fill_n(dx, static_cast<std::size_t>(in()) * row, 0.0f);
  for (std::ptrdiff_t position = 0; position < spec_.positions(); ++position) {
    k.gemm({.rows = weights_per_filter(),
            .depth = spec_.filters,
            .columns = columns,
            .a = weight,
            .a_row = padded_filters(),
            .a_depth = 1,
            .b = dy + position * columns,
            .b_stride = static_cast<std::ptrdiff_t>(spec_.positions()) * columns,
            .c = patch_.data(),
            .c_stride = columns});
    for_each_run(static_cast<int>(position), [&](int first, int cell, int count) {
      const float* from = patch_.data() + static_cast<std::size_t>(first) * row;
      float* to = dx + static_cast<std::size_t>(cell) * row;
      for (std::size_t i = 0; i < static_cast<std::size_t>(count) * row; ++i) to[i] += from[i];
    });
  }
}

}  // namespace impsweep
