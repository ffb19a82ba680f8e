// Kernels: layers under uniform masks against OpenBLAS' three products, binary first layers against dense
// products, and the optimizer per weight.
#include <fmt/format.h>

#include <stdexcept>

#include "agents/learning/adam.hpp"
#include "agents/native/masked_layer.hpp"
#include "engine/bench/aged.hpp"
#include "engine/bench/bench.hpp"
#include "envs/random.hpp"

namespace impsweep {
namespace {

constexpr int kBatch = 256, kStride = spread_stride(kBatch);

const char* form_name(LayerForm form) {
  switch (form) {
    case LayerForm::kByInput:
      return "dense by input";
    case LayerForm::kByOutput:
      return "dense by output";
    case LayerForm::kSparse:
      return "sparse";
  }
  return "";
}

AlignedFloats random_floats(Stream& stream, std::size_t count) {
  AlignedFloats values(count);
  for (float& value : values) value = static_cast<float>(2 * stream.uniform() - 1);
  return values;
}

OpenBlas require_openblas() {
  if (const std::optional<OpenBlas> blas = OpenBlas::find()) return *blas;
  throw std::runtime_error("there is no OpenBLAS to compare with; install libopenblas0-pthread");
}

// A layer with its dense twin for BLAS, and everything that both compute.
struct LayerCase {
  int in, out;
  std::vector<std::uint8_t> keep;
  MaskedLayer layer;
  AlignedFloats weight, bias, dense;  // ours; [out][in] with zeros
  AlignedFloats dy, dx, gradient, scratch, y;
  AlignedFloats blas_y, blas_dx, blas_gradient;

  LayerCase(int in_size, int out_size, double density, double active_inputs, Stream& stream)
      : in(in_size),
        out(out_size),
        keep(random_mask(stream, static_cast<std::size_t>(in_size) * out_size, density)),
        layer(in_size, out_size, keep, active_inputs),
        weight(layer.size(), 0.0f),
        bias(static_cast<std::size_t>(layer.padded_out()), 0.0f),
        dense(keep.size(), 0.0f),
        dy(random_floats(stream, static_cast<std::size_t>(out_size) * kStride)),
        dx(static_cast<std::size_t>(in_size) * kStride),
        gradient(layer.size()),
        scratch(layer.scratch_size(kBatch) + 1),
        y(static_cast<std::size_t>(layer.padded_out()) * kStride),
        blas_y(static_cast<std::size_t>(out_size) * kBatch),
        blas_dx(static_cast<std::size_t>(in_size) * kBatch),
        blas_gradient(keep.size()) {
    layer.for_each_kept([&](int o, int i, std::size_t place) {
      dense[static_cast<std::size_t>(o) * in + i] = weight[place] =
          static_cast<float>(2 * stream.uniform() - 1);
    });
  }

  static std::vector<std::uint8_t> random_mask(Stream& stream, std::size_t count, double density) {
    std::vector<std::uint8_t> mask(count);
    for (std::uint8_t& kept : mask) kept = stream.uniform() < density ? 1 : 0;
    return mask;
  }

  // Output and weight gradient of x [in][kStride]. Samples are the fastest axis here as well; BLAS is as fast
  // on either.
  void multiply_by_blas(const OpenBlas& blas, const AlignedFloats& x) {
    blas.multiply(false, false, out, kBatch, in, dense.data(), in, x.data(), kStride, blas_y.data(), kBatch);
    blas.multiply(false, true, out, in, kBatch, dy.data(), kStride, x.data(), kStride, blas_gradient.data(),
                  in);
  }

  void require_same_gradient(const std::string& name) const {
    std::vector<float> found, expected;
    layer.for_each_kept([&](int o, int i, std::size_t place) {
      found.push_back(gradient[place]);
      expected.push_back(blas_gradient[static_cast<std::size_t>(o) * in + i]);
    });
    require_close(name + " gradient", found, expected, 1e-4);
  }
};

std::vector<float> plain(const AlignedFloats& values) {
  return {values.begin(), values.end()};
}

// The columns of a matrix [rows][kStride] that hold samples.
std::vector<float> without_padding(const AlignedFloats& values, int rows) {
  std::vector<float> result;
  for (std::ptrdiff_t row = 0; row < rows; ++row)
    result.insert(result.end(), values.begin() + row * kStride, values.begin() + row * kStride + kBatch);
  return result;
}

std::vector<BenchRow> measure_layer(int in, int out, double density, double target) {
  const OpenBlas blas = require_openblas();
  Stream stream(fmt::format("bench/layer/{}/{}/{}", in, out, density));
  LayerCase c(in, out, density, 0, stream);
  const AlignedFloats x = random_floats(stream, static_cast<std::size_t>(in) * kStride);
  const auto ours = [&] {
    c.layer.forward(c.weight.data(), c.bias.data(), kBatch, x.data(), c.y.data(), Epilogue::kNone);
    c.layer.gradients(c.weight.data(), kBatch, c.dy.data(), x.data(), c.scratch.data(), c.gradient.data(),
                      c.dx.data(), Epilogue::kNone, nullptr);
  };
  const auto theirs = [&] {
    c.multiply_by_blas(blas, x);
    blas.multiply(true, false, in, kBatch, out, c.dense.data(), in, c.dy.data(), kStride, c.blas_dx.data(),
                  kBatch);
  };
  ours();
  theirs();
  const std::string name = fmt::format("layer/{}x{}/density-{:.3g}", out, in, density);
  require_close(name + " output", without_padding(c.y, out), plain(c.blas_y), 1e-4);
  require_close(name + " input gradient", without_padding(c.dx, in), plain(c.blas_dx), 1e-4);
  c.require_same_gradient(name);
  const std::vector<double> seconds = measure({ours, theirs});
  const double flop = 6.0 * static_cast<double>(c.layer.kept()) * kBatch;
  BenchRow row = comparison(name, "OpenBLAS", seconds);
  row.target = target;
  row.kernel += fmt::format(" {}", form_name(c.layer.form()));
  const double gflops = flop / seconds[0] * 1e-9;
  row.note = fmt::format("{:.0f} GFLOP/s on kept weights, {:.2f} of the peak; OpenBLAS {:.0f}", gflops,
                         gflops / peak_gflops(), 6.0 * in * out * kBatch / seconds[1] * 1e-9);
  return {row};
}

std::vector<BenchRow> measure_binary_layer(int in, int out, double ones, double target) {
  const OpenBlas blas = require_openblas();
  Stream stream(fmt::format("bench/binary/{}/{}/{}", in, out, ones));
  LayerCase c(in, out, 1.0, ones * in, stream);
  AlignedFloats x(static_cast<std::size_t>(in) * kStride, 0.0f);
  std::vector<std::uint32_t> begin = {0}, sample_begin = {0};
  std::vector<std::uint16_t> feature, sample;
  for (int b = 0; b < kBatch; ++b) {
    for (int f = 0; f < in; ++f)
      if (stream.uniform() < ones) {
        feature.push_back(static_cast<std::uint16_t>(f));
        x[static_cast<std::size_t>(f) * kStride + b] = 1.0f;
      }
    begin.push_back(static_cast<std::uint32_t>(feature.size()));
  }
  for (int f = 0; f < in; ++f) {
    for (int b = 0; b < kBatch; ++b)
      if (x[static_cast<std::size_t>(f) * kStride + b] != 0) sample.push_back(static_cast<std::uint16_t>(b));
    sample_begin.push_back(static_cast<std::uint32_t>(sample.size()));
  }
  const ActiveBatch active{begin.data(), feature.data()},
      by_feature_lists{sample_begin.data(), sample.data()};
  const auto ours = [&] {
    c.layer.forward_active(c.weight.data(), c.bias.data(), kBatch, active, c.y.data(), Epilogue::kNone);
    c.layer.weight_gradient_active(kBatch, c.dy.data(), by_feature_lists, c.scratch.data(),
                                   c.gradient.data());
  };
  const auto theirs = [&] { c.multiply_by_blas(blas, x); };
  ours();
  theirs();
  const std::string name = fmt::format("binary/{}-{}/ones-{:.0f}%", in, out, 100 * ones);
  std::vector<float> by_feature(c.blas_y.size());
  for (int o = 0; o < out; ++o)
    for (int b = 0; b < kBatch; ++b)
      by_feature[static_cast<std::size_t>(o) * kBatch + b] =
          c.y[static_cast<std::size_t>(b) * c.layer.padded_out() + o];
  require_close(name + " output", by_feature, plain(c.blas_y), 1e-4);
  c.require_same_gradient(name);
  const std::vector<double> seconds = measure({ours, theirs});
  BenchRow row = comparison(name, "OpenBLAS", seconds);
  row.target = target;
  row.kernel += " active features";
  row.note = "forward and weight gradient, density 1";
  return {row};
}

// One tensor of parameters as a network, for the optimizer alone.
class Parameters final : public Network {
 public:
  // A quarter of the weights belong to dead units.
  explicit Parameters(std::size_t count) : parameters_(count, 0.5f), gradients_(count, 1e-3f) {
    std::fill_n(gradients_.begin(), count / 4, 0.0f);
  }
  int input_size(int) const override { return 0; }
  std::span<float> parameters() override { return parameters_; }
  std::span<float> gradients() override { return gradients_; }
  void gather(std::span<const float>, std::span<float>) const override {}
  void scatter(std::span<const float>, std::span<float>) const override {}
  std::size_t log_std_offset() const override { return 0; }
  std::span<const std::uint8_t> mask() const override { return {}; }
  void recompile(std::span<const std::uint8_t>) override {}
  void infer(int, int, ConstBatch, MutableBatch) override {}
  void forward(int, int, ConstBatch, MutableBatch) override {}
  void set_hidden_factors(int, ConstBatch) override {}
  void backward(int, int, ConstBatch) override {}

 private:
  AlignedFloats parameters_, gradients_;
};

std::vector<BenchRow> measure_adam(int count) {
  Parameters network(static_cast<std::size_t>(count));
  Adam adam({}, {}, static_cast<std::size_t>(count));
  adam.clip_and_step(network, 1e-9, 1.0);
  Ageing ageing(network);
  adam.visit(ageing);
  const double seconds = measure({[&] { adam.clip_and_step(network, 1e-9, 1.0); }}).front();
  return {{.name = fmt::format("adam/{}", count),
           .value = seconds / count * 1e9,
           .unit = "ns/weight",
           .target = 0.5,
           .kernel = std::string(kernels().name),
           .note = fmt::format("norm, clip and Adam; {} moments are subnormal", ageing.aged())}};
}

}  // namespace

std::vector<BenchCase> kernel_cases() {
  std::vector<BenchCase> cases;
  const std::vector<std::pair<int, int>> layers = {{128, 128},  {512, 256},  {1024, 512},
                                                   {400, 1024}, {1200, 512}, {1200, 1024}};
  const std::vector<std::pair<double, double>> densities = {
      {1.0, 1.0}, {0.41, 1.2}, {0.107, 4.5}, {0.05, 9.5}, {0.02, 22.0}};
  for (const auto& [in, out] : layers)
    for (const auto& [density, target] : densities)
      cases.push_back({fmt::format("layer/{}x{}/density-{:.3g}", out, in, density),
                       [in = in, out = out, density = density, target = target] {
                         return measure_layer(in, out, density, target);
                       }});
  const std::vector<std::pair<double, double>> shares = {{0.02, 14.0}, {0.08, 6.0}, {0.15, 3.5}};
  for (const auto& [in, out] : {std::pair{400, 1024}, {700, 1024}, {1200, 512}})
    for (const auto& [ones, target] : shares)
      cases.push_back({fmt::format("binary/{}-{}/ones-{:.0f}%", in, out, 100 * ones),
                       [in = in, out = out, ones = ones, target = target] {
                         return measure_binary_layer(in, out, ones, target);
                       }});
  for (const int count : {4096, 34816, 746'512})
    cases.push_back({fmt::format("adam/{}", count), [count] { return measure_adam(count); }});
  return cases;
}

}  // namespace impsweep
