#include "agents/native/masked_layer.hpp"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <functional>
#include <numeric>

namespace impsweep {
namespace {

// Below this density the sparse form costs less than the dense one; between 0.45 and 0.65 the two are close,
// on which side depends on processor and size. One number for all, since the form decides bits.
constexpr double kBreakEvenDensity = 0.55;

// Segments that are shorter would cost more than a block in the cache saves.
constexpr double kShortestSegment = 8;

// Rows of the other side, each this many bytes long, that fit most of the first-level cache.
int rows_in_cache(int bytes_per_row) {
  static const long kBytes = std::max(sysconf(_SC_LEVEL1_DCACHE_SIZE), 32'768L);
  return static_cast<int>(kBytes * 5 / 6 / bytes_per_row);
}

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

// A wide tile needs fewer looks at indices and weights; a narrow one leaves room for more rows of the other
// side in the cache, and so for longer segments. Very sparse layers are not cut at all.
int vectors_of_product(double density) {
  return density >= 0.06 && density < 0.25 ? 4 : 8;
}

// The gradients go over whole rows of a batch of 256, and leave less to gain.
constexpr int kBackwardVectors = 16, kUncutBackward = 256;

// How many indices make a block, such that a tile of the other side, `vectors` wide, stays in the cache while
// all rows pass.
int block_of(int indices, double density, int vectors) {
  const int fitting = rows_in_cache(vectors * kLanes * static_cast<int>(sizeof(float)));
  const bool is_one = indices <= fitting + fitting / 4 || fitting * density < kShortestSegment;
  return is_one ? indices : fitting;
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
  Rows of_output, of_input;
  for (Rows* rows : {&of_output, &of_input}) rows->entries.resize(kept_);
  of_output.begin.assign(static_cast<std::size_t>(out) + 1, 0);
  of_input.begin.assign(static_cast<std::size_t>(in) + 1, 0);
  const auto for_each = [&](const auto& visit) {
    for (std::size_t o = 0; o < static_cast<std::size_t>(out); ++o)
      for (std::size_t i = 0; i < static_cast<std::size_t>(in); ++i)
        if (keep[o * static_cast<std::size_t>(in) + i] != 0) visit(o, i);
  };
  for_each([&](std::size_t o, std::size_t i) {
    ++of_output.begin[o + 1];
    ++of_input.begin[i + 1];
  });
  for (Rows* rows : {&of_output, &of_input})
    std::partial_sum(rows->begin.begin(), rows->begin.end(), rows->begin.begin());
  std::vector<std::size_t> next(of_input.begin);
  std::uint32_t place = 0;
  for_each([&](std::size_t o, std::size_t i) {
    of_output.entries[place] = {static_cast<std::uint16_t>(i), place};
    of_input.entries[next[i]++] = {static_cast<std::uint16_t>(o), place};
    ++place;
  });
  const double density = static_cast<double>(kept_) / static_cast<double>(keep.size());
  const int vectors = vectors_of_product(density);
  by_output_ = cut(of_output, in, block_of(in, density, vectors), vectors, Order::kLongestFirst);
  const int backward_block = out <= kUncutBackward ? out : block_of(out, density, kBackwardVectors);
  by_input_ = cut(of_input, out, backward_block, vectors, Order::kByRow);
  by_output_.position.clear();  // within a segment places follow each other
}

MaskedLayer::Side MaskedLayer::cut(const Rows& rows, int indices, int block, int vectors, Order order) {
  Side side;
  side.vectors = vectors;
  side.index.reserve(rows.entries.size());
  side.position.reserve(rows.entries.size());
  std::vector<std::size_t> next(rows.begin);
  struct Segment {
    std::size_t row, begin, end;
  };
  std::vector<Segment> segments;
  for (int first = 0; first < indices; first += block) {
    const bool opening = first == 0, closing = first + block >= indices;
    segments.clear();
    for (std::size_t r = 0; r + 1 < rows.begin.size(); ++r) {
      const std::size_t begin = next[r];
      while (next[r] < rows.begin[r + 1] && rows.entries[next[r]].index < first + block) ++next[r];
      if (begin != next[r] || opening || closing) segments.push_back({r, begin, next[r]});
    }
    if (order == Order::kLongestFirst)
      std::ranges::stable_sort(segments, std::greater(), [](const Segment& s) { return s.end - s.begin; });
    side.block_begin.push_back(static_cast<std::uint32_t>(side.row.size()));
    for (const Segment& segment : segments) {
      side.begin.push_back(static_cast<std::uint32_t>(side.index.size()));
      side.row.push_back(static_cast<std::uint16_t>(segment.row));
      side.ends.push_back(static_cast<std::uint8_t>((opening ? kOpensRow : 0) | (closing ? kClosesRow : 0)));
      side.first.push_back(segment.begin < segment.end ? rows.entries[segment.begin].place : 0);
      for (std::size_t e = segment.begin; e < segment.end; ++e) {
        side.index.push_back(rows.entries[e].index);
        side.position.push_back(rows.entries[e].place);
      }
    }
  }
  side.begin.push_back(static_cast<std::uint32_t>(side.index.size()));
  side.block_begin.push_back(static_cast<std::uint32_t>(side.row.size()));
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
          .blocks = static_cast<int>(block_begin.size()) - 1,
          .block_begin = block_begin.data(),
          .vectors = vectors};
}

void MaskedLayer::forward(const float* weight, const float* bias, int columns, const float* x, float* y,
                          Epilogue epilogue) const {
  const Kernels& k = kernels();
  const int stride = spread_stride(columns);
  if (form_ == LayerForm::kSparse) {
    k.sparse({.pattern = by_output_.rows(),
              .weight = weight,
              .columns = columns,
              .b = x,
              .b_stride = stride,
              .bias = bias,
              .c = y,
              .c_stride = stride,
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
          .b_stride = stride,
          .bias = bias,
          .c = y,
          .c_stride = stride,
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

void MaskedLayer::gradients(const float* weight, int columns, const float* dy, const float* x, float* scratch,
                            float* gradient, float* dx, Epilogue derivative, const float* activation) const {
  if (form_ == LayerForm::kSparse) {
    kernels().sparse_backward({.pattern = by_input_.rows(),
                               .weight = weight,
                               .columns = columns,
                               .dy = dy,
                               .x = x,
                               .dx = dx,
                               .stride = spread_stride(columns),
                               .derivative = derivative,
                               .activation = activation,
                               .gradient = gradient});
    return;
  }
  weight_gradient(columns, dy, x, scratch, gradient);
  input_gradient(weight, columns, dy, dx, derivative, activation);
}

void MaskedLayer::input_gradient(const float* weight, int columns, const float* dy, float* dx,
                                 Epilogue derivative, const float* activation) const {
  const int stride = spread_stride(columns);
  const bool by_input = form_ == LayerForm::kByInput;
  kernels().gemm({.rows = in_,
                  .depth = out_,
                  .columns = columns,
                  .a = weight,
                  .a_row = by_input ? weight_stride() : 1,
                  .a_depth = by_input ? 1 : in_,
                  .b = dy,
                  .b_stride = stride,
                  .c = dx,
                  .c_stride = stride,
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
  const int row = spread_stride(columns);
  if (form_ == LayerForm::kSparse) {
    // Each row stays in registers while the other side is looked up: the smaller one, if it was cut for the
    // cache.
    if (in_ <= out_ || by_input_.block_begin.size() == 2)
      k.sparse_weight_gradient(by_output_.rows(), columns, dy, row, x, row, gradient);
    else
      k.sparse_weight_gradient(by_input_.rows(), columns, x, row, dy, row, gradient);
    return;
  }
  // The smaller side is transposed, so that outputs (or inputs) become the lanes of one chain over the
  // samples.
  const bool by_input = form_ == LayerForm::kByInput;
  const int lanes = by_input ? out_ : in_;
  const int stride = by_input ? weight_stride() : round_up_to_lanes(lanes);
  k.transpose(lanes, columns, by_input ? dy : x, row, scratch, stride);
  k.gemm({.rows = by_input ? in_ : out_,
          .depth = columns,
          .columns = lanes,
          .a = by_input ? x : dy,
          .a_row = row,
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
  const int row = spread_stride(columns);
  k.transpose(out_, columns, dy, row, scratch, weight_stride());
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
