#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <utility>

#include "agents/native/kernels/kernels.hpp"
#include "engine/bench/bench.hpp"
#include "io/process.hpp"

namespace impsweep {
namespace {

constexpr int kRounds = 12;

// CBLAS's constants.
constexpr int kRowMajor = 101, kNoTranspose = 111, kTranspose = 112;
using Gemm = void(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                  const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc);

}  // namespace

double peak_gflops() {
  static const double kPeak = [] {
    constexpr std::int64_t kSteps = 20'000;
    double flop = 0;
    const double seconds = measure({[&] { flop = kernels().multiply_add_chains(kSteps); }}).front();
    return flop / seconds * 1e-9;
  }();
  return kPeak;
}

std::vector<double> measure(const std::vector<std::function<void()>>& functions, double seconds) {
  std::vector<double> best(functions.size(), std::numeric_limits<double>::infinity());
  std::vector<int> calls(functions.size(), 1);
  for (std::size_t i = 0; i < functions.size(); ++i) {  // warms up, and finds how many calls make a round
    functions[i]();
    const double start = thread_cpu_seconds();
    functions[i]();
    const double once = std::max(thread_cpu_seconds() - start, 1e-8);
    calls[i] = std::clamp(static_cast<int>(seconds / kRounds / once), 1, 1'000'000);
  }
  for (int round = 0; round < kRounds; ++round)
    for (std::size_t i = 0; i < functions.size(); ++i) {
      const double start = thread_cpu_seconds();
      for (int call = 0; call < calls[i]; ++call) functions[i]();
      best[i] = std::min(best[i], (thread_cpu_seconds() - start) / calls[i]);
    }
  return best;
}

BenchRow comparison(std::string name, std::string reference_name, const std::vector<double>& seconds) {
  return {.name = std::move(name),
          .value = seconds[0] * 1e6,
          .unit = "us",
          .reference_name = std::move(reference_name),
          .reference = seconds[1] * 1e6,
          .ratio = seconds[1] / seconds[0],
          .kernel = std::string(kernels().name)};
}

void require_close(const std::string& name, const std::vector<float>& found,
                   const std::vector<float>& expected, double tolerance) {
  double gap = found.size() == expected.size() ? 0 : std::numeric_limits<double>::infinity();
  double largest = 0;
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    const double distance = std::abs(double{found[i]} - expected[i]);
    gap = std::isfinite(distance) ? std::max(gap, distance) : std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(double{expected[i]}));
  }
  if (gap > tolerance * largest)
    throw std::runtime_error(
        fmt::format("{}: answers differ by {}, {} of the largest", name, gap, gap / largest));
}

std::optional<OpenBlas> OpenBlas::find() {
  ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
  void* library = ::dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return std::nullopt;
  OpenBlas blas;
  blas.gemm_ = ::dlsym(library, "cblas_sgemm");
  auto* config = reinterpret_cast<char* (*)()>(::dlsym(library, "openblas_get_config"));
  if (blas.gemm_ == nullptr || config == nullptr) return std::nullopt;
  blas.version_ = config();
  return blas;
}

void OpenBlas::multiply(bool transpose_a, bool transpose_b, int m, int n, int k, const float* a, int lda,
                        const float* b, int ldb, float* c, int ldc) const {
  reinterpret_cast<Gemm*>(gemm_)(kRowMajor, transpose_a ? kTranspose : kNoTranspose,
                                 transpose_b ? kTranspose : kNoTranspose, m, n, k, 1.0f, a, lda, b, ldb, 0.0f,
                                 c, ldc);
}

void prepare_libtorch_as_reference() {
  ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
  // Otherwise the module pins both to AVX2, so that results do not depend on the machine.
  ::setenv("ATEN_CPU_CAPABILITY", "avx512", 0);  // LibTorch falls back to what the processor has
  if (__builtin_cpu_supports("avx512f")) ::setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
}

void require_openblas_behind_libtorch() {
  std::ifstream maps("/proc/self/maps");
  bool reference_blas = false, openblas = false;
  for (std::string line; std::getline(maps, line);) {
    openblas |= line.find("openblas") != std::string::npos;
    reference_blas |=
        line.find("/blas/libblas.so") != std::string::npos && line.find("openblas") == std::string::npos;
  }
  if (reference_blas || !openblas)
    throw std::runtime_error(
        "LibTorch would use the slow reference BLAS; install libopenblas0-pthread, or choose it with "
        "`update-alternatives --config libblas.so.3-x86_64-linux-gnu`");
}

std::vector<BenchCase> bench_cases() {
  std::vector<BenchCase> all;
  for (const auto& cases : {environment_cases(), gymnasium_cases(), kernel_cases(), update_cases(),
                            dqn_cases(), training_cases(), rank_zero_cases()})
    all.insert(all.end(), cases.begin(), cases.end());
  return all;
}

}  // namespace impsweep
