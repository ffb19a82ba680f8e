#include "agents/masked_layer.hpp"

#include <algorithm>
#include <cassert>

namespace impsweep {
namespace {

// Cost of a kept weight in the sparse form relative to a weight in the dense form, measured on layers whose
// tiles stay in the first-level cache and on larger ones.
constexpr double kSparseCost = 1.45, kSparseCostOfLargeLayers = 2.2;
constexpr int kLargeInputs = 256;

// Below this many outputs whole lanes of them would be mostly empty.
constexpr int kFewOutputs = 9;

LayerForm cheapest_form(int in, int out, std::size_t kept, double active_inputs) {
  const double all = static_cast<double>(in) * out;
  double dense = all;
  // Adding up selected rows of weights costs about this much of a product, by the share that is selected.
  if (active_inputs > 0) dense = std::min(all, 1.6 * all * active_inputs / in);
  const double sparse =
      static_cast<double>(kept) * (in > kLargeInputs ? kSparseCostOfLargeLayers : kSparseCost);
  if (sparse < dense) return LayerForm::kSparse;
  return out < kFewOutputs && active_inputs == 0 ? LayerForm::kByOutput : LayerForm::kByInput;
}

std::size_t whole_lanes(std::size_t n) {
  return (n + kLanes - 1) / kLanes * kLanes;
}

}  // namespace

MaskedLayer::MaskedLayer(int in, int out, std::vector<std::uint8_t> keep, double active_inputs)
    : in_(in), out_(out) {
  assert(keep.size() == static_cast<std::size_t>(in) * static_cast<std::size_t>(out));
  kept_ = static_cast<std::size_t>(
      std::count_if(keep.begin(), keep.end(), [](std::uint8_t k) { return k != 0; }));
  form_ = cheapest_form(in, out, kept_, active_inputs);
  if (form_ != LayerForm::kSparse) {
    size_ = form_ == LayerForm::kByInput
                ? static_cast<std::size_t>(in) * static_cast<std::size_t>(padded_out())
                : whole_lanes(static_cast<std::size_t>(in) * static_cast<std::size_t>(out));
    if (kept_ == keep.size()) return;
    keep_ = std::move(keep);
    keep_factor_.assign(size_, 0.0f);
    for_each_kept([this](int, int, std::size_t place) { keep_factor_[place] = 1.0f; });
    return;
  }
  size_ = whole_lanes(kept_);
  row_begin_.push_back(0);
  column_begin_.assign(static_cast<std::size_t>(in) + 1, 0);
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) {
      if (keep[static_cast<std::size_t>(o) * in + i] == 0) continue;
      column_index_.push_back(static_cast<std::uint16_t>(i));
      ++column_begin_[i + 1];
    }
    row_begin_.push_back(static_cast<std::uint32_t>(column_index_.size()));
  }
  for (int i = 0; i < in; ++i) column_begin_[i + 1] += column_begin_[i];
  row_index_.resize(kept_);
  row_position_.resize(kept_);
  std::vector<std::uint32_t> next(column_begin_.begin(), column_begin_.end() - 1);
  for (int o = 0; o < out; ++o)
    for (std::uint32_t e = row_begin_[o]; e < row_begin_[o + 1]; ++e) {
      const std::uint32_t slot = next[column_index_[e]]++;
      row_index_[slot] = static_cast<std::uint16_t>(o);
      row_position_[slot] = e;
    }
}

void MaskedLayer::for_each_kept(const std::function<void(int, int, std::size_t)>& visit) const {
  if (form_ == LayerForm::kSparse) {
    for (int o = 0; o < out_; ++o)
      for (std::uint32_t e = row_begin_[o]; e < row_begin_[o + 1]; ++e) visit(o, column_index_[e], e);
    return;
  }
  for (int o = 0; o < out_; ++o)
    for (int i = 0; i < in_; ++i) {
      const std::size_t dense = static_cast<std::size_t>(o) * in_ + i;
      if (!keep_.empty() && keep_[dense] == 0) continue;
      visit(o, i, form_ == LayerForm::kByOutput ? dense : static_cast<std::size_t>(i) * padded_out() + o);
    }
}

SparseRows MaskedLayer::by_row() const {
  return {.rows = out_, .row_begin = row_begin_.data(), .index = column_index_.data(), .position = nullptr};
}

SparseRows MaskedLayer::by_column() const {
  return {.rows = in_,
          .row_begin = column_begin_.data(),
          .index = row_index_.data(),
          .position = row_position_.data()};
}

ActiveArguments MaskedLayer::active_arguments(int batch, const ActiveBatch& inputs) const {
  return {.begin = inputs.begin,
          .feature = inputs.feature,
          .batch = batch,
          .columns = padded_out(),
          .stride = padded_out()};
}

void MaskedLayer::forward(const float* weight, const float* bias, int columns, const float* x, float* y,
                          Epilogue epilogue) const {
  const Kernels& k = kernels();
  if (form_ == LayerForm::kSparse) {
    k.sparse({.pattern = by_row(),
              .weight = weight,
              .columns = columns,
              .b = x,
              .b_stride = columns,
              .bias = bias,
              .c = y,
              .c_stride = columns,
              .epilogue = epilogue});
    return;
  }
  const bool by_input = form_ == LayerForm::kByInput;
  k.gemm({.rows = out_,
          .depth = in_,
          .columns = columns,
          .a = weight,
          .a_row = by_input ? 1 : in_,
          .a_depth = by_input ? padded_out() : 1,
          .b = x,
          .b_stride = columns,
          .bias = bias,
          .c = y,
          .c_stride = columns,
          .epilogue = epilogue});
}

void MaskedLayer::forward_samples(const float* weight, const float* bias, int batch, const float* x,
                                  int x_stride, float* y, Epilogue epilogue) const {
  assert(form_ == LayerForm::kByInput);
  kernels().gemm({.rows = batch,
                  .depth = in_,
                  .columns = padded_out(),
                  .a = x,
                  .a_row = x_stride,
                  .a_depth = 1,
                  .b = weight,
                  .b_stride = padded_out(),
                  .column_bias = bias,
                  .c = y,
                  .c_stride = padded_out(),
                  .epilogue = epilogue});
}

void MaskedLayer::forward_active(const float* weight, const float* bias, int batch, const ActiveBatch& inputs,
                                 float* y, Epilogue epilogue) const {
  assert(form_ == LayerForm::kByInput);
  kernels().active_forward(active_arguments(batch, inputs), weight, bias, epilogue, y);
}

void MaskedLayer::input_gradient(const float* weight, int columns, const float* dy, float* dx,
                                 Epilogue derivative, const float* activation) const {
  const Kernels& k = kernels();
  if (form_ == LayerForm::kSparse) {
    k.sparse({.pattern = by_column(),
              .weight = weight,
              .columns = columns,
              .b = dy,
              .b_stride = columns,
              .c = dx,
              .c_stride = columns,
              .epilogue = derivative,
              .activation = activation});
    return;
  }
  const bool by_input = form_ == LayerForm::kByInput;
  k.gemm({.rows = in_,
          .depth = out_,
          .columns = columns,
          .a = weight,
          .a_row = by_input ? padded_out() : 1,
          .a_depth = by_input ? 1 : in_,
          .b = dy,
          .b_stride = columns,
          .c = dx,
          .c_stride = columns,
          .epilogue = derivative,
          .activation = activation});
}

std::size_t MaskedLayer::scratch_size(int columns) const {
  if (form_ == LayerForm::kSparse) return 0;
  const int transposed = form_ == LayerForm::kByInput ? padded_out() : round_up_to_lanes(in_);
  return static_cast<std::size_t>(transposed) * static_cast<std::size_t>(columns);
}

void MaskedLayer::weight_gradient(int columns, const float* dy, const float* x, float* scratch,
                                  float* gradient) const {
  const Kernels& k = kernels();
  if (form_ == LayerForm::kSparse) {
    k.sparse_weight_gradient(by_row(), columns, dy, columns, x, columns, gradient);
    return;
  }
  // The smaller side is transposed, so that outputs (or inputs) become the lanes of one chain over the
  // samples.
  const bool by_input = form_ == LayerForm::kByInput;
  const int lanes = by_input ? out_ : in_;
  const int stride = round_up_to_lanes(lanes);
  k.transpose(lanes, columns, by_input ? dy : x, columns, scratch, stride);
  k.gemm({.rows = by_input ? in_ : out_,
          .depth = columns,
          .columns = lanes,
          .a = by_input ? x : dy,
          .a_row = columns,
          .a_depth = 1,
          .b = scratch,
          .b_stride = stride,
          .c = gradient,
          .c_stride = by_input ? stride : in_,
          .stored_columns = by_input ? 0 : in_});
  if (!keep_factor_.empty()) k.multiply(gradient, keep_factor_.data(), size_);
}

void MaskedLayer::weight_gradient_active(int columns, int batch, const float* dy, const ActiveBatch& inputs,
                                         float* scratch, float* gradient) const {
  assert(form_ == LayerForm::kByInput);
  const Kernels& k = kernels();
  k.transpose(out_, columns, dy, columns, scratch, padded_out());
  std::fill_n(gradient, size_, 0.0f);
  k.active_gradient(active_arguments(batch, inputs), scratch, gradient);
  if (!keep_factor_.empty()) k.multiply(gradient, keep_factor_.data(), size_);
}

}  // namespace impsweep
