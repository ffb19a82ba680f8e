// The kernels against plain double-precision loops, and every instruction set against the scalar twin, to the
// bit.
#include "agents/native/kernels/kernels.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "agents/native/aligned.hpp"
#include "envs/random.hpp"
#include "tests/agents/random_arrays.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

AlignedFloats random_floats(Stream& stream, std::size_t n, double scale = 1.0) {
  AlignedFloats values(n);
  for (float& v : values) v = static_cast<float>((2 * stream.uniform() - 1) * scale);
  return values;
}

bool same_bits(const AlignedFloats& a, const AlignedFloats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// c = a b with a [rows][depth], b [depth][columns in whole lanes] and c alike; the rest is the caller's.
GemmArguments product(int rows, int depth, int columns, const AlignedFloats& a, const AlignedFloats& b,
                      AlignedFloats& c) {
  GemmArguments g;
  g.rows = rows;
  g.depth = depth;
  g.columns = columns;
  g.a = a.data();
  g.a_row = depth;
  g.a_depth = 1;
  g.b = b.data();
  g.c = c.data();
  g.b_stride = g.c_stride = round_up_to_lanes(columns);
  return g;
}

struct RandomPattern {
  std::vector<std::uint32_t> row_begin{0};
  std::vector<std::uint16_t> index, row;
  std::vector<std::uint8_t> ends;
  std::uint32_t block_begin[2] = {0, 0};
  SparseRows rows;
  RandomPattern(Stream& stream, int out, int in, double density) {
    for (int o = 0; o < out; ++o) {
      for (int i = 0; i < in; ++i)
        if (stream.uniform() < density) index.push_back(static_cast<std::uint16_t>(i));
      row_begin.push_back(static_cast<std::uint32_t>(index.size()));
    }
    for (int o = 0; o < out; ++o) row.push_back(static_cast<std::uint16_t>(o));
    ends.assign(row.size(), kOpensRow | kClosesRow);
    block_begin[1] = static_cast<std::uint32_t>(out);
    rows = {.segments = out,
            .begin = row_begin.data(),
            .row = row.data(),
            .ends = ends.data(),
            .index = index.data(),
            .first = row_begin.data(),
            .blocks = 1,
            .block_begin = block_begin};
  }
};

}  // namespace

TEST_CASE("the scalar twin always exists and unknown names are refused") {
  CHECK(find_kernels("scalar") != nullptr);
  CHECK(find_kernels("auto") != nullptr);
  CHECK(find_kernels("sse9") == nullptr);
  CHECK_FALSE(select_kernels("sse9"));
}

TEST_CASE("gemm agrees with a double loop, and every target with the scalar twin to the bit") {
  Stream stream("gemm");
  for (const int rows : {1, 5, 6, 13}) {
    for (const int depth : {0, 1, 7, 33}) {
      for (const int columns : {1, 16, 37, 96}) {
        const int stride = round_up_to_lanes(columns);
        const AlignedFloats a = random_floats(stream, static_cast<std::size_t>(rows * std::max(depth, 1)));
        const AlignedFloats b = random_floats(stream, static_cast<std::size_t>(std::max(depth, 1) * stride));
        const AlignedFloats bias = random_floats(stream, static_cast<std::size_t>(rows));
        const AlignedFloats activation = random_floats(stream, static_cast<std::size_t>(rows * stride));
        for (const Epilogue epilogue : {Epilogue::kNone, Epilogue::kRelu, Epilogue::kTanh,
                                        Epilogue::kReluDerivative, Epilogue::kTanhDerivative}) {
          AlignedFloats reference;
          for (const Kernels* k : usable_kernels()) {
            CAPTURE(k->name);
            AlignedFloats c(static_cast<std::size_t>(rows * stride), -7.0f);
            GemmArguments g = product(rows, depth, columns, a, b, c);
            g.bias = bias.data();
            g.epilogue = epilogue;
            g.activation = activation.data();
            k->gemm(g);
            if (reference.empty()) reference = c;
            REQUIRE(same_bits(c, reference));
          }
          double worst = 0;
          for (int r = 0; r < rows; ++r) {
            for (int j = 0; j < columns; ++j) {
              double y = bias[r];
              for (int d = 0; d < depth; ++d) y += static_cast<double>(a[r * depth + d]) * b[d * stride + j];
              const double x = activation[r * stride + j];
              if (epilogue == Epilogue::kRelu) y = std::max(y, 0.0);
              if (epilogue == Epilogue::kTanh) y = std::tanh(y);
              if (epilogue == Epilogue::kReluDerivative) y = x > 0 ? y : 0;
              if (epilogue == Epilogue::kTanhDerivative) y *= 1 - x * x;
              worst = std::max(worst, std::abs(y - reference[r * stride + j]));
            }
          }
          CHECK(worst < 5e-6);
        }
      }
    }
  }
}

TEST_CASE("long products are cut into blocks without a change of a bit") {
  Stream stream("gemm blocks");
  for (const int depth : {256, 257, 300, 700}) {
    const int rows = 29, columns = 80;
    const AlignedFloats a = random_floats(stream, static_cast<std::size_t>(rows * depth));
    const AlignedFloats b = random_floats(stream, static_cast<std::size_t>(depth * columns));
    const AlignedFloats bias = random_floats(stream, columns);
    // One fused chain by hand is the definition.
    AlignedFloats want(static_cast<std::size_t>(rows * columns));
    for (int r = 0; r < rows; ++r)
      for (int j = 0; j < columns; ++j) {
        float sum = 0;
        for (int d = 0; d < depth; ++d) sum = std::fma(a[r * depth + d], b[d * columns + j], sum);
        want[r * columns + j] = std::max(sum + bias[j], 0.0f);
      }
    for (const Kernels* k : usable_kernels()) {
      CAPTURE(k->name);
      AlignedFloats c(static_cast<std::size_t>(rows * columns));
      GemmArguments g = product(rows, depth, columns, a, b, c);
      g.column_bias = bias.data();
      g.epilogue = Epilogue::kRelu;
      k->gemm(g);
      CHECK(same_bits(c, want));
    }
  }
}

TEST_CASE("sums over active features equal products with ones and zeros, to the bit") {
  Stream stream("active");
  const int features = 70;
  for (const int outputs : {16, 48, 144, 272})
    for (const int batch : {1, 5, 40}) {
      std::vector<std::uint32_t> begin = {0};
      std::vector<std::uint16_t> feature;
      AlignedFloats x(static_cast<std::size_t>(batch * features), 0.0f);
      for (int b = 0; b < batch; ++b) {
        for (int f = 0; f < features; ++f)
          if (stream.uniform() < 0.1) {
            feature.push_back(static_cast<std::uint16_t>(f));
            x[b * features + f] = 1;
          }
        begin.push_back(static_cast<std::uint32_t>(feature.size()));
      }
      const AlignedFloats weight = random_floats(stream, static_cast<std::size_t>(features * outputs));
      const AlignedFloats bias = random_floats(stream, static_cast<std::size_t>(outputs));
      for (const Kernels* k : usable_kernels()) {
        CAPTURE(k->name);
        AlignedFloats dense(static_cast<std::size_t>(batch * outputs)), sums = dense;
        GemmArguments g = product(batch, features, outputs, x, weight, dense);
        g.column_bias = bias.data();
        g.epilogue = Epilogue::kTanh;
        k->gemm(g);
        k->add_rows({.begin = begin.data(),
                     .list = feature.data(),
                     .count = batch,
                     .columns = outputs,
                     .source_stride = outputs,
                     .result_stride = outputs},
                    weight.data(), bias.data(), Epilogue::kTanh, sums.data());
        CHECK(same_bits(sums, dense));
      }
    }
}

TEST_CASE("gemm stores no column beyond the last asked for") {
  Stream stream("gemm columns");
  const AlignedFloats a = random_floats(stream, 3 * 4), b = random_floats(stream, 4 * 32);
  for (const Kernels* k : usable_kernels()) {
    AlignedFloats c(3 * 19 + 16, -7.0f);
    GemmArguments g = product(3, 4, 19, a, b, c);
    g.c_stride = g.stored_columns = 19;
    k->gemm(g);
    CHECK(std::all_of(c.begin() + 3 * 19, c.end(), [](float v) { return v == -7.0f; }));
    double y = 0;
    for (int d = 0; d < 4; ++d) y += static_cast<double>(a[8 + d]) * b[d * 32 + 18];
    CHECK(c[2 * 19 + 18] == doctest::Approx(y).epsilon(1e-5));
  }
}

TEST_CASE("rows become columns, all or selected ones, and whole lanes of the target are filled with zeros") {
  Stream stream("transpose");
  const int kRows[] = {1, 15, 16, 17, 40}, kColumns[] = {1, 4, 16, 33, 64, 130};
  for (const Kernels* k : usable_kernels())
    for (const int rows : kRows)
      for (const int columns : kColumns) {
        const int source_stride = columns + 3, lanes = round_up_to_lanes(rows), stride = lanes + 5;
        const AlignedFloats source = random_floats(stream, static_cast<std::size_t>(rows * source_stride));
        std::vector<std::int32_t> all, some;
        for (int r = 0; r < rows; ++r) {
          all.push_back(r);
          some.push_back(static_cast<std::int32_t>(stream.below(rows)));
        }
        for (const std::vector<std::int32_t>& order : {all, some}) {
          AlignedFloats expected(static_cast<std::size_t>(columns * stride), -7.0f);
          for (int c = 0; c < columns; ++c)
            for (int r = 0; r < lanes; ++r)
              expected[c * stride + r] = r < rows ? source[order[r] * source_stride + c] : 0.0f;
          AlignedFloats found(expected.size(), -7.0f);
          k->transpose_selected(rows, order.data(), columns, source.data(), source_stride, found.data(),
                                stride);
          CHECK(same_bits(found, expected));
          if (order != all) continue;
          AlignedFloats whole(expected.size(), -7.0f);
          k->transpose(rows, columns, source.data(), source_stride, whole.data(), stride);
          CHECK(same_bits(whole, expected));
        }
      }
}

TEST_CASE("a sparse product has the bits of the dense product with zeros, at every density and batch") {
  Stream stream("sparse");
  for (const double density : {0.0, 0.03, 0.4, 1.0}) {
    for (const int batch : {1, 16, 50, 130}) {
      const int out = 19, in = 37, stride = round_up_to_lanes(batch);
      const RandomPattern pattern(stream, out, in, density);
      const AlignedFloats weight = random_floats(stream, std::max<std::size_t>(pattern.index.size(), 1));
      AlignedFloats dense(static_cast<std::size_t>(out * in), 0.0f);
      for (int o = 0; o < out; ++o)
        for (std::uint32_t e = pattern.row_begin[o]; e < pattern.row_begin[o + 1]; ++e)
          dense[o * in + pattern.index[e]] = weight[e];
      const AlignedFloats x = random_floats(stream, static_cast<std::size_t>(in * stride));
      const AlignedFloats bias = random_floats(stream, static_cast<std::size_t>(out));
      for (const Kernels* k : usable_kernels()) {
        CAPTURE(k->name);
        AlignedFloats from_sparse(static_cast<std::size_t>(out * stride)), from_dense = from_sparse;
        k->sparse({.pattern = pattern.rows,
                   .weight = weight.data(),
                   .columns = batch,
                   .b = x.data(),
                   .b_stride = stride,
                   .bias = bias.data(),
                   .c = from_sparse.data(),
                   .c_stride = stride,
                   .epilogue = Epilogue::kRelu});
        GemmArguments g = product(out, in, batch, dense, x, from_dense);
        g.bias = bias.data();
        g.epilogue = Epilogue::kRelu;
        k->gemm(g);
        CHECK(same_bits(from_sparse, from_dense));
      }
    }
  }
}

TEST_CASE("sparse weight gradients and row sums agree with double loops, and targets to the bit") {
  Stream stream("gradients");
  for (const double density : {0.0, 0.1, 1.0}) {
    for (const int batch : {1, 15, 64, 300}) {
      const int out = 11, in = 23, stride = round_up_to_lanes(batch);
      const RandomPattern pattern(stream, out, in, density);
      AlignedFloats x = random_floats(stream, static_cast<std::size_t>(in * stride));
      AlignedFloats dy = random_floats(stream, static_cast<std::size_t>(out * stride));
      for (int o = 0; o < out; ++o) std::fill(&dy[o * stride + batch], &dy[o * stride] + stride, 0.0f);
      AlignedFloats reference, reference_sums;
      for (const Kernels* k : usable_kernels()) {
        CAPTURE(k->name);
        AlignedFloats gradient(pattern.index.size() + 1, 0.0f), sums(out, 0.0f);
        k->sparse_weight_gradient(pattern.rows, batch, dy.data(), stride, x.data(), stride, gradient.data());
        k->row_sums(out, batch, dy.data(), stride, sums.data());
        if (reference.empty()) {
          reference = gradient;
          reference_sums = sums;
        }
        CHECK(same_bits(gradient, reference));
        CHECK(same_bits(sums, reference_sums));
      }
      for (int o = 0; o < out; ++o) {
        double sum = 0;
        for (int b = 0; b < batch; ++b) sum += dy[o * stride + b];
        CHECK(reference_sums[o] == doctest::Approx(sum).epsilon(1e-4));
        for (std::uint32_t e = pattern.row_begin[o]; e < pattern.row_begin[o + 1]; ++e) {
          double gradient = 0;
          for (int b = 0; b < batch; ++b)
            gradient += static_cast<double>(dy[o * stride + b]) * x[pattern.index[e] * stride + b];
          CHECK(std::abs(reference[e] - gradient) < 2e-5);
        }
      }
    }
  }
}

TEST_CASE("exp, log and tanh are within three units in the last place and equal on every target") {
  AlignedFloats x;
  for (double v = -86; v < 86; v += 0.0173) x.push_back(static_cast<float>(v));
  while (x.size() % kLanes != 0) x.push_back(0.0f);
  AlignedFloats positive = x;
  for (float& v : positive) v = std::exp(v);
  const auto ulp = [](double got, double want) {
    const auto reference = static_cast<float>(want);
    return std::abs(got - want) / (std::nextafter(std::abs(reference), 1e38f) - std::abs(reference));
  };
  AlignedFloats reference[3];
  for (const Kernels* k : usable_kernels()) {
    AlignedFloats y[3] = {AlignedFloats(x.size()), AlignedFloats(x.size()), AlignedFloats(x.size())};
    k->exp(x.data(), y[0].data(), x.size());
    k->log(positive.data(), y[1].data(), x.size());
    k->tanh(x.data(), y[2].data(), x.size());
    double worst[3] = {0, 0, 0};
    for (std::size_t i = 0; i < x.size(); ++i) {
      worst[0] = std::max(worst[0], ulp(y[0][i], std::exp(static_cast<double>(x[i]))));
      worst[1] = std::max(worst[1], ulp(y[1][i], std::log(static_cast<double>(positive[i]))));
      worst[2] = std::max(worst[2], ulp(y[2][i], std::tanh(static_cast<double>(x[i]))));
    }
    for (int f = 0; f < 3; ++f) {
      CAPTURE(f);
      CHECK(worst[f] < 3.0);
      if (reference[f].empty()) reference[f] = y[f];
      CHECK(same_bits(y[f], reference[f]));
    }
  }
}

TEST_CASE("losses, norm and Adam have equal bits on every target, at every batch size") {
  Stream stream("loss bits");
  for (const int batch : {1, 15, 16, 64, 100}) {
    const int actions = 5, stride = round_up_to_lanes(batch);
    const auto columns = static_cast<std::size_t>(stride);
    const AlignedFloats logits = random_floats(stream, actions * columns, 4),
                        values = random_floats(stream, columns);
    const AlignedFloats advantage = random_floats(stream, columns), target = random_floats(stream, columns);
    AlignedFloats old(columns), teacher(actions * columns);
    for (float& p : old) p = static_cast<float>(0.05 + 0.9 * stream.uniform());
    std::vector<std::int32_t> action(columns);
    for (std::int32_t& a : action) a = static_cast<std::int32_t>(stream.below(actions));
    kernels().softmax(actions, batch, random_floats(stream, actions * columns).data(), teacher.data(),
                      stride);
    AlignedFloats reference, reference_adam;
    for (const Kernels* k : usable_kernels()) {
      CAPTURE(k->name);
      AlignedFloats gradient(actions * columns), value_gradient(columns), per_sample(columns),
          clone(actions * columns);
      const PpoLossSums sums = k->ppo_loss({.actions = actions,
                                            .batch = batch,
                                            .logits = logits.data(),
                                            .values = values.data(),
                                            .stride = stride,
                                            .action = action.data(),
                                            .old_probability = old.data(),
                                            .advantage = advantage.data(),
                                            .return_ = target.data(),
                                            .ratio_clip = 0.2f,
                                            .value_coefficient = 0.5f,
                                            .entropy_coefficient = 0.01f,
                                            .logit_gradient = gradient.data(),
                                            .value_gradient = value_gradient.data()});
      const float loss = k->cross_entropy({.actions = actions,
                                           .batch = batch,
                                           .logits = logits.data(),
                                           .teacher_probability = teacher.data(),
                                           .stride = stride,
                                           .logit_gradient = clone.data(),
                                           .loss_per_sample = per_sample.data()});
      AlignedFloats mean_gradient(logits.size()), gaussian_value_gradient(values.size()),
          log_std_gradient(actions), likelihood(values.size());
      const std::vector<float> log_std(static_cast<std::size_t>(actions), -0.3f);
      k->gaussian_log_likelihood(actions, batch, teacher.data(), logits.data(), stride, log_std.data(),
                                 likelihood.data());
      const PpoLossSums gaussian = k->gaussian_ppo_loss({.dimensions = actions,
                                                         .batch = batch,
                                                         .mean = teacher.data(),
                                                         .values = values.data(),
                                                         .stride = stride,
                                                         .log_std = log_std.data(),
                                                         .action = logits.data(),
                                                         .old_log_likelihood = old.data(),
                                                         .advantage = advantage.data(),
                                                         .return_ = target.data(),
                                                         .ratio_clip = 0.2f,
                                                         .value_coefficient = 0.5f,
                                                         .entropy_coefficient = 0.01f,
                                                         .mean_gradient = mean_gradient.data(),
                                                         .value_gradient = gaussian_value_gradient.data(),
                                                         .log_std_gradient = log_std_gradient.data()});
      AlignedFloats all = gradient;
      for (const AlignedFloats* part :
           {&mean_gradient, &gaussian_value_gradient, &log_std_gradient, &likelihood})
        all.insert(all.end(), part->begin(), part->end());
      all.insert(all.end(), {gaussian.policy, gaussian.value, gaussian.entropy});
      all.insert(all.end(), value_gradient.begin(), value_gradient.end());
      all.insert(all.end(), clone.begin(), clone.end());
      all.insert(all.end(),
                 {sums.policy, sums.value, sums.entropy, loss, k->squared_norm(logits.data(), columns)});
      if (reference.empty()) reference = all;
      CHECK(same_bits(all, reference));
      for (int a = 0; a < actions; ++a)
        for (int b = batch; b < stride; ++b) CHECK(gradient[a * stride + b] == 0.0f);

      AlignedFloats w = logits, m(w.size(), 0.1f), v(w.size(), 0.2f);
      k->adam({.learning_rate_over_correction1 = 1e-3f,
               .inverse_sqrt_correction2 = 1.5f,
               .beta1 = 0.9f,
               .beta2 = 0.999f,
               .epsilon = 1e-8f,
               .one_minus_beta1 = 0.1f,
               .one_minus_beta2 = 0.001f,
               .gradient_scale = 0.7f,
               .gradient_decay = 0.1f,
               .parameter_decay = 0.01f},
              w.size(), w.data(), teacher.data(), m.data(), v.data());
      if (reference_adam.empty()) reference_adam = w;
      CHECK(same_bits(w, reference_adam));
    }
  }
}
