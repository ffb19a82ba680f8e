// engine/bench/bench.hpp - what `impsweep bench` measures: each case times our code and, where there is one,
// a reference in the same run, checks that both gave the same answer, and names the kernels that ran.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace impsweep {

struct BenchRow {
  std::string name = "";
  double value = 0;                 // ours, in `unit`
  std::string unit = "";            // "us", "ns/weight", "steps/s" ...
  std::string reference_name = "";  // "LibTorch eager", "OpenBLAS", "own dense"; empty without a reference
  std::optional<double> reference = std::nullopt;  // the reference, in the same unit
  std::optional<double> ratio = std::nullopt;      // how many times faster than the reference
  std::optional<double> target = std::nullopt;  // of the ratio, or of the value where there is no reference
  std::string kernel = "";                      // what ran: instruction set and form
  std::string note = "";                        // e.g. GFLOP/s, or how many weights are effective
};

struct BenchCase {
  std::string name;  // rows begin with it; a filter is matched against it
  std::function<std::vector<BenchRow>()> run;
};

// Every case, in the order of presentation.
std::vector<BenchCase> bench_cases();

// The cases of each file.
std::vector<BenchCase> environment_cases();
std::vector<BenchCase> gymnasium_cases();  // without rows where there is no Gymnasium
std::vector<BenchCase> kernel_cases();
std::vector<BenchCase> update_cases();
std::vector<BenchCase> dqn_cases();
std::vector<BenchCase> training_cases();
std::vector<BenchCase> rank_zero_cases();

// The text of engine/bench/gymnasium_reference.py.
const char* gymnasium_reference();

// ---- the machine

// Single-precision GFLOP/s of fused multiply-adds in registers on one core, by the instruction set in use:
// measured once, at first use.
double peak_gflops();

// ---- timing

// CPU seconds of one call of each function: the smallest mean over repetitions that take turns, so that
// whatever else the machine does meets all alike. Each function is called for about `seconds` in total.
std::vector<double> measure(const std::vector<std::function<void()>>& functions, double seconds = 0.6);

// A row of our time, seconds[0], beside a reference's, seconds[1]: in microseconds, with the kernels in use.
BenchRow comparison(std::string name, std::string reference_name, const std::vector<double>& seconds);

// Throws std::runtime_error "name: answers differ ..." if any pair differs by more than `tolerance` times the
// largest expected magnitude.
void require_close(const std::string& name, const std::vector<float>& found,
                   const std::vector<float>& expected, double tolerance);

// ---- the reference

// OpenBLAS with one thread, by name in the process. c[m][n] = op(a) op(b), row-major.
class OpenBlas {
 public:
  // Nothing if the machine has no OpenBLAS.
  static std::optional<OpenBlas> find();
  void multiply(bool transpose_a, bool transpose_b, int m, int n, int k, const float* a, int lda,
                const float* b, int ldb, float* c, int ldc) const;
  const std::string& version() const { return version_; }

 private:
  void* gemm_ = nullptr;
  std::string version_;
};

// LibTorch with its own choice of instructions, and the check that OpenBLAS stands behind it. Call before the
// first use of LibTorch; throws std::runtime_error with the remedy if another BLAS would be measured.
void prepare_libtorch_as_reference();
void require_openblas_behind_libtorch();

}  // namespace impsweep
