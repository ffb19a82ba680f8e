// The kernels under Google Benchmark, one row per kernel, size and instruction set. Every row first compares
// its answer with the scalar twin, bit by bit; a wrong one is reported as an error in place of a time.
#include <benchmark/benchmark.h>

#include <cstring>
#include <functional>
#include <string>

#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/masked_layer.hpp"
#include "envs/random.hpp"

using namespace impsweep;

namespace {

AlignedFloats random_floats(std::size_t count, const char* name) {
  Stream stream(name);
  AlignedFloats values(count);
  for (float& value : values) value = static_cast<float>(2 * stream.uniform() - 1);
  return values;
}

// Runs `work`, which fills `answer`, under the scalar twin and then, timed, under the named kernels.
void time_against_scalar(benchmark::State& state, const std::string& target,
                         const std::function<void()>& work, AlignedFloats& answer, double flop) {
  select_kernels("scalar");
  work();
  const AlignedFloats expected = answer;
  select_kernels(target);
  work();
  if (std::memcmp(answer.data(), expected.data(), answer.size() * sizeof(float)) != 0) {
    state.SkipWithError("differs from the scalar twin");
    return;
  }
  for (auto step : state) work();
  state.counters["GFLOP/s"] = benchmark::Counter(flop * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.SetLabel(std::string(kernels().name));
}

void masked_layer(benchmark::State& state, const std::string& target, int in, int out, int batch,
                  double density) {
  Stream stream("mask");
  std::vector<std::uint8_t> keep(static_cast<std::size_t>(in) * static_cast<std::size_t>(out));
  for (std::uint8_t& kept : keep) kept = stream.uniform() < density ? 1 : 0;
  const MaskedLayer layer(in, out, keep);
  const int columns = round_up_to_lanes(batch), stride = spread_stride(columns);
  AlignedFloats weight(layer.size(), 0.0f), bias(static_cast<std::size_t>(layer.padded_out()), 0.0f);
  layer.for_each_kept(
      [&](int, int, std::size_t place) { weight[place] = static_cast<float>(stream.uniform() - 0.5); });
  const AlignedFloats x = random_floats(static_cast<std::size_t>(in) * stride, "x"),
                      dy = random_floats(static_cast<std::size_t>(out) * stride, "dy");
  const std::size_t outputs = static_cast<std::size_t>(out) * stride,
                    inputs = static_cast<std::size_t>(in) * stride;
  AlignedFloats answer(outputs + inputs + layer.size(), 0.0f), scratch(layer.scratch_size(columns) + 1);
  const auto work = [&] {
    layer.forward(weight.data(), bias.data(), columns, x.data(), answer.data(), Epilogue::kRelu);
    layer.gradients(weight.data(), columns, dy.data(), x.data(), scratch.data(),
                    answer.data() + outputs + inputs, answer.data() + outputs, Epilogue::kNone, nullptr);
  };
  time_against_scalar(state, target, work, answer, 6.0 * static_cast<double>(layer.kept()) * batch);
}

void adam(benchmark::State& state, const std::string& target, std::size_t count) {
  const AlignedFloats gradients = random_floats(count, "gradients");
  const AlignedFloats start = random_floats(count, "parameters");
  AlignedFloats parameters = start, first(count, 0.1f), second(count, 0.2f);
  const AdamArguments arguments = {.learning_rate_over_correction1 = 1e-3f,
                                   .inverse_sqrt_correction2 = 1.0f,
                                   .beta1 = 0.9f,
                                   .beta2 = 0.999f,
                                   .epsilon = 1e-8f,
                                   .one_minus_beta1 = 0.1f,
                                   .one_minus_beta2 = 0.001f};
  const auto work = [&] {
    parameters = start;
    std::fill(first.begin(), first.end(), 0.1f);
    std::fill(second.begin(), second.end(), 0.2f);
    kernels().adam(arguments, count, parameters.data(), gradients.data(), first.data(), second.data());
  };
  time_against_scalar(state, target, work, parameters, 15.0 * static_cast<double>(count));
}

}  // namespace

int main(int argc, char** argv) {
  for (const std::string target : {"scalar", "avx2", "avx512"}) {
    if (find_kernels(target) == nullptr) continue;
    for (const auto& [in, out, batch] :
         {std::tuple{128, 128, 64}, {128, 128, 256}, {512, 256, 256}, {400, 1024, 256}})
      for (const double density : {1.0, 0.33, 0.107, 0.035}) {
        const std::string name = "layer/" + std::to_string(in) + "x" + std::to_string(out) + "/batch-" +
                                 std::to_string(batch) + "/density-" + std::to_string(density).substr(0, 5) +
                                 "/" + target;
        benchmark::RegisterBenchmark(name.c_str(),
                                     [=, in = in, out = out, batch = batch](benchmark::State& state) {
                                       masked_layer(state, target, in, out, batch, density);
                                     });
      }
    benchmark::RegisterBenchmark(("adam/34816/" + target).c_str(),
                                 [=](benchmark::State& state) { adam(state, target, 34816); });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
