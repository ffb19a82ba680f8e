// One layer in each form against plain loops, to the bit, at sizes at which the sparse form is cut into
// blocks and rows of weights are padded; and every instruction set against the scalar twin, to the bit.
#include "agents/native/masked_layer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "envs/random.hpp"
#include "tests/agents/random_arrays.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

std::vector<std::uint8_t> random_keep(Stream& stream, int in, int out, double density) {
  std::vector<std::uint8_t> keep(static_cast<std::size_t>(in) * static_cast<std::size_t>(out));
  for (std::uint8_t& k : keep) k = stream.uniform() < density ? 1 : 0;
  return keep;
}

AlignedFloats uniform_values(Stream& stream, std::size_t count) {
  AlignedFloats values(count);
  for (float& v : values) v = static_cast<float>(2 * stream.uniform() - 1);
  return values;
}

bool same(const AlignedFloats& a, const AlignedFloats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Passes {
  AlignedFloats y, dx, gradient;
};

Passes run(const MaskedLayer& layer, const AlignedFloats& weight, const AlignedFloats& bias, int columns,
           const AlignedFloats& x, const AlignedFloats& dy) {
  const auto stride = static_cast<std::size_t>(spread_stride(columns));
  Passes p = {AlignedFloats(static_cast<std::size_t>(layer.out()) * stride, -7.0f),
              AlignedFloats(static_cast<std::size_t>(layer.in()) * stride, -7.0f),
              AlignedFloats(layer.size(), 0.0f)};
  AlignedFloats scratch(layer.scratch_size(columns) + 1);
  layer.forward(weight.data(), bias.data(), columns, x.data(), p.y.data(), Epilogue::kRelu);
  layer.gradients(weight.data(), columns, dy.data(), x.data(), scratch.data(), p.gradient.data(), p.dx.data(),
                  Epilogue::kReluDerivative, x.data());
  AlignedFloats alone(layer.size(), 0.0f);
  layer.weight_gradient(columns, dy.data(), x.data(), scratch.data(), alone.data());
  CHECK(same(alone, p.gradient));
  return p;
}

struct Restored {
  ~Restored() { select_kernels("auto"); }
};

}  // namespace

TEST_CASE("every form has the bits of plain loops, on every target, in whatever blocks") {
  const Restored restored;
  Stream stream("masked layer");
  struct Size {
    int in, out, columns;
    double density;
    LayerForm form;
  };
  for (const Size& s :
       {Size{37, 19, 48, 0.4, LayerForm::kSparse}, Size{300, 40, 272, 0.5, LayerForm::kSparse},
        Size{260, 300, 64, 0.3, LayerForm::kSparse}, Size{210, 33, 336, 0.05, LayerForm::kSparse},
        Size{90, 400, 80, 0.2, LayerForm::kSparse}, Size{64, 250, 16, 0.02, LayerForm::kSparse},
        Size{150, 60, 256, 0.3, LayerForm::kSparse}, Size{90, 270, 128, 0.25, LayerForm::kSparse},
        Size{40, 30, 32, 0.0, LayerForm::kSparse}, Size{40, 256, 48, 0.8, LayerForm::kByInput},
        Size{300, 70, 256, 1.0, LayerForm::kByInput}, Size{50, 5, 96, 0.9, LayerForm::kByOutput}}) {
    CAPTURE(s.in);
    CAPTURE(s.out);
    const std::vector<std::uint8_t> keep = random_keep(stream, s.in, s.out, s.density);
    const MaskedLayer layer(s.in, s.out, keep);
    const auto stride = static_cast<std::size_t>(spread_stride(s.columns));
    REQUIRE(layer.form() == s.form);
    const AlignedFloats x = uniform_values(stream, static_cast<std::size_t>(s.in) * stride),
                        dy = uniform_values(stream, static_cast<std::size_t>(s.out) * stride),
                        bias = uniform_values(stream, static_cast<std::size_t>(layer.padded_out()));
    AlignedFloats weight(layer.size(), 0.0f);
    std::vector<float> dense(keep.size(), 0.0f);
    layer.for_each_kept([&](int o, int i, std::size_t place) {
      weight[place] = static_cast<float>(stream.uniform() - 0.5);
      dense[static_cast<std::size_t>(o) * s.in + i] = weight[place];
    });
    Passes reference;
    for (const Kernels* k : usable_kernels()) {
      CAPTURE(k->name);
      REQUIRE(select_kernels(k->name));
      const Passes p = run(layer, weight, bias, s.columns, x, dy);
      if (reference.y.empty()) reference = p;
      CHECK(same(p.y, reference.y));
      CHECK(same(p.dx, reference.dx));
      CHECK(same(p.gradient, reference.gradient));
    }
    // To the bit, whatever the blocks and tiles are: one fused chain over ascending inputs, or outputs.
    const auto wide = [&](const AlignedFloats& matrix, int row, int b) {
      return matrix[static_cast<std::size_t>(row) * stride + static_cast<std::size_t>(b)];
    };
    const auto dense_weight = [&](int o, int i) { return dense[static_cast<std::size_t>(o) * s.in + i]; };
    bool outputs_agree = true, input_gradients_agree = true, gradients_agree = true;
    for (int o = 0; o < s.out; ++o)
      for (int b = 0; b < s.columns; ++b) {
        float y = 0;
        for (int i = 0; i < s.in; ++i)
          if (dense_weight(o, i) != 0) y = std::fma(dense_weight(o, i), wide(x, i, b), y);
        outputs_agree &= std::max(y + bias[o], 0.0f) == wide(reference.y, o, b);
      }
    for (int i = 0; i < s.in; ++i)
      for (int b = 0; b < s.columns; ++b) {
        float dx = 0;
        for (int o = 0; o < s.out; ++o)
          if (dense_weight(o, i) != 0) dx = std::fma(dense_weight(o, i), wide(dy, o, b), dx);
        input_gradients_agree &= (wide(x, i, b) > 0 ? dx : 0.0f) == wide(reference.dx, i, b);
      }
    CHECK(outputs_agree);
    CHECK(input_gradients_agree);
    // Sixteen lanes and a tree where the layer is sparse, else one chain over the samples.
    AlignedFloats left = reference.gradient;
    layer.for_each_kept([&](int o, int i, std::size_t place) {
      const int lanes = s.form == LayerForm::kSparse ? kLanes : 1;
      float sum[kLanes] = {};
      for (int b = 0; b < s.columns; ++b)
        sum[b % lanes] = std::fma(wide(dy, o, b), wide(x, i, b), sum[b % lanes]);
      for (int half = lanes / 2; half >= 1; half /= 2)
        for (int l = 0; l < half; ++l) sum[l] += sum[l + half];
      gradients_agree &= sum[0] == reference.gradient[place];
      left[place] = 0;
    });
    CHECK(gradients_agree);
    // Pruned weights and places without a weight have no gradient.
    CHECK(std::ranges::all_of(left, [](float g) { return g == 0; }));
  }
}

TEST_CASE(
    "sparse weights lie output after output, however the layer is cut, so that norms do not see blocks") {
  Stream stream("arena order");
  for (const auto& [in, out, density] : {std::tuple{600, 20, 0.4}, {30, 20, 0.4}, {600, 20, 0.02}}) {
    const std::vector<std::uint8_t> keep = random_keep(stream, in, out, density);
    const MaskedLayer layer(in, out, keep);
    REQUIRE(layer.form() == LayerForm::kSparse);
    std::vector<std::size_t> place_of(keep.size(), keep.size());
    layer.for_each_kept([&, in = in](int o, int i, std::size_t place) {
      place_of[static_cast<std::size_t>(o) * in + i] = place;
    });
    std::size_t next = 0;
    for (std::size_t w = 0; w < keep.size(); ++w)
      if (keep[w] != 0) REQUIRE(place_of[w] == next++);
    CHECK(next == layer.kept());
  }
}

TEST_CASE("one density decides between dense and sparse at all sizes, and long rows of weights are padded") {
  for (const int width : {16, 200, 256, 1024}) {
    std::vector<std::uint8_t> keep(static_cast<std::size_t>(width) * width, 0);
    std::fill_n(keep.begin(), keep.size() * 56 / 100, std::uint8_t{1});
    const MaskedLayer dense(width, width, keep);
    CHECK(dense.form() == LayerForm::kByInput);
    CHECK(dense.weight_stride() == round_up_to_lanes(width) + (width % 256 == 0 ? 16 : 0));
    std::fill(keep.begin(), keep.end(), std::uint8_t{0});
    std::fill_n(keep.begin(), keep.size() * 54 / 100, std::uint8_t{1});
    CHECK(MaskedLayer(width, width, keep).form() == LayerForm::kSparse);
  }
}
