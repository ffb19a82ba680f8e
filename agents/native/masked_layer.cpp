#include "agents/native/masked_layer.hpp"

#include <algorithm>
#include <cassert>

namespace impsweep {
namespace {

// Below this density the sparse form costs less than the dense one; between 0.45 and 0.65 the two are close,
// on which side depends on processor and size. One number for all, since the form decides bits.
constexpr double kBreakEvenDensity = 0.55;

// Sparse sides are cut into blocks of this many indices (a tile of 24 kB), unless they are short or sparse.
constexpr int kBlockIndices = 96, kUncutIndices = 192;
constexpr double kShortestSegment = 8;

// Below this many outputs whole lanes of them would be mostly empty.
constexpr int kFewOutputs = 9;

LayerForm cheapest_form(int in, int out, std::size_t kept, double active_inputs) {
  const double all = static_cast<double>(in) * out;
  double dense = all;
  // Adding up selected rows of weights costs about this much of a product, by the share that is selected.
  if (active_inputs > 0) dense = std::min(all, 1.6 * all * active_inputs / in);
  if (static_cast<double>(kept) < kBreakEvenDensity * dense) return LayerForm::kSparse;
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
                ? static_cast<std::size_t>(in) * static_cast<std::size_t>(weight_stride())
                : whole_lanes(static_cast<std::size_t>(in) * static_cast<std::size_t>(out));
    if (kept_ == keep.size()) return;
    keep_ = std::move(keep);
    keep_factor_.assign(size_, 0.0f);
    for_each_kept([this](int, int, std::size_t place) { keep_factor_[place] = 1.0f; });
    return;
  }
  size_ = whole_lanes(kept_);
  std::vector<std::vector<Entry>> of_output(static_cast<std::size_t>(out)),
      of_input(static_cast<std::size_t>(in));
  std::uint32_t place = 0;
  for (int o = 0; o < out; ++o)
    for (int i = 0; i < in; ++i) {
      if (keep[static_cast<std::size_t>(o) * in + i] == 0) continue;
      of_output[static_cast<std::size_t>(o)].push_back({static_cast<std::uint16_t>(i), place});
      of_input[static_cast<std::size_t>(i)].push_back({static_cast<std::uint16_t>(o), place});
      ++place;
    }
  by_input_ = cut(of_input, out);
  by_output_ = cut(of_output, in);
  by_output_.position.clear();  // within a segment places follow each other
}

// A tile of one column of lanes of the other side's activations that is to stay in the first-level cache
// while all rows pass; segments that are too short would cost more than they save.
MaskedLayer::Side MaskedLayer::cut(const std::vector<std::vector<Entry>>& entries, int indices) {
  std::size_t kept = 0;
  for (const std::vector<Entry>& row : entries) kept += row.size();
  const double per_segment =
      kBlockIndices * static_cast<double>(kept) / (static_cast<double>(entries.size()) * indices);
  const int block = indices <= kUncutIndices || per_segment < kShortestSegment ? indices : kBlockIndices;

  Side side;
  side.is_cut = block < indices;
  std::vector<std::size_t> next(entries.size(), 0);
  for (int first = 0; first < indices; first += block) {
    const bool opening = first == 0, closing = first + block >= indices;
    for (std::size_t r = 0; r < entries.size(); ++r) {
      const std::vector<Entry>& row = entries[r];
      const std::size_t begin = next[r];
      std::size_t end = begin;
      while (end < row.size() && row[end].index < first + block) ++end;
      if (begin == end && !opening && !closing) continue;
      side.begin.push_back(static_cast<std::uint32_t>(side.index.size()));
      side.row.push_back(static_cast<std::uint16_t>(r));
      side.ends.push_back(static_cast<std::uint8_t>((opening ? kOpensRow : 0) | (closing ? kClosesRow : 0)));
      side.first.push_back(begin < end ? row[begin].place : 0);
      for (std::size_t e = begin; e < end; ++e) {
        side.index.push_back(row[e].index);
        side.position.push_back(row[e].place);
      }
      next[r] = end;
    }
  }
  side.begin.push_back(static_cast<std::uint32_t>(side.index.size()));
  return side;
}

SparseRows MaskedLayer::Side::rows() const {
  return {.segments = static_cast<int>(row.size()),
          .begin = begin.data(),
          .row = row.data(),
          .ends = ends.data(),
          .index = index.data(),
          .position = position.empty() ? nullptr : position.data(),
          .first = first.data(),
          .cut = is_cut};
}

void MaskedLayer::for_each_kept(const std::function<void(int, int, std::size_t)>& visit) const {
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

void MaskedLayer::forward(const float* weight, const float* bias, int columns, const float* x, float* y,
                          Epilogue epilogue) const {
  const Kernels& k = kernels();
  if (form_ == LayerForm::kSparse) {
    k.sparse({.pattern = by_output_.rows(),
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
          .a_depth = by_input ? weight_stride() : 1,
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
                  .b_stride = weight_stride(),
                  .column_bias = bias,
                  .c = y,
                  .c_stride = padded_out(),
                  .epilogue = epilogue});
}

void MaskedLayer::forward_active(const float* weight, const float* bias, int batch, const ActiveBatch& inputs,
                                 float* y, Epilogue epilogue) const {
  assert(form_ == LayerForm::kByInput);
  kernels().add_rows({.begin = inputs.begin,
                      .list = inputs.feature,
                      .count = batch,
                      .columns = padded_out(),
                      .source_stride = weight_stride(),
                      .result_stride = padded_out()},
                     weight, bias, epilogue, y);
}

void MaskedLayer::input_gradient(const float* weight, int columns, const float* dy, float* dx,
                                 Epilogue derivative, const float* activation) const {
  const Kernels& k = kernels();
  if (form_ == LayerForm::kSparse) {
    k.sparse({.pattern = by_input_.rows(),
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
          .a_row = by_input ? weight_stride() : 1,
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
  const int transposed = form_ == LayerForm::kByInput ? weight_stride() : round_up_to_lanes(in_);
  return static_cast<std::size_t>(transposed) * static_cast<std::size_t>(columns);
}

void MaskedLayer::weight_gradient(int columns, const float* dy, const float* x, float* scratch,
                                  float* gradient) const {
  const Kernels& k = kernels();
  if (form_ == LayerForm::kSparse) {
    // Each row stays in registers while the other side is looked up, which had better be the smaller one.
    if (in_ <= out_)
      k.sparse_weight_gradient(by_output_.rows(), columns, dy, columns, x, columns, gradient);
    else
      k.sparse_weight_gradient(by_input_.rows(), columns, x, columns, dy, columns, gradient);
    return;
  }
  // The smaller side is transposed, so that outputs (or inputs) become the lanes of one chain over the
  // samples.
  const bool by_input = form_ == LayerForm::kByInput;
  const int lanes = by_input ? out_ : in_;
  const int stride = by_input ? weight_stride() : round_up_to_lanes(lanes);
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

void MaskedLayer::weight_gradient_active(int columns, const float* dy, const ActiveBatch& samples_of_feature,
                                         float* scratch, float* gradient) const {
  assert(form_ == LayerForm::kByInput);
  const Kernels& k = kernels();
  k.transpose(out_, columns, dy, columns, scratch, weight_stride());
  k.add_rows({.begin = samples_of_feature.begin,
              .list = samples_of_feature.feature,
              .count = in_,
              .columns = padded_out(),
              .source_stride = weight_stride(),
              .result_stride = weight_stride()},
             scratch, nullptr, Epilogue::kNone, gradient);
  if (!keep_factor_.empty()) k.multiply(gradient, keep_factor_.data(), size_);
}

}  // namespace impsweep
